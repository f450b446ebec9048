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
 * The sweep starts narrow: it carries only the best few configurations. An order found that way is an order all the
 * same. Where none is left it goes back and is wider from there, first a little, in the end from the start with all
 * of them; only then, or where nothing was left out before, does it say 'none'.
 */
import { add, Configuration, isIn, Level, remove } from './configuration.js'
import type { Operation } from './history.js'
import type { SequentialModel } from './model.js'
import { Moves, type Choice } from './moves.js'
import { none, type Plan } from './plan.js'

export interface SearchResult<I, O> {
  readonly outcome: 'found' | 'none' | 'limit'
  readonly steps: number
  /** The order found, or the longest found: the one that got farthest in the history. */
  readonly order: readonly Operation<I, O>[]
  /** The operation that the longest order leaves unplaced at its end. */
  readonly blocked: Operation<I, O> | undefined
  /** Only events up to this one were needed to exclude every order. */
  readonly horizon: number
}

/** A place in the history to go back to. */
interface Mark<S> {
  readonly at: number
  readonly level: readonly Configuration<S>[]
  readonly lanes: Int32Array
  readonly leftOut: boolean
}

const narrow = 4
const growth = 4
const eventsBetweenMarks = 64
const eventsBack = 64

/** To explain is to go as far as one narrow sweep without foresight does. */
export function search<S, I, O>(
  plan: Plan<I, O>,
  model: SequentialModel<S, I, O>,
  maxSteps: number,
  purpose: 'decide' | 'explain',
): SearchResult<I, O> {
  return new Sweep(plan, model, maxSteps, purpose).run()
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
  #farthest = 0
  #retries = 0
  #best = { at: -1, count: -1, path: 0 }

  constructor(
    plan: Plan<I, O>,
    model: SequentialModel<S, I, O>,
    maxSteps: number,
    purpose: 'decide' | 'explain',
  ) {
    this.#plan = plan
    this.#again = purpose === 'decide'
    const lanes = (): Int32Array => new Int32Array((plan.laneCount + 31) >> 5)
    const start = new Configuration(
      model.initial,
      0,
      lanes(),
      lanes(),
      new Int32Array(plan.classes.length),
      0,
      0,
      0,
    )
    this.#level = [start]
    this.#moves = new Moves(plan, model, maxSteps, purpose === 'decide' && plan.shaped, start)
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
        if (this.#retries > 0 && moves.at > this.#farthest + 4 * eventsBack) {
          this.#retries = 0
          this.#width = narrow
        }
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

  #goBack(): void {
    this.#farthest = Math.max(this.#farthest, this.#moves.at)
    this.#retries++
    const target = this.#farthest - eventsBack * growth ** this.#retries
    while (this.#marks.length > 1 && this.#marks.at(-1)!.at > target) this.#marks.pop()
    const { at, level, lanes, leftOut } = this.#marks.at(-1)!
    this.#width = at === 0 ? Infinity : this.#width * growth
    this.#level = level.map((configuration) => configuration.copy())
    this.#leftOut = leftOut
    this.#moves.at = at
    this.#moves.lanes = lanes.slice()
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
    moves.isThorough = () => {
      if (next.size === 0 || this.#width === Infinity) return true
      this.#leftOut = true
      return false
    }
    const put = (configuration: Configuration<S>): void => {
      moves.steps++
      if (!isIn(configuration.due, lane[first]!)) {
        remove(configuration.spent, lane[first]!)
        next.add(configuration)
      } else if (waiting.size >= 4 * this.#width) this.#leftOut = true
      else if (waiting.add(configuration)) {
        this.#remember(configuration)
        open.push({ from: configuration, choices: moves.choices() })
      }
    }
    for (const configuration of this.#level) for (const it of this.#arrive(configuration, first)) put(it)

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
        moves.configuration = from.copy()
        if (!moves.take(choice.value)) continue
        for (const operation of moves.lanes) if (operation >= 0) moves.placeFreely(operation)
        put(moves.configuration)
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
    const { steps, horizon, pathOperation, pathRest } = this.#moves
    const path: number[] = []
    for (let end = this.#best.path; end !== 0; end = pathRest[end]!) path.push(pathOperation[end]!)
    const placed = new Set(path)
    const order: Operation<I, O>[] = []
    for (const entry of path) {
      if (entry < 0 && placed.has(~entry)) continue
      const operation = entry < 0 ? ~entry : entry
      placed.add(operation)
      order.push(operations[operation] ?? unknown[operation - operations.length]!)
    }
    const end = events[this.#best.at]
    const blocked = end === undefined ? undefined : operations[end >> 1]
    return { outcome, steps, order: order.reverse(), blocked, horizon }
  }
}
