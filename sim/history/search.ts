/**
 * The search for a linearization of one partition: a sweep over its events that carries all configurations.
 *
 * Contract. Exact: 'found' comes with an order that respects the model and real time; 'none' means that there is no
 * such order; 'limit' means that neither is known.
 *
 * Source: Wing & Gong, "Testing and verifying concurrent objects", JPDC 1993; just-in-time linearization of Lowe,
 * "Testing for linearizability", CCPE 2017: an operation is placed only where one that returns needs it, so a *slot*
 * before each return ends with the operation that returns. What may stand in a slot is in moves.ts; configurations
 * that others cover are dropped (see configuration.ts).
 *
 * The sweep starts narrow: it carries only the best few configurations (beam search), those that spent the least on
 * operations of unknown outcome. An order found that way is an order all the same. Where none is left it goes back and
 * is wider from there, in the end from the start with all of them; only then, or where nothing was left out before,
 * does it say 'none'. What the history demands of operations of unknown outcome is found first (see demand.ts), and
 * excludes most histories that have no order without any search.
 */
import { add, Configuration, isIn, Level, remove, type Lanes } from './configuration.js'
import { anticipate, withReasons, type Demand } from './demand.js'
import type { Operation } from './history.js'
import type { SequentialModel } from './model.js'
import { Moves, type Choice } from './moves.js'
import { none } from './key-number.js'
import type { Plan } from './plan.js'

export interface SearchResult<I, O> {
  readonly outcome: 'found' | 'none' | 'limit'
  readonly steps: number
  /** The order found, or the longest found: the one that got farthest in the history. */
  readonly order: readonly Operation<I, O>[]
  /** The operation that the longest order leaves unplaced at its end. */
  readonly blocked: Operation<I, O> | undefined
  /** Only events before this position were needed to exclude every order. */
  readonly horizon: number
}

/** A place in the history to go back to. */
interface Mark<S> {
  readonly at: number
  readonly level: readonly Configuration<S>[]
  readonly lanes: Int32Array
  readonly leftOut: boolean
}

const narrow = 3
const growth = 4
/** Chains of operations of unknown outcome that a configuration tries at most, for each configuration of the width. */
const chainsPerWidth = 8
const eventsBetweenMarks = 64
const eventsBack = 64
/** How often the sweep goes back to a use before it goes back farther and farther, and how wide it gets by that. */
const usesTried = 8
const widestByUse = 64
/** What a use costs more each time that something misses the state that it gave; others cost 1. */
const surcharge = 10

/** To explain is to go as far as one narrow sweep without foresight does. */
export function search<S, I, O>(
  plan: Plan<I, O>,
  model: SequentialModel<S, I, O>,
  maxSteps: number,
  purpose: 'decide' | 'explain',
): SearchResult<I, O> {
  if (purpose === 'explain') return new Sweep(plan, model, maxSteps, purpose, new Map()).run()
  const { plan: anticipated, demand } = anticipate(plan)
  const sweep = new Sweep(anticipated, model, maxSteps, purpose, demand.demands)
  return demand.hopeless === undefined ? sweep.run() : sweep.hopeless(demand.hopeless)
}

class Sweep<S, I, O> {
  readonly #plan: Plan<I, O>
  readonly #again: boolean
  readonly #moves: Moves<S, I, O>
  readonly #marks: Mark<S>[] = []
  #level: readonly Configuration<S>[]
  #width = narrow
  /** Whether some configuration was left out that none covers. */
  #leftOut = false
  /** The sweep is narrow again after this event. */
  #wideUntil = Infinity
  /** By event how often the sweep was at an end there. */
  readonly #ends = new Map<number, number>()
  #best = { at: -1, count: -1, path: 0 }

  constructor(
    plan: Plan<I, O>,
    model: SequentialModel<S, I, O>,
    maxSteps: number,
    purpose: 'decide' | 'explain',
    demands: Demand['demands'],
  ) {
    this.#plan = plan
    this.#again = purpose === 'decide'
    const lanes = (): Lanes => new Array<number>((plan.laneCount + 31) >> 5).fill(0)
    const start = new Configuration(
      model.initial,
      0,
      lanes(),
      lanes(),
      new Array<number>(plan.classes.length).fill(0),
      0,
      0,
      0,
      0,
      0,
      0,
    )
    this.#level = [start]
    this.#moves = new Moves(plan, model, maxSteps, purpose === 'decide' && plan.shaped, demands, start)
  }

