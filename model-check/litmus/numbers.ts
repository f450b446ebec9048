/** 64-bit words as pairs of 32-bit ones: compared and shown. Words from 2^63 are negative numbers. */
import type { Relation } from './program.js'

/** Whether a word stands in a relation to a number. */
export function holds(low: number, high: number, relation: Relation, value: number): boolean {
  const word = numberOf(low, high)
  switch (relation) {
    case '==':
      return word === value
    case '!=':
      return word !== value
    case '<':
      return word < value
    case '>':
      return word > value
    case '<=':
      return word <= value
    case '>=':
      return word >= value
  }
}

const numberOf = (low: number, high: number): number =>
  high >= 0x8000_0000 ? (high - 0x1_0000_0000) * 0x1_0000_0000 + low : high * 0x1_0000_0000 + low

export function wordText(low: number, high: number): string {
  const word = numberOf(low, high)
  return Number.isSafeInteger(word) ? String(word) : String((BigInt(high | 0) << 32n) | BigInt(low))
}
