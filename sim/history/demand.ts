/**
 * What the history demands of operations of unknown outcome.
 *
 * Contract. Needs the shapes of all operations. An operation that needs a state is an *orphan* when no operation of
 * known outcome can have led to the state that it met: each such was called after the orphan had returned, or was
 * over before something else showed another state before the orphan was called. Then one of unknown outcome did. All
 * that is said here holds in every order:
 * - `hopeless`: an orphan for which there is none; there is no order.
 * - `forced`: an orphan for which there is only one, which hence took effect before the orphan returned.
 * - `demands`: orphans of one state that cannot have met it in the same period, each hence due to another one.
 *
 * Source: the periods are the zones of Gibbons & Korach, "Testing shared memories", SIAM J. Comput. 1997, section 4;
 * here a state may be led to more than once.
 */
import { initialKey, none } from './key-number.js'
import { arrange, type Entry, type Plan } from './plan.js'

type AnyPlan = Plan<unknown, unknown>

/** The plan in which every operation of unknown outcome that is forced has a deadline, and what is demanded there. */
export function anticipate<I, O>(plan: Plan<I, O>): { readonly plan: Plan<I, O>; readonly demand: Demand } {
  if (!plan.shaped) return { plan, demand: { hopeless: undefined, forced: new Map(), demands: new Map() } }
  for (let present = plan; ;) {
    const demand = findDemand(present)
    if (demand.hopeless !== undefined || demand.forced.size === 0) return { plan: present, demand }
    const windows = new Map<unknown, Window>()
    for (const [member, { called, deadline, toldBy }] of demand.forced) {
      windows.set(present.unknown[member], {
        called: called < 0 ? -Infinity : present.positionOf(present.events[called]!),
        deadline: present.positionOf(present.events[deadline]!),
        toldBy: present.positionOf(present.events[toldBy]!),
      })
    }
    const entries = present.entries.map((entry) => {
      const window = windows.get(entry.operation)
      if (window === undefined) return entry
      return {
        ...entry,
        called: Math.max(entry.called, window.called),
        deadline: window.deadline,
        toldBy: window.toldBy,
      }
    })
    entries.sort((a, b) => a.called - b.called || Number(isTold(a)) - Number(isTold(b)))
    present = arrange(entries, plan.intern)
  }
}

/** One of unknown outcome whose positions are those of others. */
const isTold = ({ toldBy }: Entry<unknown, unknown>): boolean => toldBy !== -Infinity

/** Orphans of one state, by return. */
export interface Demands {
  readonly orphans: readonly number[]
  /** For each orphan the largest number of used operations that leaves enough for it and all later ones, less its index. */
  readonly spare: Int32Array
  /** The orphan that this is due to. */
  readonly scarcest: Int32Array
}

interface Window {
  readonly called: number
  readonly deadline: number
  /** The return of the last orphan that tells so. */
  readonly toldBy: number
}

export interface Demand {
  readonly hopeless: number | undefined
  /** By operation of unknown outcome the events between which it took effect. */
  readonly forced: ReadonlyMap<number, Window>
  readonly demands: ReadonlyMap<number, Demands>
}

/** Events before `position` that exclude every order of the plan exclude every order of the events before this one. */
export function withReasons<I, O>(plan: Plan<I, O>, position: number): number {
  const told = plan.entries.filter(isTold)
  let horizon = position
  for (let before = -Infinity; before < horizon;) {
    before = horizon
    for (const { operation, toldBy } of told)
      if (operation.called < horizon) horizon = Math.max(horizon, toldBy)
  }
  return horizon
}

function findDemand(plan: AnyPlan): Demand {
  const { needers, classes, classesGiving, unknownFrom, returnEvent, callEvent, gives } = plan
  const forced = new Map<number, Window>()
  const demands = new Map<number, Demands>()
  let hopeless: number | undefined
  for (const [key, waiting] of needers) {
    const orphans = findOrphans(plan, key, waiting)
    if (orphans.length === 0) continue
    const givers = (classesGiving.get(key) ?? []).flatMap((index) => classes[index]!.members)
    givers.sort((a, b) => unknownFrom[a]! - unknownFrom[b]!)
    const supplies: number[] = []
    const separate: number[] = []
    let supply = 0
    let free = -1 // the last event that the last period may reach
    for (const orphan of orphans) {
      while (supply < givers.length && unknownFrom[givers[supply]!]! <= returnEvent[orphan]!) supply++
      if (supply === 0 && returnEvent[orphan]! < (hopeless === undefined ? Infinity : returnEvent[hopeless]!))
        hopeless = orphan
      if (supply === 1) {
        const before = forced.get(givers[0]!)
        const called = Math.max(before?.called ?? -1, plan.apartBefore(key, callEvent[orphan]!))
        const deadline = before?.deadline ?? returnEvent[orphan]!
        forced.set(givers[0]!, { called, deadline, toldBy: returnEvent[orphan]! })
        if (called >= deadline) hopeless ??= orphan
      }
      if (callEvent[orphan]! <= free) continue
      separate.push(orphan)
      supplies.push(supply)
      free = gives[orphan] === none ? plan.apart(key, returnEvent[orphan]!) : returnEvent[orphan]!
    }
    demands.set(key, weigh(separate, supplies))
  }
  return { hopeless, forced, demands }
}

function findOrphans(plan: AnyPlan, key: number, waiting: readonly number[]): number[] {
  const { givers, callEvent, returnEvent, apart } = plan
  const byCall = givers.get(key) ?? []
  const byReturn: number[] = []
  let called = 0
  let latest = key === initialKey ? 0 : -1
  for (const needer of waiting) {
    while (called < byCall.length && callEvent[byCall[called]!]! < returnEvent[needer]!)
      latest = Math.max(latest, returnEvent[byCall[called++]!]!)
    if (latest < 0 || apart(key, latest) < callEvent[needer]!) byReturn.push(needer)
  }
  return byReturn
}

function weigh(orphans: readonly number[], supplies: readonly number[]): Demands {
  const spare = new Int32Array(orphans.length)
  const scarcest = new Int32Array(orphans.length)
  for (let index = orphans.length - 1; index >= 0; index--) {
    spare[index] = supplies[index]! - index
    scarcest[index] = orphans[index]!
    if (index + 1 < orphans.length && spare[index + 1]! < spare[index]!) {
      spare[index] = spare[index + 1]!
      scarcest[index] = scarcest[index + 1]!
    }
  }
  return { orphans, spare, scarcest }
}
