/**
 * Breadth-first search of a world: all that the inner loops work on, and what they call when a step is not remembered, a
 * property has to be judged, or states must be packed anew.
 *
 * Guarantees. Every choice that a site offers is taken in every state that is expanded. Two states are one only when all
 * their bytes, and what the history property still needs to know, are equal. States are expanded in the order in which
 * they were found, so that the first violation is a nearest one. Other orders (`traversal.ts`) expand states one by one.
 */
import type { World } from '../../sim/world/world.js'
import { CeilingCheck, type Ceilings } from '../ceilings.js'
import { Components } from './components.js'
import { Room } from './growth.js'
import { HistoryResidues } from './history-residues.js'
import { LocalSteps } from './local-steps.js'
import type { KnownAnswers } from './memo-tree.js'
import { Packing } from './packing.js'
import { type Heeds, PartialOrder } from './partial-order.js'
import { Properties } from './properties.js'
import { Symmetry, type SymmetryPlan } from './symmetry.js'
import { Refill, StepTables } from './step-tables.js'
import { States } from './states.js'
import { Takings } from './takings.js'
import { sweepPairs } from './sweep-pairs.js'
import { sweepReduced } from './sweep-reduced.js'
import { sweepTuples } from './sweep-tuples.js'
import type { Traversal } from './traversal.js'
import { type Patience, type PromptKind, urgencyOf } from '../urgency.js'

export interface SearchOptions {
  /** Properties that are not judged. */
  readonly without: readonly string[]
  /** No state is expanded any more when there are so many. */
  readonly mostStates: number
  /** States so many steps from the initial one are not expanded. */
  readonly mostDepth: number
  /** Whether a state without a step that moves something must have reached the goal. */
  readonly findsDeadlock: boolean
  /** Words that a packed state has at least; two, unless the loop for longer ones is to be tried. */
  readonly leastWords: number
  /** Nodes that are interchangeable; of states that differ by their names one is kept. */
  readonly symmetry: SymmetryPlan | undefined
  /** Whether steps that only take something away are left out (see `takings.ts`). */
  readonly skipsTakings: boolean
  /** What partial-order reduction heeds, where it is used. */
  readonly partialOrder: Heeds | undefined
  /** Restrictions of schedules (see `urgency.ts`). */
  readonly prompt: readonly PromptKind[]
  readonly timers: Patience
  /** Greatest values of fields. */
  readonly ceilings: Ceilings
  /** Whether worker threads are to take part: memory is shared with them. */
  readonly isShared: boolean
}

/** With symmetry or partial-order reduction the loops for longer states are used. */
const leastReducedWords = 3
/** So many words have states that are looked up by their number: see `States.find`. */
export const leastNumberedWords = 3

export class Search implements Traversal {
  readonly world: World
  readonly components: Components
  readonly residues: HistoryResidues | undefined
  readonly symmetry: Symmetry | undefined
  readonly steps: LocalSteps
  readonly tables: StepTables
  readonly states: States
  readonly mostStates: number
  readonly hasInvariants: boolean
  readonly findsDeadlock: boolean
  readonly partialOrder: PartialOrder | undefined
  packing: Packing
  moved = 0
  idle = 0
  refused = 0
  /** Steps that are not part of the model, since something would be above its ceiling. */
  beyond = 0
  /** Steps that were left out since they only take something away. */
  takings = 0
  /** The next state to expand. */
  next = 0
  /** Steps from the initial state to `next`. */
  depth = 0
  /** Where the states that far away begin, and where they end. */
  levelBegin = 0
  levelEnd = 1
  /** Whether those of the level that wait are not the last ones: threads have expanded others. */
  isScattered = false
  /** A state from which one step breaks a property, or -1. */
  brokenFrom = -1
  /** A state without steps that has not reached the goal, or -1. */
  stuckAt = -1
  /** How often states were packed anew. */
  repacks = 0
  /** Place of the list of each group for the state at hand. */
  chosenLists: Int32Array
  tablesAreStale = false
  readonly #takings: Takings | undefined
  readonly #properties: Properties
  readonly #mostDepth: number
  readonly #ids: Int32Array

