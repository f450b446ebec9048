/**
 * The outcomes of a litmus program by the model checker's search: interned parts and remembered local steps instead of
 * whole worlds. The search finds all states of the program's world; then those that the program means are gone through,
 * in which a fault strikes only where it says. Steps that are no faults are taken from what the search remembers.
 */
import type { LitmusProgram } from '../../model-check/litmus/index.js'
import { FaultSites } from '../../model-check/litmus/fault-sites.js'
import { litmusWorld } from '../../model-check/litmus/system.js'
import { OutcomeView, outcomeKey } from '../../model-check/litmus/values.js'
import { Search } from '../../model-check/search/search.js'
import { StateGraph } from '../../model-check/search/state-graph.js'
import { type Site, isFaultKind } from '../../sim/world/site.js'

export interface MemoisedOutcomes {
  readonly isComplete: boolean
  readonly states: number
  readonly outcomes: readonly string[]
  /** Whether some state has no way without faults to one at rest. */
  readonly isRestless: boolean
  /** Share of the steps of the search that were remembered. */
  readonly hitRate: number
}

export function memoisedOutcomes(program: LitmusProgram, mostStates: number): MemoisedOutcomes {
  const world = litmusWorld(program)
  const search = new Search(world, {
    // What the enumerator does not judge either.
    without: ['outcome'],
    mostStates,
    mostDepth: Infinity,
    findsDeadlock: false,
    leastWords: 3,
    symmetry: undefined,
    skipsTakings: false,
    prompt: [],
    timers: 'eager',
    partialOrder: undefined,
    ceilings: {},
    isShared: false,
  })
  while (!search.isDone) search.advance(10_000)
  if (search.brokenFrom >= 0) throw new Error('an assertion failed')
  const graph = new StateGraph(search, search)
  while (graph.advance(10_000));
  const steps = search.moved + search.idle + search.refused
  const walk = new Meant(program, search, graph)
  return {
    isComplete: search.next === search.states.count,
    ...walk.run(),
    hitRate: 1 - search.steps.executed / Math.max(1, steps),
  }
}

/** Goes through the states that the program means. */
class Meant {
  readonly #search: Search
  readonly #graph: StateGraph
  readonly #view: OutcomeView
  readonly #faults: FaultSites
  readonly #ids: Int32Array
  readonly #packed: Int32Array
  readonly #known = new Map<number, Set<number>>([[0, new Set()]])
  readonly #finals: number[] = []

  constructor(program: LitmusProgram, search: Search, graph: StateGraph) {
    this.#search = search
    this.#graph = graph
    this.#view = new OutcomeView(program, search.world)
    this.#faults = new FaultSites(program, search.world, this.#view)
    this.#ids = new Int32Array(search.packing.slots)
    this.#packed = new Int32Array(search.states.words)
  }

  run(): Pick<MemoisedOutcomes, 'states' | 'outcomes' | 'isRestless'> {
    const outcomes = new Set<string>()
    for (const state of this.#known.keys()) {
      if (this.#expand(state)) continue
      this.#finals.push(state)
      this.#hold(state)
      outcomes.add(outcomeKey(this.#view.outcome()))
    }
    return {
      states: this.#known.size,
      outcomes: [...outcomes].sort(),
      isRestless: this.#comingToRest().size < this.#known.size,
    }
  }

  /** Takes every step that the program means in a state; whether there is one that is no free fault. */
  #expand(state: number): boolean {
    const { world } = this.#search
    const { offsets, targets, sites } = this.#graph
    this.#hold(state)
    const pinned = this.#faults.pinned()
    let goesOn = false
    for (let edge = offsets[state]!; edge < offsets[state + 1]!; edge++) {
      const site = world.sites[sites[edge]!]!
      if (isFaultKind(site.kind) || pinned.some(({ input }) => input === site.index)) continue
      this.#arrive(state, targets[edge]!, true)
      goesOn = true
    }
    for (const site of world.sites)
      if (isFaultKind(site.kind) && this.#faults.isFree(site))
        this.#strike(state, site, undefined, (choice) => this.#faults.isFreeChoice(site, choice), false)
    for (const { input, sites: struck, accepts } of pinned) {
      this.#hold(state)
      if (!isArmed(world.sites[input]!, world.memory.words)) continue
      for (const site of struck)
        if (this.#strike(state, site, input, (choice) => accepts(site, choice), true)) goesOn = true
    }
    return goesOn
  }

  /** Takes a fault, after the step of the thread that has come to it if there is one; whether it was possible. */
  #strike(
    state: number,
    site: Site,
    input: number | undefined,
    accepts: (choice: number) => boolean,
    isMeant: boolean,
  ): boolean {
    const { world } = this.#search
    let isPossible = false
    for (let choice = 0; ; choice++) {
      this.#hold(state)
      if (input !== undefined) world.step(input, 0)
      if (!isArmed(site, world.memory.words) || choice >= site.armed()) break
      if (!accepts(choice)) continue
      world.step(site.index, choice)
      this.#arrive(state, this.#held(), isMeant)
      isPossible = true
    }
    this.#held()
    return isPossible
  }

  #arrive(from: number, to: number, isMeant: boolean): void {
    if (!this.#known.has(to)) this.#known.set(to, new Set())
    if (isMeant) this.#known.get(to)!.add(from)
  }

  /** All states from which steps that are no free faults lead to one at rest. */
  #comingToRest(): Set<number> {
    const resting = new Set(this.#finals)
    for (const state of resting) for (const before of this.#known.get(state)!) resting.add(before)
    return resting
  }

  #hold(state: number): void {
    const { packing, components, states } = this.#search
    packing.unpack(states.states, state * states.words, this.#ids)
    components.holdAll(this.#ids)
  }

  /** The number of the state that the world is in now. */
  #held(): number {
    const { packing, components, states, world } = this.#search
    world.failure = undefined
    components.captureAll(this.#ids)
    packing.pack(this.#ids, this.#packed, 0)
    const state = states.find(this.#packed)
    if (state < 0) throw new Error('a fault leads to a state that the search has not found')
    return state
  }
}

const isArmed = ({ gate, armed }: Site, words: Uint32Array): boolean =>
  (gate < 0 || words[gate] !== 0) && armed() > 0
