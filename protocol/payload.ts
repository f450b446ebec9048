import { avalanche, blend } from './checksum.js'

/**
 * What a register's value looks like in memory, and how a reader tells a whole value from a torn one.
 *
 * A value is a u32. Word k of its payload holds the value in the low half and 21 bits mixed from value and k in the high
 * half, so that every word says which value it belongs to, and two values never share a word. A payload is *whole* when
 * all its words belong to one value. This is for the spec and for clients to judge by; the protocol itself does not look
 * inside a payload: it trusts a checksum or a canary.
 */

/** What a reply or an accepted payload decodes to when its words belong to different values. No model accepts it. */
export const TORN = -1

/** The initial value, at sequence 0. */
export const INITIAL_VALUE = 0

const TWO_TO_32 = 4294967296

/** A word is a safe integer, so 21 bits of the high half are used; one is always set, so that blank memory is no payload. */
const HIGH_BITS = 0x1fffff

/** Word `index` of the payload of a value. */
export function wordOf(value: number, index: number): number {
  const high = (avalanche(value ^ Math.imul(index + 1, 0x9e3779b1)) & HIGH_BITS) | 1
  return high * TWO_TO_32 + value
}

/** The words of a payload by index: what `array(u64, …)` has for a view. */
export interface Words {
  readonly length: number
  get(index: number): number
}

/**
 * The checksum of a slot: 32 bits over the sequence and all words, in the manner of MurmurHash3. It covers the sequence
 * too, so that the payload of one publication under the header of another does not pass.
 */
export function checksumOf(sequence: number, words: Words): number {
  let h = avalanche(sequence)
  for (let k = 0; k < words.length; k++) {
    const word = words.get(k)
    h = blend(h, word | 0)
    h = blend(h, (word / TWO_TO_32) | 0)
  }
  return avalanche(h ^ words.length) >>> 0
}

/** The value whose payload these bytes are, or `TORN`. `at` need not be aligned. */
export function valueIn(memory: DataView, at: number, words: number): number {
  const value = memory.getUint32(at, true)
  for (let k = 0; k < words; k++) {
    const word = memory.getUint32(at + 8 * k + 4, true) * TWO_TO_32 + memory.getUint32(at + 8 * k, true)
    if (word !== wordOf(value, k)) return TORN
  }
  return value
}
