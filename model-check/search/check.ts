/**
 * The model checker: every schedule of a system within its bounds, on the very world that the simulator runs.
 *
 * What is not looked at is said: states that a bound left unexpanded are `unknown`, and only a search without any is
 * `exhaustive`. Liveness is not judged, apart from deadlock where that is asked for.
 */
import type { SystemDefinition } from '../../protocol/index.js'
import { type Setup, buildWorld } from '../../sim/run/setup.js'
import type { World } from '../../sim/world/world.js'
import { type Finding, findingOf } from './counterexample.js'
import { tryEquivariance } from './equivariance.js'
import { Rounds } from './rounds.js'
import { Search } from './search.js'
import { type SymmetryPlan, planSymmetry } from './symmetry.js'

export interface CheckOptions {
  /** Most states to keep. */
  readonly states?: number | undefined
  /** Most moved steps from the initial state. */
  readonly depth?: number | undefined
  /** Whether a state from which nothing moves must have reached the system's goal. */
  readonly deadlock?: boolean | undefined
  /**
   * Keeps one of all states that differ by the names of interchangeable nodes. Throws SymmetryRefused where that is not
   * known to be harmless.
   */
  readonly symmetry?: boolean | undefined
  /** Whether worker threads are to take part (see `Rounds`). */
  readonly shared?: boolean | undefined
  /** Words that a packed state has at least, from two on: for trying the loop for longer states on short ones. */
  readonly leastWords?: number | undefined
}

export interface CheckCounts {
  readonly distinct: number
  /** As TLC counts: `moved + idle + 1`. */
  readonly generated: number
  readonly moved: number
  readonly idle: number
  readonly refused: number
  /** Steps from the initial state to the farthest. */
  readonly depth: number
  /** States that were found and not expanded. */
  readonly unknown: number
  readonly bytes: number
}

export interface SiteCounts {
  readonly name: string
  /** Combinations of component ids for which code was run. */
  readonly runs: number
  /** Share of the states in which its steps were remembered. */
  readonly hitRate: number
}

export interface CheckResult extends CheckCounts {
  /** Whether every reachable state was expanded and nothing was found. */
  readonly exhaustive: boolean
  readonly finding: Finding | undefined
  /** Steps taken by running code; all others were remembered. */
  readonly executed: number
  /** Evaluations of properties; all others were remembered. */
  readonly evaluated: number
  /** Share of all steps that were remembered. */
  readonly memoHitRate: number
  readonly bytesPerState: number
  /** 32-bit words of a packed state. */
  readonly wordsPerState: number
  readonly repacks: number
  /** Sites that had something to run, those with the fewest hits first. */
  readonly sites: readonly SiteCounts[]
  /** What clients saw was judged, its residue being a component of the states. */
  readonly historyJudged: boolean
  /** Nodes whose names were not told apart. */
  readonly interchangeable: readonly string[]
  readonly bounds: Readonly<Record<string, number>>
}

/** A check that can be carried on in slices, so that its caller keeps the clock and hears who interrupts. */
export class Checker {
  readonly world: World
  readonly #definition: SystemDefinition
  readonly #setup: Setup
  readonly #search: Search
  readonly #interchangeable: readonly string[]

  constructor(definition: SystemDefinition, setup: Setup, options: CheckOptions = {}) {
    this.#definition = definition
    this.#setup = setup
    // Code runs seldom, so each time it can be run twice: hidden state would spoil what is remembered.
    this.world = buildWorld(definition, setup, true)
    let symmetry: SymmetryPlan | undefined
    if (options.symmetry === true) {
      symmetry = planSymmetry(this.world, Object.values(setup.spared))
      tryEquivariance(buildWorld(definition, setup), symmetry, setup.without)
    }
    this.#interchangeable = symmetry?.group.map((node) => this.world.nodeName(node)) ?? []
    this.#search = new Search(this.world, {
      without: setup.without,
      mostStates: options.states ?? Infinity,
      mostDepth: options.depth ?? Infinity,
      findsDeadlock: options.deadlock ?? false,
      leastWords: options.leastWords ?? 2,
      symmetry,
      isShared: options.shared ?? false,
    })
  }

  /** Expands up to so many states; says whether there is more to do. */
  advance(states: number): boolean {
    this.#search.advance(states)
    return !this.#search.isDone
  }

  /** Lets worker threads take part; only for a check with shared memory. */
  rounds(threads: number, leastLevel?: number): Rounds {
    return new Rounds(this.#search, threads, leastLevel)
  }

  counts(): CheckCounts {
    const { states, next, moved, idle, refused, farthest, bytes } = this.#search
    return {
      distinct: states.count,
      generated: moved + idle + 1,
      moved,
      idle,
      refused,
      depth: farthest,
      unknown: states.count - next,
      bytes,
    }
  }

  result(): CheckResult {
    const search = this.#search
    const counts = this.counts()
    const finding = findingOf(search, buildWorld(this.#definition, this.#setup, true), this.#setup.without)
    const all = counts.moved + counts.idle + counts.refused
    const expanded = Math.max(1, search.next)
    return {
      ...counts,
      exhaustive: counts.unknown === 0 && finding === undefined,
      finding,
      executed: search.steps.executed,
      evaluated: search.evaluated,
      memoHitRate: all === 0 ? 0 : Math.max(0, 1 - search.steps.executed / all),
      bytesPerState: counts.bytes / counts.distinct,
      wordsPerState: search.states.words,
      repacks: search.repacks,
      sites: this.world.sites
        .map(({ name, index }) => ({ name, runs: search.steps.missesOf(index) }))
        .filter(({ runs }) => runs > 1)
        .map((site) => ({ ...site, hitRate: Math.max(0, 1 - site.runs / expanded) }))
        .sort((a, b) => a.hitRate - b.hitRate),
      historyJudged: search.residues !== undefined,
      interchangeable: this.#interchangeable,
      bounds: this.world.model.bounds,
    }
  }
}

/** Checks to the end, or to the bounds. */
export function check(definition: SystemDefinition, setup: Setup, options: CheckOptions = {}): CheckResult {
  const checker = new Checker(definition, setup, options)
  while (checker.advance(1 << 20));
  return checker.result()
}