  /** The result where the demand alone excludes every order. */
  hopeless(operation: number): SearchResult<I, O> {
    this.#moves.horizon = this.#plan.returnEvent[operation]!
    return this.#result('none')
  }

  run(): SearchResult<I, O> {
    const { events } = this.#plan
    const moves = this.#moves
    while (moves.at < events.length) {
      if (moves.at % eventsBetweenMarks === 0) this.#mark()
      const operation = events[moves.at]! >> 1
      if ((events[moves.at]! & 1) === 0) {
        this.#call(operation)
        continue
      }
      moves.horizon = Math.max(moves.horizon, moves.at)
      const next = this.#slot(operation)
      if (moves.exhausted()) return this.#result('limit')
      if (next.length > 0) {
        this.#level = next
        moves.lanes[this.#plan.lane[operation]!] = -1
        moves.at++
        if (moves.at > this.#wideUntil) this.#width = narrow
      } else if (!this.#leftOut) return this.#result('none')
      else if (!this.#again) return this.#result('limit')
      else this.#goBack()
    }
    const { count, path } = this.#level[0]!
    this.#best = { at: moves.at, count, path }
    return this.#result('found')
  }

  #mark(): void {
    const { at, lanes } = this.#moves
    if (at <= (this.#marks.at(-1)?.at ?? -1)) return
    const level = this.#level.map((configuration) => configuration.copy())
    this.#marks.push({ at, level, lanes: lanes.slice(), leftOut: this.#leftOut })
  }

  /**
   * Goes back to before the use of an operation of unknown outcome whose state is now missing: the last one, then the
   * one before, each dearer from now on (conflict-directed backjumping, Prosser 1993; weights as Boussemart et al.
   * 2004). Where there is none, back by a distance that grows.
   */
  #goBack(): void {
    const { missed, prices, at: end } = this.#moves
    const times = (this.#ends.get(end) ?? 0) + 1
    this.#ends.set(end, times)
    const wanted = this.#plan.needs[this.#plan.events[end]! >> 1]!
    if (wanted !== none) missed.add(wanted)
    if (times === 1) for (const key of missed) prices.set(key, (prices.get(key) ?? 1) + surcharge)
    const use = times <= usesTried ? this.#usesOf(missed)[times - 1] : undefined
    const target =
      use === undefined ? end - eventsBack * (times <= 3 ? 2 : growth) ** times : use - eventsBack
    while (this.#marks.length > 1 && this.#marks.at(-1)!.at > target) this.#marks.pop()
    const { at, level, lanes, leftOut } = this.#marks.at(-1)!
    this.#width = narrow * growth ** times
    if (use !== undefined) this.#width = Math.min(this.#width, widestByUse)
    else if (at === 0) this.#width = Infinity
    this.#wideUntil = end + 4 * eventsBack
    this.#level = level.map((configuration) => configuration.copy())
    this.#leftOut = leftOut
    this.#moves.at = at
    this.#moves.lanes = lanes.slice()
  }

  /** The events at which the best configuration used operations of unknown outcome that give one of `keys`, last first. */
  #usesOf(keys: ReadonlySet<number>): readonly number[] {
    const { operations, classes, classOf } = this.#plan
    const path = this.#moves.placements.since(0, this.#level[0]!.path)
    return path.events.filter((_event, index) => {
      const member = path.operations[index]! - operations.length
      return member >= 0 && keys.has(classes[classOf[member]!]!.gives)
    })
  }

  #call(operation: number): void {
    const moves = this.#moves
    const lane = this.#plan.lane[operation]!
    moves.lanes[lane] = operation
    moves.first = -1
    moves.at++
    for (const configuration of this.#level) {
      moves.configuration = configuration
      add(configuration.due, lane)
      remove(configuration.spent, lane)
      moves.placeFreely(operation)
    }
  }

  /** The configurations after the return of `first`, all of them or the best few. */
  #slot(first: number): readonly Configuration<S>[] {
    const { lane, shaped } = this.#plan
    const moves = this.#moves
    const next = new Level<S>(shaped)
    const waiting = new Level<S>(shaped)
    const open: { readonly from: Configuration<S>; readonly choices: Iterator<Choice> }[] = []
    moves.first = first
    moves.missed.clear()
    moves.maxChains = chainsPerWidth * this.#width
    moves.leaveOut = () => {
      this.#leftOut = true
    }
    moves.isThorough = () => {
      if (next.size < this.#width / growth) return true
      this.#leftOut = true
      return false
    }
    /** Says whether it is kept. */
    const put = (configuration: Configuration<S>): boolean => {
      moves.steps++
      if (!isIn(configuration.due, lane[first]!)) {
        remove(configuration.spent, lane[first]!)
        return next.add(configuration)
      }
      if (waiting.size >= 4 * this.#width) {
        this.#leftOut = true
        return false
      }
      if (!waiting.add(configuration)) return false
      this.#remember(configuration)
      open.push({ from: configuration, choices: moves.choices() })
      return true
    }
    for (const configuration of this.#level) for (const it of this.#arrive(configuration, first)) put(it)

    let unkept: Configuration<S> | undefined // to be used again: most are not kept
    // The likeliest choice of each, then the second one of each, and so on.
    for (let left = true; left && !moves.exhausted();) {
      left = false
      for (const { from, choices } of open) {
        moves.configuration = from
        const choice = choices.next()
        if (choice.done === true) continue
        if (next.size >= 2 * this.#width) {
          this.#leftOut = true
          return next.list().slice(0, this.#width)
        }
        left = true
        const configuration: Configuration<S> = unkept ?? from.copy()
        unkept?.become(from)
        moves.configuration = unkept = configuration
        const { size } = moves.placements
        if (moves.take(choice.value)) {
          for (const operation of moves.lanes) if (operation >= 0) moves.placeFreely(operation)
          if (put(configuration)) unkept = undefined
        }
        if (unkept !== undefined) moves.placements.truncate(size)
      }
    }
    return next.list()
  }

  /** What a configuration becomes at the return of `first`; where that is covered, it may still take effect. */
  *#arrive(configuration: Configuration<S>, first: number): Generator<Configuration<S>> {
    const { lane, gives, needs } = this.#plan
    const moves = this.#moves
    const to = gives[first]!
    moves.configuration = configuration
    if (isIn(configuration.due, lane[first]!) || to === none || isIn(configuration.spent, lane[first]!)) {
      yield configuration
      return
    }
    const isUseful = moves.isUseful(to)
    if (to === configuration.key && needs[first] === none) {
      if (isUseful) moves.commit(first)
      else {
        moves.coverAll(first)
        moves.overwrite()
        moves.place(first)
      }
      yield configuration
      return
    }
    const placed = configuration.copy()
    add(configuration.spent, lane[first]!)
    if (to === configuration.key || !moves.strands(to)) yield configuration
    if (!isUseful) return
    moves.configuration = placed
    moves.commit(first)
    yield placed
  }

  #remember({ count, path }: Configuration<S>): void {
    const { at } = this.#moves
    if (at > this.#best.at || (at === this.#best.at && count > this.#best.count))
      this.#best = { at, count, path }
  }

  #result(outcome: SearchResult<I, O>['outcome']): SearchResult<I, O> {
    const { operations, unknown, events } = this.#plan
    const { steps, horizon, placements } = this.#moves
    const path = placements.since(0, this.#best.path).operations
    const placed = new Set(path)
    const order: Operation<I, O>[] = []
    for (const entry of path) {
      if (entry < 0 && placed.has(~entry)) continue
      const operation = entry < 0 ? ~entry : entry
      placed.add(operation)
      order.push(operations[operation] ?? unknown[operation - operations.length]!)
    }
    // Some returns are deadlines of operations of unknown outcome: the return after it is the one that tells them.
    const isReturn = (event: number): boolean =>
      (event & 1) === 1 && operations[event >> 1]!.returned !== Infinity
    const end = events.subarray(Math.max(0, this.#best.at)).find(isReturn)
    return {
      outcome,
      steps,
      order: order.reverse(),
      blocked: end === undefined ? undefined : operations[end >> 1],
      horizon: horizon < 0 ? -1 : withReasons(this.#plan, this.#plan.positionOf(events[horizon]!)),
    }
  }
}
