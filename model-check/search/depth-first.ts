/**
 * Depth-first order: the state that was found last is expanded next, wholly, and what it leads to waits on a stack. So a
 * search goes deep at once, and a violation is found without its being near; what is counted in the end is the same.
 *
 * A bound on depth cuts off by the way on which a state was found first. A shorter one may lead to it as well, but it is
 * not expanded again: it stays unknown, and nothing is claimed for it.
 */
import { grownInt32 } from './growth.js'
import type { Search } from './search.js'
import type { Traversal } from './traversal.js'

export class DepthFirst implements Traversal {
  expanded = 0
  farthest = 0
  readonly #search: Search
  readonly #mostDepth: number
  #stack: Int32Array = new Int32Array(1 << 10)
  #top = 0
  /** Steps on the way by which each state was found; its complement once the state is expanded. */
  #depths: Int32Array = new Int32Array(1 << 10)

  constructor(search: Search, mostDepth: number) {
    this.#search = search
    this.#mostDepth = mostDepth
    if (mostDepth > 0) this.#push(0)
  }

  get isDone(): boolean {
    const { brokenFrom, stuckAt, isOutdated, states, mostStates } = this.#search
    const isEnded = brokenFrom >= 0 || stuckAt >= 0 || isOutdated
    return isEnded || this.#top === 0 || states.count >= mostStates
  }
  isExpanded(state: number): boolean {
    return this.#depths[state]! < 0
  }
  get orderBytes(): number {
    return 4 * (this.#stack.length + this.#depths.length)
  }

  advance(most: number): void {
    for (let left = most; left > 0 && !this.isDone; left--) this.#expand(this.#stack[--this.#top]!)
  }

  #expand(state: number): void {
    const search = this.#search
    const known = search.states.count
    search.expandOne(state)
    const { count } = search.states
    while (count > this.#depths.length) this.#depths = grownInt32(this.#depths, count)
    const depth = this.#depths[state]! + 1
    for (let found = known; found < count; found++) {
      this.#depths[found] = depth
      if (depth < this.#mostDepth) this.#push(found)
    }
    if (count > known && depth > this.farthest) this.farthest = depth
    // A bound may have ended it in the middle, or a violation.
    if (search.next === state) return
    this.#depths[state] = ~this.#depths[state]!
    this.expanded++
  }

  #push(state: number): void {
    if (this.#top === this.#stack.length) this.#stack = grownInt32(this.#stack, 0)
    this.#stack[this.#top++] = state
  }
}
