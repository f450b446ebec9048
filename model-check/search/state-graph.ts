/**
 * The steps between the states of a search, as compressed sparse rows: per state its edges, per edge the state that it
 * leads to and the site whose step it is. A state is expanded once more for it, from remembered steps.
 *
 * Steps that change nothing are no edges. States that the search did not expand have none; whether that is so, or nothing
 * can happen in a state, `isExpanded` of the traversal says.
 */
import type { Search } from './search.js'
import { listChanging, listStart, siteShift } from './step-tables.js'
import type { Traversal } from './traversal.js'

const bytesPerEdge = 6
const bytesPerState = 4

export interface Edges {
  readonly states: number
  /** The first edge of each state, and behind the last one the number of edges. */
  readonly offsets: Int32Array
  readonly targets: Int32Array
  readonly sites: Uint16Array
}

export class StateGraph implements Edges {
  readonly states: number
  readonly offsets: Int32Array
  readonly targets: Int32Array
  readonly sites: Uint16Array
  readonly #search: Search
  readonly #traversal: Traversal
  #next = 0
  #end = 0
  #packed = new Int32Array(0)

  constructor(search: Search, traversal: Traversal) {
    if (search.states.words < 3) throw new RangeError('states of two words are not numbered in their table')
    this.#search = search
    this.#traversal = traversal
    this.states = search.states.count
    this.offsets = new Int32Array(this.states + 1)
    this.targets = new Int32Array(search.moved)
    this.sites = new Uint16Array(search.moved)
  }

  /** Bytes that the graph of a search takes. */
  static bytesFor({ states, moved }: Search): number {
    return bytesPerEdge * moved + bytesPerState * states.count
  }

  /** How many states have their edges. */
  get done(): number {
    return this.#next
  }

  /** Finds the edges of up to so many states; says whether there is more to do. */
  advance(most: number): boolean {
    const last = Math.min(this.states, this.#next + most)
    for (; this.#next < last; this.#next++) {
      this.offsets[this.#next] = this.#end
      if (!this.#traversal.isExpanded(this.#next)) continue
      while (!this.#expand(this.#next)) this.#end = this.offsets[this.#next]!
    }
    this.offsets[this.states] = this.#end
    return this.#next < this.states
  }

  /** False when states were packed anew meanwhile: the state has to be looked at again. */
  #expand(state: number): boolean {
    const search = this.#search
    const { targets, sites } = this
    search.choose(state)
    const { states: store, tables, chosenLists, symmetry } = search
    const { words, states } = store
    const { lists, groupCount } = tables
    if (this.#packed.length !== words) this.#packed = new Int32Array(words)
    const next = this.#packed
    let end = this.#end
    for (let group = 0; group < groupCount; group++) {
      const list = chosenLists[group]!
      let move = list + listStart
      for (let left = lists[list + listChanging]!; left > 0; left--, move += words + 1) {
        for (let k = 0; k < words; k++) next[k] = states[state * words + k]! ^ lists[move + k]!
        if (symmetry !== undefined && !search.canonicalise(next)) {
          search.repack()
          return false
        }
        const target = store.find(next)
        if (target < 0) throw new Error('a state leads to one that was not kept: a fault of the checker')
        targets[end] = target
        sites[end] = lists[move + words]! >>> siteShift
        end++
      }
    }
    this.#end = end
    return true
  }
}

/** The edges of a graph by the state that they lead to: where from. Only those that are wanted. */
export class Predecessors {
  readonly offsets: Int32Array
  readonly sources: Int32Array

  /** @param isWanted by site: whether its steps count */
  constructor({ states, offsets, targets, sites }: Edges, isWanted: Uint8Array) {
    const ends = new Int32Array(states + 1)
    const edges = offsets[states]!
    for (let edge = 0; edge < edges; edge++) if (isWanted[sites[edge]!] === 1) ends[targets[edge]!]!++
    for (let state = 1; state <= states; state++) ends[state]! += ends[state - 1]!
    this.sources = new Int32Array(ends[states]!)
    for (let state = 0; state < states; state++)
      for (let edge = offsets[state]!; edge < offsets[state + 1]!; edge++)
        if (isWanted[sites[edge]!] === 1) this.sources[--ends[targets[edge]!]!] = state
    // Each has come down to its beginning.
    this.offsets = ends
  }

  /** Marks all states from which a marked one is reached, through states that `isOpen` lets pass. */
  close(marks: Uint8Array, isOpen?: Uint8Array): void {
    const { offsets, sources } = this
    const stack = new Int32Array(marks.length)
    let top = 0
    for (let state = 0; state < marks.length; state++) if (marks[state] === 1) stack[top++] = state
    while (top > 0) {
      const state = stack[--top]!
      for (let i = offsets[state]!; i < offsets[state + 1]!; i++) {
        const source = sources[i]!
        if (marks[source] === 1 || (isOpen !== undefined && isOpen[source] === 0)) continue
        marks[source] = 1
        stack[top++] = source
      }
    }
  }
}
