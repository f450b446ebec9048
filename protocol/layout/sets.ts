/** Sets of small numbers as bits: `bitset` for any members, `nodeSet` for node ids. */
import { Cursor, pathsOf } from './cursor.js'
import { checkCount, checkPlace, refuseIndex, refuseValue } from './errors.js'
import type { BitsetLayout, BitsetView, NodeSetLayout, NodeSetView } from './types.js'

/** The most nodes that a node set can hold. */
export const MOST_NODES = 32

/** A set of numbers below `capacity`: 4 bytes for each 32 members begun, aligned to 4. Others throw RangeError. */
export function bitset(capacity: number): BitsetLayout {
  checkCount('capacity of a bitset', capacity, 2 ** 30)
  const sizeBytes = Math.ceil(capacity / 32) * 4
  const layout: BitsetLayout = {
    kind: 'bitset',
    sizeBytes,
    alignBytes: 4,
    capacity,
    ...pathsOf(() => layout),
    view: (memory, base = 0, label = '') => {
      checkPlace(memory, base, sizeBytes, 4, label)
      return new BitsetCursor(memory, base, label, capacity)
    },
  }
  return layout
}

/** A set of node ids below 32, 4 bytes, aligned to 4. Renamed by symmetry. Other members throw RangeError. */
export const nodeSet: NodeSetLayout = {
  kind: 'nodeSet',
  sizeBytes: 4,
  alignBytes: 4,
  ...pathsOf(() => nodeSet),
  view: (memory, base = 0, label = '') => {
    checkPlace(memory, base, 4, 4, label)
    return new NodeSetCursor(memory, base, label)
  },
}

class BitsetCursor extends Cursor implements BitsetView {
  readonly capacity: number
  constructor(memory: DataView, base: number, label: string, capacity: number) {
    super(memory, base, label)
    this.capacity = capacity
  }

  get size(): number {
    let size = 0
    const end = this._place.base + Math.ceil(this.capacity / 32) * 4
    for (let at = this._place.base; at < end; at += 4)
      size += countBits(this._place.memory.getUint32(at, true))
    return size
  }

  has(member: number): boolean {
    return ((this._place.memory.getUint32(this._wordOf(member), true) >>> (member & 31)) & 1) === 1
  }

  add(member: number): void {
    const word = this._wordOf(member)
    this._place.memory.setUint32(word, this._place.memory.getUint32(word, true) | (1 << (member & 31)), true)
  }

  delete(member: number): void {
    const word = this._wordOf(member)
    this._place.memory.setUint32(word, this._place.memory.getUint32(word, true) & ~(1 << (member & 31)), true)
  }

  clear(): void {
    const end = this._place.base + Math.ceil(this.capacity / 32) * 4
    for (let at = this._place.base; at < end; at += 4) this._place.memory.setUint32(at, 0, true)
  }

  _wordOf(member: number): number {
    if (member >>> 0 !== member || member >= this.capacity)
      refuseIndex(this._place.label, member, this.capacity)
    return this._place.base + (member >>> 5) * 4
  }
}

class NodeSetCursor extends Cursor implements NodeSetView {
  get bits(): number {
    return this._place.memory.getUint32(this._place.base, true)
  }

  set bits(bits: number) {
    if (bits >>> 0 !== bits) refuseValue(this._place.label, bits, 0, 0xffffffff)
    this._place.memory.setUint32(this._place.base, bits, true)
  }

  get size(): number {
    return countBits(this._place.memory.getUint32(this._place.base, true))
  }

  has(node: number): boolean {
    if (node >>> 0 !== node || node >= MOST_NODES) refuseIndex(this._place.label, node, MOST_NODES)
    return ((this._place.memory.getUint32(this._place.base, true) >>> node) & 1) === 1
  }

  add(node: number): void {
    if (node >>> 0 !== node || node >= MOST_NODES) refuseIndex(this._place.label, node, MOST_NODES)
    this._place.memory.setUint32(
      this._place.base,
      this._place.memory.getUint32(this._place.base, true) | (1 << node),
      true,
    )
  }

  delete(node: number): void {
    if (node >>> 0 !== node || node >= MOST_NODES) refuseIndex(this._place.label, node, MOST_NODES)
    this._place.memory.setUint32(
      this._place.base,
      this._place.memory.getUint32(this._place.base, true) & ~(1 << node),
      true,
    )
  }

  clear(): void {
    this._place.memory.setUint32(this._place.base, 0, true)
  }
}

/** How many of 32 bits are set. */
function countBits(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555)
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333)
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}
