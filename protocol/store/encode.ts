/** Writes operations of the store into memory of the caller. */
import {
  argumentBytes,
  commandBytes,
  COMMAND_HEADER_BYTES,
  Flag,
  OPERATION_HEADER_BYTES,
  setLoggedTime,
} from './operation.js'
import { padded } from './layout.js'
import { writeInteger, type Integer } from './integers.js'

/** Begins an operation at the front of `memory`, and returns where its conditions or commands go. */
export function beginOperation(memory: DataView, mode: number, millis: number): number {
  setLoggedTime(memory, 0, millis)
  memory.setUint32(8, mode, true)
  memory.setUint32(12, 0, true)
  return OPERATION_HEADER_BYTES
}

/** Says how many conditions and commands the operation has, pads it, and returns its length. */
export function endOperation(memory: DataView, end: number, conditions: number, commands: number): number {
  memory.setUint16(10, conditions, true)
  memory.setUint16(12, commands, true)
  if ((end & 7) === 0) return end
  memory.setUint32(end, 0, true)
  return end + 4
}

/** Writes a command without its arguments, and returns where these go. `number` is there when the flags say so. */
export function putCommand(
  memory: DataView,
  at: number,
  code: number,
  flags: number,
  count: number,
  number: Integer,
): number {
  memory.setUint8(at, code)
  memory.setUint8(at + 1, flags)
  memory.setUint16(at + 2, count, true)
  if ((flags & Flag.number) !== 0) writeInteger(memory, at + COMMAND_HEADER_BYTES, number)
  return at + commandBytes(flags)
}

/** Writes an argument, `bytes` bytes at `from` of `source`, and returns what comes behind it. */
export function putArgument(
  memory: DataView,
  at: number,
  source: DataView,
  from: number,
  bytes: number,
): number {
  memory.setUint32(at, bytes, true)
  const to = at + 4
  const whole = bytes & ~3
  for (let k = 0; k < whole; k += 4) memory.setUint32(to + k, source.getUint32(from + k, true), true)
  if (whole < bytes) {
    let word = 0
    for (let k = bytes - 1; k >= whole; k--) word = (word << 8) | source.getUint8(from + k)
    memory.setUint32(to + whole, word, true)
  }
  return to + padded(bytes)
}

/** A condition: that a key has a version, 0 for one that is absent. Returns what comes behind it. */
export function putCondition(
  memory: DataView,
  at: number,
  version: number,
  key: DataView,
  from: number,
  bytes: number,
): number {
  setLoggedTime(memory, at, version)
  return putArgument(memory, at + 8, key, from, bytes)
}

/** Bytes that a condition takes up. */
export const conditionBytes = (keyBytes: number): number => 8 + argumentBytes(keyBytes)
