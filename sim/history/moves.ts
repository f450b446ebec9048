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
 * 5. Foresight (see foresight.ts).
 */
import { chainsTo, type ChainContext } from './chains.js'
import { add, isIn, remove, type Configuration } from './configuration.js'
import { canBeSeen, strandedUntil, type ForesightContext } from './foresight.js'
import { refused, type Outcome, type SequentialModel } from './model.js'
import { anywhere, none, type Plan } from './plan.js'

export interface Choice {
  /** Operations of unknown outcome that take effect first. */
  readonly chain: readonly number[]
  readonly operation: number
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

  // Placements, each with the one before it. Unknown operations are numbered after the known ones; ~operation says
  // that an operation is covered here, and is only meant where it has no other place.
  readonly pathOperation: number[] = [-1]
  readonly pathRest: number[] = [0]
  readonly #plan: Plan<I, O>
  readonly #model: SequentialModel<S, I, O>
  readonly #maxSteps: number
  readonly #foresight: boolean

  constructor(
    plan: Plan<I, O>,
    model: SequentialModel<S, I, O>,
    maxSteps: number,
    foresight: boolean,
    start: Configuration<S>,
  ) {
    this.#plan = plan
    this.#model = model
    this.#maxSteps = maxSteps
    this.#foresight = foresight
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
    this.pathOperation.push(operation)
    this.pathRest.push(this.configuration.path)
    this.configuration.path = this.pathOperation.length - 1
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
    const { needs, gives, returnEvent, lane, shaped, classes, classOf } = this.#plan
    const needed = needs[first]!
    if (needed !== none && needed !== c.key && this.strands(needed)) return
    yield { chain: [], operation: first }
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
    if (!isDead) yield* this.#chainsBefore(first)
    for (const operation of others) if (this.#mayServe(operation)) yield { chain: [], operation }
    if (classes.length > 0 && !this.isThorough()) return
    for (const operation of [...enabling, ...others]) {
      for (const choice of this.#chainsBefore(operation)) {
        if (isDead && classes[classOf[choice.chain[0]!]!]!.needs === none) continue
        yield choice
      }
    }
  }

  /** Does placing it before the first return serve anything that is pending? */
  #mayServe(operation: number): boolean {
    const { shaped, needs, gives, lane } = this.#plan
    if (!shaped) return true
    if (gives[operation] === none) return false
    const key = gives[operation]!
    if (needs[operation] !== none) return needs[operation] === this.configuration.key
    if (key === this.configuration.key) return false
    for (const other of this.lanes) {
      if (other < 0) continue
      if (needs[other] === none && gives[other] === none && isIn(this.configuration.due, lane[other]!))
        return true
      if (needs[other] !== key) continue
      if (
        isIn(this.configuration.due, lane[other]!) ||
        (gives[other] !== none && !isIn(this.configuration.spent, lane[other]!))
      )
        return true
    }
    return (this.#plan.classesNeeding.get(key) ?? []).some((index) => this.available(index) >= 0)
  }

  *#chainsBefore(operation: number): Generator<Choice> {
    const { needs, gives, classes } = this.#plan
    const needed = needs[operation]!
    if (classes.length === 0 || needed === this.configuration.key) return
    if (needed === none && gives[operation]! >= 0) return // allowed in every state, with one result
    for (const chain of chainsTo(this.#plan, this, needed)) {
      if (!this.#isKnownAvailable(chain[0]!)) yield { chain, operation }
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

  take({ chain, operation }: Choice): boolean {
    const { shaped, classes, classOf, needs, gives } = this.#plan
    const c = this.configuration
    const left: number[] = []
    for (const member of chain) {
      const state = this.stepUnknown(c.state, member)
      if (state === refused) return false
      left.push(c.key)
      if (shaped && classes[classOf[member]!]!.needs === none) this.coverAll(-1)
      c.state = state
      c.key = this.keyOf(state)
      c.used = c.used.slice()
      c.used[classOf[member]!]!++
      c.usedCount++
      this.#extendPath(this.#plan.operations.length + member)
    }
    const state = this.#stepKnown(c.state, c.key, operation)
    if (state === refused) return false
    left.push(c.key)
    if (shaped && needs[operation] === none && gives[operation] !== none) this.coverAll(operation)
    c.state = state
    c.key = this.keyOf(state)
    this.place(operation)
    return !left.some((key) => key !== c.key && this.strands(key))
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
    const deadline = strandedUntil(this.#plan, this, key)
    if (deadline !== undefined) this.horizon = Math.max(this.horizon, deadline)
    return deadline !== undefined
  }
}
