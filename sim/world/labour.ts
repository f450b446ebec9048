/** Who accounts for the processor time of handlers, under a scheduler in which they take some. */
import type { NodeId } from '../../protocol/index.js'

export interface Labour {
  /** A handler of the node publishes. */
  published(node: NodeId): void
  /** A handler of the node posts a work request. Returns when the NIC has it, in nanoseconds of virtual time. */
  posted(node: NodeId): number
}
