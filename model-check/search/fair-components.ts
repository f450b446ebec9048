/**
 * Sets of states in which a run may stay for ever and be fair: strongly connected components of the part of a graph that
 * is asked about, in which every site that fairness is about gets its due.
 *
 * - Weak fairness: a site that could take a step in every state of the component takes one inside it.
 * - Strong fairness: a site that could take a step in some state of the component takes one inside it. Where one does not,
 *   the states in which it could are left out, and what remains is looked at again (the check for Streett automata; see
 *   Emerson and Lei, "Modalities for model checking", 1987).
 *
 * A single state without an edge to itself counts too: a run may stop there when no such site could take a step.
 *
 * Components are found by Tarjan's algorithm, without recursion, on typed arrays.
 */
import type { Edges } from './state-graph.js'

export type Fairness = 'weak' | 'strong'

export interface FairComponent {
  /** In ascending order, so that the first is the one nearest to the initial state. */
  readonly states: Int32Array
  /** Sites that must take a step, or (weak) be in a state in which they cannot, on a way round. */
  readonly sites: readonly number[]
}

export class FairComponents {
  readonly #graph: Edges
  readonly #fairness: Fairness
  /** By site: whether its steps are ways that a run may go, and whether fairness is about it. */
  readonly #isStep: Uint8Array
  readonly #isFair: Uint8Array
  /** Number of the part of the graph, then of the component, that a state is in; 0: none. */
  readonly #partOf: Int32Array
  #parts = 1
  readonly #order: Int32Array
  readonly #low: Int32Array
  readonly #path: Int32Array
  readonly #edgeOf: Int32Array
  readonly #waiting: Int32Array
  readonly #seenIn: Int32Array
  readonly #enabledIn: Int32Array
  readonly #taken: Uint8Array
  readonly #touched: Int32Array
  #visited = 0
  #best: FairComponent | undefined
  readonly #left: Int32Array[] = []

  constructor(graph: Edges, fairness: Fairness, isStep: Uint8Array, isFair: Uint8Array) {
    this.#graph = graph
    this.#fairness = fairness
    this.#isStep = isStep
    this.#isFair = isFair
    const { states } = graph
    this.#partOf = new Int32Array(states)
    this.#order = new Int32Array(states)
    this.#low = new Int32Array(states)
    this.#path = new Int32Array(states)
    this.#edgeOf = new Int32Array(states)
    this.#waiting = new Int32Array(states)
    this.#seenIn = new Int32Array(isStep.length)
    this.#enabledIn = new Int32Array(isStep.length)
    this.#taken = new Uint8Array(isStep.length)
    this.#touched = new Int32Array(isStep.length)
  }

  static bytesFor(states: number): number {
    return 24 * states
  }

