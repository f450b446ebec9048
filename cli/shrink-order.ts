/** What the shrinking thread is told, and what it answers. Plain data. */
import type { Sizes } from '../sim/shrink/index.js'
import type { SystemSource } from './system-source.js'

export interface ShrinkOrder {
  readonly source: SystemSource
  /** The trace, encoded. */
  readonly trace: Uint8Array
  readonly endMillis: number
  /** One word: 1 means to stop as soon as possible. */
  readonly stop: SharedArrayBuffer
}

export type ShrinkReport =
  | { readonly kind: 'progress'; readonly looks: number }
  | {
      readonly kind: 'shrunk'
      /** The smaller trace, encoded. */
      readonly trace: Uint8Array
      readonly before: Sizes
      readonly after: Sizes
      /** False when time ran out first. */
      readonly finished: boolean
    }
  /** Why it cannot be shrunk. */
  | { readonly kind: 'kept'; readonly why: string }
