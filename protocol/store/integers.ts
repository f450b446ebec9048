/**
 * Signed integers of 64 bits as text and as bytes. Those up to 2^53 - 1 are numbers and allocate nothing; only beyond is a
 * bigint made.
 */

const MOST_DIGITS = 19
const LEAST = -(2n ** 63n)
const MOST = 2n ** 63n - 1n
const HIGH = 2 ** 32

/** What the last text or word read was: `wide` beyond 2^53 - 1, else `value`. */
export interface Integer {
  isWide: boolean
  value: number
  wide: bigint
}

export const newInteger = (): Integer => ({ isWide: false, value: 0, wide: 0n })

/**
 * Reads the `length` bytes of text at `at` as Redis does (`string2ll`): digits with perhaps a minus, without leading
 * zeros, in the range of 64 bits. False when they are anything else.
 */
export function parseInteger(memory: DataView, at: number, length: number, into: Integer): boolean {
  const negative = length > 0 && memory.getUint8(at) === 0x2d
  const from = negative ? 1 : 0
  const digits = length - from
  if (digits < 1 || digits > MOST_DIGITS) return false
  const first = memory.getUint8(at + from)
  if (first === 0x30 && (negative || digits > 1)) return false
  let value = 0
  for (let k = from; k < length; k++) {
    const digit = memory.getUint8(at + k) - 0x30
    if (digit < 0 || digit > 9) return false
    value = value * 10 + digit
  }
  if (value <= Number.MAX_SAFE_INTEGER) {
    into.isWide = false
    into.value = negative ? 0 - value : value
    return true
  }
  let wide = 0n
  for (let k = from; k < length; k++) wide = wide * 10n + BigInt(memory.getUint8(at + k) - 0x30)
  return set(into, negative ? -wide : wide)
}

/** The word of 64 bits at `at`. */
export function readInteger(memory: DataView, at: number, into: Integer): void {
  const high = memory.getInt32(at + 4, true)
  if (high >= -0x200000 && high < 0x200000) {
    const value = high * HIGH + memory.getUint32(at, true)
    if (Number.isSafeInteger(value)) {
      into.isWide = false
      into.value = value
      return
    }
  }
  set(into, memory.getBigInt64(at, true))
}

export function writeInteger(memory: DataView, at: number, from: Integer): void {
  if (from.isWide) memory.setBigInt64(at, from.wide, true)
  else writeNumber(memory, at, from.value)
}

/** Writes a safe integer as a word of 64 bits. */
export function writeNumber(memory: DataView, at: number, value: number): void {
  memory.setUint32(at, value >>> 0, true)
  memory.setInt32(at + 4, Math.floor(value / HIGH), true)
}

/** Adds `other`. False, with `to` unchanged, when the sum has more than 64 bits. */
export function addInteger(to: Integer, other: Integer): boolean {
  if (!to.isWide && !other.isWide) {
    const sum = to.value + other.value
    if (Number.isSafeInteger(sum)) {
      to.value = sum
      return true
    }
  }
  return set(to, bigOf(to) + bigOf(other))
}

/** Negates. False, with `of` unchanged, for -2^63. */
export function negateInteger(of: Integer): boolean {
  if (of.isWide) return set(of, -of.wide)
  of.value = 0 - of.value
  return true
}

/** Writes the decimal digits at `at`, and returns how many bytes they are: 20 at most. */
export function formatInteger(memory: DataView, at: number, from: Integer): number {
  let end = at
  if (from.isWide) {
    const text = from.wide.toString()
    for (let k = 0; k < text.length; k++) memory.setUint8(end++, text.charCodeAt(k))
    return end - at
  }
  let rest = from.value
  if (rest < 0) {
    memory.setUint8(end++, 0x2d)
    rest = -rest
  }
  let digits = 1
  for (let power = 10; power <= rest; power *= 10) digits++
  for (let k = end + digits - 1; k >= end; k--) {
    const next = Math.floor(rest / 10)
    memory.setUint8(k, 0x30 + (rest - next * 10))
    rest = next
  }
  return end + digits - at
}

export const bigOf = (integer: Integer): bigint => (integer.isWide ? integer.wide : BigInt(integer.value))

function set(into: Integer, value: bigint): boolean {
  if (value < LEAST || value > MOST) return false
  const number = Number(value)
  into.isWide = !Number.isSafeInteger(number)
  if (into.isWide) into.wide = value
  else into.value = number
  return true
}
