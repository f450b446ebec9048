/**
 * Liveness, judged on the graph of a search that has ended: whether the system comes to its goal once faults have ended.
 *
 * The goal is *promised* in a state in which no link is cut or severed and no more nodes are out than the system's atlas
 * allows (`unavailable`); a node is out unless its process runs. *Calm* steps are those that are neither faults nor
 * repairs: what must be repaired for a promise was repaired before.
 *
 * - `reachable`: from every state in which the goal is promised, calm steps lead to one that has reached it (in CTL: AG
 *   (promised ⇒ EF goal), over calm steps). Where that fails, no schedule at all can mend it.
 * - `weak-fairness`, `strong-fairness`: every run that takes calm steps only, in states where the goal is promised, and is
 *   fair, comes to the goal again and again. It fails exactly where a fair component (`fair-components.ts`) of states
 *   without the goal can be reached. Fair must be every site but those that are somebody's free choice: faults, repairs,
 *   and the overrun of a completion queue need never happen, whereas processors, NICs, networks, disks, timers, clocks,
 *   clients and the inputs of the environment go on. Fairness is asked of sites, not of each message: one of several
 *   messages on an unordered channel may be passed over for ever.
 *
 * States that the search did not expand are unknown. A state from which calm steps lead to one of these, and on which
 * nothing else decides, is *open*: neither a pass nor a violation.
 */
import { isFaultKind } from '../../sim/world/site.js'
import {
  type FairComponent,
  FairComponents,
  type Fairness,
  type LassoStep,
  wayRound,
} from './fair-components.js'
import { Promised } from './promised.js'
import type { Search } from './search.js'
import { Predecessors, StateGraph } from './state-graph.js'
import type { Traversal } from './traversal.js'

export const livenessKinds = ['reachable', 'weak-fairness', 'strong-fairness'] as const
export type LivenessKind = (typeof livenessKinds)[number]

export interface LivenessCounts {
  readonly kind: LivenessKind
  /** States in which the goal is promised, and those of them that have reached it. */
  readonly promised: number
  readonly reached: number
  /** States in which the goal is promised and of which a bound leaves open whether it is kept. */
  readonly open: number
}

/** A state from which the goal is not reached, and where a run goes on from there for ever. */
export interface Unreached {
  readonly state: number
  /** Steps that lead back to that state; empty where a run may stop. Undefined: whatever happens. */
  readonly cycle: readonly LassoStep[] | undefined
}

export interface LivenessVerdict extends LivenessCounts {
  readonly unreached: Unreached | undefined
}

export class Liveness {
  readonly graph: StateGraph
  readonly #search: Search
  readonly #traversal: Traversal
  readonly #kind: LivenessKind
  readonly #isCalm: Uint8Array
  readonly #isFair: Uint8Array
  verdict: LivenessVerdict | undefined

  constructor(search: Search, traversal: Traversal, kind: LivenessKind) {
    this.#search = search
    this.#traversal = traversal
    this.#kind = kind
    this.graph = new StateGraph(search, traversal)
    const { sites } = search.world
    this.#isCalm = Uint8Array.from(sites, (site) => (isFaultKind(site.kind) ? 0 : 1))
    this.#isFair = Uint8Array.from(sites, (site) =>
      isFaultKind(site.kind) || site.kind === 'overrun' ? 0 : 1,
    )
  }

  /** Bytes that judging a search takes, at most. */
  static bytesFor(search: Search): number {
    const { count } = search.states
    // The graph, its edges once more from the other end, and a few numbers a state.
    return StateGraph.bytesFor(search) + 4 * search.moved + 20 * count + FairComponents.bytesFor(count)
  }

  /** Looks at up to so many states, and judges when it has looked at all; says whether there is more to do. */
  advance(states: number): boolean {
    if (this.verdict !== undefined) return false
    if (this.graph.advance(states)) return true
    this.verdict = this.#judge()
    return false
  }

  #judge(): LivenessVerdict {
    const { states: count } = this.graph
    const search = this.#search
    const promised = new Promised(search)
    const isPromised = new Uint8Array(count)
    const isGoal = new Uint8Array(count)
    let promisedCount = 0
    let reached = 0
    for (let state = 0; state < count; state++) {
      if (search.goalReached(state)) isGoal[state] = 1
      if (!promised.in(state)) continue
      isPromised[state] = 1
      promisedCount++
      reached += isGoal[state]!
    }
    const found =
      this.#kind === 'reachable' ? this.#unreachable(isPromised, isGoal) : this.#fair(isPromised, isGoal)
    return { kind: this.#kind, promised: promisedCount, reached, ...found }
  }

  #unreachable(isPromised: Uint8Array, isGoal: Uint8Array): Pick<LivenessVerdict, 'open' | 'unreached'> {
    const before = new Predecessors(this.graph, this.#isCalm)
    const reaches = isGoal.slice()
    before.close(reaches)
    const isOpen = this.#unknown(isGoal)
    before.close(isOpen)
    let open = 0
    let first = -1
    for (let state = 0; state < isGoal.length; state++) {
      if (isPromised[state] === 0 || reaches[state] === 1) continue
      if (isOpen[state] === 1) open++
      else if (first < 0) first = state
    }
    return { open, unreached: first < 0 ? undefined : { state: first, cycle: undefined } }
  }

  #fair(isPromised: Uint8Array, isGoal: Uint8Array): Pick<LivenessVerdict, 'open' | 'unreached'> {
    const isAsked = isPromised.map((promised, state) => (isGoal[state] === 1 ? 0 : promised))
    const isOpen = this.#unknown(isGoal).map((unknown, state) => unknown & isPromised[state]!)
    new Predecessors(this.graph, this.#isCalm).close(isOpen, isAsked)
    let open = 0
    for (let state = 0; state < isOpen.length; state++) {
      open += isOpen[state]!
      // Nothing is known of what can happen there.
      if (!this.#traversal.isExpanded(state)) isAsked[state] = 0
    }
    const fairness: Fairness = this.#kind === 'strong-fairness' ? 'strong' : 'weak'
    const components = new FairComponents(this.graph, fairness, this.#isCalm, this.#isFair)
    const nearest = components.nearest(isAsked)
    return { open, unreached: nearest === undefined ? undefined : this.#lasso(nearest, fairness) }
  }

  #lasso(component: FairComponent, fairness: Fairness): Unreached {
    return { state: component.states[0]!, cycle: wayRound(this.graph, component, fairness, this.#isCalm) }
  }

  /** States that the search did not expand, but for those that have the goal. */
  #unknown(isGoal: Uint8Array): Uint8Array {
    return isGoal.map((goal, state) => (goal === 1 || this.#traversal.isExpanded(state) ? 0 : 1))
  }
}
