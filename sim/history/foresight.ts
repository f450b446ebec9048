/**
 * Foresight: a configuration is hopeless when an operation needs a state that nothing left can bring back in time.
 *
 * Contract. Needs the shapes of all operations. A necessary condition only: it looks at the operation with the
 * earliest return among those that need the state, and at whether any operation called before that return, of known
 * or unknown outcome, is left that leads to the state. So what it excludes has no order, and what it lets pass may
 * have none either.
 */
import type { Demands } from './demand.js'
import { none } from './key-number.js'
import type { Plan } from './plan.js'

export interface ForesightContext {
  /** The event of the frontier. */
  readonly at: number
  readonly key: number
  /** The known operation in each lane, or -1. */
  pending(): Int32Array
  /** Whether an operation that has not returned before the frontier is still to be placed. */
  isOpen(operation: number): boolean
  /** Whether a pending operation can still change the state. */
  isAvailable(operation: number): boolean
  /** The first member of a class that has not been used, or -1. */
  firstUnused(index: number): number
  usedOf(index: number): number
}

/** The return event of the operation that will find no `key`, which is not the present one; or undefined. */
export function strandedUntil(
  plan: Plan<unknown, unknown>,
  demands: ReadonlyMap<number, Demands>,
  context: ForesightContext,
  key: number,
): number | undefined {
  const { needers, apart, givers, gives, callEvent, returnEvent, classesGiving, unknownFrom } = plan
  const waiting = needers.get(key)
  if (waiting === undefined) return undefined
  let index = firstAtLeast(waiting, returnEvent, context.at)
  while (index < waiting.length && !context.isOpen(waiting[index]!)) index++
  if (index === waiting.length) return undefined

  const deadline = returnEvent[waiting[index]!]!
  for (const operation of context.pending()) {
    if (operation >= 0 && gives[operation] === key && context.isAvailable(operation)) return undefined
  }
  const later = givers.get(key) ?? []
  const giver = later[firstAtLeast(later, callEvent, context.at)]
  if (giver !== undefined && callEvent[giver]! < deadline) return undefined
  let isLeft = false
  let used = 1
  for (const itsClass of classesGiving.get(key) ?? []) {
    const member = context.firstUnused(itsClass)
    isLeft ||= member >= 0 && unknownFrom[member]! <= deadline
    used += context.usedOf(itsClass)
  }
  if (!isLeft) return deadline
  const demanded = demands.get(key)
  if (demanded === undefined) return undefined
  // One more is used now, and those that need the state in a later period must find others.
  const free = gives[waiting[index]!] === none ? apart(key, deadline) : deadline
  return missing(plan, demanded, firstAtLeast(demanded.orphans, callEvent, free + 1), used)
}

function missing(
  { returnEvent }: Plan<unknown, unknown>,
  demanded: Demands,
  from: number,
  used: number,
): number | undefined {
  const { orphans, spare, scarcest } = demanded
  if (from >= orphans.length) return undefined
  return used > spare[from]! + from - 1 ? returnEvent[scarcest[from]!]! : undefined
}

/**
 * The return event of the last of those operations that need `key` and find too few of unknown outcome left that lead
 * to it; or undefined.
 */
export function shortUntil(
  plan: Plan<unknown, unknown>,
  demands: ReadonlyMap<number, Demands>,
  context: ForesightContext,
  key: number,
): number | undefined {
  const demanded = demands.get(key)
  if (demanded === undefined) return undefined
  const { orphans } = demanded
  const { callEvent, classesGiving } = plan
  let index = firstAtLeast(orphans, callEvent, context.at)
  // The present period serves one of them at most.
  if (
    key === context.key &&
    index < orphans.length &&
    plan.apart(key, context.at) >= callEvent[orphans[index]!]!
  )
    index++
  let used = 0
  for (const itsClass of classesGiving.get(key) ?? []) used += context.usedOf(itsClass)
  return missing(plan, demanded, index, used)
}

/** Can an operation that is still to be placed see `key`, if the state is `key` from now on? When unsure, yes. */
export function canBeSeen(plan: Plan<unknown, unknown>, context: ForesightContext, key: number): boolean {
  const { needs, gives, needersByCall, watchers, callEvent, apart, classesNeeding, unknownFrom } = plan
  for (const operation of context.pending()) {
    if (operation < 0 || !context.isAvailable(operation)) continue
    if (gives[operation]! >= 0 && needs[operation] === key) return true
    if (!context.isOpen(operation)) continue
    if (needs[operation] === key || (needs[operation] === none && gives[operation] === none)) return true
  }
  const end = apart(key, context.at)
  for (const index of classesNeeding.get(key) ?? []) {
    const member = context.firstUnused(index)
    if (member >= 0 && unknownFrom[member]! < end) return true
  }
  for (const later of [watchers, needersByCall.get(key) ?? []]) {
    const next = later[firstAtLeast(later, callEvent, context.at)]
    if (next !== undefined && callEvent[next]! < end) return true
  }
  return false
}

/** The first index whose operation has an event of at least `event`; operations are sorted by it. */
function firstAtLeast(operations: readonly number[], eventOf: Int32Array, event: number): number {
  let low = 0
  let high = operations.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (eventOf[operations[middle]!]! < event) low = middle + 1
    else high = middle
  }
  return low
}
