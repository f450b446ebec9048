/** Little-endian bytes, variable-length numbers, UTF-8 and CRC-32, by hand: `sim/` knows neither Node nor the DOM. */
import { TraceError } from './errors.js'

/** A growing run of bytes. */
export class ByteWriter {
  #bytes = new Uint8Array(1024)
  length = 0

  #reserve(count: number): number {
    const at = this.length
    this.length += count
    if (this.length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.length, this.#bytes.length * 2))
      grown.set(this.#bytes)
      this.#bytes = grown
    }
    return at
  }
  u8(value: number): void {
    const at = this.#reserve(1)
    this.#bytes[at] = value
  }
  u16(value: number): void {
    this.u8(value & 0xff)
    this.u8(value >>> 8)
  }
  u32(value: number): void {
    this.u16(value & 0xffff)
    this.u16(value >>> 16)
  }
  /** A whole number from 0 to 2^53 - 1, seven bits a byte, the lowest first (as in protocol buffers). */
  varint(value: number): void {
    let left = value
    while (left >= 0x80) {
      this.u8((left % 0x80) | 0x80)
      left = Math.floor(left / 0x80)
    }
    this.u8(left)
  }
  /** A whole number of either sign below 2^52, small when it is near 0. */
  signed(value: number): void {
    this.varint(value < 0 ? -2 * value - 1 : 2 * value)
  }
  raw(bytes: Uint8Array): void {
    const at = this.#reserve(bytes.length)
    this.#bytes.set(bytes, at)
  }
  /** Overwrites four bytes. */
  patch32(at: number, value: number): void {
    for (let i = 0; i < 4; i++) this.#bytes[at + i] = (value >>> (8 * i)) & 0xff
  }
  /** The bytes so far; valid until the next write. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.length)
  }
  take(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.length)
  }
}

/** Reads what {@link ByteWriter} wrote. Reading past the end or a malformed number is a TraceError. */
export class ByteReader {
  at = 0
  readonly #bytes: Uint8Array
  readonly #section: string

  constructor(bytes: Uint8Array, section: string) {
    this.#bytes = bytes
    this.#section = section
  }
  get left(): number {
    return this.#bytes.length - this.at
  }
  u8(): number {
    const byte = this.#bytes[this.at]
    if (byte === undefined)
      throw corrupt(this.#section, `ends after ${String(this.at)} bytes, in the middle of a value`)
    this.at++
    return byte
  }
  u16(): number {
    const low = this.u8()
    return low | (this.u8() << 8)
  }
  u32(): number {
    const low = this.u16()
    return (low | (this.u16() << 16)) >>> 0
  }
  varint(): number {
    let value = 0
    let weight = 1
    for (;;) {
      const byte = this.u8()
      value += (byte & 0x7f) * weight
      if (value > Number.MAX_SAFE_INTEGER)
        throw corrupt(this.#section, `has a number above 2^53 at byte ${String(this.at)}`)
      if (byte < 0x80) return value
      weight *= 0x80
      if (weight > 2 ** 53)
        throw corrupt(this.#section, `has a number of too many bytes at byte ${String(this.at)}`)
    }
  }
  signed(): number {
    const value = this.varint()
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }
  raw(length: number): Uint8Array {
    if (length > this.left)
      throw corrupt(this.#section, `asks for ${String(length)} bytes where ${String(this.left)} are left`)
    this.at += length
    return this.#bytes.subarray(this.at - length, this.at)
  }
}

const fetchAgain = 'The file is damaged; fetch or record it again.'
export const corrupt = (section: string, what: string): TraceError =>
  new TraceError('corrupt', section, what, fetchAgain)

// ---- UTF-8 (RFC 3629)

/** A lone surrogate becomes U+FFFD. */
export function utf8(text: string): Uint8Array {
  const out = new ByteWriter()
  for (const character of text) {
    const code = character.codePointAt(0)!
    const point = code >= 0xd800 && code <= 0xdfff ? 0xfffd : code
    if (point < 0x80) out.u8(point)
    else if (point < 0x800) {
      out.u8(0xc0 | (point >>> 6))
      out.u8(0x80 | (point & 0x3f))
    } else if (point < 0x10000) {
      out.u8(0xe0 | (point >>> 12))
      out.u8(0x80 | ((point >>> 6) & 0x3f))
      out.u8(0x80 | (point & 0x3f))
    } else {
      out.u8(0xf0 | (point >>> 18))
      out.u8(0x80 | ((point >>> 12) & 0x3f))
      out.u8(0x80 | ((point >>> 6) & 0x3f))
      out.u8(0x80 | (point & 0x3f))
    }
  }
  return out.take()
}

/** Throws TraceError where the bytes are no UTF-8: overlong forms and surrogates are not. */
export function fromUtf8(bytes: Uint8Array, section: string): string {
  const pieces: string[] = []
  let piece = ''
  for (let i = 0; i < bytes.length;) {
    const first = bytes[i]!
    const more =
      first < 0x80 ? 0 : first < 0xc2 ? -1 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : first < 0xf5 ? 3 : -1
    let point = more === 0 ? first : first & (0x3f >>> more)
    let good = more >= 0 && i + more < bytes.length
    for (let k = 1; good && k <= more; k++) {
      const next = bytes[i + k]!
      good = (next & 0xc0) === 0x80
      point = (point << 6) | (next & 0x3f)
    }
    if (more === 2 && (point < 0x800 || (point >= 0xd800 && point <= 0xdfff))) good = false
    if (more === 3 && (point < 0x10000 || point > 0x10ffff)) good = false
    if (!good) throw corrupt(section, `is not UTF-8 at byte ${String(i)}`)
    piece += String.fromCodePoint(point)
    i += more + 1
    if (piece.length >= 4096) {
      pieces.push(piece)
      piece = ''
    }
  }
  return pieces.join('') + piece
}

// ---- CRC-32 (IEEE 802.3), which tells every change of up to 32 neighbouring bits

const crcTable = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1
  return c >>> 0
})

export function crc32(bytes: Uint8Array, length = bytes.length): number {
  let crc = 0xffffffff
  for (let i = 0; i < length; i++) crc = crcTable[(crc ^ bytes[i]!) & 0xff]! ^ (crc >>> 8)
  return (crc ^ 0xffffffff) >>> 0
}
