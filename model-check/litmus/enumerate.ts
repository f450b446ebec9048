/**
 * All outcomes of a litmus program: breadth-first over whole worlds, every choice of every site in every state.
 *
 * A state is final when nothing but a fault can change it; its values are an outcome. Faults that the program lets happen
 * anywhere are taken wherever its budget permits; a fault in a column is taken exactly when its thread has come to it:
 * the thread's step and the fault are then one step. A state from which no final one can be reached without faults is an
 * outcome too: the program never comes to rest.
 *
 * Contract. Two states are one only when all their bytes are equal. Schedules are shortest ones.
 */
import { type Knobs, type Rule } from '../../protocol/index.js'
import { Run } from '../../sim/run/run.js'
import { Outcome as StepOutcome, type Site, isFaultKind } from '../../sim/world/site.js'
import type { World } from '../../sim/world/world.js'
import { LitmusError } from './errors.js'
import { FaultSites, type PinnedFault } from './fault-sites.js'
import type { LitmusProgram } from './program.js'
import { StateStore } from './state-store.js'
import { litmusSetup, litmusSystem, litmusWorld } from './system.js'
import { type Outcome, OutcomeView, outcomeKey } from './values.js'

export interface LitmusOptions {
  readonly broken?: readonly Rule[] | undefined
  /** Most states to keep; beyond it the result is incomplete. */
  readonly states?: number | undefined
  shouldStop?(): boolean
}

/** Steps as site and choice, which are the same in every run that begins with the same ones. */
export type Schedule = readonly (readonly [site: number, choice: number])[]

export interface SeenOutcome {
  readonly outcome: Outcome
  /** A shortest way to it. */
  readonly schedule: Schedule
}

export interface LitmusResult {
  readonly states: number
  readonly steps: number
  /** Whether no bound cut the search off. */
  readonly isComplete: boolean
  readonly outcomes: readonly SeenOutcome[]
  /** The first broken assertion or exception. */
  readonly failure: { readonly message: string; readonly schedule: Schedule } | undefined
  /** A state from which the program never comes to rest. */
  readonly restless: Schedule | undefined
}

const usualStates = 2_000_000
const statesBetweenStops = 1024

export function enumerateLitmus(program: LitmusProgram, options: LitmusOptions = {}): LitmusResult {
  return new Enumerator(program, options).run()
}

/** Takes a schedule in a world of its own. */
export function runSchedule(program: LitmusProgram, schedule: Schedule, broken: Knobs['broken'] = []): Run {
  const run = new Run(litmusSystem(program), litmusSetup(program, broken))
  for (const [site, choice] of schedule) run.take(site, choice)
  return run
}

function worldOf(program: LitmusProgram, broken: readonly Rule[]): World {
  try {
    return litmusWorld(program, broken)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    const problem = `no world can be made of it: ${error.message}`
    throw new LitmusError(program.file, { line: 1, column: 1 }, problem, 'mend the declarations')
  }
}

class Enumerator {
  readonly #world: World
  readonly #options: LitmusOptions
  readonly #view: OutcomeView
  readonly #store: StateStore
  readonly #sites: FaultSites
  /** Per state its predecessor, and the steps that led here: site and choice, twice, -1 for none. */
  readonly #parents: number[] = [-1]
  readonly #steps: number[] = [-1, -1, -1, -1]
  /** Steps without faults between different states, as pairs. */
  #edges = new Int32Array(1 << 12)
  #edgeCount = 0
  readonly #finals: number[] = []
  readonly #outcomes = new Map<string, { outcome: Outcome; state: number }>()
  /** Parts changed by the steps from the state at hand. */
  readonly #changed: number[] = []
  #taken = 0
  #failure: { message: string; schedule: Schedule } | undefined

  constructor(program: LitmusProgram, options: LitmusOptions) {
    this.#options = options
    this.#world = worldOf(program, options.broken ?? [])
    this.#world.listener = undefined
    this.#view = new OutcomeView(program, this.#world)
    this.#sites = new FaultSites(program, this.#world, this.#view)
    this.#store = new StateStore(this.#world.memory)
  }

  run(): LitmusResult {
    const store = this.#store
    const most = this.#options.states ?? usualStates
    const { memory, nowNanos } = this.#world
    // Ordinals only name actions, and schedules name them by choice: all states may have those of the first.
    const loaded = { state: memory.bytes, side: memory.side.slice(), nowNanos }
    let isComplete = true
    store.takeAll()
    store.add()
    if (this.#world.failure !== undefined) this.#fail(0)
    for (let state = 0; state < store.count && this.#failure === undefined; state++) {
      if (store.count > most || (state % statesBetweenStops === 0 && this.#options.shouldStop?.() === true)) {
        isComplete = false
        break
      }
      store.load(state)
      this.#world.restore(loaded)
      this.#expand(state)
    }
    const restless = isComplete && this.#failure === undefined ? this.#firstRestless() : -1
    return {
      states: store.count,
      steps: this.#taken,
      isComplete: isComplete && this.#failure === undefined,
      outcomes: [...this.#outcomes.values()].map(({ outcome, state }) => ({
        outcome,
        schedule: this.#schedule(state),
      })),
      failure: this.#failure,
      restless: restless < 0 ? undefined : this.#schedule(restless),
    }
  }

