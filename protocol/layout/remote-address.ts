/**
 * Symbolic remote addresses: a region number (8 bits) and a byte offset in that region (24 bits), in one u32. They mean
 * the same on every node and in every run, unlike a virtual address.
 */
import { refuseValue } from './errors.js'

/** Throws RangeError unless the region fits 8 bits and the offset 24. */
export function remoteAddressOf(region: number, byteOffset: number): number {
  if ((region & 0xff) !== region) refuseValue('region', region, 0, 0xff)
  if ((byteOffset & 0xffffff) !== byteOffset) refuseValue('byte offset in a region', byteOffset, 0, 0xffffff)
  return ((region << 24) | byteOffset) >>> 0
}

export function regionOf(address: number): number {
  return address >>> 24
}

export function byteOffsetOf(address: number): number {
  return address & 0xffffff
}
