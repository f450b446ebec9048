/**
 * Keys and their values in the bytes of a store: blocks, slots, the index and the deadlines.
 *
 * `open` says which bytes are meant until the next `open`. Slots and blocks are numbered from 1; 0 is none. What is freed
 * is zeroed, and free slots and blocks are linked by their `next`. Nothing here allocates: times are too large for the
 * integers that an engine keeps unboxed, so they are not passed from function to function but stand in `times`.
 */
import { avalanche, blend } from '../checksum.js'
import { invariant } from '../invariant.js'
import { clear, type ViewOf } from '../layout/index.js'
import { createDeadlines } from './deadlines.js'
import { blocksOf, padded, type StoreLayout, type StoreShape } from './layout.js'

/** Times of the operation at hand, in milliseconds, by their place in an array. */
export const Time = { now: 0, deadline: 1 } as const

const nowhere: DataView = new DataView(new ArrayBuffer(0))

export function createRecords(shape: StoreShape, times: Float64Array) {
  const { layout, slotLayout, slots, blocks, buckets, blockBytes } = shape
  const slotBytes = slotLayout.sizeBytes
  const slotsOffset = layout.offsetOf('slots')
  const blocksOffset = layout.offsetOf('blocks')
  const bucketsOffset = layout.offsetOf('buckets')
  const NEXT = slotLayout.offsetOf('next')
  const HASH = slotLayout.offsetOf('hash')
  const FIRST = slotLayout.offsetOf('firstBlock')
  const LAST = slotLayout.offsetOf('lastBlock')
  const KEY_BYTES = slotLayout.offsetOf('keyBytes')
  const VALUE_BYTES = slotLayout.offsetOf('valueBytes')
  const EXPIRY = slotLayout.offsetOf('expiry')
  const VERSION = slotLayout.offsetOf('version')
  const CLOCK = layout.offsetOf('clock')
  const VERSIONS = layout.offsetOf('versions')

  let state: ViewOf<StoreLayout>
  let memory = nowhere
  // Where slot 0 and block 0 would be: the numbers begin with 1.
  let slotZero = 0
  let blockZero = 0
  let bucketsAt = 0
  // Where a walk along a record stands.
  let block = 0
  let within = 0

  const deadlines = createDeadlines(shape, times)

  /**
   * Works on these bytes from now on, at the logged time at `at` of an operation or that of the clock, if that is later. A
   * writer sets the clock.
   */
  function open(view: ViewOf<StoreLayout>, operation: DataView, at: number, isWriting: boolean): void {
    state = view
    memory = view.memory
    slotZero = view.base + slotsOffset - slotBytes
    blockZero = view.base + blocksOffset - blockBytes
    bucketsAt = view.base + bucketsOffset
    deadlines.open(view)
    const clock = view.base + CLOCK
    const logged = operation.getUint32(at, true) + operation.getUint32(at + 4, true) * 2 ** 32
    const latest = memory.getUint32(clock, true) + memory.getUint32(clock + 4, true) * 2 ** 32
    times[Time.now] = Math.max(logged, latest)
    if (!isWriting || latest >= logged) return
    memory.setUint32(clock, operation.getUint32(at, true), true)
    memory.setUint32(clock + 4, operation.getUint32(at + 4, true), true)
  }

  const field = (slot: number, offset: number): number =>
    memory.getUint32(slotZero + slot * slotBytes + offset, true)
  const setField = (slot: number, offset: number, value: number): void => {
    memory.setUint32(slotZero + slot * slotBytes + offset, value, true)
  }
  const wideField = (slot: number, offset: number): number =>
    field(slot, offset) + field(slot, offset + 4) * 2 ** 32
  const nextOf = (of: number): number => memory.getUint32(blockZero + of * blockBytes, true)
  const setNext = (of: number, next: number): void => {
    memory.setUint32(blockZero + of * blockBytes, next, true)
  }

  // ---- blocks -------------------------------------------------------------------------------------------------------

  /** Links `count` new blocks behind the last one of a slot. There must be as many. */
  function extend(slot: number, count: number): void {
    let last = field(slot, LAST)
    for (let left = count; left > 0; left--) {
      let taken = state.freeBlock
      if (taken === 0) {
        taken = state.blocksTouched + 1
        invariant(taken <= blocks, 'a block is taken only when one is free')
        state.blocksTouched = taken
      } else {
        state.freeBlock = nextOf(taken)
        setNext(taken, 0)
      }
      if (last === 0) setField(slot, FIRST, taken)
      else setNext(last, taken)
      last = taken
    }
    setField(slot, LAST, last)
    state.blocksUsed += count
  }

  /** Frees the chain that begins with a block. */
  function free(first: number): void {
    let count = 0
    let head = state.freeBlock
    for (let at = first; at !== 0; count++) {
      const next = nextOf(at)
      const base = blockZero + at * blockBytes
      for (let k = 4; k < blockBytes; k += 4) memory.setUint32(base + k, 0, true)
      memory.setUint32(base, head, true)
      head = at
      at = next
    }
    state.freeBlock = head
    state.blocksUsed -= count
  }

  /** Goes to a byte of the record, a multiple of 4. */
  function seek(slot: number, offset: number): void {
    let at = field(slot, FIRST)
    let rest = offset
    for (; rest >= blockBytes - 4; rest -= blockBytes - 4) at = nextOf(at)
    block = blockZero + at * blockBytes
    within = 4 + rest
  }

  /** Where the next 4 bytes of the record are. */
  function step(): number {
    if (within === blockBytes) {
      block = blockZero + memory.getUint32(block, true) * blockBytes
      within = 4
    }
    const at = block + within
    within += 4
    return at
  }

  function put(source: DataView, from: number, bytes: number): void {
    for (let k = 0; k < bytes; k += 4) memory.setUint32(step(), source.getUint32(from + k, true), true)
  }

  /** Zeroes what is behind the place of the walk in its block, where a longer value ended. */
  function clearRest(): void {
    for (; within < blockBytes; within += 4) memory.setUint32(block + within, 0, true)
  }

  // ---- slots --------------------------------------------------------------------------------------------------------

  /** The hash of `bytes` bytes at `at`, padded with zeros to 4. */
  function hashOf(source: DataView, at: number, bytes: number): number {
    let hash = bytes
    for (let k = 0; k < bytes; k += 4) hash = blend(hash, source.getInt32(at + k, true))
    return avalanche(hash)
  }

  /** The slot of a key, expired or not. */
  function find(source: DataView, at: number, bytes: number, hash: number): number {
    let slot = memory.getUint32(bucketsAt + 4 * (hash & (buckets - 1)), true)
    for (; slot !== 0; slot = field(slot, NEXT))
      if (
        memory.getInt32(slotZero + slot * slotBytes + HASH, true) === hash &&
        field(slot, KEY_BYTES) === bytes &&
        holdsKey(slot, source, at, bytes)
      )
        return slot
    return 0
  }

  function holdsKey(slot: number, source: DataView, at: number, bytes: number): boolean {
    if (bytes > 0) seek(slot, 0)
    for (let k = 0; k < bytes; k += 4)
      if (memory.getUint32(step(), true) !== source.getUint32(at + k, true)) return false
    return true
  }

  /** A new slot with this key and an empty value. There must be room. */
  function add(source: DataView, at: number, bytes: number, hash: number): number {
    let slot = state.freeSlot
    if (slot === 0) {
      slot = state.slotsTouched + 1
      invariant(slot <= slots, 'a slot is taken only when one is free')
      state.slotsTouched = slot
    } else state.freeSlot = field(slot, NEXT)
    const bucket = bucketsAt + 4 * (hash & (buckets - 1))
    setField(slot, NEXT, memory.getUint32(bucket, true))
    memory.setUint32(bucket, slot, true)
    memory.setInt32(slotZero + slot * slotBytes + HASH, hash, true)
    setField(slot, KEY_BYTES, bytes)
    state.keys += 1
    extend(slot, blocksOf(bytes, 0, blockBytes))
    if (bytes > 0) {
      seek(slot, 0)
      put(source, at, bytes)
    }
    return slot
  }

  function remove(slot: number): void {
    deadlines.remove(slot)
    const next = field(slot, NEXT)
    let link = bucketsAt + 4 * (field(slot, HASH) & (buckets - 1))
    for (let at = memory.getUint32(link, true); at !== slot; at = memory.getUint32(link, true))
      link = slotZero + at * slotBytes + NEXT
    memory.setUint32(link, next, true)
    free(field(slot, FIRST))
    const base = slotZero + slot * slotBytes
    for (let k = 0; k < slotBytes; k += 4) memory.setUint32(base + k, 0, true)
    setField(slot, NEXT, state.freeSlot)
    state.freeSlot = slot
    state.keys -= 1
  }

  /** Removes all keys. The clock and the counter of versions go on. */
  function removeAll(): void {
    const { clock, versions } = state
    clear(layout, state)
    state.clock = clock
    state.versions = versions
  }

  /** Gives a value to a slot. There must be room. */
  function setValue(slot: number, source: DataView, at: number, bytes: number): void {
    const keyBytes = field(slot, KEY_BYTES)
    const before = field(slot, VALUE_BYTES)
    const had = blocksOf(keyBytes, before, blockBytes)
    const needs = blocksOf(keyBytes, bytes, blockBytes)
    if (needs > had) extend(slot, needs - had)
    else if (needs < had) shorten(slot, needs)
    setField(slot, VALUE_BYTES, bytes)
    if (needs === 0) return
    seekOrEnd(slot, padded(keyBytes))
    put(source, at, bytes)
    if (bytes < before) clearRest()
  }

  /** As `seek`, but stays in the last block when the offset is its end. */
  function seekOrEnd(slot: number, offset: number): void {
    if (offset > 0 && offset % (blockBytes - 4) === 0) {
      seek(slot, offset - 4)
      within += 4
    } else seek(slot, offset)
  }

  function shorten(slot: number, needs: number): void {
    let last = 0
    let rest = field(slot, FIRST)
    for (let left = needs; left > 0; left--) {
      last = rest
      rest = nextOf(last)
    }
    if (last === 0) setField(slot, FIRST, 0)
    else setNext(last, 0)
    setField(slot, LAST, last)
    free(rest)
  }

  /** Puts bytes behind the value of a slot. There must be room. */
  function append(slot: number, source: DataView, at: number, bytes: number): void {
    const keyBytes = field(slot, KEY_BYTES)
    const before = field(slot, VALUE_BYTES)
    const had = blocksOf(keyBytes, before, blockBytes)
    const needs = blocksOf(keyBytes, before + bytes, blockBytes)
    const end = padded(keyBytes) + before
    const odd = before & 3
    // The walk begins in the last block there is, so that it does not cost the length of the value.
    block = blockZero + field(slot, LAST) * blockBytes
    const inLast = (end & ~3) - (had - 1) * (blockBytes - 4)
    if (needs > had) extend(slot, needs - had)
    setField(slot, VALUE_BYTES, before + bytes)
    if (bytes === 0) return
    if (had === 0) seek(slot, 0)
    else within = 4 + inLast
    if (odd === 0) {
      put(source, at, bytes)
      return
    }
    const shift = 8 * odd
    let carry = memory.getUint32(block + within, true)
    let left = odd + bytes
    for (let k = 0; left > 0; k += 4, left -= 4) {
      const word = k < bytes ? source.getUint32(at + k, true) : 0
      memory.setUint32(step(), carry | (word << shift), true)
      carry = word >>> (32 - shift)
    }
  }

  /** Copies the value of a slot to `at` of another memory, with its padding. */
  function getValue(slot: number, target: DataView, at: number): void {
    const bytes = field(slot, VALUE_BYTES)
    if (bytes === 0) return
    seek(slot, padded(field(slot, KEY_BYTES)))
    for (let k = 0; k < bytes; k += 4) target.setUint32(at + k, memory.getUint32(step(), true), true)
  }

  // ---- what is known of a key ---------------------------------------------------------------------------------------

  const valueBytesOf = (slot: number): number => field(slot, VALUE_BYTES)
  const expiryOf = (slot: number): number => wideField(slot, EXPIRY)
  const mayExpire = (slot: number): boolean => field(slot, EXPIRY) !== 0 || field(slot, EXPIRY + 4) !== 0
  function hasExpired(slot: number): boolean {
    const at = slotZero + slot * slotBytes + EXPIRY
    const expiry = memory.getUint32(at, true) + memory.getUint32(at + 4, true) * 2 ** 32
    return expiry !== 0 && expiry < times[Time.now]!
  }
  const versionOf = (slot: number): number => wideField(slot, VERSION)

  /** The key was changed: it gets the next version. */
  function changed(slot: number): void {
    const counter = state.base + VERSIONS
    const version = memory.getUint32(counter, true) + memory.getUint32(counter + 4, true) * 2 ** 32 + 1
    const high = Math.floor(version / 2 ** 32)
    memory.setUint32(counter, version >>> 0, true)
    memory.setUint32(counter + 4, high, true)
    setField(slot, VERSION, memory.getUint32(counter, true))
    setField(slot, VERSION + 4, high)
  }

  /** How many blocks the record would take more with a value of so many bytes; less than 0 when it would take less. */
  const growth = (slot: number, valueBytes: number): number =>
    blocksOf(field(slot, KEY_BYTES), valueBytes, blockBytes) -
    blocksOf(field(slot, KEY_BYTES), field(slot, VALUE_BYTES), blockBytes)

  /**
   * Whether there is room for so many more keys and blocks. What has expired is removed where that is needed, so
   * an expired key never takes room from another.
   */
  function hasRoom(moreKeys: number, moreBlocks: number): boolean {
    while (state.keys + moreKeys > slots || state.blocksUsed + moreBlocks > blocks)
      if (!removeExpired()) return false
    return true
  }

  /** Removes the key that has been expired for longest. False if none has. */
  function removeExpired(): boolean {
    const top = deadlines.first()
    if (top === 0 || !hasExpired(top)) return false
    remove(top)
    return true
  }

  return {
    open,
    hashOf,
    find,
    add,
    remove,
    removeAll,
    setValue,
    append,
    getValue,
    valueBytesOf,
    expiryOf,
    mayExpire,
    hasExpired,
    versionOf,
    changed,
    growth,
    hasRoom,
    removeExpired,
    setExpiry: deadlines.set,
    clearExpiry: deadlines.remove,
    countExpired: deadlines.countExpired,
  }
}
