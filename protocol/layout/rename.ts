/**
 * Renaming of nodes inside bytes, for symmetry: node ids, node sets, per-node arrays and, where the regions are given,
 * remote addresses that point into per-node arrays.
 */
import { octetsOf } from './cursor.js'
import type { Region } from './decode.js'
import { byteOffsetOf, regionOf, remoteAddressOf } from './remote-address.js'
import { isLeaf, NO_NODE } from './scalars.js'
import type { AnyLayout, AnyLeaf } from './types.js'

export interface RenameOptions {
  /** What remote addresses point into. Without it, a layout that holds a remote address refuses to be renamed. */
  readonly regions?: readonly Region[]
}

/**
 * Rewrites the bytes at `base` so that node `n` is called `permutation[n]`. Allocates.
 * Throws Error when the bytes hide node ids: a node outside the permutation, a per-node array of another length, or a
 * remote address whose region is not known. The bytes may then be half renamed.
 */
export function rename(
  layout: AnyLayout,
  memory: DataView,
  base: number,
  permutation: Uint8Array,
  options: RenameOptions = {},
): void {
  if (isLeaf(layout)) return renameLeaf(layout, memory, base, permutation, options)
  switch (layout.kind) {
    case 'struct':
      for (const field of layout.fields)
        rename(field.layout, memory, base + field.offset, permutation, options)
      return
    case 'array':
      renameItems(layout.item, layout.strideBytes, layout.length, memory, base, permutation, options)
      return
    case 'ring': {
      const length = Math.min(memory.getUint32(base, true), layout.capacity)
      renameItems(
        layout.item,
        layout.strideBytes,
        length,
        memory,
        base + layout.itemsOffset,
        permutation,
        options,
      )
      return
    }
    case 'perNode':
      checkNodes(layout.length, permutation)
      renameItems(layout.item, layout.strideBytes, layout.length, memory, base, permutation, options)
      permuteItems(layout.strideBytes, memory, base, permutation)
      return
  }
}

function renameLeaf(
  leaf: AnyLeaf,
  memory: DataView,
  base: number,
  permutation: Uint8Array,
  options: RenameOptions,
): void {
  if (leaf.kind === 'nodeId') {
    memory.setUint8(base, renamedNode(memory.getUint8(base), permutation))
  } else if (leaf.kind === 'nodeSet') {
    memory.setUint32(base, renamedSet(memory.getUint32(base, true), permutation), true)
  } else if (leaf.kind === 'remoteAddress') {
    memory.setUint32(base, renamedAddress(memory.getUint32(base, true), permutation, options), true)
  }
}

function renameItems(
  item: AnyLayout,
  strideBytes: number,
  length: number,
  memory: DataView,
  base: number,
  permutation: Uint8Array,
  options: RenameOptions,
): void {
  if (!namesNodes(item)) return
  for (let index = 0; index < length; index++)
    rename(item, memory, base + index * strideBytes, permutation, options)
}

function permuteItems(strideBytes: number, memory: DataView, base: number, permutation: Uint8Array): void {
  const octets = octetsOf(memory)
  const start = memory.byteOffset + base
  const old = octets.slice(start, start + permutation.length * strideBytes)
  for (const [node, renamed] of permutation.entries()) {
    octets.set(old.subarray(node * strideBytes, (node + 1) * strideBytes), start + renamed * strideBytes)
  }
}

/** True when bytes of the layout can name a node, directly or by the place of what they point at. */
export function namesNodes(layout: AnyLayout): boolean {
  if (isLeaf(layout)) return ['nodeId', 'nodeSet', 'remoteAddress'].includes(layout.kind)
  if (layout.kind === 'struct') return layout.fields.some((field) => namesNodes(field.layout))
  return layout.kind === 'perNode' || namesNodes(layout.item)
}

function renamedNode(node: number, permutation: Uint8Array): number {
  if (node === NO_NODE) return NO_NODE
  const renamed = permutation[node]
  if (renamed === undefined)
    throw new Error(`node n${node} is outside a renaming of ${permutation.length} nodes`)
  return renamed
}

function renamedSet(bits: number, permutation: Uint8Array): number {
  let renamed = 0
  for (let node = 0; node < 32; node++) {
    if ((bits >>> node) & 1) renamed |= 1 << renamedNode(node, permutation)
  }
  return renamed >>> 0
}

function checkNodes(length: number, permutation: Uint8Array): void {
  if (length !== permutation.length) {
    throw new Error(`a per-node array of ${length} does not fit a renaming of ${permutation.length} nodes`)
  }
}

function renamedAddress(address: number, permutation: Uint8Array, options: RenameOptions): number {
  const region = options.regions?.[regionOf(address)]
  if (region === undefined) {
    throw new Error(
      `a remote address into region ${regionOf(address)}, which is not known, refuses to be renamed`,
    )
  }
  return remoteAddressOf(regionOf(address), renamedOffset(region.layout, byteOffsetOf(address), permutation))
}

/** Where the byte at `offset` of the layout goes when the nodes are renamed. */
function renamedOffset(layout: AnyLayout, offset: number, permutation: Uint8Array): number {
  if (isLeaf(layout)) return offset
  switch (layout.kind) {
    case 'struct': {
      const field = layout.fields.find(
        (each) => offset >= each.offset && offset < each.offset + each.layout.sizeBytes,
      )
      return field === undefined
        ? offset
        : field.offset + renamedOffset(field.layout, offset - field.offset, permutation)
    }
    case 'array':
    case 'perNode': {
      const index = Math.floor(offset / layout.strideBytes)
      if (index >= layout.length) return offset
      if (layout.kind === 'perNode') checkNodes(layout.length, permutation)
      const place = layout.kind === 'perNode' ? permutation[index]! : index
      const inside = renamedOffset(layout.item, offset - index * layout.strideBytes, permutation)
      return place * layout.strideBytes + inside
    }
    case 'ring': {
      const index = Math.floor((offset - layout.itemsOffset) / layout.strideBytes)
      if (offset < layout.itemsOffset || index >= layout.capacity) return offset
      const start = layout.itemsOffset + index * layout.strideBytes
      return start + renamedOffset(layout.item, offset - start, permutation)
    }
  }
}