  #expand(state: number): void {
    const world = this.#world
    const armed = world.armed.slice()
    const pinned = this.#sites.pinned()
    let isFinal = true
    for (const site of world.sites) {
      if (armed[site.index] === 0 || pinned.some((each) => each.input === site.index)) continue
      const isFault = isFaultKind(site.kind)
      if (isFault && !this.#sites.isFree(site)) continue
      for (let choice = 0; choice < armed[site.index]!; choice++) {
        if (isFault && !this.#sites.isFreeChoice(site, choice)) continue
        const to = this.#step(state, site, choice)
        if (this.#failure !== undefined) return
        if (!isFault && to !== state) isFinal = false
      }
    }
    for (const each of pinned) {
      if (armed[each.input] === 0) continue
      if (this.#takePinned(state, each)) isFinal = false
      if (this.#failure !== undefined) return
    }
    if (!isFinal) return
    this.#finals.push(state)
    const outcome = this.#view.outcome()
    const key = outcomeKey(outcome)
    if (!this.#outcomes.has(key)) this.#outcomes.set(key, { outcome, state })
  }

  /** Takes one step and takes it back; returns the state that it leads to. */
  #step(state: number, site: Site, choice: number): number {
    const outcome = this.#world.step(site.index, choice)
    let to = state
    if (outcome === StepOutcome.moved) {
      this.#taken++
      this.#noteChanges()
      to = this.#arrive(state, site.index, choice, -1, -1, isFaultKind(site.kind))
      this.#takeBack(state)
    }
    return to
  }

  /** The thread's step, then the fault in each of its choices. Returns whether that was possible. */
  #takePinned(state: number, { input, sites, accepts }: PinnedFault): boolean {
    const world = this.#world
    let isPossible = false
    for (const site of sites)
      for (let choice = 0; ; choice++) {
        world.step(input, 0)
        this.#noteChanges()
        const isArmed = choice < site.armed()
        if (isArmed && accepts(site, choice)) {
          world.step(site.index, choice)
          this.#noteChanges()
          this.#taken++
          this.#arrive(state, input, 0, site.index, choice, false)
          isPossible = true
        }
        this.#takeBack(state)
        if (!isArmed || this.#failure !== undefined) break
      }
    return isPossible
  }

  #noteChanges(): void {
    const world = this.#world
    for (let i = 0; i < world.touchedCount; i++) this.#changed.push(world.touchedPart(i))
  }

  #takeBack(state: number): void {
    for (const part of this.#changed) this.#store.loadPart(state, part)
    this.#changed.length = 0
    this.#world.failure = undefined
  }

  #arrive(
    from: number,
    site: number,
    choice: number,
    then: number,
    thenChoice: number,
    isFault: boolean,
  ): number {
    for (const part of this.#changed) this.#store.take(part)
    const known = this.#store.count
    const to = this.#store.add()
    if (to === known) {
      this.#parents.push(from)
      this.#steps.push(site, choice, then, thenChoice)
    }
    if (this.#world.failure !== undefined) this.#fail(to)
    else if (!isFault && to !== from) this.#addEdge(from, to)
    return to
  }

  #fail(state: number): void {
    this.#failure = { message: this.#world.failure!.message, schedule: this.#schedule(state) }
  }

  #addEdge(from: number, to: number): void {
    if (this.#edgeCount + 2 > this.#edges.length) {
      const edges = new Int32Array(this.#edges.length * 2)
      edges.set(this.#edges)
      this.#edges = edges
    }
    this.#edges[this.#edgeCount++] = from
    this.#edges[this.#edgeCount++] = to
  }

  /** The first state from which no final one is reached without faults, or -1. */
  #firstRestless(): number {
    const comesToRest = new Uint8Array(this.#store.count)
    for (const state of this.#finals) comesToRest[state] = 1
    for (let changed = true; changed;) {
      changed = false
      for (let at = this.#edgeCount - 2; at >= 0; at -= 2) {
        const from = this.#edges[at]!
        if (comesToRest[from] === 1 || comesToRest[this.#edges[at + 1]!] === 0) continue
        comesToRest[from] = 1
        changed = true
      }
    }
    return comesToRest.indexOf(0)
  }

  #schedule(state: number): Schedule {
    const steps: (readonly [number, number])[] = []
    for (let at = state; at > 0; at = this.#parents[at]!) {
      const step = this.#steps.slice(4 * at, 4 * at + 4)
      if (step[2]! >= 0) steps.push([step[2]!, step[3]!])
      steps.push([step[0]!, step[1]!])
    }
    return steps.reverse()
  }
}
