/**
 * What an order may do next at one configuration, and what becomes of the configuration.
 *
 * Contract. Without losing an order:
 * 1. A pending operation that only observes is placed as soon as its output is allowed: the rest of any order is still
 *    good when such an operation is moved forward out of it.
 * 2. An operation of unknown outcome is only placed as part of a chain that leads up to a known one (see chains.ts).
 * And where all shapes are known:
 * 3. What a blind write overwrites nobody need have seen: when one is placed, every other pending blind write has a
 *    place just before it, and so has one compare-and-set from the state that is left. So has a blind write of the
 *    present state. Such operations are *covered*: not due, but still able to take effect later instead.
 * 4. A covered operation takes effect at its return only where the state that it gives is *useful*: some operation
 *    can see it before another one must change it. Another blind write is placed before the first return only where a
 *    pending operation, or an unknown one, needs its state. Compare-and-sets of the present state are always tried.
 * 5. What is *hidden* right before a blind write needs no state before it and leaves none: a blind write of unknown
 *    outcome, the operations that observe it, and one that needs it. It is chosen late, when the first return turns out
 *    to need it, at the last blind write since its call.
 * 6. Foresight (see foresight.ts, distance.ts).
 */
import { chains, type ChainContext } from './chains.js'
import type { Demand } from './demand.js'
import { distancesTo, near, type Distance } from './distance.js'
import { add, isIn, remove, type Configuration } from './configuration.js'
import { canBeSeen, shortUntil, strandedUntil, type ForesightContext } from './foresight.js'
import { refused, type Outcome, type SequentialModel } from './model.js'
import { anywhere, none } from './key-number.js'
import { Placements } from './placements.js'
import type { Plan } from './plan.js'
import { mayServe } from './serve.js'

export interface Choice {
  /** Operations of unknown outcome that take effect first. */
  readonly chain: readonly number[]
  readonly operation: number
  /** All of it takes effect where the state was last overwritten, and leaves the present state as it is. */
  readonly isHidden?: boolean
}

export class Moves<S, I, O> implements ChainContext<S>, ForesightContext {
  /** The configuration that is asked about and changed. */
  configuration: Configuration<S>
  /** The next event, and the operation whose return it is. */
  at = 0
  first = -1
  /** The known operation in each lane, or -1. */
  lanes: Int32Array
  steps = 0
  /** Only events up to this one were needed to exclude what was excluded. */
  horizon = -1
  /** Whether unlikely choices are wanted too; says no only where the caller takes note. */
  isThorough: () => boolean = () => true
  /** How many chains one configuration may try, and what to call where there are more. */
  maxChains = Infinity
  leaveOut: () => void = () => undefined
  /** By key what it costs to use an operation of unknown outcome that gives it; 1 where absent. */
  readonly prices = new Map<number, number>()
  /** The keys that some operation was found to miss, since the caller cleared them. */
  readonly missed = new Set<number>()

  readonly placements = new Placements()
  readonly #plan: Plan<I, O>
  readonly #model: SequentialModel<S, I, O>
  readonly #maxSteps: number
  readonly #foresight: boolean
  readonly #demands: Demand['demands']

  constructor(
    plan: Plan<I, O>,
    model: SequentialModel<S, I, O>,
    maxSteps: number,
    foresight: boolean,
    demands: Demand['demands'],
    start: Configuration<S>,
  ) {
    this.#plan = plan
    this.#model = model
    this.#maxSteps = maxSteps
    this.#foresight = foresight
    this.#demands = demands
    this.configuration = start
    this.lanes = new Int32Array(plan.laneCount).fill(-1)
  }

  get state(): S {
    return this.configuration.state
  }

  get key(): number {
    return this.configuration.key
  }

  available(index: number): number {
    const member = this.firstUnused(index)
    return member >= 0 && this.#plan.unknownFrom[member]! <= this.at ? member : -1
  }

  firstUnused(index: number): number {
    return this.#plan.classes[index]!.members[this.configuration.used[index]!] ?? -1
  }

  usedOf(index: number): number {
    return this.configuration.used[index]!
  }

  isOpen(operation: number): boolean {
    return (
      this.#plan.callEvent[operation]! >= this.at || isIn(this.configuration.due, this.#plan.lane[operation]!)
    )
  }

  isAvailable(operation: number): boolean {
    return !isIn(this.configuration.spent, this.#plan.lane[operation]!)
  }

  pending(): Int32Array {
    return this.lanes
  }

  stepUnknown(state: S, member: number): Outcome<S> {
    this.steps++
    return this.#model.step(state, this.#plan.unknown[member]!.input, undefined)
  }

  keyOf(state: S): number {
    return this.#plan.intern(this.#model.key(state))
  }

  countStep(): void {
    this.steps++
  }

  exhausted(): boolean {
    return this.steps > this.#maxSteps
  }

  #stepKnown(state: S, key: number, operation: number): Outcome<S> {
    const needs = this.#plan.needs[operation]!
    if (needs !== none && needs !== key) return refused
    this.steps++
    const { input, output } = this.#plan.operations[operation]!
    return this.#model.step(state, input, output)
  }

