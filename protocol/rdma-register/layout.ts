/**
 * All bytes of the register: slots as they travel, private state, messages and requests.
 *
 * A slot is moved by one RDMA WRITE. Its 8-byte words move atomically; the slot as a whole may be torn.
 */
import { queuePairTo } from '../contract.js'
import type { NodeId, QueuePairId } from '../contract.js'
import { array, bitset, enumeration, perNode, remoteAddressOf, struct, u32, u64 } from '../layout/index.js'
import { readerLinks, readerRoles, writerLinks, writerRoles } from './roles.js'

/** The writer; every other node is a reader. */
export const WRITER: NodeId = 0

export const PAIRS_PER_PEER = 1

/** The one queue pair towards a peer. With one pair a peer its id is the peer's node id, which completions rely on. */
export function queuePairOf(peer: NodeId): QueuePairId {
  return queuePairTo(peer, 0, PAIRS_PER_PEER)
}

/** How a reader tells a whole slot from a torn one. */
export const Integrity = { checksum: 0, canary: 1 } as const

/** Regions by index. */
export const WriterRegion = { outbox: 0, acks: 1 } as const
export const ReaderRegion = { inbox: 0 } as const

/** What the shape of the bytes depends on. */
export interface Shape {
  readonly nodes: number
  readonly words: number
  readonly slots: number
  readonly clients: number
  readonly integrity: number
}

/** The messages that renew a connection; see `writer-core.ts`. */
export const messageKind = enumeration(['hello', 'connect', 'ready', 'open'])
export const messageLayout = struct({
  kind: messageKind,
  /** hello: the connection that is broken; else the one that is being made. */
  connection: u32,
  /** The incarnation of the reader that the message comes from or is meant for. */
  incarnation: u32,
})

export const requestKind = enumeration(['put', 'get'])
export const requestLayout = struct({ kind: requestKind, value: u32 })

/** The reply to a put: the sequence under which it was published. A get is answered with the payload words. */
export const putReplyLayout = struct({ sequence: u32, zero: u32 })

/**
 * An acknowledgement: one 8-byte word, so it is never torn. The incarnation is part of it, because what an earlier
 * incarnation has accepted says nothing about the memory of the present one.
 */
export const ackLayout = struct({ sequence: u32, incarnation: u32 })

export type RegisterLayouts = ReturnType<typeof registerLayouts>

export function registerLayouts(shape: Shape) {
  const { nodes, words, slots, clients } = shape
  const payload = array(u64, words)
  const slot = struct({
    sequence: u64,
    words: payload,
    /** A checksum of all before it, or the sequence once more (canary). */
    trailer: u64,
  })
  const slotsLayout = struct({ slots: array(slot, slots) })

  const writerState = struct({
    role: writerRoles.layout,
    /** The newest sequence that was assigned. */
    latest: u32,
    /** Every reader has acknowledged up to here: puts up to here are answered. Never goes back. */
    settled: u32,
    /** What each outbox slot stands for. */
    ledger: array(struct({ sequence: u32, value: u32 }), slots),
    /** The client table: exactly-once over retries. A put that waits for a free slot has sequence 0. */
    clients: array(struct({ request: u32, value: u32, sequence: u32 }), clients),
    readers: perNode(
      struct({
        link: writerLinks.layout,
        connection: u32,
        /** The newest incarnation known of. */
        incarnation: u32,
        /** What this incarnation has acknowledged. */
        acknowledged: u32,
        /** Slots whose WRITE to this reader may still be fetched from the outbox. */
        inFlight: bitset(slots),
      }),
      nodes,
    ),
  })

  const readerState = struct({
    role: readerRoles.layout,
    link: readerLinks.layout,
    connection: u32,
    /** The sequence of the acknowledgement in flight; 0: none. */
    acknowledging: u32,
    /** The accepted publication. */
    sequence: u32,
    words: payload,
  })

  return {
    ...shape,
    slot,
    outbox: slotsLayout,
    inbox: slotsLayout,
    acks: struct({ cells: perNode(ackLayout, nodes) }),
    /** The two windows of a slot. */
    body: struct({ sequence: u64, words: payload }),
    trailer: struct({ trailer: u64 }),
    getReply: struct({ words: payload }),
    writerState,
    readerState,
    slotOf: (sequence: number): number => sequence % slots,
    offsetOfSlot: (index: number): number => index * slot.sizeBytes,
    offsetOfTrailer: (index: number): number => index * slot.sizeBytes + slot.offsetOf('trailer'),
    addressOfSlot: (region: number, index: number): number => remoteAddressOf(region, index * slot.sizeBytes),
    addressOfAck: (reader: NodeId): number =>
      remoteAddressOf(WriterRegion.acks, reader * ackLayout.sizeBytes),
    /** Enough for a slot, a reply, a request or a message. */
    scratchBytes: Math.max(slot.sizeBytes, 16),
  }
}
