/**
 * The search for a linearization of one partition.
 *
 * Contract. Exact: 'found' comes with an order that respects the model and real time; 'none' means that there is no
 * such order; 'limit' means that neither is known. Memory is linear in history and configurations visited.
 *
 * Source: Wing & Gong, "Testing and verifying concurrent objects", JPDC 1993, with the memory of visited
 * configurations of Lowe, "Testing for linearizability", CCPE 2017, as in Porcupine. The search stands at the first
 * return whose operation is not placed yet, the *frontier*; only operations called before it may come next.
 * Where it deviates, each time without losing an order:
 * 1. No linked list of entries: everything that returned before the frontier is placed, nothing called after it is,
 *    so the frontier and one bit for each pending operation say which are (see plan.ts).
 * 2. A pending operation that only observes is placed as soon as its output is allowed, without alternatives: the
 *    rest of any order is still good when such an operation is moved forward out of it.
 * 3. An operation of unknown outcome is only placed as part of a chain that leads up to a known one (see chains.ts).
 * 4. Foresight, where all shapes are known (see foresight.ts).
 */
import { chainsTo, type ChainContext } from './chains.js'
import { strandedUntil, type ForesightContext } from './foresight.js'
import type { Operation } from './history.js'
import { ConfigurationMemo, UsedSets } from './memo.js'
import { refused, type Outcome, type SequentialModel } from './model.js'
import { anywhere, none, type Plan } from './plan.js'

export interface SearchResult<I, O> {
  readonly outcome: 'found' | 'none' | 'limit'
  readonly steps: number
  readonly configurations: number
  /** The order found, or the longest found: the one that got farthest in the history. */
  readonly order: readonly Operation<I, O>[]
  /** The operation that the longest order leaves unplaced at its frontier. */
  readonly blocked: Operation<I, O> | undefined
  /** Only events up to this one were needed to exclude every order. */
  readonly horizon: number
}

interface Choice {
  /** Operations of unknown outcome that take effect first. */
  readonly chain: readonly number[]
  readonly operation: number
}

interface Frame<S> {
  readonly at: number
  readonly state: S
  readonly key: number
  readonly used: number
  readonly path: number
  readonly count: number
  readonly placed: Int32Array
  readonly choices: Iterator<Choice>
}

export function search<S, I, O>(
  plan: Plan<I, O>,
  model: SequentialModel<S, I, O>,
  maxSteps: number,
  foresight: boolean,
): SearchResult<I, O> {
  return new Search(plan, model, maxSteps, foresight && plan.shaped).run()
}

class Search<S, I, O> implements ChainContext<S>, ForesightContext {
  readonly #plan: Plan<I, O>
  readonly #model: SequentialModel<S, I, O>
  readonly #maxSteps: number
  readonly #foresight: boolean
  readonly #usedSets = new UsedSets()
  readonly #memo: ConfigurationMemo
  readonly #stack: Frame<S>[] = []
  #steps = 0
  #horizon = -1

  // The configuration where the search stands; `path` is the last placement of the order that led here.
  #at = 0
  #state: S
  #key = 0
  #used = 0
  #path = 0
  #count = 0
  readonly #placed: Int32Array // bitset over lanes
  readonly #pending: Int32Array // the known operation in each lane, or -1
  readonly #usedOfClass: Int32Array

  // Placements, each with the one before it; unknown operations are numbered after the known ones.
  readonly #pathOperation: number[] = [-1]
  readonly #pathRest: number[] = [0]
  #best = { at: -1, count: 0, path: 0 }

  constructor(plan: Plan<I, O>, model: SequentialModel<S, I, O>, maxSteps: number, foresight: boolean) {
    this.#plan = plan
    this.#model = model
    this.#maxSteps = maxSteps
    this.#foresight = foresight
    this.#state = model.initial
    this.#placed = new Int32Array((plan.laneCount + 31) >> 5)
    this.#pending = new Int32Array(plan.laneCount).fill(-1)
    this.#usedOfClass = new Int32Array(plan.classes.length)
    this.#memo = new ConfigurationMemo(this.#placed.length, this.#usedSets)
  }

