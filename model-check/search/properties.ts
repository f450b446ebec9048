/**
 * State invariants and step invariants of packed states, remembered by the slots that they look at. A property must look
 * at a state through the observer that it is given, in every evaluation anew, as the contract of specs has it.
 */
import type { StateInvariant, StepInvariant } from '../../protocol/index.js'
import type { World } from '../../sim/world/world.js'
import type { Components } from './components.js'
import type { Room } from './growth.js'
import { type KnownAnswers, MemoTree } from './memo-tree.js'
import type { Packing } from './packing.js'
import { TupleTable } from './tuple-table.js'
import { WatchedObserver } from './watched-observer.js'

/** The answer of an invariant that holds. */
export const holds = 0
const broken = 1

interface JudgedStep {
  readonly invariant: StepInvariant
  /** What it remembers of a state, as a number. */
  readonly residues: MemoTree
  readonly contents: TupleTable
  /** Pairs of residues, with 1 for those that are known to hold by themselves. */
  readonly pairs: TupleTable
  readonly pairHolds: boolean[]
  /** Per pair that depends on more: in which states after the step it is known to hold. */
  readonly pairTrees: (MemoTree | undefined)[]
  readonly before: Float64Array
  readonly after: Float64Array
}

export class Properties {
  /** Evaluations of properties that were not remembered. */
  evaluated = 0
  readonly hasInvariants: boolean
  /** Slots at which step invariants look, as far as is known; and how often that grew. */
  readonly stepSlots = new Set<number>()
  stepSlotsVersion = 0
  /** Slots at which any property of states or steps has looked. */
  readonly lookedSlots = new Set<number>()
  readonly #components: Components
  readonly #observer: WatchedObserver
  readonly #invariants: readonly { readonly invariant: StateInvariant; readonly tree: MemoTree }[]
  readonly #steps: readonly JudgedStep[]
  readonly #goal: MemoTree
  readonly #isGoal: (observer: WatchedObserver) => boolean
  readonly #ids: Int32Array
  #packing: Packing

  constructor(
    world: World,
    components: Components,
    packing: Packing,
    without: readonly string[],
    room: Room,
  ) {
    const { invariants, stepInvariants, goal } = world.model.spec
    this.#components = components
    this.#packing = packing
    this.#observer = new WatchedObserver(world)
    this.#invariants = invariants
      .filter(({ name }) => !without.includes(name))
      .map((invariant) => ({ invariant, tree: new MemoTree(packing, room) }))
    this.#steps = stepInvariants
      .filter(({ name }) => !without.includes(name))
      .map((invariant) => ({
        invariant,
        residues: new MemoTree(packing),
        contents: new TupleTable(2 * invariant.residue),
        pairs: new TupleTable(2),
        pairHolds: [],
        pairTrees: [],
        before: new Float64Array(invariant.residue),
        after: new Float64Array(invariant.residue),
      }))
    this.hasInvariants = this.#invariants.length > 0
    this.#goal = new MemoTree(packing)
    this.#isGoal = (observer) => goal.reached(observer)
    this.#ids = new Int32Array(packing.slots)
  }

  /** States are packed in another way from now on. */
  layOut(packing: Packing): void {
    this.#packing = packing
    for (const { tree } of this.#invariants) tree.clear(packing)
    for (const { residues, pairTrees } of this.#steps) {
      residues.clear(packing)
      pairTrees.length = 0
    }
    this.#goal.clear(packing)
  }

  /** Looks at the initial state as step invariants do, so that it is known where they look. */
  beginSteps(states: Int32Array, at: number): void {
    for (const step of this.#steps) this.#residueOf(step, states, at)
  }

  /** Whether every state invariant holds in a packed state. */
  stateHolds(states: Int32Array, at: number): boolean {
    const invariants = this.#invariants
    for (let i = 0; i < invariants.length; i++) {
      const { tree, invariant } = invariants[i]!
      let answer = tree.find(states, at)
      if (answer < 0) {
        this.#hold(states, at)
        answer = invariant.check(this.#observer) === undefined ? holds : broken
        tree.learn(states, at, this.#observer.looked, answer)
        for (const slot of this.#observer.looked) this.lookedSlots.add(slot)
      }
      if (answer === broken) return false
    }
    return true
  }

  /** What is known of each state invariant, for another thread: answer {@link holds}. */
  get knownInvariants(): KnownAnswers[] {
    return this.#invariants.map(({ tree }) => tree.known)
  }

  /** Whether the goal is reached in a packed state. */
  goalReached(states: Int32Array, at: number): boolean {
    let answer = this.#goal.find(states, at)
    if (answer < 0) {
      this.#hold(states, at)
      answer = this.#isGoal(this.#observer) ? holds : broken
      this.#goal.learn(states, at, this.#observer.looked, answer)
    }
    return answer === holds
  }

  /** Whether every step invariant holds of a step between two packed states. */
  stepHolds(states: Int32Array, from: number, next: Int32Array, to: number): boolean {
    for (const step of this.#steps) {
      const before = this.#residueOf(step, states, from)
      const after = this.#residueOf(step, next, to)
      const pair = step.pairs.intern(Int32Array.of(before, after))
      if (step.pairHolds[pair] === true || step.pairTrees[pair]?.find(next, to) === holds) continue
      this.#hold(next, to)
      this.#load(step.contents, before, step.before)
      this.#load(step.contents, after, step.after)
      if (step.invariant.check(step.before, step.after, this.#observer) !== undefined) return false
      const { looked } = this.#observer
      if (looked.length === 0) step.pairHolds[pair] = true
      else (step.pairTrees[pair] ??= new MemoTree(this.#packing)).learn(next, to, looked, holds)
      this.#noteStepSlots()
    }
    return true
  }

  #residueOf(step: JudgedStep, states: Int32Array, at: number): number {
    const known = step.residues.find(states, at)
    if (known >= 0) return known
    this.#hold(states, at)
    const { after, contents } = step
    after.fill(0)
    step.invariant.remember(this.#observer, after)
    const residue = contents.intern(new Uint32Array(after.buffer))
    step.residues.learn(states, at, this.#observer.looked, residue)
    this.#noteStepSlots()
    return residue
  }

  #load(contents: TupleTable, residue: number, into: Float64Array): void {
    const start = residue * contents.width
    new Int32Array(into.buffer).set(contents.tuples.subarray(start, start + contents.width))
  }

  #noteStepSlots(): void {
    for (const slot of this.#observer.looked) {
      this.lookedSlots.add(slot)
      if (this.stepSlots.has(slot)) continue
      this.stepSlots.add(slot)
      this.stepSlotsVersion++
    }
  }

  /** Puts the state into the world's memory, for a look at it. */
  #hold(states: Int32Array, at: number): void {
    this.evaluated++
    this.#packing.unpack(states, at, this.#ids)
    this.#components.holdAll(this.#ids)
    this.#observer.begin()
  }

  get bytes(): number {
    let bytes = this.#goal.bytes
    for (const { tree } of this.#invariants) bytes += tree.bytes
    for (const { residues, pairTrees } of this.#steps) {
      bytes += residues.bytes
      for (const tree of pairTrees) bytes += tree?.bytes ?? 0
    }
    return bytes
  }
}
