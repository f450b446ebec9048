/**
 * Symmetry: nodes that run the same core and differ by nothing but their numbers are interchangeable, so of all states
 * that differ by a renaming of them one is enough. It is found by sorting the nodes of the group by what belongs to each
 * of them: its own parts, its channels with the nodes outside the group, and what these remember of it.
 *
 * This is exact as long as nothing ties two nodes of the group together: their own bytes name no node, and they send
 * each other nothing. Where that is not so, or node numbers may hide in bytes, symmetry is refused. Whether steps really
 * do not care for the numbers is tried beforehand (`equivariance.ts`).
 */
import { type AnyLayout, type NodeId, isLeaf, namesNodes, rename } from '../../protocol/index.js'
import type { World } from '../../sim/world/world.js'
import type { Components } from './components.js'

/** Symmetry cannot be used, and why. */
export class SymmetryRefused extends Error {
  override readonly name = 'SymmetryRefused'
}

export interface SymmetryPlan {
  /** Interchangeable nodes in ascending order. */
  readonly group: readonly NodeId[]
  /** Per part its class: parts of one class have contents in common. */
  readonly classOf: Int32Array
  /** Per node its own parts, in the same order for all nodes of the group. */
  readonly owned: readonly (readonly number[])[]
  /** Parts of other nodes that name nodes. */
  readonly naming: readonly number[]
}

/** Finds the largest group of interchangeable nodes; throws SymmetryRefused when there is none, or when it is not sure. */
export function planSymmetry(world: World, spared: readonly (readonly NodeId[])[]): SymmetryPlan {
  const { model, memory } = world
  const refuse = (why: string): never => {
    throw new SymmetryRefused(why)
  }
  const { network } = model
  if (model.workload !== undefined) refuse('the clients of the system choose nodes by their numbers')
  if (model.fabric !== undefined) refuse('requests of queue pairs hold addresses whose nodes are not known')
  if (model.disk !== undefined) refuse('what is on the disks may hold numbers of nodes')
  if (world.knobs.poll === 'loads' && model.cores.some(({ regions }) => regions.length > 0))
    refuse('effects that wait behind a publish may hold numbers of nodes (--poll atomic)')
  if (world.sites.some(({ kind }) => kind === 'cut' || kind === 'sever') && cutsAreBudgeted(world))
    refuse('links that are cut are known by the numbers of nodes')
  if (network !== undefined && network.layout === undefined)
    refuse(
      'the network does not declare the layout of its messages (`layout`), which may hold numbers of nodes',
    )
  if (network?.layout !== undefined && namesNodes(network.layout)) refuse('messages name nodes')
  const group = largestGroup(world, spared)
  if (group.length < 2) refuse('no two nodes run the same core and are struck by the same faults')
  const owned = world.nodes.map(({ index }) =>
    memory.parts.filter((part) => part.node === index).map((part) => part.index),
  )
  for (const part of owned[group[0]!]!)
    if (namesNodes(memory.parts[part]!.layout))
      refuse(`${memory.parts[part]!.name} names nodes, and the nodes of the group must not know each other`)
  const classOf = classesOf(world, group, owned)
  if (!beginAlike(world, classOf)) refuse('the nodes do not begin alike')
  const naming = memory.parts
    .filter((part) => part.node >= 0 && !group.includes(part.node) && namesNodes(part.layout))
    .map((part) => part.index)
  return { group, classOf, owned, naming }
}

function cutsAreBudgeted(world: World): boolean {
  return (['cut', 'heal', 'sever', 'mend'] as const).some((kind) => world.canBe(kind))
}

/** Nodes that share a core and are in the same lists of spared nodes. */
function largestGroup(world: World, spared: readonly (readonly NodeId[])[]): NodeId[] {
  const groups = new Map<unknown, Map<string, NodeId[]>>()
  for (const { index, definition } of world.nodes) {
    const fate = spared.map((list) => (list.includes(index) ? 1 : 0)).join()
    const byFate = groups.get(definition) ?? new Map<string, NodeId[]>()
    groups.set(definition, byFate)
    byFate.set(fate, [...(byFate.get(fate) ?? []), index])
  }
  const all = [...groups.values()].flatMap((byFate) => [...byFate.values()])
  return all.reduce((best, each) => (each.length > best.length ? each : best), [])
}

