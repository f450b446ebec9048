/**
 * What is replicated: a deterministic program whose state is bounded bytes. A snapshot is a copy of these bytes, and to
 * restore one is to copy it back, so neither needs code of the application.
 */
import type { StructLayout, ViewOf } from '../layout/index.js'
import type { Draw, StateInvariant } from '../system.js'
import type { SequentialModel } from '../sequential-model.js'

export interface Application<State extends StructLayout = StructLayout, Input = unknown, Output = unknown> {
  readonly name: string
  readonly layout: State
  /** Most bytes of an operation; a multiple of 8. */
  readonly operationBytes: number
  /** Most bytes of a reply; a multiple of 8. */
  readonly replyBytes: number
  /**
   * Applies `length` bytes of an operation at `at` and writes the reply at `replyAt`, of which the length is returned.
   * Depends on the state and the operation alone. What has no room is refused in the reply and changes nothing.
   */
  apply(
    state: ViewOf<State>,
    operation: DataView,
    at: number,
    length: number,
    reply: DataView,
    replyAt: number,
  ): number
  /** Whether the operation changes nothing, whatever the state. */
  isRead(operation: DataView, at: number): boolean

  // For clients, judges and readers.
  /** Draws the operation at a position of a client's script. */
  drawOperation(draw: Draw, client: number, position: number): Uint8Array
  describeRequest(operation: Uint8Array): string
  describeReply(memory: DataView, at: number, length: number): string
  decodeRequest(operation: Uint8Array): Input
  decodeReply(memory: DataView, at: number, length: number): Output
  readonly model: SequentialModel<unknown, Input, Output>
  /** What must hold of every state that the application is ever in, beyond linearizability. */
  check(state: ViewOf<State>): string | undefined
  readonly invariant: Pick<StateInvariant, 'name' | 'meaning'> | undefined
}
