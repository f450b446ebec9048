/**
 * The state graph of a small system, with names: every state with all its bytes, every step by its site and in words.
 * Built by the plainest means, one world and all states in full, so that it is also the naive twin of what is judged on
 * packed states.
 *
 * Contract. Two states are one when all their bytes are equal, and what the history of clients still needs to know, where
 * that is judged. A step that breaks a property leads to a state of its own, which is marked and not expanded; after a
 * failed assertion or an exception it has the bytes of the state before. States are in breadth-first order. Steps that
 * change nothing are no edges.
 */
import { type SystemDefinition, diff } from '../protocol/index.js'
import { short } from '../sim/explain/table.js'
import { Judge, type Violation } from '../sim/run/judge.js'
import { type Setup, buildWorld } from '../sim/run/setup.js'
import { ClientEvents } from '../sim/shrink/client-events.js'
import { Outcome } from '../sim/world/site.js'
import type { Snapshot, World } from '../sim/world/world.js'
import { Components } from './search/components.js'
import { HistoryResidues } from './search/history-residues.js'
import { TupleTable } from './search/tuple-table.js'

interface GraphState {
  /** Steps from the initial state. */
  readonly depth: number
  /** What its bytes differ in from the initial state: `n1 private role working→prepared`. */
  readonly changes: readonly string[]
  readonly isGoal: boolean
  /** What the step that led here broke. */
  readonly violation: Violation | undefined
  /** Whether its steps are among the edges; those of violating states and beyond a bound are not. */
  isExpanded: boolean
}

interface GraphEdge {
  readonly from: number
  readonly to: number
  /** Position of the site in the world's list. */
  readonly site: number
  /** The action in words: its site, and what it does there. */
  readonly action: string
  readonly changes: readonly string[]
}

export interface PlainGraphOptions {
  /** Most states: with one more the graph is given up, and `isComplete` is false. */
  readonly states: number
  /** States so many steps from the initial one are not expanded. */
  readonly depth?: number | undefined
  /** Called once for each state when it is found, with the world in it. */
  visit?(world: World, state: number): void
}

export interface PlainGraph {
  readonly world: World
  readonly states: readonly GraphState[]
  readonly edges: readonly GraphEdge[]
  /** Whether there was no bound in the way. */
  readonly isComplete: boolean
}

export function plainGraph(
  definition: SystemDefinition,
  setup: Setup,
  options: PlainGraphOptions,
): PlainGraph {
  return new Builder(definition, setup, options).run()
}

class Builder {
  readonly #world: World
  readonly #judge: Judge
  readonly #residues: HistoryResidues | undefined
  readonly #options: PlainGraphOptions
  readonly #initial: Snapshot
  readonly #states: GraphState[] = []
  readonly #edges: GraphEdge[] = []
  readonly #bytes: Uint8Array[] = []
  readonly #residueOf: number[] = []
  readonly #components: Components
  /** Ids of all parts, then the residue, and what was broken. */
  readonly #ids: Int32Array
  readonly #numbers: TupleTable
  readonly #broken: (string | undefined)[] = [undefined]
  #isComplete = true

  constructor(definition: SystemDefinition, setup: Setup, options: PlainGraphOptions) {
    this.#world = buildWorld(definition, setup)
    this.#judge = new Judge(this.#world, setup.without)
    const { history } = this.#world.model.spec
    this.#residues =
      history === undefined || setup.without.includes(history.name)
        ? undefined
        : new HistoryResidues(this.#world, history)
    this.#world.listener = this.#residues?.seen ?? new ClientEvents()
    this.#options = options
    this.#initial = this.#world.snapshot()
    this.#components = new Components(this.#world)
    this.#ids = new Int32Array(this.#world.memory.parts.length + 2)
    this.#numbers = new TupleTable(this.#ids.length)
  }

  run(): PlainGraph {
    const { states: most, depth: mostDepth = Infinity } = this.#options
    this.#keep(-1, 0, this.#judge.atStart())
    for (let state = 0; state < this.#states.length && this.#states.length <= most; state++) {
      const { violation, depth } = this.#states[state]!
      if (violation !== undefined) continue
      if (depth >= mostDepth) {
        this.#isComplete = false
        continue
      }
      this.#states[state]!.isExpanded = true
      this.#expand(state)
    }
    return {
      world: this.#world,
      states: this.#states,
      edges: this.#edges,
      isComplete: this.#isComplete && this.#states.length <= most,
    }
  }

  #expand(state: number): void {
    const world = this.#world
    const here: Snapshot = { ...this.#initial, state: this.#bytes[state]! }
    world.restore(here)
    const armed = world.armed.slice()
    for (const site of world.sites)
      for (let choice = 0; choice < armed[site.index]!; choice++) {
        world.restore(here)
        const words = site.describe(choice)
        const action = words === '' ? site.name : `${site.name}: ${words}`
        this.#judge.reset()
        if (this.#residues !== undefined) this.#residues.seen.events.length = 0
        if (world.step(site.index, choice) !== Outcome.moved) continue
        let violation = this.#judge.afterStep()
        let residue = this.#residueOf[state]!
        if (violation === undefined && this.#residues !== undefined) {
          residue = this.#residues.advance(residue)
          if (residue < 0) violation = this.#unexplained()
        }
        const to = this.#keep(state, residue, violation)
        if (to !== state)
          this.#edges.push({ from: state, to, site: site.index, action, changes: this.#changesFrom(state) })
      }
  }

  #unexplained(): Violation {
    const { name, meaning } = this.#world.model.spec.history!
    return { kind: 'history', name, reason: `No order of the operations explains what was seen: ${meaning}` }
  }

  /** The number of the state that the world is in. */
  #keep(from: number, residue: number, violation: Violation | undefined): number {
    const { memory } = this.#world
    const bytes = this.#world.failure !== undefined && from >= 0 ? this.#bytes[from]! : memory.bytes.slice()
    if (this.#world.failure !== undefined) memory.bytes.set(bytes)
    this.#components.captureAll(this.#ids)
    this.#ids[memory.parts.length] = residue
    this.#ids[memory.parts.length + 1] = this.#nameNumber(violation?.name)
    const state = this.#numbers.intern(this.#ids)
    if (state < this.#states.length) return state
    this.#bytes.push(bytes)
    this.#residueOf.push(residue)
    if (violation === undefined) this.#judge.reset()
    this.#states.push({
      depth: from < 0 ? 0 : this.#states[from]!.depth + 1,
      changes: from < 0 ? [] : this.#changesFrom(0),
      isGoal: violation === undefined && this.#judge.goalReached(),
      violation,
      isExpanded: false,
    })
    this.#options.visit?.(this.#world, state)
    return state
  }

  #nameNumber(name: string | undefined): number {
    const known = this.#broken.indexOf(name)
    return known < 0 ? this.#broken.push(name) - 1 : known
  }

  /** What the world's bytes differ in from those of a state. */
  #changesFrom(state: number): string[] {
    const { parts, view } = this.#world.memory
    const before = this.#bytes[state]!
    const old = new DataView(before.buffer, before.byteOffset, before.byteLength)
    return parts.flatMap(({ name, layout, offset }) =>
      diff(layout, old, offset, view, offset).map(
        ({ path, before, after }) => `${name} ${path} ${short(before)}→${short(after)}`,
      ),
    )
  }
}
