/**
 * Replies of the store as bytes.
 *
 *     header   u8 outcome, u8 zero, u16 how many commands were executed, u32 zero
 *     value    u8 tag, u24 length, and what follows it by tag:
 *              nil, ok, type (length is 1 for a string, 0 for none), error (length is the fault): nothing
 *              integer: i64; bulk: the bytes, padded with zeros to 4; array: so many values
 *
 * Each executed command has one value, in order. The whole is padded with zeros to 8 bytes.
 */
export const REPLY_HEADER_BYTES = 8
/** Bytes that each command of a transaction is sure of: an integer, or an error. */
export const SURE_BYTES = 12

export const Result = {
  done: 0,
  /** A condition did not hold: nothing was executed. */
  conflict: 1,
  /** No operation, or one whose reply could not hold a result for each command: nothing was executed. */
  malformed: 2,
} as const

export const Tag = { nil: 0, ok: 1, integer: 2, bulk: 3, array: 4, error: 5, type: 6 } as const

export const Fault = { full: 0, notInteger: 1, overflow: 2, valueTooLong: 3, replyTooLong: 4 } as const

/** What Redis says of each fault; it has none for a reply that is too long. */
export const faultTexts: readonly string[] = [
  "OOM command not allowed when used memory > 'maxmemory'.",
  'ERR value is not an integer or out of range',
  'ERR increment or decrement would overflow',
  'ERR string exceeds maximum allowed size (proto-max-bulk-len)',
  'ERR the reply is larger than a reply of this store may be; ask for fewer or shorter values at once',
]

export const tagOf = (word: number): number => word & 0xff
export const lengthOf = (word: number): number => word >>> 8
export const valueWord = (tag: number, length: number): number => (tag | (length << 8)) >>> 0
