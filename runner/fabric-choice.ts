/** Which fabric a replica runs on, and what belongs to it. */
import type { PortChoice } from '../native/index.js'

interface VerbsChoice extends PortChoice {
  readonly kind: 'verbs'
  /** Microseconds that a request waits for an answer, and how often it is sent again within; see `VerbsOptions`. */
  readonly retryMicros?: number
  readonly retryCount?: number
}

export type FabricChoice = { readonly kind: 'shm' } | VerbsChoice

/** What a peer must be told so that it can reach a node whose fabric does not find peers by itself. */
export interface FabricAddress {
  /** Of the native node; see `NativeNode.addressFor`. */
  readonly fabric: Uint8Array
  /** The life of the node that tells it. */
  readonly incarnation: number
  /** How often the node has renewed the queue pair for messages to this peer; see `post.ts`. */
  readonly renewals: number
}
