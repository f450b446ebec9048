/** Where a replica's inputs and effects can be listened to: for recordings. */

/** Handlers by number, as in {@link Tap}. */
export const Handler = {
  start: 0,
  poll: 1,
  observed: 2,
  timer: 3,
  message: 4,
  completion: 5,
  request: 6,
  stored: 7,
  input: 8,
  notified: 9,
} as const

export interface Tap {
  /** The core is about to be given an input: arguments as its handler takes them, and `length` bytes of `input`. */
  before(handler: number, a: number, b: number, c: number, input: Uint8Array, length: number): void
  /** The handler has returned. */
  after(): void
}
