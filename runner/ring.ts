/**
 * A ring of records between two threads: one writes, one reads. A record is an integer tag, a number, and bytes.
 *
 * Head and tail count bytes and go on for ever (modulo 2^32); the size is a power of two. Whoever finds nothing to read
 * says that it sleeps, looks once more, and then waits for the word `signal` to change; who writes wakes it only then.
 */
const Word = { head: 0, tail: 1, asleep: 2, signal: 3 } as const
const HEADER_BYTES = 64
/** Tag, number, length, and one word free, so that records begin at multiples of 16. */
const RECORD_BYTES = 16

export function ringMemory(bytes: number): SharedArrayBuffer {
  return new SharedArrayBuffer(HEADER_BYTES + bytes)
}

class RingEnd {
  protected readonly words: Int32Array
  protected readonly records: Int32Array
  protected readonly bytes: Uint8Array
  protected readonly size: number
  constructor(memory: SharedArrayBuffer) {
    this.size = memory.byteLength - HEADER_BYTES
    if ((this.size & (this.size - 1)) !== 0) throw new RangeError('the size of a ring is a power of two')
    this.words = new Int32Array(memory, 0, HEADER_BYTES / 4)
    this.records = new Int32Array(memory, HEADER_BYTES)
    this.bytes = new Uint8Array(memory, HEADER_BYTES)
  }
  /** Most bytes of a record. */
  get mostBytes(): number {
    return this.size / 2 - RECORD_BYTES
  }
}

const roundUp16 = (bytes: number): number => (bytes + 15) & ~15
/** What fills the end of the ring where a record does not fit. */
const FILLER = -1

export class RingWriter extends RingEnd {
  /** Whether a record was added since the reader was last looked after. */
  #hasNew = false

  /** Adds a record. Returns false when there is no room. */
  push(tag: number, value: number, from: Uint8Array, at: number, length: number): boolean {
    const { words, records, size } = this
    const need = RECORD_BYTES + roundUp16(length)
    if (need > size / 2) throw new RangeError(`a record has at most ${String(this.mostBytes)} bytes`)
    let tail = Atomics.load(words, Word.tail)
    const used = (tail - Atomics.load(words, Word.head)) >>> 0
    let place = tail & (size - 1)
    const filler = place + need > size ? size - place : 0
    if (used + filler + need > size) return false
    if (filler > 0) {
      records[place / 4] = FILLER
      records[place / 4 + 2] = filler - RECORD_BYTES
      tail = (tail + filler) | 0
      place = 0
    }
    const head = place / 4
    records[head] = tag
    records[head + 1] = value
    records[head + 2] = length
    const start = place + RECORD_BYTES
    const { bytes } = this
    if (length <= 64) for (let i = 0; i < length; i++) bytes[start + i] = from[at + i]!
    else bytes.set(from.subarray(at, at + length), start)
    Atomics.store(words, Word.tail, (tail + need) | 0)
    this.#hasNew = true
    return true
  }

  /** Whether the reader sleeps; the caller wakes it. Resets that. */
  takeSleeper(): boolean {
    if (Atomics.load(this.words, Word.asleep) === 0) return false
    return Atomics.exchange(this.words, Word.asleep, 0) === 1
  }

  /**
   * Wakes the reader if it sleeps in {@link RingReader.sleep} and there is something new. One that is about to sleep finds
   * what was added before.
   */
  wake(): void {
    if (!this.#hasNew) return
    this.#hasNew = false
    if (!this.takeSleeper()) return
    Atomics.add(this.words, Word.signal, 1)
    Atomics.notify(this.words, Word.signal)
  }
}

export class RingReader extends RingEnd {
  /** Of the record that `next` found. `memory` at `offset` holds its `length` bytes until `pop`. */
  tag = 0
  value = 0
  offset = 0
  length = 0

  get memory(): Uint8Array {
    return this.bytes
  }

  /** Looks at the next record; false when there is none. */
  next(): boolean {
    const { words, records, size } = this
    for (;;) {
      const head = words[Word.head]!
      if (Atomics.load(words, Word.tail) === head) return false
      const place = head & (size - 1)
      const length = records[place / 4 + 2]!
      if (records[place / 4] !== FILLER) {
        this.tag = records[place / 4]!
        this.value = records[place / 4 + 1]!
        this.length = length
        this.offset = place + RECORD_BYTES
        return true
      }
      Atomics.store(words, Word.head, (head + RECORD_BYTES + length) | 0)
    }
  }

  /** The record found last is done with. */
  pop(): void {
    const { words } = this
    Atomics.store(words, Word.head, (words[Word.head]! + RECORD_BYTES + roundUp16(this.length)) | 0)
  }

  /**
   * Says that the reader is about to sleep. Returns false when a record has come meanwhile: then it does not.
   */
  announceSleep(): boolean {
    Atomics.store(this.words, Word.asleep, 1)
    if (!this.next()) return true
    Atomics.store(this.words, Word.asleep, 0)
    return false
  }
  awake(): void {
    Atomics.store(this.words, Word.asleep, 0)
  }

  /** Calls `then` once when a record is there. */
  async sleep(): Promise<void> {
    const { words } = this
    const signal = Atomics.load(words, Word.signal)
    if (!this.announceSleep()) return
    const { value } = Atomics.waitAsync(words, Word.signal, signal)
    await value
    this.awake()
  }
}