  run(): SearchResult<I, O> {
    const end = this.#plan.events.length
    this.#enter()
    while (this.#at < end) {
      const frame = this.#stack.at(-1)
      if (frame === undefined) return this.#result('none')
      if (this.#steps > this.#maxSteps) return this.#result('limit')
      this.#restore(frame)
      const next = frame.choices.next()
      if (next.done === true) this.#stack.pop()
      else if (this.#take(next.value)) this.#enter()
    }
    return this.#result('found')
  }

  // What chains.ts and foresight.ts may ask of the configuration.
  get at(): number {
    return this.#at
  }

  get state(): S {
    return this.#state
  }

  get key(): number {
    return this.#key
  }

  available(index: number): number {
    const member = this.firstUnused(index)
    return member >= 0 && this.#plan.unknownFrom[member]! <= this.#at ? member : -1
  }

  firstUnused(index: number): number {
    return this.#plan.classes[index]!.members[this.#usedOfClass[index]!] ?? -1
  }

  isOpen(operation: number): boolean {
    return this.#plan.callEvent[operation]! >= this.#at || !this.#isPlaced(this.#plan.lane[operation]!)
  }

  pending(): Int32Array {
    return this.#pending
  }

  stepUnknown(state: S, member: number): Outcome<S> {
    this.#steps++
    return this.#model.step(state, this.#plan.unknown[member]!.input, undefined)
  }

  keyOf(state: S): number {
    return this.#plan.intern(this.#model.key(state))
  }

  exhausted(): boolean {
    return this.#steps > this.#maxSteps
  }

  #stepKnown(state: S, key: number, operation: number): Outcome<S> {
    const needs = this.#plan.needs[operation]!
    if (needs !== none && needs !== key) return refused
    this.#steps++
    const { input, output } = this.#plan.operations[operation]!
    return this.#model.step(state, input, output)
  }

  #isPlaced(lane: number): boolean {
    return (this.#placed[lane >> 5]! & (1 << (lane & 31))) !== 0
  }

  #place(operation: number): void {
    const lane = this.#plan.lane[operation]!
    this.#placed[lane >> 5]! |= 1 << (lane & 31)
    this.#count++
    this.#extendPath(operation)
  }

