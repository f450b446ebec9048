/** Which fabric a replica runs on, and what belongs to it. */
import type { PortChoice } from '../native/index.js'

interface VerbsChoice extends PortChoice {
  readonly kind: 'verbs'
  /** Microseconds that a request waits for an answer, and how often it is sent again within; see `VerbsOptions`. */
  readonly retryMicros?: number
  readonly retryCount?: number
}

export type FabricChoice = { readonly kind: 'shm' } | VerbsChoice
