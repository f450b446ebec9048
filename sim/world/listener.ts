/** What is told of a run: to whoever watches it, what it touched, and why it ended. */
import type { NodeId } from '../../protocol/index.js'

/** What is told to whoever watches a run; all values are valid during the call only. */
export interface Listener {
  note?(node: NodeId, kind: number, value: number): void
  deliver?(node: NodeId, index: number, payload: Uint8Array, at: number, length: number): void
  call?(client: number, position: number): void
  return?(client: number, position: number, memory: DataView, at: number, length: number): void
  abandon?(client: number, position: number): void
  reply?(node: NodeId, client: number, sequence: number): void
}

/** What a run touched; counters only rise. */
export interface Coverage {
  /** Runs of handler h at node n: `handlers[n * 16 + h]`. */
  readonly handlers: Float64Array
  /** Notes of kind k at node n: `notes[n * 64 + k]`. */
  readonly notes: Float64Array
  /** Steps by action kind and outcome: `steps[kind * 3 + outcome]`. */
  readonly steps: Float64Array
  /** Messages and replies lost because a lossy wire was full. */
  lostToFullChannels: number
}

/** Why a run cannot go on: a broken assertion or an exception in a core, or hidden state. */
export interface Failure {
  readonly kind: 'assertion' | 'crash' | 'hidden-state'
  readonly message: string
  readonly error: Error
}
