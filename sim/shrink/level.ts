/** Typed arrays that grow, for searches over tens of millions of states. */

const chunkWords = 1 << 18
const fingerprintWords = 4
const headWords = 1 + fingerprintWords
/** Set where the value of a word does not fit beside its position and follows. */
const isLong = 0x8000_0000
/** Most words of a state, for a position takes 15 bits. */
export const mostStateWords = 0x8000

/**
 * The states of one level of a breadth-first search, read in the order in which they were added. Of each its fingerprint
 * is kept and the words in which it differs from the initial state; this loses nothing.
 */
export class Level {
  count = 0
  readonly #initial: Uint32Array
  readonly #chunkWords: number
  #chunks: (Uint32Array | undefined)[] = []
  /** Where the next record is written, and where the next one is read. */
  #writeChunk = -1
  #writeAt = Infinity
  #readChunk = -1
  #readAt = Infinity

  constructor(initial: Uint32Array) {
    if (initial.length > mostStateWords)
      throw new RangeError(
        `a state has at most ${String(mostStateWords)} words, not ${String(initial.length)}`,
      )
    this.#initial = initial
    this.#chunkWords = Math.max(chunkWords, this.#mostRecordWords)
  }

  get #mostRecordWords(): number {
    return headWords + 2 * this.#initial.length
  }

  clear(): void {
    this.count = 0
    this.#chunks = []
    this.#writeChunk = this.#readChunk = -1
    this.#writeAt = this.#readAt = Infinity
  }

  add(words: Uint32Array, fingerprint: Uint32Array): void {
    if (this.#writeAt + this.#mostRecordWords > this.#chunkWords) {
      this.#chunks[++this.#writeChunk] = new Uint32Array(this.#chunkWords)
      this.#writeAt = 0
    }
    const chunk = this.#chunks[this.#writeChunk]!
    const initial = this.#initial
    const start = this.#writeAt
    for (let i = 0; i < fingerprintWords; i++) chunk[start + 1 + i] = fingerprint[i]!
    let end = start + headWords
    for (let i = 0; i < initial.length; i++) {
      const word = words[i]!
      if (word === initial[i]) continue
      if (word < 0x1_0000) chunk[end++] = (i << 16) | word
      else {
        chunk[end++] = isLong | i
        chunk[end++] = word
      }
    }
    chunk[start] = end - start
    this.#writeAt = end
    this.count++
  }

  /** Reads the next state into `words` and `fingerprint`. What has been read is given up chunk by chunk. */
  read(words: Uint32Array, fingerprint: Uint32Array): void {
    // No record is empty, so a zero, like the end, means that the next one is in the next chunk.
    if (this.#readAt >= this.#chunkWords || this.#chunks[this.#readChunk]![this.#readAt] === 0) {
      if (this.#readChunk >= 0) this.#chunks[this.#readChunk] = undefined
      this.#readChunk++
      this.#readAt = 0
    }
    const chunk = this.#chunks[this.#readChunk]!
    const start = this.#readAt
    const end = start + chunk[start]!
    for (let i = 0; i < fingerprintWords; i++) fingerprint[i] = chunk[start + 1 + i]!
    words.set(this.#initial)
    for (let i = start + headWords; i < end; i++) {
      const entry = chunk[i]!
      if (entry < isLong) words[entry >>> 16] = entry & 0xffff
      else words[entry & 0xffff] = chunk[++i]!
    }
    this.#readAt = end
  }
}

/** A list of 32-bit numbers. */
export class Numbers {
  length = 0
  #values = new Int32Array(1 << 12)

  add(value: number): void {
    if (this.length === this.#values.length) {
      const values = new Int32Array(this.#values.length * 2)
      values.set(this.#values)
      this.#values = values
    }
    this.#values[this.length++] = value
  }
  at(i: number): number {
    return this.#values[i]!
  }
}
