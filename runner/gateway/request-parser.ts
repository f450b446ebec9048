/**
 * Requests of the Redis protocol, taken from bytes that arrive in pieces: arrays of bulk strings, and inline commands.
 *
 * What has been looked at is not looked at again when more arrives. A request of more than `requestBytes` is swallowed as
 * it comes, and then said to be too large; so no more than that and one piece is held.
 */
import { splitInline } from './inline.js'

export const Parsed = {
  /** The request goes on in bytes that have not arrived. */
  more: 0,
  request: 1,
  tooLarge: 2,
  /** Not the protocol: `problem` says why, and nothing behind it can be understood. */
  broken: 3,
} as const
export type Parsed = (typeof Parsed)[keyof typeof Parsed]

const CR = 13
const LF = 10
/** As in Redis. */
const MOST_INLINE_BYTES = 65_536
const MOST_ARGUMENTS = 1_048_576
const MOST_BULK_BYTES = 512 * 1024 * 1024
const MOST_LINE_BYTES = 32

const nothing = Buffer.alloc(0)

export class RequestParser {
  /** Of the request: arguments lie in `source`, from `starts[i]`, `lengths[i]` bytes. Lent until `accept` or `push`. */
  source: Buffer = nothing
  view: DataView = new DataView(nothing.buffer, 0, 0)
  count = 0
  starts = new Int32Array(16)
  lengths = new Int32Array(16)
  problem = ''

  readonly #requestBytes: number
  /** Whether `source` was made here, and has room behind `#end`. */
  #isOwn = false
  #begin = 0
  #end = 0
  /** What has been understood of the request that begins at `#begin`. */
  #scan = 0
  #left = 0
  /** Bytes of the argument at hand, or -1 before its length is known. */
  #bulk = -1
  #isTooLarge = false
  #parsed: Parsed = Parsed.more

  constructor(requestBytes: number) {
    this.#requestBytes = requestBytes
  }

  /** Bytes that have arrived and have not been accepted. */
  get waitingBytes(): number {
    return this.#end - this.#begin
  }

