/** What carries replicas: messages, queue pairs, and in disk mode a disk. */
import { Right } from '../contract.js'
import type { Hardware } from '../service.js'
import { type ApusLayouts, Durability, PAIRS_PER_PEER } from './layout.js'
import { describeMessage } from './messages.js'
import { MOST_POSTED } from './replica.js'

/** Different messages in flight between two replicas. What is lost beyond is sent again by timers. */
export const MESSAGES_IN_FLIGHT = 8

export function hardwareOf(layouts: ApusLayouts): Omit<Hardware, 'cores'> {
  return {
    network: {
      kind: 'unordered',
      messageBytes: layouts.message.sizeBytes,
      capacity: MESSAGES_IN_FLIGHT,
      lossy: true,
      describe: describeMessage(layouts.nodes),
    },
    fabric: {
      pairsPerPeer: PAIRS_PER_PEER,
      // And one READ.
      sendQueueDepth: MOST_POSTED + 1,
      requestBytes: Math.max(layouts.mostEntryBytes, layouts.snapshot.sizeBytes),
      receiveQueueDepth: 0,
      initialRights: Right.write | Right.read,
    },
    ...(layouts.durability === Durability.disk
      ? { disk: { capacityBytes: layouts.diskBytes, flushes: 1 } }
      : {}),
  }
}
