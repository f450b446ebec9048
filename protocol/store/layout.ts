/**
 * The bytes of the store: an index by hash, a slot for each key, and blocks of one size that hold keys and values.
 *
 * A record (its key, then its value, each padded to 4 bytes) is a chain of blocks. Any free block is as good as another,
 * so there is no outer fragmentation: a record fits exactly while as many blocks are free as it needs. What is lost is 4
 * bytes of each block for the link, less than one block at the end of each record, and the padding.
 */
import { array, bytes, struct, u32, u64 } from '../layout/index.js'

/** How much a store holds. All replicas of a cluster have the same. */
export interface StoreCapacity {
  /** Most keys. */
  readonly slots: number
  /** Bytes for keys and values; a multiple of `blockBytes`. */
  readonly arenaBytes: number
  /** Most bytes of an operation; a multiple of 8. */
  readonly operationBytes: number
  /** Most bytes of a reply; a multiple of 8. A value is at most 16 bytes shorter, so that it can be read. */
  readonly replyBytes: number
  /** Bytes of a block; a multiple of 8, 16 at least. 64 unless told. */
  readonly blockBytes?: number
}

/** What is known of a key. Indices are one more than the position, so that 0 is none. */
const slotLayout = struct({
  /** Milliseconds of logged time after which the key is gone; 0 is never. */
  expiry: u64,
  /** What the counter of the store was at the last change of this key. */
  version: u64,
  hash: u32,
  /** The next slot of the bucket, or of the free ones. */
  next: u32,
  firstBlock: u32,
  lastBlock: u32,
  keyBytes: u32,
  valueBytes: u32,
  /** Where the slot stands among the deadlines. */
  deadline: u32,
})

/** Most bytes of a reply: lengths have 24 bits. */
const MOST_REPLY_BYTES = 2 ** 24 - 8

/** The layout of a store, all zeros when it is empty. Throws RangeError for a capacity out of bounds. */
export function storeLayout(capacity: StoreCapacity) {
  const { slots, arenaBytes, operationBytes, replyBytes, blockBytes = 64 } = capacity
  within('slots', slots, 1, 2 ** 28, 1)
  within('blockBytes', blockBytes, 16, 65_536, 8)
  within('arenaBytes', arenaBytes, blockBytes, 2 ** 30, blockBytes)
  within('operationBytes', operationBytes, 32, MOST_REPLY_BYTES, 8)
  within('replyBytes', replyBytes, 64, MOST_REPLY_BYTES, 8)
  const blocks = arenaBytes / blockBytes
  const buckets = 2 ** Math.ceil(Math.log2(slots))
  const block = struct({ next: u32, octets: bytes(blockBytes - 4) })
  const layout = struct({
    /** The latest logged time, in milliseconds. */
    clock: u64,
    /** Counts changes of keys. */
    versions: u64,
    keys: u32,
    /** How many keys have an expiry. */
    expiring: u32,
    freeSlot: u32,
    /** Slots that were ever used; those behind have never been. */
    slotsTouched: u32,
    freeBlock: u32,
    blocksTouched: u32,
    blocksUsed: u32,
    buckets: array(u32, buckets),
    /** A heap of slots, the one that expires first on top. */
    deadlines: array(u32, slots),
    slots: array(slotLayout, slots),
    blocks: array(block, blocks),
  })
  return { layout, slotLayout, slots, blocks, buckets, blockBytes, operationBytes, replyBytes }
}

export type StoreShape = ReturnType<typeof storeLayout>
export type StoreLayout = StoreShape['layout']

/** Bytes of the longest value that a store of this capacity holds. */
export const mostValueBytes = ({ replyBytes }: { readonly replyBytes: number }): number => replyBytes - 16

export const padded = (bytes: number): number => (bytes + 3) & ~3

/** How many blocks a record takes. */
export const blocksOf = (keyBytes: number, valueBytes: number, blockBytes: number): number =>
  Math.ceil((padded(keyBytes) + padded(valueBytes)) / (blockBytes - 4))

function within(name: string, value: number, least: number, most: number, step: number): void {
  if (!Number.isInteger(value) || value < least || value > most || value % step !== 0)
    throw new RangeError(
      `${name} is ${value}; it must be ${step === 1 ? 'an integer' : `a multiple of ${step}`} from ${least} to ${most}`,
    )
}