function classesOf(world: World, group: readonly NodeId[], owned: SymmetryPlan['owned']): Int32Array {
  const classOf = Int32Array.from(world.memory.parts, ({ index }) => index)
  const first = group[0]!
  for (const node of group) owned[node]!.forEach((part, i) => (classOf[part] = owned[first]![i]!))
  const channel = (from: NodeId, to: NodeId): number | undefined =>
    world.channels[from * world.nodeCount + to]?.part.index
  for (const other of world.nodes) {
    if (group.includes(other.index)) continue
    for (const node of group) {
      const [to, toFirst] = [channel(other.index, node), channel(other.index, first)]
      if (to !== undefined && toFirst !== undefined) classOf[to] = toFirst
      const [from, fromFirst] = [channel(node, other.index), channel(first, other.index)]
      if (from !== undefined && fromFirst !== undefined) classOf[from] = fromFirst
    }
  }
  return classOf
}

function beginAlike({ memory }: World, classOf: Int32Array): boolean {
  return memory.parts.every((part) => {
    const like = memory.parts[classOf[part.index]!]!
    for (let i = 0; i < part.sizeBytes; i++)
      if (memory.bytes[part.offset + i] !== memory.bytes[like.offset + i]) return false
    return true
  })
}

/** What the bytes of a layout say of one node, whatever the other nodes are called. */
function mentions(layout: AnyLayout, memory: DataView, base: number, node: NodeId, into: number[]): void {
  if (isLeaf(layout)) {
    if (layout.kind === 'nodeId') into.push(memory.getUint8(base) === node ? 1 : 0)
    else if (layout.kind === 'nodeSet') into.push((memory.getUint32(base, true) >>> node) & 1)
    else if (layout.kind === 'remoteAddress') throw new SymmetryRefused('remote addresses name nodes')
    return
  }
  if (layout.kind === 'struct') {
    for (const field of layout.fields) mentions(field.layout, memory, base + field.offset, node, into)
    return
  }
  if (layout.kind === 'perNode') {
    const start = base + node * layout.strideBytes
    if (namesNodes(layout.item)) throw new SymmetryRefused('a per-node array holds names of nodes')
    for (let i = 0; i < layout.strideBytes; i++) into.push(memory.getUint8(start + i))
    return
  }
  if (!namesNodes(layout.item)) return
  if (layout.kind === 'ring') throw new SymmetryRefused('a ring holds names of nodes')
  for (let i = 0; i < layout.length; i++)
    mentions(layout.item, memory, base + i * layout.strideBytes, node, into)
}

export class Symmetry {
  readonly group: readonly NodeId[]
  readonly #world: World
  readonly #components: Components
  readonly #naming: readonly number[]
  /** Per node of the group the slots that go with it, in the same order. */
  readonly #goesWith: readonly Int32Array[]
  /** Channels inside the group. */
  readonly #inside: Int32Array
  /** Per naming part and id what it says of each node, as numbers. */
  readonly #said = new Map<number, number>()
  readonly #saidNumbers = new Map<string, number>()
  readonly #swapped = new Map<number, number>()
  /** Per node of the group a row of what it is sorted by. */
  readonly #rows: Int32Array[]
  readonly #order: number[]

