/** 128-bit fingerprints of a world's state, and a set of them in a typed array. */
import type { Memory } from '../world/memory.js'
import type { World } from '../world/world.js'

const lanes = 4
/** An odd multiplier and a seed for each lane: primes of xxHash32 and arbitrary words. */
const multipliers = [0x9e3779b1, 0x85ebca77, 0xc2b2ae3d, 0x27d4eb2f] as const
const seeds = [0x165667b1, 0x239b961b, 0xab0e9789, 0x38b34ae5] as const

/**
 * The fingerprint of a state is the sum of those of its parts, lane by lane, so that after a step only the parts that it
 * touched are looked at. The side of the memory is no state and does not count.
 */
export class Fingerprints {
  /** The latest fingerprint that was computed. */
  readonly latest = new Uint32Array(lanes)
  readonly #parts: Memory['parts']
  readonly #base = new Uint32Array(lanes)
  /** Of each part in the base state, computed when first needed. */
  readonly #ofBase: Uint32Array
  readonly #isKnown: Uint8Array
  readonly #ofPart = new Uint32Array(lanes)

  constructor({ parts }: Memory) {
    this.#parts = parts
    this.#ofBase = new Uint32Array(parts.length * lanes)
    this.#isKnown = new Uint8Array(parts.length)
  }

  compute(words: Uint32Array): void {
    this.latest.fill(0)
    for (let part = 0; part < this.#parts.length; part++) {
      this.#hash(part, words)
      for (let lane = 0; lane < lanes; lane++) this.latest[lane]! += this.#ofPart[lane]!
    }
  }

  /** Names the state that the next steps are taken from, by its fingerprint. */
  setBase(fingerprint: Uint32Array): void {
    this.#base.set(fingerprint)
    this.#isKnown.fill(0)
  }

  /** Computes the fingerprint of what a step has made of the base state, whose words are `base`. */
  computeAfterStep(world: World, base: Uint32Array): void {
    const { latest } = this
    latest.set(this.#base)
    for (let i = 0; i < world.touchedCount; i++) {
      const part = world.touchedPart(i)
      const at = part * lanes
      if (this.#isKnown[part] === 0) {
        this.#isKnown[part] = 1
        this.#hash(part, base)
        this.#ofBase.set(this.#ofPart, at)
      }
      this.#hash(part, world.memory.words)
      for (let lane = 0; lane < lanes; lane++) latest[lane]! += this.#ofPart[lane]! - this.#ofBase[at + lane]!
    }
  }

  #hash(part: number, words: Uint32Array): void {
    const { offset, sizeBytes } = this.#parts[part]!
    const start = offset / 4
    const end = start + sizeBytes / 4
    let a = seeds[0] + Math.imul(part, multipliers[0])
    let b = seeds[1] + Math.imul(part, multipliers[1])
    let c = seeds[2] + Math.imul(part, multipliers[2])
    let d = seeds[3] + Math.imul(part, multipliers[3])
    for (let i = start; i < end; i++) {
      const word = words[i]!
      // Most words are zero. Of the others the position counts too.
      if (word === 0) continue
      const position = i - start + 1
      a = mixed(Math.imul(a ^ word, multipliers[0]) + position)
      b = mixed(Math.imul(b ^ word, multipliers[1]) + position)
      c = mixed(Math.imul(c ^ word, multipliers[2]) + position)
      d = mixed(Math.imul(d ^ word, multipliers[3]) + position)
    }
    const ofPart = this.#ofPart
    ofPart[0] = mixed(a)
    ofPart[1] = mixed(b)
    ofPart[2] = mixed(c)
    ofPart[3] = mixed(d)
  }
}

/** MurmurHash3's finalizer: each bit of the outcome depends on all bits. */
function mixed(word: number): number {
  let hash = word
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}

/** A set of fingerprints: open addressing, linear probing, at most 3/4 full. All zeros are taken for an empty place. */
export class FingerprintSet {
  count = 0
  #places = 1 << 14
  #words = new Uint32Array(this.#places * lanes)

  /** Whether it was new. */
  add(fingerprint: Uint32Array): boolean {
    const at = this.#find(fingerprint, 0)
    if (at < 0) return false
    this.#words.set(fingerprint, at)
    this.count++
    if (this.count * 4 > this.#places * 3) this.#grow()
    return true
  }

  /** Where the fingerprint is to be put, or -1 when it is there. */
  #find(from: Uint32Array, offset: number): number {
    const words = this.#words
    const [a, b, c, d] = [from[offset]!, from[offset + 1]!, from[offset + 2]!, from[offset + 3]!]
    for (let place = a & (this.#places - 1); ; place = (place + 1) & (this.#places - 1)) {
      const at = place * lanes
      if (words[at] === a && words[at + 1] === b && words[at + 2] === c && words[at + 3] === d) return -1
      if (words[at] === 0 && words[at + 1] === 0 && words[at + 2] === 0 && words[at + 3] === 0) return at
    }
  }

  #grow(): void {
    const before = this.#words
    this.#places *= 2
    this.#words = new Uint32Array(this.#places * lanes)
    for (let at = 0; at < before.length; at += lanes) {
      if (before[at] === 0 && before[at + 1] === 0 && before[at + 2] === 0 && before[at + 3] === 0) continue
      this.#words.set(before.subarray(at, at + lanes), this.#find(before, at))
    }
  }
}
