/**
 * The bytes of a disk's log and where its records begin. A record is a u32 length and so many bytes, padded to 4.
 *
 * The bytes are what a core will read after a crash and may have gone bad, so boundaries are kept beside them: a byte
 * for each 4-byte word, not zero where a record begins. When a core is about to read the log the boundaries are drawn
 * anew from the bytes, as `forEachRecord` of the contract does: what a core can count is what it can truncate.
 */
import type { Memory } from './memory.js'

const Mark = { none: 0, record: 1, voidRecord: 2 } as const

const headerBytes = 4
/** Bytes that a record of `length` bytes takes on disk. */
export const recordBytes = (length: number): number => headerBytes + ((length + 3) & ~3)
/** Bytes of the marks for a log of so many bytes; a multiple of 4. */
export const markBytes = (capacityBytes: number): number => (Math.ceil(capacityBytes / 4) + 3) & ~3

export class DiskRecords {
  readonly #words: Uint32Array
  readonly #bytes: Uint8Array
  readonly #marks: number
  readonly #records: number

  /** @param offset byte offset of the marks in the state; the log follows them */
  constructor(memory: Memory, offset: number, capacityBytes: number) {
    this.#words = memory.words
    this.#bytes = memory.bytes
    this.#marks = offset
    this.#records = offset + markBytes(capacityBytes)
  }

  // All positions are byte offsets in the log, multiples of 4.

  word(at: number): number {
    return this.#words[(this.#records + at) / 4]!
  }
  /** Where the record behind the one at `at` begins, or `total`. */
  next(at: number, total: number): number {
    const bytes = this.#bytes
    let next = at + 4
    while (next < total && bytes[this.#marks + next / 4] === Mark.none) next += 4
    return next
  }
  isVoid(at: number): boolean {
    return this.#bytes[this.#marks + at / 4] === Mark.voidRecord
  }
  /** Declares all records in [from, total) void. */
  voidAll(from: number, total: number): void {
    for (let at = from; at < total; at += 4)
      if (this.#bytes[this.#marks + at / 4] === Mark.record)
        this.#bytes[this.#marks + at / 4] = Mark.voidRecord
  }
  voidNone(total: number): void {
    for (let at = 0; at < total; at += 4) if (this.isVoid(at)) this.#bytes[this.#marks + at / 4] = Mark.record
  }
  isBlank(from: number, to: number): boolean {
    for (let at = from; at < to; at += 4) if (this.word(at) !== 0) return false
    return true
  }

  append(at: number, payload: Uint8Array, from: number, length: number): void {
    const bytes = this.#bytes
    const target = this.#records + at
    this.#words[target / 4] = length
    for (let i = 0; i < length; i++) bytes[target + headerBytes + i] = payload[from + i]!
    bytes[this.#marks + at / 4] = Mark.record
  }
  /** The bytes of [from, to) have not reached the disk. */
  blank(from: number, to: number): void {
    this.#bytes.fill(0, this.#records + from, this.#records + to)
  }
  /** Copies `length` bytes of the log onto others of it. */
  overwrite(at: number, from: number, length: number): void {
    this.#bytes.copyWithin(this.#records + at, this.#records + from, this.#records + from + length)
  }
  /** The lowest bit of a word changes. */
  flip(at: number): void {
    this.#words[(this.#records + at) / 4]! ^= 1
  }

  /** How many records begin in [from, to). */
  count(from: number, to: number): number {
    let count = 0
    for (let at = from; at < to; at += 4) if (this.#bytes[this.#marks + at / 4] !== Mark.none) count++
    return count
  }
  countVoid(from: number, to: number): number {
    let count = 0
    for (let at = from; at < to; at += 4) if (this.isVoid(at)) count++
    return count
  }
  dropFront(cut: number, total: number): void {
    const bytes = this.#bytes
    bytes.copyWithin(this.#records, this.#records + cut, this.#records + total)
    bytes.fill(0, this.#records + total - cut, this.#records + total)
    bytes.copyWithin(this.#marks, this.#marks + cut / 4, this.#marks + total / 4)
    bytes.fill(Mark.none, this.#marks + (total - cut) / 4, this.#marks + total / 4)
  }

  /**
   * Draws the boundaries anew from the bytes of a log that reaches to `total`, and to `former` before. A record is void
   * if it begins where a void one was. Returns the last boundary that is not behind `flushed`.
   */
  mark(total: number, former: number, flushed: number): number {
    const bytes = this.#bytes
    let isVoid = false
    let next = 0
    let boundary = 0
    for (let at = 0; at < former; at += 4) {
      const old = bytes[this.#marks + at / 4]
      if (old !== Mark.none) isVoid = old === Mark.voidRecord
      const begins = at === next && at < total
      bytes[this.#marks + at / 4] = begins ? (isVoid ? Mark.voidRecord : Mark.record) : Mark.none
      if (!begins) continue
      const length = this.word(at)
      next = length > total - at - headerBytes ? total : at + recordBytes(length)
      if (next <= flushed) boundary = next
    }
    return boundary
  }

  copyOut(into: Uint32Array, total: number): void {
    for (let k = 0; k < total / 4; k++) into[k] = this.#words[this.#records / 4 + k]!
  }
}
