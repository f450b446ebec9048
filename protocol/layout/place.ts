/**
 * Where a cursor stands, and the reads and writes of scalars there.
 *
 * All places are of one class. The engine gives the accessors of all struct classes the same code, which therefore meets
 * many classes of cursors; with the memory and the base one step further, it meets only one class from there on.
 */
import { refuseRead, refuseValue } from './errors.js'
import type { Cursor } from './cursor.js'

const TWO_TO_32 = 4294967296

export class Place {
  readonly memory: DataView
  base: number
  /** What errors call it. */
  readonly label: string
  /** The cursor that stands here. */
  readonly cursor: Cursor
  /** The places of the composite fields of a struct. */
  readonly children: Place[] = []
  /** Of a struct: where its fields are. */
  readonly offsets: Int32Array
  constructor(memory: DataView, base: number, label: string, cursor: Cursor, offsets: Int32Array) {
    this.offsets = offsets
    this.memory = memory
    this.base = base
    this.label = label
    this.cursor = cursor
  }
}

export function readU8(place: Place, offset: number): number {
  return place.memory.getUint8(place.base + offset)
}

export function readU16(place: Place, offset: number): number {
  return place.memory.getUint16(place.base + offset, true)
}

export function readU32(place: Place, offset: number): number {
  return place.memory.getUint32(place.base + offset, true)
}

/** Throws RangeError when the value is above 2^53 - 1. */
export function readU64(place: Place, offset: number, name: string): number {
  const high = readU32(place, offset + 4)
  if (high === 0) return readU32(place, offset)
  return high > 0x1fffff
    ? u64Of(readU32(place, offset), high, nameIn(place, name))
    : high * TWO_TO_32 + readU32(place, offset)
}

/** Two halves as one safe integer. Throws RangeError with the label when they are above 2^53 - 1. */
export function u64Of(low: number, high: number, label: string): number {
  if (high > 0x1fffff) refuseRead(label, low, high)
  return high * TWO_TO_32 + low
}

/** The writes throw RangeError with the place and the name when the value does not fit. */
export function writeU8(place: Place, offset: number, value: number, most: number, name: string): void {
  if (value >>> 0 !== value || value > most) refuseAt(place, name, value, most)
  place.memory.setUint8(place.base + offset, value)
}

export function writeBoolean(place: Place, offset: number, value: boolean): void {
  place.memory.setUint8(place.base + offset, value ? 1 : 0)
}

export function writeU16(place: Place, offset: number, value: number, name: string): void {
  if ((value & 0xffff) !== value) refuseAt(place, name, value, 0xffff)
  place.memory.setUint16(place.base + offset, value, true)
}

export function writeU32(place: Place, offset: number, value: number, name: string): void {
  if (value >>> 0 !== value) refuseAt(place, name, value, 0xffffffff)
  place.memory.setUint32(place.base + offset, value, true)
}

export function writeU64(place: Place, offset: number, value: number, name: string): void {
  if (value >>> 0 === value) {
    place.memory.setUint32(place.base + offset, value, true)
    place.memory.setUint32(place.base + offset + 4, 0, true)
    return
  }
  if (!(Number.isSafeInteger(value) && value >= 0)) {
    refuseAt(place, name, value, Number.MAX_SAFE_INTEGER)
  }
  const low = value >>> 0
  place.memory.setUint32(place.base + offset, low, true)
  place.memory.setUint32(place.base + offset + 4, (value - low) / TWO_TO_32, true)
}

export function refuseAt(place: Place, name: string, value: number, most: number): never {
  return refuseValue(nameIn(place, name), value, 0, most)
}

function nameIn(place: Place, name: string): string {
  return place.label === '' || name === '' ? place.label + name : `${place.label}.${name}`
}