  constructor(world: World, options: SearchOptions) {
    const {
      without,
      mostStates,
      mostDepth,
      findsDeadlock,
      leastWords,
      symmetry,
      ceilings,
      skipsTakings,
      partialOrder,
      prompt,
      timers,
      isShared,
    } = options
    const room = new Room(isShared)
    const { history } = world.model.spec
    this.world = world
    this.mostStates = mostStates
    this.#mostDepth = mostDepth
    this.findsDeadlock = findsDeadlock
    this.components = new Components(world, symmetry?.classOf)
    this.residues =
      history === undefined || without.includes(history.name)
        ? undefined
        : new HistoryResidues(world, history)
    this.#takings = skipsTakings ? new Takings(world, this.components) : undefined
    this.partialOrder =
      partialOrder === undefined
        ? undefined
        : new PartialOrder(world, this.residues?.slot ?? -1, partialOrder)
    this.steps = new LocalSteps(
      world,
      this.components,
      this.residues,
      without,
      new CeilingCheck(world, ceilings),
      this.#takings,
      this.partialOrder?.footprints,
    )
    this.symmetry = symmetry === undefined ? undefined : new Symmetry(world, this.components, symmetry)
    this.packing = new Packing(
      world.memory.parts.length + (this.residues === undefined ? 0 : 1),
      symmetry === undefined && partialOrder === undefined
        ? leastWords
        : Math.max(leastWords, leastReducedWords),
    )
    this.#ids = new Int32Array(this.packing.slots)
    this.#properties = new Properties(world, this.components, this.packing, without, room)
    this.hasInvariants = this.#properties.hasInvariants
    this.tables = new StepTables(
      this.steps,
      world.sites.map((site) => urgencyOf(site, prompt, timers)),
      this.packing,
      this.#properties.stepSlots,
      room,
      partialOrder !== undefined,
    )
    this.chosenLists = new Int32Array(this.tables.groupCount)
    this.states = new States(this.packing.words, room)
    this.#begin()
  }

