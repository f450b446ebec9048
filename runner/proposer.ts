/** How a caller has operations ordered and applied by the cluster, whatever stands between them. */

/** How a proposal ended. */
export const Outcome = {
  /** Applied, once; the reply is that of the application. */
  done: 0,
  /** Not taken, and never will be: it may be proposed again. */
  refused: 1,
  /** It may have been applied, or may yet be. */
  unknown: 2,
} as const
export type Outcome = (typeof Outcome)[keyof typeof Outcome]

/**
 * Told how a proposal ended, once. `reply` is `length` bytes at the front of a buffer that is only lent: copy what is to
 * outlive the call.
 */
export type Ended = (outcome: Outcome, reply: Uint8Array, length: number) => void

export interface Proposer {
  /** Most bytes of an operation. */
  readonly operationBytes: number
  /** Most bytes of a reply. */
  readonly replyBytes: number
  /**
   * Has `length` bytes at the front of `operation` ordered and applied; they are copied at the call. Proposals of one
   * proposer may be applied in any order until the earlier has ended. Throws `RangeError` for an operation that is too
   * long.
   */
  propose(operation: Uint8Array, length: number, ended: Ended): void
}
