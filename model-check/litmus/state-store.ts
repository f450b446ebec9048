/**
 * States as tuples of parts. The contents of each part are kept once and numbered; a state is the list of the numbers of
 * its parts. Two states are one only when all their bytes are equal. A step is looked up by the parts that it changed.
 */
import type { Memory, Part } from '../../sim/world/memory.js'

/** The different contents of one part, by number. */
class Contents {
  readonly #at: number
  readonly #length: number
  #pool: Uint32Array
  #count = 0
  /** Per hash the latest content with it, per content the one before it with the same hash. */
  readonly #latest = new Map<number, number>()
  readonly #before: number[] = []

  constructor(part: Part) {
    this.#at = part.offset / 4
    this.#length = part.sizeBytes / 4
    this.#pool = new Uint32Array(this.#length * 8)
  }

  /** The number of what the part holds now. */
  number(words: Uint32Array): number {
    const start = this.#at
    const length = this.#length
    let hash = 0
    for (let i = 0; i < length; i++) {
      hash = Math.imul(hash ^ words[start + i]!, 0x85ebca6b)
      hash ^= hash >>> 13
    }
    const latest = this.#latest.get(hash) ?? -1
    for (let known = latest; known >= 0; known = this.#before[known]!) {
      const at = known * length
      let i = 0
      while (i < length && this.#pool[at + i] === words[start + i]) i++
      if (i === length) return known
    }
    const at = this.#count * length
    if (at + length > this.#pool.length) this.#pool = grown(this.#pool)
    for (let i = 0; i < length; i++) this.#pool[at + i] = words[start + i]!
    this.#latest.set(hash, this.#count)
    this.#before.push(latest)
    return this.#count++
  }

  load(number: number, words: Uint32Array): void {
    const length = this.#length
    const at = number * length
    for (let i = 0; i < length; i++) words[this.#at + i] = this.#pool[at + i]!
  }
}

function grown(from: Uint32Array): Uint32Array {
  const into = new Uint32Array(from.length * 2)
  into.set(from)
  return into
}

const firstSlots = 1 << 12

export class StateStore {
  count = 0
  /** Numbers of the parts of the state that is being looked up. */
  readonly tuple: Uint32Array
  readonly #words: Uint32Array
  readonly #contents: readonly Contents[]
  readonly #width: number
  #tuples: Uint32Array
  /** Open addressing: 1 + state, or 0. */
  #slots = new Int32Array(firstSlots)

  constructor(memory: Memory) {
    this.#words = memory.words
    this.#contents = memory.parts.map((part) => new Contents(part))
    this.#width = memory.parts.length
    this.tuple = new Uint32Array(this.#width)
    this.#tuples = new Uint32Array(this.#width * 1024)
  }

  /** Puts the number of what a part holds now into the tuple. */
  take(part: number): void {
    this.tuple[part] = this.#contents[part]!.number(this.#words)
  }
  takeAll(): void {
    for (let part = 0; part < this.#width; part++) this.take(part)
  }

  /** Puts the bytes of a state into the world's memory, and its parts into the tuple; memory must be what the tuple says. */
  load(state: number): void {
    const at = state * this.#width
    for (let part = 0; part < this.#width; part++) {
      const number = this.#tuples[at + part]!
      if (number === this.tuple[part]) continue
      this.tuple[part] = number
      this.#contents[part]!.load(number, this.#words)
    }
  }
  /** Takes back what a step did to one part of a state. */
  loadPart(state: number, part: number): void {
    const number = this.#tuples[state * this.#width + part]!
    this.tuple[part] = number
    this.#contents[part]!.load(number, this.#words)
  }

  /** The number of the state in the tuple; a new state is the last one. */
  add(): number {
    if ((this.count + 1) * 2 > this.#slots.length) this.#rehash()
    const mask = this.#slots.length - 1
    let slot = this.#hash(this.tuple, 0) & mask
    for (; this.#slots[slot] !== 0; slot = (slot + 1) & mask) {
      const known = this.#slots[slot]! - 1
      if (this.#equals(known)) return known
    }
    const at = this.count * this.#width
    if (at + this.#width > this.#tuples.length) this.#tuples = grown(this.#tuples)
    this.#tuples.set(this.tuple, at)
    this.#slots[slot] = this.count + 1
    return this.count++
  }

  #equals(state: number): boolean {
    const at = state * this.#width
    for (let i = 0; i < this.#width; i++) if (this.#tuples[at + i] !== this.tuple[i]) return false
    return true
  }

  #hash(words: Uint32Array, at: number): number {
    let hash = 0
    for (let i = 0; i < this.#width; i++) {
      hash = Math.imul(hash ^ words[at + i]!, 0x9e3779b1)
      hash ^= hash >>> 15
    }
    return Math.imul(hash, 0xc2b2ae35) >>> 0
  }

  #rehash(): void {
    this.#slots = new Int32Array(this.#slots.length * 2)
    const mask = this.#slots.length - 1
    for (let state = 0; state < this.count; state++) {
      let slot = this.#hash(this.#tuples, state * this.#width) & mask
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask
      this.#slots[slot] = state + 1
    }
  }
}