  #extendPath(operation: number): void {
    this.#pathOperation.push(operation)
    this.#pathRest.push(this.#path)
    this.#path = this.#pathOperation.length - 1
  }

  /** Moves on to the next frontier, and stands there unless the configuration is already known. */
  #enter(): void {
    for (const operation of this.#pending) if (operation >= 0) this.#placeObserver(operation)
    this.#advance()
    if (this.#at > this.#best.at || (this.#at === this.#best.at && this.#count > this.#best.count)) {
      this.#best = { at: this.#at, count: this.#count, path: this.#path }
    }
    this.#steps++
    if (this.#at === this.#plan.events.length) return
    this.#horizon = Math.max(this.#horizon, this.#at)
    if (!this.#memo.add(this.#at, this.#placed, this.#key, this.#used)) return
    this.#stack.push({
      at: this.#at,
      state: this.#state,
      key: this.#key,
      used: this.#used,
      path: this.#path,
      count: this.#count,
      placed: this.#placed.slice(),
      choices: this.#choices(),
    })
  }

  #placeObserver(operation: number): void {
    if (this.#plan.gives[operation] !== none || this.#isPlaced(this.#plan.lane[operation]!)) return
    if (this.#stepKnown(this.#state, this.#key, operation) !== refused) this.#place(operation)
  }

  #advance(): void {
    const { events, lane } = this.#plan
    for (; this.#at < events.length; this.#at++) {
      const event = events[this.#at]!
      const operation = event >> 1
      const itsLane = lane[operation]!
      if ((event & 1) === 0) {
        this.#pending[itsLane] = operation
        this.#placeObserver(operation)
      } else {
        if (!this.#isPlaced(itsLane)) return
        this.#placed[itsLane >> 5]! &= ~(1 << (itsLane & 31))
        this.#pending[itsLane] = -1
      }
    }
  }

  #restore(frame: Frame<S>): void {
    const { events, lane, classOf } = this.#plan
    while (this.#at > frame.at) {
      const event = events[--this.#at]!
      this.#pending[lane[event >> 1]!] = event & 1 ? event >> 1 : -1
    }
    for (; this.#used !== frame.used; this.#used = this.#usedSets.rest(this.#used)) {
      this.#usedOfClass[classOf[this.#usedSets.operation(this.#used)]!]!--
    }
    this.#state = frame.state
    this.#key = frame.key
    this.#path = frame.path
    this.#count = frame.count
    this.#placed.set(frame.placed)
  }

  /** What may come next, likeliest first: the frontier's operation, what makes it possible, the other pending ones. */
  *#choices(): Generator<Choice> {
    const { events, needs, returnEvent, lane } = this.#plan
    const first = events[this.#at]! >> 1
    const needed = needs[first]!
    if (this.#foresight && needed !== none && needed !== this.#key && this.#strands(needed)) return
    yield { chain: [], operation: first }
    const enabling: number[] = []
    const others: number[] = []
    for (const operation of this.#pending) {
      if (operation < 0 || operation === first || this.#isPlaced(lane[operation]!)) continue
      const list = this.#enables(operation, first) ? enabling : others
      list.push(operation)
    }
    const byReturn = (a: number, b: number): number => returnEvent[a]! - returnEvent[b]!
    enabling.sort(byReturn)
    others.sort(byReturn)
    for (const operation of enabling) yield { chain: [], operation }
    yield* this.#chainsBefore(first)
    for (const operation of others) yield { chain: [], operation }
    for (const operation of enabling) yield* this.#chainsBefore(operation)
    for (const operation of others) yield* this.#chainsBefore(operation)
  }

  *#chainsBefore(operation: number): Generator<Choice> {
    const { needs, gives, classes } = this.#plan
    const needed = needs[operation]!
    if (classes.length === 0 || needed === this.#key) return
    if (needed === none && gives[operation]! >= 0) return // allowed in every state, with one result
    for (const chain of chainsTo(this.#plan, this, needed)) yield { chain, operation }
  }

  #enables(operation: number, next: number): boolean {
    const { needs, gives } = this.#plan
    if (needs[next] !== none && gives[operation] !== anywhere) return needs[next] === gives[operation]
    const state = this.#stepKnown(this.#state, this.#key, operation)
    return state !== refused && this.#stepKnown(state, this.keyOf(state), next) !== refused
  }

  #take({ chain, operation }: Choice): boolean {
    const left: number[] = []
    for (const member of chain) {
      const state = this.stepUnknown(this.#state, member)
      if (state === refused) return false
      left.push(this.#key)
      this.#state = state
      this.#key = this.keyOf(state)
      this.#used = this.#usedSets.with(member, this.#used)
      this.#usedOfClass[this.#plan.classOf[member]!]!++
      this.#extendPath(this.#plan.operations.length + member)
    }
    const state = this.#stepKnown(this.#state, this.#key, operation)
    if (state === refused) return false
    left.push(this.#key)
    this.#state = state
    this.#key = this.keyOf(state)
    this.#place(operation)
    return !this.#foresight || !left.some((key) => key !== this.#key && this.#strands(key))
  }

  /** True when leaving `key`, or not being in it, dooms an operation; `horizon` then reaches to its return. */
  #strands(key: number): boolean {
    const deadline = strandedUntil(this.#plan, this, key)
    if (deadline !== undefined) this.#horizon = Math.max(this.#horizon, deadline)
    return deadline !== undefined
  }

  #result(outcome: SearchResult<I, O>['outcome']): SearchResult<I, O> {
    const { operations, unknown, events } = this.#plan
    const order: Operation<I, O>[] = []
    for (let path = this.#best.path; path !== 0; path = this.#pathRest[path]!) {
      const operation = this.#pathOperation[path]!
      order.push(operations[operation] ?? unknown[operation - operations.length]!)
    }
    const frontier = events[this.#best.at]
    return {
      outcome,
      steps: this.#steps,
      configurations: this.#memo.size,
      order: order.reverse(),
      blocked: frontier === undefined ? undefined : operations[frontier >> 1],
      horizon: this.#horizon,
    }
  }
}
