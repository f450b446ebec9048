/** Which keys expire, the first on top: a binary heap of slots, in which each slot knows its place. */
import type { ViewOf } from '../layout/index.js'
import type { StoreLayout, StoreShape } from './layout.js'

export function createDeadlines({ layout, slotLayout }: StoreShape, times: Float64Array) {
  const slotBytes = slotLayout.sizeBytes
  const slotsOffset = layout.offsetOf('slots')
  const heapOffset = layout.offsetOf('deadlines')
  const EXPIRY = slotLayout.offsetOf('expiry')
  const DEADLINE = slotLayout.offsetOf('deadline')

  let state: ViewOf<StoreLayout>
  let memory: DataView = new DataView(new ArrayBuffer(0))
  let slotZero = 0
  // Places are numbered from 1, so that 0 is none and the parent of a place is half of it.
  let placeZero = 0

  function open(view: ViewOf<StoreLayout>): void {
    state = view
    memory = view.memory
    slotZero = view.base + slotsOffset - slotBytes
    placeZero = view.base + heapOffset - 4
  }

  const slotAt = (place: number): number => memory.getUint32(placeZero + 4 * place, true)
  const placeOf = (slot: number): number => memory.getUint32(slotZero + slot * slotBytes + DEADLINE, true)
  const expiryAt = (slot: number): number => slotZero + slot * slotBytes + EXPIRY

  function isBefore(slot: number, other: number): boolean {
    const at = expiryAt(slot)
    const otherAt = expiryAt(other)
    const expiry = memory.getUint32(at, true) + memory.getUint32(at + 4, true) * 2 ** 32
    return expiry < memory.getUint32(otherAt, true) + memory.getUint32(otherAt + 4, true) * 2 ** 32
  }

  function seat(slot: number, place: number): void {
    memory.setUint32(placeZero + 4 * place, slot, true)
    memory.setUint32(slotZero + slot * slotBytes + DEADLINE, place, true)
  }

  /** Has a key expire at the deadline in `times`. */
  function set(slot: number): void {
    const at = expiryAt(slot)
    const place = placeOf(slot)
    const expiry = times[1]!
    memory.setUint32(at, expiry >>> 0, true)
    memory.setUint32(at + 4, Math.floor(expiry / 2 ** 32), true)
    if (place !== 0) settle(slot, place)
    else {
      state.expiring += 1
      settle(slot, state.expiring)
    }
  }

  /** Takes a slot out, if it is in. */
  function remove(slot: number): void {
    const place = placeOf(slot)
    if (place === 0) return
    const end = state.expiring
    const last = slotAt(end)
    memory.setUint32(placeZero + 4 * end, 0, true)
    state.expiring = end - 1
    const base = slotZero + slot * slotBytes
    memory.setUint32(base + DEADLINE, 0, true)
    memory.setUint32(base + EXPIRY, 0, true)
    memory.setUint32(base + EXPIRY + 4, 0, true)
    if (last !== slot) settle(last, place)
  }

  /** Moves a slot up or down from a vacant place until the heap is one. */
  function settle(slot: number, from: number): void {
    let place = from
    for (let up = place >> 1; up > 0 && isBefore(slot, slotAt(up)); up = place >> 1) {
      seat(slotAt(up), place)
      place = up
    }
    const count = state.expiring
    for (let down = 2 * place; down <= count; down = 2 * place) {
      if (down < count && isBefore(slotAt(down + 1), slotAt(down))) down++
      if (!isBefore(slotAt(down), slot)) break
      seat(slotAt(down), place)
      place = down
    }
    seat(slot, place)
  }

  /** The slot that expires first, or 0. */
  const first = (): number => (state.expiring === 0 ? 0 : slotAt(1))

  /** How many keys have expired and are still there: as many are looked at, and twice as many more at most. */
  function countExpired(place = 1): number {
    if (place > state.expiring) return 0
    const at = expiryAt(slotAt(place))
    if (memory.getUint32(at, true) + memory.getUint32(at + 4, true) * 2 ** 32 >= times[0]!) return 0
    return 1 + countExpired(2 * place) + countExpired(2 * place + 1)
  }

  return { open, set, remove, first, countExpired }
}
