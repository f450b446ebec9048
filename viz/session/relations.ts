/**
 * What depends on what.
 *
 * Contract. An action depends on an earlier one when it reads or writes a part of the state that the earlier one has
 * changed, directly or through others: what it reads is what its site declares (and the world checks), what was changed
 * is what the execution touched. So the causal past of an action, executed alone and in order, leads to that action with
 * the same parts; what is left out cannot have mattered. Two things are not counted: what is left of a fault's budget,
 * and whether a CPU is in the middle of a copy, which its NIC does not ask about.
 *
 * Through others an action of a busy run depends on most of what was before it. What a person looks for is what it hangs on
 * directly: of each part that it reads or changes the last action that changed it; and the other way round the first
 * actions that read what it has changed, up to the one that overwrites it.
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

export interface Relations {
  readonly past: Uint32Array
  readonly future: Uint32Array
  /** Those without another one between. */
  readonly directPast: Uint32Array
  readonly directFuture: Uint32Array
}

/** Yields how far it has come; returns the actions before and after in order. */
export function* causal(
  branch: Branch,
  action: number,
): Generator<{ done: number; total: number }, Relations> {
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
  const directPast: number[] = []
  want(action)
  const open = wanted.slice()
  const openAsked = asked.slice()
  for (let i = action - 1; i >= 0; i--) {
    if (i % slice === 0) yield { done: action - i, total }
    const fault = isFault[log.site(i)] === 1
    const matters = index
      .touchedBy(i)
      .some((part) => isCounted[part] === 1 && (wanted[part] === 1 || (fault && asked[part] === 1)))
    if (!matters) continue
    past.push(i)
    let isDirect = false
    for (const part of index.touchedBy(i)) {
      if (isCounted[part] === 0 || !(open[part] === 1 || (fault && openAsked[part] === 1))) continue
      isDirect = true
      open[part] = 0
      openAsked[part] = 0
    }
    if (isDirect) directPast.push(i)
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
  const directFuture: number[] = []
  change(action)
  const fresh = changed.slice()
  const freshByFault = changedByFault.slice()
  for (let i = action + 1; i < total; i++) {
    if (i % slice === 0) yield { done: i, total }
    const site = log.site(i)
    const depends =
      reads[site]!.some((part) => changed[part] === 1) ||
      asks[site]!.some((part) => changedByFault[part] === 1) ||
      index.touchedBy(i).some((part) => changed[part] === 1)
    if (!depends) continue
    future.push(i)
    const isDirect =
      reads[site]!.some((part) => fresh[part] === 1) || asks[site]!.some((part) => freshByFault[part] === 1)
    let overwrites = false
    for (const part of index.touchedBy(i)) {
      overwrites ||= fresh[part] === 1
      fresh[part] = 0
      freshByFault[part] = 0
    }
    if (isDirect || overwrites) directFuture.push(i)
    change(i)
  }
  return {
    past: Uint32Array.from(past.reverse()),
    future: Uint32Array.from(future),
    directPast: Uint32Array.from(directPast.reverse()),
    directFuture: Uint32Array.from(directFuture),
  }
}