  #begin(): void {
    const { states, packing } = this
    packing.pack(new Int32Array(packing.slots), states.states, 0)
    states.count = 1
    states.parents[0] = -1
    states.rehash()
    if (this.world.failure !== undefined || !this.stateHolds(0)) this.brokenFrom = 0
    this.#properties.beginSteps(states.states, 0)
    this.regroup()
  }

  /** Whether a wire was full, so that leaving steps out is not known to be harmless. */
  get isSpoiled(): boolean {
    return this.#takings?.filled ?? false
  }
  /** Whether it must begin anew: what was left out so far was left out for reasons that no longer hold. */
  get isOutdated(): boolean {
    return this.partialOrder?.isOutdated ?? false
  }
  /** Slots at which properties have looked. */
  get lookedSlots(): ReadonlySet<number> {
    return this.#properties.lookedSlots
  }
  get evaluated(): number {
    return this.#properties.evaluated
  }
  get isDone(): boolean {
    return (
      this.brokenFrom >= 0 ||
      this.stuckAt >= 0 ||
      this.isOutdated ||
      this.next >= this.states.count ||
      this.states.count >= this.mostStates ||
      this.depth >= this.#mostDepth
    )
  }
  /** Steps from the initial state to the farthest. */
  get farthest(): number {
    return this.states.count > this.levelEnd ? this.depth + 1 : this.depth
  }

  readonly orderBytes = 0
  get expanded(): number {
    return this.next
  }
  /** Whether a state was expanded, as far as that is known. */
  isExpanded(state: number): boolean {
    return state < (this.isScattered ? this.levelBegin : this.next)
  }

  /** Expands up to so many states. */
  advance(most: number): void {
    let left = most
    while (left > 0 && !this.isDone) {
      const begin = this.next
      const end = Math.min(begin + left, this.levelEnd)
      this.#sweep(end)
      left -= Math.max(1, this.next - begin)
      if (this.next === this.levelEnd) this.endLevel()
    }
  }

  /** Makes all lists that the expansion of a state needs; false when the tables were laid out anew meanwhile. */
  prepare(state: number): boolean {
    const { tables, states } = this
    const { layouts } = tables
    for (let group = 0; group < tables.groupCount; group++)
      while (tables.find(group, states.states, state * states.words) === 0) {
        this.fill(group, state)
        if (tables.layouts !== layouts) return false
      }
    return true
  }

  /** Puts the place of each group's list for a state into `chosenLists`; lists that are not known are made. */
  choose(state: number): void {
    const { tables, states } = this
    while (!this.prepare(state));
    for (let group = 0; group < tables.groupCount; group++)
      this.chosenLists[group] = tables.find(group, states.states, state * states.words)
  }

  /** Expands one state, wherever it stands. Leaves `next` behind it. */
  expandOne(state: number): void {
    const { states, mostStates } = this
    this.next = state
    while (
      this.next === state &&
      this.brokenFrom < 0 &&
      this.stuckAt < 0 &&
      !this.isOutdated &&
      states.count < mostStates
    )
      this.#sweep(state + 1)
  }

  #sweep(end: number): void {
    if (this.partialOrder !== undefined) sweepReduced(this, this.partialOrder, end)
    else if (this.states.words === 2) sweepPairs(this, end)
    else sweepTuples(this, end)
  }

  /** Forgets all states but the first; what is known of steps and properties stays. */
  beginAnew(): void {
    this.partialOrder?.beginAnew()
    this.states.count = 1
    this.states.rehash()
    this.next = this.depth = this.levelBegin = 0
    this.levelEnd = 1
    this.moved = this.idle = this.refused = this.beyond = this.takings = 0
  }

  /** All states of the level have been expanded. */
  endLevel(): void {
    this.next = this.levelEnd
    if (this.next === this.states.count) return
    this.depth++
    this.levelBegin = this.levelEnd
    this.levelEnd = this.states.count
  }

  /** What is known of each state invariant, for other threads. */
  get knownInvariants(): KnownAnswers[] {
    return this.#properties.knownInvariants
  }

  /** Makes the list of a group for a state; lays tables out or packs states anew where that needs it. */
  fill(group: number, state: number): void {
    const { states, tables } = this
    switch (tables.fill(group, states.states, state * states.words)) {
      case Refill.regroup:
        this.regroup()
        return
      case Refill.repack:
        this.repack()
        return
      default:
    }
  }

  /** Forgets all lists, and groups sites by what their keys are now. */
  regroup(): void {
    this.tablesAreStale = false
    this.tables.layOut(this.packing)
    this.chosenLists = new Int32Array(this.tables.groupCount)
  }

  /** Packs all states anew, with room for the ids that there are. */
  repack(): void {
    this.repacks++
    const parts = this.world.memory.parts.length
    const counts = Int32Array.from({ length: this.packing.slots }, (_, slot) =>
      slot < parts ? this.components.count(slot) : this.residues!.count,
    )
    const before = this.packing
    this.packing = before.widened(counts)
    this.states.repack(before, this.packing)
    this.#properties.layOut(this.packing)
    this.regroup()
  }

  /** Replaces packed words by those of the state that stands for it; false when an id has no place in its slot. */
  canonicalise(words: Int32Array): boolean {
    const { packing } = this
    const ids = this.#ids
    packing.unpack(words, 0, ids)
    this.symmetry?.canonicalise(ids)
    for (const slot of packing.varying) if (!packing.fits(slot, ids[slot]!)) return false
    packing.pack(ids, words, 0)
    return true
  }

  // ---- judging

  /** Whether a state keeps every state invariant. */
  stateHolds(state: number): boolean {
    const { states, words } = this.states
    return this.#properties.stateHolds(states, state * words)
  }

  /** Whether a step from a state to packed words keeps every step invariant. */
  stepHolds(state: number, next: Int32Array): boolean {
    const { states, words } = this.states
    const { stepSlotsVersion } = this.#properties
    const holds = this.#properties.stepHolds(states, state * words, next, 0)
    if (stepSlotsVersion !== this.#properties.stepSlotsVersion) this.tablesAreStale = true
    return holds
  }

  /** Whether a state from which nothing moves has reached the goal; remembers it where not. */
  mayRest(state: number): boolean {
    if (this.goalReached(state)) return true
    this.stuckAt = state
    return false
  }

  /** Whether the goal of the system is reached in a state. */
  goalReached(state: number): boolean {
    const { states, words } = this.states
    return this.#properties.goalReached(states, state * words)
  }

  /** Bytes of everything that grows with the search. */
  get bytes(): number {
    const { states, tables, steps, components } = this
    return states.bytes + tables.bytes + steps.bytes + components.bytes + this.#properties.bytes
  }
}
