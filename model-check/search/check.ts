/**
 * The model checker: every schedule of a system within its bounds, on the very world that the simulator runs.
 *
 * What is not looked at is said: states that a bound left unexpanded are `unknown`, and only a search without any is
 * `exhaustive`. Liveness is judged where that is asked for, on the states that a search has found (`liveness.ts`).
 */
import type { SystemDefinition } from '../../protocol/index.js'
import { type Setup, buildWorld } from '../../sim/run/setup.js'
import type { World } from '../../sim/world/world.js'
import { isOfSite } from '../../sim/world/limits.js'
import { type Scenario, sentencesOf } from '../scenario.js'
import { type Finding, findingOf, livenessFinding } from './counterexample.js'
import { DepthFirst } from './depth-first.js'
import { tryEquivariance } from './equivariance.js'
import { Liveness, type LivenessCounts, type LivenessKind } from './liveness.js'
import { type Heeds, type PartialOrderCounts, heedsAll } from './partial-order.js'
import { RandomWalks } from './random-walks.js'
import { type Reduction, checkOptions, wireWasFull } from './reductions.js'
import { Rounds } from './rounds.js'
import { sampleRuns } from './sample-runs.js'
import { Search, leastNumberedWords } from './search.js'
import { type SymmetryPlan, SymmetryRefused, planSymmetry } from './symmetry.js'
import type { Traversal } from './traversal.js'

/** `random` samples: see `random-walks.ts`. */
export const searchOrders = ['breadth-first', 'depth-first', 'random'] as const
export type SearchOrder = (typeof searchOrders)[number]

export interface CheckOptions extends Scenario {
  readonly order?: SearchOrder | undefined
  /** Of random walks: what decides the ways (default 1), and most of them (default: no bound). */
  readonly seed?: number | undefined
  readonly walks?: number | undefined
  /** Most states to keep. */
  readonly states?: number | undefined
  /** Most moved steps from the initial state; of a random walk by default {@link usualWalkDepth}. */
  readonly depth?: number | undefined
  /** Whether a state from which nothing moves must have reached the system's goal. */
  readonly deadlock?: boolean | undefined
  /** What is to be judged of liveness by `judgeLiveness`, once the search has ended. */
  readonly liveness?: LivenessKind | undefined
  /**
   * Keeps one of all states that differ by the names of interchangeable nodes. Throws SymmetryRefused where that is not
   * known to be harmless.
   */
  readonly symmetry?: boolean | undefined
  /** Whether worker threads are to take part (see `Rounds`). */
  readonly shared?: boolean | undefined
  /** Reductions; none by default. Throws ReductionRefused where one is not known to be harmless. */
  readonly reduce?: readonly Reduction[] | undefined
  /** Partial-order reduction (see `partial-order.ts`). Throws ReductionRefused where it is not known to be harmless. */
  readonly por?: boolean | undefined
  /** What partial-order reduction heeds, for showing what comes of heeding less. */
  readonly heeds?: Heeds | undefined
  /** Words that a packed state has at least, from two on: for trying the loop for longer states on short ones. */
  readonly leastWords?: number | undefined
}

/** As TLC's simulation has it. */
export const usualWalkDepth = 100

export interface CheckCounts {
  readonly distinct: number
  /** As TLC counts: `moved + idle + 1`. */
  readonly generated: number
  readonly moved: number
  readonly idle: number
  readonly refused: number
  /** Steps that were left out because of a ceiling. */
  readonly beyond: number
  /** Steps that were left out because they only take something away. */
  readonly takings: number
  /** Steps from the initial state to the farthest; in other orders than breadth-first on the ways that were gone. */
  readonly depth: number
  /** Random walks that have ended. */
  readonly walks: number
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
  /** Undefined where it was not judged. */
  readonly liveness: LivenessCounts | undefined
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
  /** What the scenario leaves out, in sentences. */
  readonly scenario: readonly string[]
  readonly reductions: readonly Reduction[]
  /** What partial-order reduction came to; undefined where it was not used. */
  readonly partialOrder: PartialOrderCounts | undefined
}

/** A check that can be carried on in slices, so that its caller keeps the clock and hears who interrupts. */
export class Checker {
  readonly world: World
  readonly #definition: SystemDefinition
  readonly #setup: Setup
  readonly #options: CheckOptions
  readonly #search: Search
  #traversal: Traversal
  readonly #interchangeable: readonly string[]
  readonly #livenessKind: LivenessKind | undefined
  #liveness: Liveness | undefined

