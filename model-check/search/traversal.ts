/** The order in which the states of a search are expanded: `Search` by itself is breadth-first. */
export interface Traversal {
  /** Expands up to so many states (random: takes so many steps). */
  advance(most: number): void
  readonly isDone: boolean
  /** States of which every step was taken. */
  readonly expanded: number
  isExpanded(state: number): boolean
  /** Most steps from the initial state on the ways that were gone. */
  readonly farthest: number
  /** Bytes that the order takes, beside those of the search. */
  readonly orderBytes: number
}
