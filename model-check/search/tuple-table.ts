/**
 * A map from tuples of 32-bit words, all of one width, to numbers from 0 in the order of their arrival. Tuples are
 * compared word by word; the hash only says where to look first.
 */
import { grownInt32 } from './growth.js'

export class TupleTable {
  count = 0
  readonly width: number
  /** Tuple `i` begins at `i * width`. */
  tuples: Int32Array
  /** Number of the tuple plus one; 0 is empty. At most half full. */
  #slots = new Int32Array(16)

  constructor(width: number) {
    this.width = width
    this.tuples = new Int32Array(Math.max(1, width) * 8)
  }

  /** The number of a tuple, which is kept when it is new: then `count` has risen. */
  intern(source: Int32Array | Uint32Array, at = 0): number {
    const { width } = this
    let slots = this.#slots
    if (this.count * 2 >= slots.length) {
      this.#rehash(slots.length * 2)
      slots = this.#slots
    }
    const mask = slots.length - 1
    let slot = hashOf(source, at, width) & mask
    for (let found = slots[slot]!; found !== 0; found = slots[slot]!) {
      if (this.#isEqual(found - 1, source, at)) return found - 1
      slot = (slot + 1) & mask
    }
    const end = (this.count + 1) * width
    if (end > this.tuples.length) this.tuples = grownInt32(this.tuples, end)
    const { tuples } = this
    const start = this.count * width
    for (let i = 0; i < width; i++) tuples[start + i] = source[at + i]!
    slots[slot] = this.count + 1
    return this.count++
  }

  clear(): void {
    this.count = 0
    this.#slots = new Int32Array(16)
  }

  #isEqual(tuple: number, source: Int32Array | Uint32Array, at: number): boolean {
    const { width, tuples } = this
    const start = tuple * width
    for (let i = 0; i < width; i++) if (tuples[start + i] !== (source[at + i]! | 0)) return false
    return true
  }

  #rehash(size: number): void {
    const slots = new Int32Array(size)
    const mask = size - 1
    for (let tuple = 0; tuple < this.count; tuple++) {
      let slot = hashOf(this.tuples, tuple * this.width, this.width) & mask
      while (slots[slot] !== 0) slot = (slot + 1) & mask
      slots[slot] = tuple + 1
    }
    this.#slots = slots
  }
}

function hashOf(words: Int32Array | Uint32Array, at: number, width: number): number {
  let hash = width
  for (let i = at; i < at + width; i++) {
    hash = Math.imul(hash ^ words[i]!, 0x85ebca6b)
    hash ^= hash >>> 13
  }
  hash = Math.imul(hash, 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}
