/** Writes replies of the Redis protocol into one buffer, which goes to a socket when a connection has had its turn. */
import type { Socket } from 'node:net'
import {
  faultTexts,
  formatInteger,
  lengthOf,
  newInteger,
  padded,
  readInteger,
  Tag,
  tagOf,
} from '../../protocol/store/index.js'

const BEGINNING_BYTES = 65_536
/** A buffer that one long reply made larger is not kept. */
const MOST_KEPT_BYTES = 1_048_576
const SHORT_BYTES = 48

export type RespVersion = 2 | 3

export class ReplyWriter {
  /** Bytes written and not sent. */
  length = 0
  #bytes = Buffer.allocUnsafeSlow(BEGINNING_BYTES)
  #view = new DataView(this.#bytes.buffer)
  readonly #integer = newInteger()

  #reserve(bytes: number): void {
    const needed = this.length + bytes
    if (needed <= this.#bytes.length) return
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#bytes.length))
    grown.set(this.#bytes.subarray(0, this.length))
    this.#bytes = grown
    this.#view = new DataView(grown.buffer)
  }

  /** Bytes of the protocol as they are, one a character. */
  raw(text: string): void {
    this.#reserve(text.length)
    this.length += this.#bytes.write(text, this.length, 'latin1')
  }

  rawBytes(bytes: Uint8Array): void {
    this.#reserve(bytes.length)
    this.#bytes.set(bytes, this.length)
    this.length += bytes.length
  }

  ok(): void {
    this.raw('+OK\r\n')
  }

  /** An error; a line break in it would end it. */
  error(text: string): void {
    this.raw(`-${text.replace(/[\r\n]/g, ' ')}\r\n`)
  }

  nil(version: RespVersion): void {
    this.raw(version === 2 ? '$-1\r\n' : '_\r\n')
  }

  nilArray(version: RespVersion): void {
    this.raw(version === 2 ? '*-1\r\n' : '_\r\n')
  }

  integer(value: number): void {
    this.raw(`:${String(value)}\r\n`)
  }

  array(count: number): void {
    this.raw(`*${String(count)}\r\n`)
  }

  /** The head of a map: keys and values follow, `pairs` of each. */
  map(pairs: number, version: RespVersion): void {
    this.raw(version === 2 ? `*${String(2 * pairs)}\r\n` : `%${String(pairs)}\r\n`)
  }

  bulk(text: string): void {
    this.raw(`$${String(text.length)}\r\n${text}\r\n`)
  }

  /** Text for people. */
  verbatim(text: string, version: RespVersion): void {
    const octets = Buffer.from(text)
    this.raw(version === 2 ? `$${String(octets.length)}\r\n` : `=${String(octets.length + 4)}\r\ntxt:`)
    this.rawBytes(octets)
    this.raw('\r\n')
  }

  /** The value of the store at `at`, and returns where the next is. */
  value(memory: DataView, octets: Uint8Array, at: number, version: RespVersion): number {
    const word = memory.getUint32(at, true)
    const length = lengthOf(word)
    let next = at + 4
    switch (tagOf(word)) {
      case Tag.ok:
        this.ok()
        return next
      case Tag.nil:
        this.nil(version)
        return next
      case Tag.integer:
        readInteger(memory, next, this.#integer)
        this.#reserve(24)
        this.#bytes[this.length++] = 0x3a
        this.length += formatInteger(this.#view, this.length, this.#integer)
        this.#lineEnd()
        return next + 8
      case Tag.bulk:
        this.#bulkOf(octets, next, length)
        return next + padded(length)
      case Tag.array:
        this.array(length)
        for (let left = length; left > 0; left--) next = this.value(memory, octets, next, version)
        return next
      case Tag.type:
        this.raw(length === 1 ? '+string\r\n' : '+none\r\n')
        return next
      default:
        this.error(faultTexts[length] ?? 'ERR of a kind that this gateway does not know')
        return next
    }
  }

  #bulkOf(source: Uint8Array, from: number, length: number): void {
    this.#reserve(length + 16)
    const bytes = this.#bytes
    bytes[this.length++] = 0x24
    this.#integer.isWide = false
    this.#integer.value = length
    this.length += formatInteger(this.#view, this.length, this.#integer)
    this.#lineEnd()
    if (length > SHORT_BYTES) bytes.set(source.subarray(from, from + length), this.length)
    else for (let k = 0; k < length; k++) bytes[this.length + k] = source[from + k]!
    this.length += length
    this.#lineEnd()
  }

  #lineEnd(): void {
    this.#bytes[this.length++] = 13
    this.#bytes[this.length++] = 10
  }

  /** Takes back what was written behind `length`. */
  cut(length: number): Buffer {
    const cut = Buffer.from(this.#bytes.subarray(length, this.length))
    this.length = length
    return cut
  }

  /** Hands what was written to a socket. */
  flush(socket: Socket): void {
    if (this.length === 0) return
    socket.write(this.#bytes.subarray(0, this.length))
    this.length = 0
    // The kernel takes most writes at once; else the buffer belongs to the socket until it has gone out.
    if (socket.writableLength === 0 && this.#bytes.length <= MOST_KEPT_BYTES) return
    this.#bytes = Buffer.allocUnsafeSlow(BEGINNING_BYTES)
    this.#view = new DataView(this.#bytes.buffer)
  }
}
