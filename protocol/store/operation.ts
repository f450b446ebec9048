/**
 * Operations of the store as bytes: one transaction, or a batch, of commands.
 *
 *     header      u64 logged time in milliseconds, u8 mode, u8 zero, u16 conditions, u16 commands, u16 zero
 *     condition   u64 version, u32 bytes of the key, the key
 *     command     u8 code, u8 flags, u16 arguments, i64 number where the flags say so,
 *                 and for each argument u32 bytes and the bytes
 *
 * Everything is little-endian. Arguments are padded with zeros to 4 bytes, the whole to 8.
 */
import { padded } from './layout.js'

export const OPERATION_HEADER_BYTES = 16
export const COMMAND_HEADER_BYTES = 4

export const Mode = {
  /**
   * As many commands as fit in the reply, in order, the first in any case; the reply says how many were executed, and
   * the others have not been.
   */
  batch: 0,
  /** All commands if all conditions hold, else none. */
  transaction: 1,
} as const

/** Commands; those up to `count` only read. */
export const Code = {
  get: 0,
  strlen: 1,
  exists: 2,
  mget: 3,
  ttl: 4,
  type: 5,
  /** Versions of keys, 0 for one that is absent: what WATCH remembers. */
  versions: 6,
  /** How many keys there are. */
  size: 7,
  /** Keys, keys with an expiry, bytes used and bytes of the arena. */
  count: 8,
  set: 9,
  getdel: 10,
  append: 11,
  del: 12,
  incrby: 13,
  mset: 14,
  expire: 15,
  persist: 16,
  flush: 17,
} as const
const LAST_READ = Code.count

/** Bits of the flags of a command. */
export const Flag = {
  // set, mset and expire
  nx: 1,
  xx: 2,
  // set
  get: 4,
  keepTtl: 8,
  // expire
  gt: 4,
  lt: 8,
  // set and expire: the number counts from the logged time, else it is a time
  relative: 16,
  /** set and mset answer 1 or 0 instead of OK or nil. */
  counted: 32,
  // ttl
  /** Milliseconds, else seconds. */
  millis: 1,
  /** The time of expiry, else what is left until then. */
  absolute: 2,
  /** A number follows. */
  number: 128,
} as const

/** Bytes that a command takes up, without its arguments. */
export const commandBytes = (flags: number): number =>
  (flags & Flag.number) !== 0 ? COMMAND_HEADER_BYTES + 8 : COMMAND_HEADER_BYTES

/** Bytes that an argument takes up. */
export const argumentBytes = (bytes: number): number => 4 + padded(bytes)

/** Sets the logged time of an operation. */
export function setLoggedTime(operation: DataView, at: number, millis: number): void {
  operation.setUint32(at, millis >>> 0, true)
  operation.setUint32(at + 4, Math.floor(millis / 2 ** 32), true)
}

/**
 * Where the operation at `at` ends, not counting its padding, or -1 if it is not one that an encoder makes within
 * `most` bytes.
 */
export function endOfOperation(operation: DataView, at: number, most: number): number {
  const end = Math.min(at + most, operation.byteLength)
  if (at + OPERATION_HEADER_BYTES > end) return -1
  if (operation.getUint32(at + 4, true) >= 2 ** 20) return -1
  if (operation.getUint8(at + 8) > Mode.transaction) return -1
  let position = at + OPERATION_HEADER_BYTES
  for (let left = operation.getUint16(at + 10, true); left > 0 && position >= 0; left--) {
    if (position + 12 > end || operation.getUint32(position + 4, true) >= 2 ** 21) return -1
    position = endOfArgument(operation, position + 8, end)
  }
  return position < 0 ? -1 : endOfCommands(operation, position, operation.getUint16(at + 12, true), end)
}

/** Where so many commands end that begin at a position, or -1 if they are none that an encoder makes before `end`. */
export function endOfCommands(operation: DataView, at: number, commands: number, end: number): number {
  let position = at
  for (let left = commands; left > 0 && position >= 0; left--)
    position = endOfCommand(operation, position, end)
  return position
}

function endOfCommand(operation: DataView, at: number, end: number): number {
  if (at + COMMAND_HEADER_BYTES > end) return -1
  const code = operation.getUint8(at)
  const flags = operation.getUint8(at + 1)
  const count = operation.getUint16(at + 2, true)
  if (!isShaped(code, flags, count)) return -1
  let position = at + commandBytes(flags)
  if (position > end) return -1
  for (let left = count; left > 0 && position >= 0; left--) position = endOfArgument(operation, position, end)
  return position
}

function endOfArgument(operation: DataView, at: number, end: number): number {
  if (at + 4 > end) return -1
  const bytes = operation.getUint32(at, true)
  if (bytes > end) return -1
  const next = at + argumentBytes(bytes)
  if (next > end) return -1
  // The padding is compared and hashed with the rest.
  const odd = bytes & 3
  return odd !== 0 && operation.getUint32(next - 4, true) >>> (8 * odd) !== 0 ? -1 : next
}

function isShaped(code: number, flags: number, count: number): boolean {
  const hasNumber = (flags & Flag.number) !== 0
  switch (code) {
    case Code.get:
    case Code.strlen:
    case Code.ttl:
    case Code.type:
    case Code.getdel:
    case Code.persist:
      return count === 1 && !hasNumber
    case Code.incrby:
    case Code.expire:
      return count === 1 && hasNumber
    case Code.set:
      return count === 2
    case Code.append:
      return count === 2 && !hasNumber
    case Code.mset:
      return count > 0 && count % 2 === 0 && !hasNumber
    case Code.exists:
    case Code.mget:
    case Code.versions:
    case Code.del:
      return count > 0 && !hasNumber
    case Code.size:
    case Code.count:
    case Code.flush:
      return count === 0 && !hasNumber
    default:
      return false
  }
}

/** Whether the command only reads. */
export const readsOnly = (code: number): boolean => code <= LAST_READ

/**
 * Whether the result of the command is never longer than what each command of a transaction is sure of (`SURE_BYTES`):
 * an integer, a status or an error, whatever the store holds.
 */
export function isSure(code: number, flags: number): boolean {
  switch (code) {
    case Code.get:
    case Code.mget:
    case Code.versions:
    case Code.count:
    case Code.getdel:
      return false
    case Code.set:
      return (flags & Flag.get) === 0
    default:
      return true
  }
}

/** Whether every command of the operation only reads. What is no operation does not. */
export function isReadOperation(operation: DataView, at: number, most: number): boolean {
  if (endOfOperation(operation, at, most) < 0) return false
  let position = skipConditions(operation, at)
  for (let left = operation.getUint16(at + 12, true); left > 0; left--) {
    if (!readsOnly(operation.getUint8(position))) return false
    position = skipCommand(operation, position)
  }
  return true
}

/** Where the first command of an operation begins. */
export function skipConditions(operation: DataView, at: number): number {
  let position = at + OPERATION_HEADER_BYTES
  for (let left = operation.getUint16(at + 10, true); left > 0; left--)
    position += 8 + argumentBytes(operation.getUint32(position + 8, true))
  return position
}

/** Where the command behind the one at `at` begins. */
export function skipCommand(operation: DataView, at: number): number {
  let position = at + commandBytes(operation.getUint8(at + 1))
  for (let left = operation.getUint16(at + 2, true); left > 0; left--)
    position += argumentBytes(operation.getUint32(position, true))
  return position
}
