/**
 * Random walks: from the initial state one of the remembered steps is taken after the other, each with equal chance, until
 * nothing moves or the walk is long enough; then the next walk begins. Every state that a walk meets for the first time is
 * judged and kept, so that a violation has a way to it that is no longer than the walk. Walks sample: no state counts as
 * expanded, so nothing is ever claimed to be complete.
 *
 * Equal seeds walk the same ways. Idle and refused steps are not taken, and not counted.
 */
import { Random } from '../../sim/random.js'
import type { Search } from './search.js'
import { Demand, listChanging, listStart, listUnchanging } from './step-tables.js'
import type { Traversal } from './traversal.js'

// What a move comes to where that is no state.
const violation = -1
const packedAnew = -2

export interface WalkOptions {
  readonly seed: number
  /** Most walks, and most steps of one. */
  readonly walks: number
  readonly depth: number
}

export class RandomWalks implements Traversal {
  readonly expanded = 0
  readonly orderBytes = 0
  farthest = 0
  /** Walks that have ended. */
  walks = 0
  readonly #search: Search
  readonly #options: WalkOptions
  readonly #random: Random
  #packed = new Int32Array(0)
  #state = 0
  #depth = 0

  /** @param search a search whose states are numbered: of at least three words */
  constructor(search: Search, options: WalkOptions) {
    this.#search = search
    this.#options = options
    this.#random = new Random(options.seed)
  }

  get isDone(): boolean {
    const { brokenFrom, stuckAt, states, mostStates } = this.#search
    return brokenFrom >= 0 || stuckAt >= 0 || this.walks >= this.#options.walks || states.count >= mostStates
  }
  isExpanded(): boolean {
    return false
  }

  /** Takes up to so many steps. */
  advance(most: number): void {
    for (let left = most; left > 0 && !this.isDone; left--) {
      if (this.#depth < this.#options.depth && this.#step()) continue
      this.walks++
      this.#state = 0
      this.#depth = 0
    }
  }

  /** Takes a step; false where none changes anything, or where it ends in a violation. */
  #step(): boolean {
    const search = this.#search
    search.choose(this.#state)
    const { lists, groupCount } = search.tables
    const { chosenLists } = search
    let changing = 0
    let unchanging = 0
    for (let group = 0; group < groupCount; group++) {
      changing += lists[chosenLists[group]! + listChanging]!
      unchanging += lists[chosenLists[group]! + listUnchanging]!
    }
    if (changing === 0) {
      if (unchanging === 0 && search.findsDeadlock) search.mayRest(this.#state)
      return false
    }
    let left = this.#random.below(changing)
    let group = 0
    while (left >= lists[chosenLists[group]! + listChanging]!)
      left -= lists[chosenLists[group++]! + listChanging]!
    const { words } = search.states
    const next = this.#take(chosenLists[group]! + listStart + left * (words + 1))
    // Where its words stand has changed: another step is drawn.
    if (next === packedAnew) return this.#step()
    if (next === violation) return false
    this.#state = next
    if (++this.#depth > this.farthest) this.farthest = this.#depth
    return true
  }

  /** Makes a move of a list; the state that it leads to, or one of the two above. */
  #take(move: number): number {
    const search = this.#search
    const from = this.#state
    const { lists } = search.tables
    const { words, states } = search.states
    if (this.#packed.length !== words) this.#packed = new Int32Array(words)
    const next = this.#packed
    for (let k = 0; k < words; k++) next[k] = states[from * words + k]! ^ lists[move + k]!
    const demand = lists[move + words]! & Demand.mask
    search.moved++
    if (demand !== Demand.none && ((demand & Demand.bad) !== 0 || !search.stepHolds(from, next))) {
      search.brokenFrom = from
      return violation
    }
    if (search.symmetry !== undefined && !search.canonicalise(next)) {
      search.repack()
      search.moved--
      return packedAnew
    }
    const known = search.states.find(next)
    if (search.tablesAreStale) search.regroup()
    if (known >= 0) return known
    const state = search.states.add(next, from)
    if (!search.hasInvariants || search.stateHolds(state)) return state
    search.brokenFrom = from
    return violation
  }
}