  place(operation: number): void {
    const lane = this.#plan.lane[operation]!
    if (isIn(this.configuration.due, lane)) this.configuration.count++
    remove(this.configuration.due, lane)
    if (this.#plan.gives[operation] !== none) add(this.configuration.spent, lane)
    this.#extendPath(operation)
  }

  /** The operation has a place here, before what comes next; it may still get a later one. */
  #cover(operation: number): void {
    remove(this.configuration.due, this.#plan.lane[operation]!)
    this.configuration.count++
    this.#extendPath(~operation)
  }

  /** A covered operation gives up its place and takes effect later. */
  commit(operation: number): void {
    const lane = this.#plan.lane[operation]!
    if (isIn(this.configuration.due, lane)) return
    add(this.configuration.due, lane)
    this.configuration.count--
  }

  #extendPath(operation: number): void {
    const { configuration, placements, at } = this
    configuration.path = placements.extend(configuration.path, operation, at)
  }

  /** Places what can be placed without alternatives. */
  placeFreely(operation: number): void {
    const { gives, needs, lane, shaped } = this.#plan
    if (!isIn(this.configuration.due, lane[operation]!)) return
    if (gives[operation] === none) {
      if (this.#stepKnown(this.configuration.state, this.configuration.key, operation) !== refused)
        this.place(operation)
    } else if (
      shaped &&
      operation !== this.first &&
      gives[operation] === this.configuration.key &&
      needs[operation] === none
    )
      this.#cover(operation)
  }

  isUseful(key: number): boolean {
    return this.#plan.shaped && canBeSeen(this.#plan, this, key)
  }

  /** What may come next, likeliest first; the configuration must be the same whenever the next is asked for. */
  *choices(): Generator<Choice> {
    const { first, configuration: c } = this
    const { needs, gives, returnEvent, lane, shaped, classes } = this.#plan
    const needed = needs[first]!
    if (needed !== none && needed !== c.key && this.strands(needed)) return
    if (needed === none || needed === c.key) yield { chain: [], operation: first }
    const isDead = shaped && needed === none && gives[first]! >= 0 && !this.isUseful(gives[first]!)
    const enabling: number[] = []
    const others: number[] = []
    for (const operation of this.lanes) {
      if (operation < 0 || operation === first || isIn(c.spent, lane[operation]!)) continue
      if (gives[operation] === none && !isIn(c.due, lane[operation]!)) continue
      if (isDead && needs[operation] === none && gives[operation] !== none) continue
      const list = this.#enables(operation, first) ? enabling : others
      list.push(operation)
    }
    const byReturn = (a: number, b: number): number => returnEvent[a]! - returnEvent[b]!
    enabling.sort(byReturn)
    others.sort(byReturn)
    for (const operation of enabling) yield { chain: [], operation }
    if (shaped) yield* this.#hidden(first)
    const distance =
      shaped && needed !== none && needed !== c.key ? distancesTo(this.#plan, this, needed) : near
    if (distance(c.key) === Infinity) return
    for (const operation of others) {
      if (!mayServe(this.#plan, this, operation)) continue
      if (gives[operation]! >= 0 && distance(gives[operation]!) === Infinity) continue
      yield { chain: [], operation }
    }
    if (classes.length > 0) yield* this.#chained([first, ...enabling, ...others], distance, isDead)
  }

  /** Chains and what they lead up to. */
  *#chained(operations: readonly number[], distance: Distance, isDead: boolean): Generator<Choice> {
    const { first, key } = this
    const { needs, gives, classes, classOf } = this.#plan
    // Not those that are allowed already, nor those that are allowed in every state, with one result.
    const led = operations.filter((it) => needs[it] !== key && (needs[it] !== none || gives[it]! < 0))
    if (led.length === 0 || (led[0] !== first && !this.isThorough())) return
    let tried = 0
    for (const chain of chains(this.#plan, this, distance)) {
      const isThorough = this.isThorough()
      if (!isThorough && led[0] !== first) return
      if (tried++ >= (isThorough ? this.maxChains : 1)) {
        this.leaveOut()
        return
      }
      if (this.#isKnownAvailable(chain.members[0]!)) continue
      const isFree = classes[classOf[chain.members[0]!]!]!.needs === none
      for (const operation of isThorough ? led : [first]) {
        if (isDead && (isFree || operation === first)) continue
        if (needs[operation] !== none && needs[operation] !== chain.key) continue
        if (operation !== first && gives[operation]! >= 0 && distance(gives[operation]!) === Infinity)
          continue
        yield { chain: chain.members, operation }
      }
    }
  }

  /** A pending write of the same state is better, since it cannot be used later than its return. */
  #isKnownAvailable(member: number): boolean {
    const { shaped, classes, classOf, needs, gives } = this.#plan
    const itsClass = classes[classOf[member]!]!
    if (!shaped || itsClass.needs !== none) return false
    const isLike = (it: number): boolean => needs[it] === none && gives[it] === itsClass.gives
    return this.lanes.some((it) => it >= 0 && it !== this.first && isLike(it) && this.isAvailable(it))
  }

  #enables(operation: number, next: number): boolean {
    const { needs, gives } = this.#plan
    if (needs[next] !== none && gives[operation] !== anywhere) return needs[next] === gives[operation]
    const state = this.#stepKnown(this.configuration.state, this.configuration.key, operation)
    return state !== refused && this.#stepKnown(state, this.keyOf(state), next) !== refused
  }

  /** A blind write is placed next. */
  overwrite(): void {
    if (this.#plan.freeClasses.length === 0) return
    this.configuration.overwrittenAt = this.at
    this.configuration.overwrittenPath = this.configuration.path
  }

  /** What can be hidden at the last blind write so that `first` has a place. */
  *#hidden(first: number): Generator<Choice> {
    const { needs, gives, classes, classesGiving, freeClasses, unknownFrom, callEvent } = this.#plan
    const at = this.configuration.overwrittenAt
    // `at` is the event of a return: what was called before it was pending, and has not returned since.
    if (callEvent[first]! >= at || (needs[first] === none && gives[first] !== none)) return
    for (const index of needs[first] === none ? freeClasses : (classesGiving.get(needs[first]!) ?? [])) {
      const member = this.firstUnused(index)
      if (classes[index]!.needs !== none || classes[index]!.gives === this.key) continue
      if (member >= 0 && unknownFrom[member]! <= at)
        yield { chain: [member], operation: first, isHidden: true }
    }
  }

  #hide(member: number, operation: number): boolean {
    const { gives, lane, callEvent } = this.#plan
    const c = this.configuration
    const state = this.stepUnknown(c.state, member)
    if (state === refused) return false
    const key = this.keyOf(state)
    if (this.#stepKnown(state, key, operation) === refused) return false
    const later = this.placements.since(c.overwrittenPath, c.path).operations
    c.path = c.overwrittenPath
    this.#use(member, key)
    for (const other of this.lanes) {
      if (other < 0 || other === operation || gives[other] !== none || !isIn(c.due, lane[other]!)) continue
      if (callEvent[other]! < c.overwrittenAt && this.#stepKnown(state, key, other) !== refused)
        this.place(other)
    }
    this.place(operation)
    c.overwrittenPath = c.path
    for (const entry of later.reverse()) this.#extendPath(entry)
    return !this.#lacks(key)
  }

  /** An operation of unknown outcome takes effect and gives `key`. */
  #use(member: number, key: number): void {
    const used = this.configuration.used.slice()
    used[this.#plan.classOf[member]!]!++
    this.configuration.used = used
    this.configuration.usedCount++
    this.configuration.price += this.prices.get(key) ?? 1
    this.#extendPath(this.#plan.operations.length + member)
  }

  take({ chain, operation, isHidden }: Choice): boolean {
    if (isHidden) return this.#hide(chain[0]!, operation)
    const { shaped, classes, classOf, needs, gives } = this.#plan
    const c = this.configuration
    const left: number[] = []
    for (const member of chain) {
      const state = this.stepUnknown(c.state, member)
      if (state === refused) return false
      left.push(c.key)
      if (shaped && classes[classOf[member]!]!.needs === none) {
        this.coverAll(-1)
        this.overwrite()
      }
      c.state = state
      c.key = this.keyOf(state)
      this.#use(member, c.key)
    }
    const state = this.#stepKnown(c.state, c.key, operation)
    if (state === refused) return false
    left.push(c.key)
    if (shaped && needs[operation] === none && gives[operation] !== none) {
      this.coverAll(operation)
      this.overwrite()
    }
    c.state = state
    c.key = this.keyOf(state)
    this.place(operation)
    if (left.some((key) => key !== c.key && this.strands(key))) return false
    return chain.length === 0 || !left.some((key) => this.#lacks(key))
  }

  /** A blind write is about to be placed. */
  coverAll(operation: number): void {
    const { needs, gives, lane, returnEvent } = this.#plan
    const { key, due } = this.configuration
    let replacer = -1
    const blind: number[] = []
    for (const other of this.lanes) {
      if (other < 0 || gives[other] === none || other === this.first || other === operation) continue
      if (!isIn(due, lane[other]!)) continue
      if (needs[other] === none) blind.push(other)
      else if (needs[other] === key && (replacer < 0 || returnEvent[other]! < returnEvent[replacer]!)) {
        replacer = other
      }
    }
    if (replacer >= 0) this.#cover(replacer)
    for (const other of blind) this.#cover(other)
  }

  /** True when leaving `key`, or not being in it, dooms an operation; `horizon` then reaches to its return. */
  strands(key: number): boolean {
    if (!this.#foresight) return false
    return (
      this.#isMissed(key, strandedUntil(this.#plan, this.#demands, this, key)) ||
      (key !== this.key && this.#lacks(key))
    )
  }

  /** True when too few operations of unknown outcome are left that give `key`. */
  #lacks(key: number): boolean {
    return this.#foresight && this.#isMissed(key, shortUntil(this.#plan, this.#demands, this, key))
  }

  #isMissed(key: number, until: number | undefined): boolean {
    if (until === undefined) return false
    this.missed.add(key)
    this.horizon = Math.max(this.horizon, until)
    return true
  }
}