  constructor(world: World, components: Components, { group, owned, naming }: SymmetryPlan) {
    this.#world = world
    this.#components = components
    this.group = group
    this.#naming = naming
    const others = world.nodes.map(({ index }) => index).filter((node) => !group.includes(node))
    const channel = (from: NodeId, to: NodeId): number[] => {
      const found = world.channels[from * world.nodeCount + to]
      return found === undefined ? [] : [found.part.index]
    }
    this.#goesWith = group.map((node) =>
      Int32Array.from([
        ...owned[node]!,
        ...others.flatMap((other) => [...channel(other, node), ...channel(node, other)]),
      ]),
    )
    this.#inside = Int32Array.from(group.flatMap((from) => group.flatMap((to) => channel(from, to))))
    const width = this.#goesWith[0]!.length + naming.length
    this.#rows = group.map(() => new Int32Array(width))
    this.#order = group.map((_, i) => i)
  }

  /** Renames the nodes of a state so that all states that differ by a renaming become the same one. */
  canonicalise(ids: Int32Array): void {
    for (let i = 0; i < this.#inside.length; i++)
      if (ids[this.#inside[i]!] !== 0)
        throw new SymmetryRefused('interchangeable nodes send each other messages')
    const { group } = this
    const rows = this.#rows
    const order = this.#order
    for (let i = 0; i < group.length; i++) {
      order[i] = i
      this.#describe(ids, i, rows[i]!)
    }
    // Selection sort: the fewest swaps, and those are what costs.
    for (let i = 0; i < group.length; i++) {
      let least = i
      for (let k = i + 1; k < group.length; k++)
        if (compareRows(rows[order[k]!]!, rows[order[least]!]!) < 0) least = k
      if (least === i || compareRows(rows[order[least]!]!, rows[order[i]!]!) === 0) continue
      const row = order[least]!
      order[least] = order[i]!
      order[i] = row
      this.#swap(ids, i, least)
    }
  }

  #describe(ids: Int32Array, i: number, row: Int32Array): void {
    const slots = this.#goesWith[i]!
    for (let k = 0; k < slots.length; k++) row[k] = ids[slots[k]!]!
    for (let k = 0; k < this.#naming.length; k++) {
      const slot = this.#naming[k]!
      row[slots.length + k] = this.#saidOf(slot, ids[slot]!, this.group[i]!)
    }
  }

  #swap(ids: Int32Array, i: number, k: number): void {
    const a = this.#goesWith[i]!
    const b = this.#goesWith[k]!
    for (let at = 0; at < a.length; at++) {
      const id = ids[a[at]!]!
      ids[a[at]!] = ids[b[at]!]!
      ids[b[at]!] = id
    }
    for (const slot of this.#naming)
      ids[slot] = this.#swappedOf(slot, ids[slot]!, this.group[i]!, this.group[k]!)
  }

  /** What the contents of a part say of a node, as a number: equal numbers for equal sayings. */
  #saidOf(slot: number, id: number, node: NodeId): number {
    const key = (id * this.#world.memory.parts.length + slot) * this.#world.nodeCount + node
    const known = this.#said.get(key)
    if (known !== undefined) return known
    const content = this.#components.content(slot, id)
    const list: number[] = []
    mentions(this.#world.memory.parts[slot]!.layout, new DataView(content.buffer), 0, node, list)
    const text = list.join()
    const number = this.#saidNumbers.get(text) ?? this.#saidNumbers.size
    this.#saidNumbers.set(text, number)
    this.#said.set(key, number)
    return number
  }

  /** The contents of a part when two nodes have changed their names. */
  #swappedOf(slot: number, id: number, a: NodeId, b: NodeId): number {
    const nodes = this.#world.nodeCount
    const key = ((id * this.#world.memory.parts.length + slot) * nodes + a) * nodes + b
    const known = this.#swapped.get(key)
    if (known !== undefined) return known
    const content = this.#components.content(slot, id)
    const layout = this.#world.memory.parts[slot]!.layout
    rename(layout, new DataView(content.buffer), 0, transposition(nodes, a, b))
    const swapped = this.#components.intern(slot, content)
    this.#swapped.set(key, swapped)
    return swapped
  }
}

export function transposition(nodes: number, a: NodeId, b: NodeId): Uint8Array {
  const permutation = Uint8Array.from({ length: nodes }, (_, node) => node)
  permutation[a] = b
  permutation[b] = a
  return permutation
}

function compareRows(a: Int32Array, b: Int32Array): number {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return a[i]! - b[i]!
  return 0
}