  /** Takes what has arrived. The piece is kept, not copied, while nothing else waits. */
  push(piece: Buffer): void {
    const waiting = this.waitingBytes
    if (waiting === 0) {
      this.#use(piece, false)
      this.#end = piece.length
      return
    }
    if (!this.#isOwn || this.#end + piece.length > this.source.length) {
      const grown =
        this.#isOwn && waiting + piece.length <= this.source.length / 2
          ? this.source
          : Buffer.allocUnsafe(2 * (waiting + piece.length))
      grown.set(this.source.subarray(this.#begin, this.#end))
      const moved = this.#begin
      for (let k = 0; k < this.count; k++) this.starts[k]! -= moved
      const scan = this.#scan - moved
      this.#use(grown, true)
      this.#scan = scan
      this.#end = waiting
    }
    this.source.set(piece, this.#end)
    this.#end += piece.length
  }

  #use(source: Buffer, isOwn: boolean): void {
    this.source = source
    this.view = new DataView(source.buffer, source.byteOffset, source.byteLength)
    this.#isOwn = isOwn
    this.#begin = 0
    this.#scan = 0
  }

  /** Goes on to the next request, which stays the next until it is accepted. */
  next(): Parsed {
    if (this.#parsed === Parsed.more) this.#parsed = this.#parse()
    return this.#parsed
  }

  /** Done with the request. */
  accept(): void {
    this.#parsed = Parsed.more
    this.#isTooLarge = false
    this.#begin = this.#scan
    this.count = 0
    if (this.#begin === this.#end) {
      // Nothing waits, so the piece need not be kept.
      this.source = nothing
      this.#isOwn = false
      this.#begin = this.#end = this.#scan = 0
    }
  }

  #parse(): Parsed {
    while (this.#left === 0) {
      if (this.#scan === this.#end) return Parsed.more
      if (this.source[this.#scan] !== 0x2a) {
        const parsed = this.#inline()
        if (parsed === undefined) continue
        return parsed
      }
      const count = this.#line(MOST_ARGUMENTS, 'invalid multibulk length')
      if (count === undefined) return this.problem === '' ? Parsed.more : Parsed.broken
      if (count > 0) this.#left = count
      else this.#begin = this.#scan
    }
    while (this.#left > 0) {
      if (this.#bulk < 0) {
        if (this.#scan === this.#end) return Parsed.more
        const first = this.source[this.#scan]!
        if (first !== 0x24) return this.#broken(`expected '$', got '${String.fromCharCode(first)}'`)
        const bulk = this.#line(MOST_BULK_BYTES, 'invalid bulk length')
        if (bulk === undefined) return this.problem === '' ? Parsed.more : Parsed.broken
        if (bulk < 0) return this.#broken('invalid bulk length')
        this.#bulk = bulk
        if (this.#scan - this.#begin + bulk + 2 > this.#requestBytes) this.#isTooLarge = true
        if (!this.#isTooLarge) this.#add(this.#scan, bulk)
      }
      const arrived = this.#end - this.#scan
      if (arrived < this.#bulk + 2) {
        if (this.#isTooLarge && arrived > 2) {
          this.#bulk -= arrived - 2
          this.#scan = this.#end - 2
          this.#begin = this.#scan
        }
        return Parsed.more
      }
      this.#scan += this.#bulk + 2
      if (this.#isTooLarge) this.#begin = this.#scan
      this.#bulk = -1
      this.#left--
    }
    return this.#isTooLarge ? Parsed.tooLarge : Parsed.request
  }

  /** Reads a line of a sign and a number, or undefined when it is not there yet, or broken. */
  #line(most: number, problem: string): number | undefined {
    const { source } = this
    let at = this.#scan + 1
    const isNegative = source[at] === 0x2d && at < this.#end
    if (isNegative) at++
    const first = at
    let value = 0
    for (; at < this.#end && source[at] !== CR; at++) {
      const digit = source[at]! - 0x30
      if (digit < 0 || digit > 9 || at - first > MOST_LINE_BYTES) return this.#wrong(problem)
      value = value * 10 + digit
    }
    if (at + 1 >= this.#end) return undefined
    if (at === first || source[at + 1] !== LF || (!isNegative && value > most)) return this.#wrong(problem)
    this.#scan = at + 2
    return isNegative ? -value : value
  }

  #wrong(problem: string): undefined {
    this.problem = problem
    return undefined
  }

  #broken(problem: string): Parsed {
    this.problem = problem
    return Parsed.broken
  }

  /** Reads an inline command; undefined for a blank line. */
  #inline(): Parsed | undefined {
    // Bytes behind the end of what arrived may be anything, so no search goes there.
    const newline = this.source.subarray(this.#scan, this.#end).indexOf(LF)
    if (newline > MOST_INLINE_BYTES || (newline < 0 && this.#end - this.#scan > MOST_INLINE_BYTES))
      return this.#broken('too big inline request')
    if (newline < 0) return Parsed.more
    const from = this.#scan
    const end = from + newline
    this.#scan = end + 1
    const words = splitInline(this.source, from, end > from && this.source[end - 1] === CR ? end - 1 : end)
    if (words === undefined) return this.#broken('unbalanced quotes in request')
    if (words.length === 0) {
      this.#begin = this.#scan
      return undefined
    }
    // A word is never longer than what it was written as, so the words fit where the line was.
    let at = from
    for (const word of words) {
      this.source.set(word, at)
      this.#add(at, word.length)
      at += word.length
    }
    return Parsed.request
  }

  #add(start: number, length: number): void {
    if (this.count === this.starts.length) {
      const [starts, lengths] = [new Int32Array(2 * this.count), new Int32Array(2 * this.count)]
      starts.set(this.starts)
      lengths.set(this.lengths)
      this.starts = starts
      this.lengths = lengths
    }
    this.starts[this.count] = start
    this.lengths[this.count++] = length
  }

  /** An argument as text, one character a byte. */
  text(index: number): string {
    const start = this.starts[index]!
    return this.source.toString('latin1', start, start + this.lengths[index]!)
  }
}