  /** Of the fair components among these states, the one that holds the first state of all. */
  nearest(isAsked: Uint8Array): FairComponent | undefined {
    const all = new Int32Array(isAsked.length)
    let count = 0
    for (let state = 0; state < isAsked.length; state++) if (isAsked[state] === 1) all[count++] = state
    this.#left.push(all.subarray(0, count))
    for (let part = this.#left.pop(); part !== undefined; part = this.#left.pop()) this.#split(part)
    return this.#best
  }

  /** Finds the components of a set of states, and judges each. */
  #split(members: Int32Array): void {
    const part = this.#parts++
    for (let i = 0; i < members.length; i++) {
      this.#partOf[members[i]!] = part
      this.#order[members[i]!] = 0
    }
    this.#visited = 0
    for (let i = 0; i < members.length; i++)
      if (this.#partOf[members[i]!] === part && this.#order[members[i]!] === 0)
        this.#search(members[i]!, part)
  }

  #search(root: number, part: number): void {
    const { offsets, targets, sites } = this.#graph
    const order = this.#order
    const low = this.#low
    const path = this.#path
    const edgeOf = this.#edgeOf
    const waiting = this.#waiting
    let depth = 0
    let waits = 0
    let entered = root
    while (entered >= 0 || depth > 0) {
      if (entered >= 0) {
        order[entered] = low[entered] = ++this.#visited
        edgeOf[entered] = offsets[entered]!
        path[depth++] = entered
        waiting[waits++] = entered
        entered = -1
      }
      const state = path[depth - 1]!
      let edge = edgeOf[state]!
      const end = offsets[state + 1]!
      let child = -1
      for (; edge < end && child < 0; edge++) {
        const target = targets[edge]!
        // States of another number are outside, or in a component that is complete.
        if (this.#partOf[target] !== part || this.#isStep[sites[edge]!] === 0) continue
        if (order[target] === 0) child = target
        else if (order[target]! < low[state]!) low[state] = order[target]!
      }
      edgeOf[state] = edge
      if (child >= 0) {
        entered = child
        continue
      }
      depth--
      if (depth > 0 && low[state]! < low[path[depth - 1]!]!) low[path[depth - 1]!] = low[state]!
      if (low[state] !== order[state]) continue
      const last = waits
      while (waiting[--waits] !== state);
      this.#judge(waiting.subarray(waits, last))
    }
  }

  #judge(members: Int32Array): void {
    const { offsets, targets, sites } = this.#graph
    const component = this.#parts++
    for (let i = 0; i < members.length; i++) this.#partOf[members[i]!] = component
    const touched = this.#touched
    let touchedCount = 0
    for (let i = 0; i < members.length; i++) {
      const state = members[i]!
      for (let edge = offsets[state]!; edge < offsets[state + 1]!; edge++) {
        const site = sites[edge]!
        if (this.#isFair[site] === 0) continue
        if (this.#enabledIn[site] === 0) touched[touchedCount++] = site
        if (this.#seenIn[site] !== state + 1) {
          this.#seenIn[site] = state + 1
          this.#enabledIn[site]!++
        }
        if (this.#partOf[targets[edge]!] === component) this.#taken[site] = 1
      }
    }
    const least = this.#fairness === 'weak' ? members.length : 1
    // Those that do not get their due come first.
    let starvedCount = 0
    for (let i = 0; i < touchedCount; i++) {
      const site = touched[i]!
      if (this.#enabledIn[site]! >= least && this.#taken[site] === 0) {
        touched[i] = touched[starvedCount]!
        touched[starvedCount++] = site
      }
      this.#enabledIn[site] = this.#seenIn[site] = this.#taken[site] = 0
    }
    if (starvedCount > 0) {
      if (this.#fairness === 'strong') this.#retry(members, touched.subarray(0, starvedCount))
      return
    }
    let first = members[0]!
    for (let i = 1; i < members.length; i++) if (members[i]! < first) first = members[i]!
    if (this.#best === undefined || first < this.#best.states[0]!)
      this.#best = { states: members.slice().sort(), sites: [...touched.subarray(0, touchedCount)] }
  }

  /** Looks again at the states in which none of the sites that are starved could take a step. */
  #retry(members: Int32Array, starved: Int32Array): void {
    const { offsets, sites } = this.#graph
    const rest = members.filter((state) => {
      for (let edge = offsets[state]!; edge < offsets[state + 1]!; edge++)
        if (starved.includes(sites[edge]!)) return false
      return true
    })
    if (rest.length > 0) this.#left.push(rest)
  }
}

/** A step of a lasso: by which site to which state. */
export interface LassoStep {
  readonly site: number
  readonly state: number
}

/**
 * A way round a fair component from its first state: every site gets its due on it. Empty when the run may stop in that
 * state. Short, not shortest: the nearest dues first.
 */
export function wayRound(
  { offsets, targets, sites }: Edges,
  { states, sites: due }: FairComponent,
  fairness: Fairness,
  isStep: Uint8Array,
): LassoStep[] {
  const start = states[0]!
  const indexOf = new Map<number, number>()
  states.forEach((state, i) => indexOf.set(state, i))
  const unmet = new Set(due)
  const way: LassoStep[] = []
  const settle = (state: number): void => {
    if (fairness === 'strong') return
    const enabled = new Set<number>()
    for (let edge = offsets[state]!; edge < offsets[state + 1]!; edge++) enabled.add(sites[edge]!)
    for (const site of unmet) if (!enabled.has(site)) unmet.delete(site)
  }
  const meets = (state: number): boolean => {
    const before = [...unmet]
    settle(state)
    const isNews = unmet.size < before.length
    for (const site of before) unmet.add(site)
    return isNews
  }
  /** The shortest way to an edge that is wanted, or to a state that is. */
  const go = (
    from: number,
    wantsEdge: (site: number) => boolean,
    wantsState: (state: number) => boolean,
  ): void => {
    const cameBy = new Map<number, { from: number; site: number }>()
    const queue = [from]
    for (const state of queue)
      for (let edge = offsets[state]!; edge < offsets[state + 1]!; edge++) {
        const target = targets[edge]!
        const site = sites[edge]!
        if (!indexOf.has(target) || isStep[site] === 0) continue
        const isWanted = wantsEdge(site) || wantsState(target)
        if (!isWanted && (cameBy.has(target) || target === from)) continue
        if (!isWanted) {
          cameBy.set(target, { from: state, site })
          queue.push(target)
          continue
        }
        const steps: LassoStep[] = [{ site, state: target }]
        for (let at = state; at !== from; at = cameBy.get(at)!.from)
          steps.unshift({ site: cameBy.get(at)!.site, state: at })
        for (const step of steps) {
          unmet.delete(step.site)
          settle(step.state)
          way.push(step)
        }
        return
      }
    throw new Error('a fair component cannot be gone round: a fault of the checker')
  }
  settle(start)
  while (unmet.size > 0) go(way.at(-1)?.state ?? start, (site) => unmet.has(site), meets)
  // Where nothing was due, the run may stop where it is.
  if (way.length > 0 && way.at(-1)!.state !== start)
    go(
      way.at(-1)!.state,
      () => false,
      (state) => state === start,
    )
  return way
}
