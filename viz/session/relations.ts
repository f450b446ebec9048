/**
 * What depends on what.
 *
 * Contract. An action depends on an earlier one when it reads or writes a part of the state that the earlier one has
 * changed, directly or through others: what it reads is what its site declares (and the world checks), what was changed
 * is what the execution touched. So the causal past of an action, executed alone and in order, leads to that action with
 * the same parts; what is left out cannot have mattered. Two things are not counted: what is left of a fault's budget,
 * and whether a CPU is in the middle of a copy, which its NIC does not ask about.
 */
import { type ActionKind, type Site, type World, isFaultKind } from '../../sim/index.js'
import type { Branch } from './branch.js'

/** What goes on without the CPU: of a node's status only faults concern it. */
const nicKinds: readonly ActionKind[] = ['fetch', 'arrive', 'place', 'answer', 'land', 'complete', 'expire']

interface Footprints {
  /** Per site the parts that it reads, but for the status of nodes when its NIC alone acts. */
  readonly reads: readonly Uint16Array[]
  /** Per site the status parts that it reads, of which only what faults do to them counts. */
  readonly asks: readonly Uint16Array[]
  readonly isCounted: Uint8Array
}

function footprintsOf(world: World): Footprints {
  const { parts } = world.memory
  const isStatus = (part: number): boolean => parts[part]!.kind === 'status'
  const isNic = (site: Site): boolean => nicKinds.includes(site.kind)
  const all = (site: Site): number[] => [...new Set([...site.guards, ...site.reads])]
  return {
    reads: world.sites.map((site) =>
      Uint16Array.from(all(site).filter((part) => !isNic(site) || !isStatus(part))),
    ),
    asks: world.sites.map((site) =>
      Uint16Array.from(all(site).filter((part) => isNic(site) && isStatus(part))),
    ),
    isCounted: Uint8Array.from(parts, ({ kind }) => (kind === 'budgets' ? 0 : 1)),
  }
}

const slice = 65_536

/** Yields how far it has come; returns the actions before and after in order. */
export function* causal(
  branch: Branch,
  action: number,
): Generator<{ done: number; total: number }, { past: Uint32Array; future: Uint32Array }> {
  const { stage, log, index } = branch
  const { world } = stage
  const { reads, asks, isCounted } = footprintsOf(world)
  const isFault = Uint8Array.from(world.sites, ({ kind }) => (isFaultKind(kind) ? 1 : 0))
  const total = index.known
  // Parts that matter, and status parts of which only faults do.
  const wanted = new Uint8Array(world.memory.parts.length)
  const asked = new Uint8Array(world.memory.parts.length)
  const want = (i: number): void => {
    const site = log.site(i)
    for (const part of reads[site]!) wanted[part] = 1
    for (const part of asks[site]!) asked[part] = 1
    for (const part of index.touchedBy(i)) wanted[part] = 1
  }
  const past: number[] = []
  want(action)
  for (let i = action - 1; i >= 0; i--) {
    if (i % slice === 0) yield { done: action - i, total }
    const fault = isFault[log.site(i)] === 1
    const matters = index
      .touchedBy(i)
      .some((part) => isCounted[part] === 1 && (wanted[part] === 1 || (fault && asked[part] === 1)))
    if (!matters) continue
    past.push(i)
    want(i)
  }
  const changed = new Uint8Array(world.memory.parts.length)
  const changedByFault = new Uint8Array(world.memory.parts.length)
  const change = (i: number): void => {
    const fault = isFault[log.site(i)] === 1
    for (const part of index.touchedBy(i))
      if (isCounted[part] === 1) {
        changed[part] = 1
        if (fault) changedByFault[part] = 1
      }
  }
  const future: number[] = []
  change(action)
  for (let i = action + 1; i < total; i++) {
    if (i % slice === 0) yield { done: i, total }
    const site = log.site(i)
    const depends =
      reads[site]!.some((part) => changed[part] === 1) ||
      asks[site]!.some((part) => changedByFault[part] === 1) ||
      index.touchedBy(i).some((part) => changed[part] === 1)
    if (!depends) continue
    future.push(i)
    change(i)
  }
  return { past: Uint32Array.from(past.reverse()), future: Uint32Array.from(future) }
}

/**
 * The actions that carried a client's operation: those that lie on a way from its call to its end along messages and
 * operations, and along what a CPU did after something had reached it.
 */
export function* follow(
  branch: Branch,
  client: number,
  position: number,
): Generator<{ done: number; total: number }, Uint32Array> {
  const { index, stage, log } = branch
  const own = (i: number): boolean => {
    const event = index.clients.events[i]!
    return event.client === client && event.position === position
  }
  const events = index.clients.events.flatMap((_, i) => (own(i) ? [i] : []))
  if (events.length === 0) return new Uint32Array(0)
  const first = index.clientActions.at(events[0]!)
  const ended = events.length > 1
  const last = ended ? index.clientActions.at(events[events.length - 1]!) : index.known - 1
  const { sites } = stage.info
  // Reached from the call: arrows, and nodes.
  const arrows = new Set<number>(index.arrows.touching(first))
  const nodes = new Uint8Array(stage.world.nodeCount)
  const forward: number[] = [first]
  for (let i = first + 1; i <= last; i++) {
    if (i % slice === 0) yield { done: i - first, total: last - first }
    const touching = index.arrows.touching(i)
    const { node } = sites[log.site(i)]!
    if (!touching.some((arrow) => arrows.has(arrow)) && (node < 0 || nodes[node] === 0)) continue
    forward.push(i)
    for (const arrow of touching) arrows.add(arrow)
    if (node >= 0) nodes[node] = 1
  }
  if (!ended) return Uint32Array.from(forward.filter((i) => index.arrows.touching(i).length > 0))
  // And leading to its end.
  const leading = new Set<number>(index.arrows.touching(last))
  const from = new Uint8Array(stage.world.nodeCount)
  const both: number[] = [last]
  for (let k = forward.length - 1; k >= 0; k--) {
    const i = forward[k]!
    if (i === last) continue
    const touching = index.arrows.touching(i)
    const { node } = sites[log.site(i)]!
    const carries = touching.some((arrow) => leading.has(arrow))
    if (!carries && (node < 0 || from[node] === 0)) continue
    for (const arrow of touching) leading.add(arrow)
    if (node >= 0) from[node] = 1
    if (touching.length > 0) both.push(i)
  }
  return Uint32Array.from(both.sort((a, b) => a - b))
}