  constructor(definition: SystemDefinition, setup: Setup, options: CheckOptions = {}) {
    checkOptions(options)
    this.#definition = definition
    this.#setup = setup
    this.#options = options
    // Code runs seldom, so each time it can be run twice: hidden state would spoil what is remembered.
    this.world = buildWorld(definition, setup, true, options.limits)
    let symmetry: SymmetryPlan | undefined
    if (options.symmetry === true) {
      refuseNames(options)
      symmetry = planSymmetry(this.world, Object.values(setup.spared))
      tryEquivariance(buildWorld(definition, setup, false, options.limits), symmetry, setup.without)
      if (options.liveness !== undefined && options.liveness !== 'reachable')
        throw new SymmetryRefused(
          'fairness tells the nodes apart; what is judged with it is whether the goal stays reachable',
        )
    }
    this.#livenessKind = options.liveness
    const isNumbered = options.liveness !== undefined || options.order === 'random'
    this.#interchangeable = symmetry?.group.map((node) => this.world.nodeName(node)) ?? []
    this.#search = new Search(this.world, {
      without: setup.without,
      mostStates: options.states ?? Infinity,
      mostDepth: options.depth ?? Infinity,
      findsDeadlock: options.deadlock ?? false,
      leastWords: Math.max(options.leastWords ?? 2, isNumbered ? leastNumberedWords : 0),
      symmetry,
      prompt: options.prompt ?? [],
      timers: options.timers ?? 'eager',
      skipsTakings: options.reduce?.includes('takings') ?? false,
      partialOrder: options.por === true ? (options.heeds ?? heedsAll) : undefined,
      ceilings: options.ceilings ?? {},
      isShared: options.shared ?? false,
    })
    this.#traversal = traversalOf(this.#search, options)
  }

  /**
   * Expands up to so many states (random: takes so many steps); throws ReductionRefused when a reduction turns out not to be
   * harmless. Says whether there is more to do.
   */
  advance(states: number): boolean {
    this.#traversal.advance(states)
    if (this.#search.isSpoiled) throw wireWasFull
    const { isOutdated, brokenFrom, stuckAt } = this.#search
    if (isOutdated && brokenFrom < 0 && stuckAt < 0) {
      this.#search.beginAnew()
      this.#traversal = traversalOf(this.#search, this.#options)
    }
    return !this.#traversal.isDone
  }

  /** Bytes that `judgeLiveness` takes beside those of the search, at most; 0 where it has nothing to do. */
  get livenessBytes(): number {
    return this.#asksLiveness ? Liveness.bytesFor(this.#search) : 0
  }
  get #asksLiveness(): boolean {
    return this.#livenessKind !== undefined && this.#search.brokenFrom < 0 && this.#search.stuckAt < 0
  }

  /** Judges liveness of what was searched, if that was asked for and nothing else is wrong: looks at up to so many states, and says whether there is more to do. */
  judgeLiveness(states: number): boolean {
    if (!this.#asksLiveness) return false
    this.#liveness ??= new Liveness(this.#search, this.#traversal, this.#livenessKind!)
    return this.#liveness.advance(states)
  }
  /** States that `judgeLiveness` has looked at. */
  get livenessDone(): number {
    return this.#liveness?.graph.done ?? 0
  }

  /** Lets worker threads take part; only for a check with shared memory. */
  rounds(threads: number, leastLevel?: number): Rounds {
    return new Rounds(this.#search, threads, leastLevel)
  }

  /** States in which the steps of every site were looked up. */
  get #lookedAt(): number {
    return this.#traversal instanceof RandomWalks ? this.#search.states.count : this.#traversal.expanded
  }

  counts(): CheckCounts {
    const { states, moved, idle, refused, beyond, takings, bytes } = this.#search
    const { expanded, farthest, orderBytes } = this.#traversal
    return {
      distinct: states.count,
      generated: moved + idle + 1,
      moved,
      idle,
      refused,
      beyond,
      takings,
      depth: farthest,
      walks: this.#traversal instanceof RandomWalks ? this.#traversal.walks : 0,
      unknown: states.count - expanded,
      bytes: bytes + orderBytes,
    }
  }

  /** So many short runs out of what was looked at, each as its actions in words. */
  sampleRuns(runs: number, steps: number): string[][] {
    const fresh = (): World => buildWorld(this.#definition, this.#setup, false, this.#options.limits)
    return sampleRuns(this.#search, fresh, runs, steps)
  }

  result(): CheckResult {
    const search = this.#search
    const counts = this.counts()
    const { without } = this.#setup
    const fresh = buildWorld(this.#definition, this.#setup, true, this.#options.limits)
    const liveness = this.#liveness?.verdict
    const finding =
      liveness?.unreached === undefined
        ? findingOf(search, fresh, without)
        : livenessFinding(search, fresh, without, liveness.unreached)
    const all = counts.moved + counts.idle + counts.refused
    const expanded = Math.max(1, this.#lookedAt)
    return {
      ...counts,
      exhaustive: counts.unknown === 0 && finding === undefined,
      finding,
      liveness:
        liveness === undefined
          ? undefined
          : {
              kind: liveness.kind,
              promised: liveness.promised,
              reached: liveness.reached,
              open: liveness.open,
            },
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
      scenario: sentencesOf(this.#options),
      reductions: this.#options.reduce ?? [],
      partialOrder: countsOf(search.partialOrder),
    }
  }
}

const countsOf = (order: PartialOrderCounts | undefined): PartialOrderCounts | undefined =>
  order === undefined
    ? undefined
    : { reduced: order.reduced, leftOut: order.leftOut, restarts: order.restarts }

function traversalOf(search: Search, { order, seed, walks, depth }: CheckOptions): Traversal {
  switch (order) {
    case 'depth-first':
      return new DepthFirst(search, depth ?? Infinity)
    case 'random':
      return new RandomWalks(search, {
        seed: seed ?? 1,
        walks: walks ?? Infinity,
        depth: depth ?? usualWalkDepth,
      })
    case 'breadth-first':
    case undefined:
      return search
  }
}

/** A scenario that tells nodes apart by their names does not go with symmetry. */
function refuseNames({ limits = {}, prompt = [] }: CheckOptions): void {
  const named = Object.keys(limits).find((name) => name.includes('@') || isOfSite(name))
  if (named !== undefined) throw new SymmetryRefused(`the limit ${named} names a node`)
  if (prompt.length > 0)
    throw new SymmetryRefused('of several prompt steps the first goes first, which depends on names of nodes')
}

/** Checks to the end, or to the bounds. */
export function check(definition: SystemDefinition, setup: Setup, options: CheckOptions = {}): CheckResult {
  const checker = new Checker(definition, setup, options)
  while (checker.advance(1 << 20));
  while (checker.judgeLiveness(1 << 20));
  return checker.result()
}
