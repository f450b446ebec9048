/** Bytes to a named tree of plain JSON values, for people, traces and golden tests. Never throws on odd bytes. */
import { join, locate } from './path.js'
import { byteOffsetOf, regionOf } from './remote-address.js'
import { isLeaf, NO_NODE } from './scalars.js'
import type { AnyLayout, AnyLeaf, EnumerationLayout } from './types.js'

export type Decoded = number | boolean | string | readonly Decoded[] | { readonly [name: string]: Decoded }

/** A registered region as remote addresses name it: its number is its position in the list. */
export interface Region {
  readonly name: string
  readonly layout: AnyLayout
}

export interface DecodeOptions {
  /** With these a remote address is decoded to text such as `log.entries[3].term`. */
  readonly regions?: readonly Region[]
}

/**
 * Numbers and booleans stay; an enumeration gives its name (or `code 9` where there is none), a node id `n2` or `none`,
 * sets a list, bytes a string of hex digits, a remote address `{region, offset}` or text, a ring its live items only.
 * A u64 above 2^53 - 1 gives hex text.
 */
export function decode(layout: AnyLayout, memory: DataView, base = 0, options: DecodeOptions = {}): Decoded {
  if (isLeaf(layout)) return decodeLeaf(layout, memory, base, options)
  switch (layout.kind) {
    case 'struct': {
      const tree: { [name: string]: Decoded } = {}
      for (const field of layout.fields)
        tree[field.name] = decode(field.layout, memory, base + field.offset, options)
      return tree
    }
    case 'array':
    case 'perNode':
      return decodeItems(layout.item, layout.strideBytes, layout.length, memory, base, options)
    case 'ring': {
      const length = Math.min(memory.getUint32(base, true), layout.capacity)
      return decodeItems(layout.item, layout.strideBytes, length, memory, base + layout.itemsOffset, options)
    }
  }
}

function decodeItems(
  item: AnyLayout,
  strideBytes: number,
  length: number,
  memory: DataView,
  base: number,
  options: DecodeOptions,
): Decoded {
  return Array.from({ length }, (_, index) => decode(item, memory, base + index * strideBytes, options))
}

/** The value of one leaf, as `decode` shows it. */
export function decodeLeaf(layout: AnyLeaf, memory: DataView, at: number, options: DecodeOptions): Decoded {
  switch (layout.kind) {
    case 'u8':
      return memory.getUint8(at)
    case 'u16':
      return memory.getUint16(at, true)
    case 'u32':
      return memory.getUint32(at, true)
    case 'u64':
      return decodeU64(memory, at)
    case 'boolean':
      return memory.getUint8(at) !== 0
    case 'enumeration':
      return decodeName(layout, memory.getUint8(at))
    case 'nodeId':
      return nodeName(memory.getUint8(at))
    case 'nodeSet':
      return members(memory, at, 32).map(nodeName)
    case 'bitset':
      return members(memory, at, layout.capacity)
    case 'bytes':
      return hex(memory, at, layout.sizeBytes)
    case 'remoteAddress':
      return decodeAddress(memory.getUint32(at, true), options)
  }
}

/** How a node id is written: `n2`, or `none`. */
export function nodeName(node: number): string {
  return node === NO_NODE ? 'none' : `n${node}`
}

function decodeName(layout: EnumerationLayout, code: number): string {
  return layout.names[code] ?? `code ${code}`
}

function decodeU64(memory: DataView, at: number): number | string {
  const value = memory.getBigUint64(at, true)
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : `0x${value.toString(16)}`
}

function members(memory: DataView, at: number, capacity: number): number[] {
  const found: number[] = []
  for (let member = 0; member < capacity; member++) {
    if ((memory.getUint8(at + (member >>> 3)) >>> (member & 7)) & 1) found.push(member)
  }
  return found
}

function hex(memory: DataView, at: number, length: number): string {
  let text = ''
  for (let index = 0; index < length; index++)
    text += memory
      .getUint8(at + index)
      .toString(16)
      .padStart(2, '0')
  return text
}

function decodeAddress(address: number, options: DecodeOptions): Decoded {
  const number = regionOf(address)
  const offset = byteOffsetOf(address)
  const region = options.regions?.[number]
  if (region === undefined) return { region: number, offset }
  if (offset >= region.layout.sizeBytes) return `${region.name}+${offset} (outside)`
  const path = locate(region.layout, offset)
  if (path === '' || path.startsWith('[') || path.startsWith('+')) return region.name + path
  return join(region.name, path)
}
