/**
 * A bounded first-in first-out queue in canonical form: a u32 length, then the items with the oldest first. Removing
 * shifts the rest to the front and zeroes what is freed, so that equal contents are equal bytes whatever their history.
 */
import { scalarItems } from './array.js'
import { Cursor, octetsOf, pathsOf, placeOf } from './cursor.js'
import { checkCount, checkPlace, refuseIndex } from './errors.js'
import { roundUp } from './path.js'
import { readU32, type Place } from './place.js'
import { isScalar } from './scalars.js'
import type {
  AnyLayout,
  AnyScalar,
  CompositeRingView,
  RingLayout,
  RingShape,
  ScalarArrayView,
  ScalarRingView,
} from './types.js'

/** 4 bytes of length and `capacity` items, aligned as an item and at least to 4. */
export function ring<L extends AnyLayout>(item: L, capacity: number): RingLayout<L> {
  checkCount('capacity of a ring', capacity, 2 ** 30)
  const alignBytes = Math.max(4, item.alignBytes)
  const itemsOffset = roundUp(4, item.alignBytes)
  const sizeBytes = roundUp(itemsOffset + item.sizeBytes * capacity, alignBytes)
  const layout: RingShape = {
    kind: 'ring',
    sizeBytes,
    alignBytes,
    item,
    capacity,
    strideBytes: item.sizeBytes,
    itemsOffset,
    ...pathsOf(() => layout),
    view: (memory, base = 0, label = '') => {
      checkPlace(memory, base, sizeBytes, alignBytes, label)
      return isScalar(item)
        ? new ScalarRing(memory, base, label, layout, item)
        : new CompositeRing(memory, base, label, layout)
    },
  }
  return layout as RingLayout<L>
}

abstract class Ring extends Cursor {
  readonly capacity: number
  readonly _itemsOffset: number
  readonly _strideBytes: number
  readonly _octets: Uint8Array
  constructor(memory: DataView, base: number, label: string, layout: RingShape) {
    super(memory, base, label)
    this.capacity = layout.capacity
    this._itemsOffset = layout.itemsOffset
    this._strideBytes = layout.strideBytes
    this._octets = octetsOf(memory)
  }

  get length(): number {
    return readU32(this._place, 0)
  }

  get full(): boolean {
    return this.length >= this.capacity
  }

  get empty(): boolean {
    return this.length === 0
  }

  shift(): void {
    const length = this.length
    if (length === 0) throw new RangeError(`${this._place.label}: shift of an empty ring`)
    const first = this._place.memory.byteOffset + this._place.base + this._itemsOffset
    const end = first + length * this._strideBytes
    this._octets.copyWithin(first, first + this._strideBytes, end)
    this._octets.fill(0, end - this._strideBytes, end)
    this._place.memory.setUint32(this._place.base, length - 1, true)
  }

  clear(): void {
    const first = this._place.memory.byteOffset + this._place.base + this._itemsOffset
    this._octets.fill(0, first, first + this.capacity * this._strideBytes)
    this._place.memory.setUint32(this._place.base, 0, true)
  }

  /** Takes the next slot and returns its index. */
  _grow(): number {
    const length = this.length
    if (length >= this.capacity)
      throw new RangeError(`${this._place.label}: push on a full ring of ${this.capacity}`)
    this._place.memory.setUint32(this._place.base, length + 1, true)
    return length
  }

  _check(index: number): void {
    const length = this.length
    if (index >>> 0 !== index || index >= length) refuseIndex(this._place.label, index, length)
  }
}

class ScalarRing extends Ring implements ScalarRingView<number | boolean> {
  readonly _items: Cursor & ScalarArrayView<number | boolean>
  constructor(memory: DataView, base: number, label: string, layout: RingShape, item: AnyScalar) {
    super(memory, base, label, layout)
    this._items = scalarItems(item, memory, base + layout.itemsOffset, label, layout.capacity)
  }

  get(index: number): number | boolean {
    this._check(index)
    this._items._place.base = this._place.base + this._itemsOffset
    return this._items.get(index)
  }

  set(index: number, value: number | boolean): void {
    this._check(index)
    this._items._place.base = this._place.base + this._itemsOffset
    this._items.set(index, value)
  }

  push(value: number | boolean): void {
    const length = this.length
    if (length >= this.capacity)
      throw new RangeError(`${this._place.label}: push on a full ring of ${this.capacity}`)
    this._items._place.base = this._place.base + this._itemsOffset
    this._items.set(length, value)
    this._place.memory.setUint32(this._place.base, length + 1, true)
  }
}

class CompositeRing extends Ring implements CompositeRingView<unknown> {
  readonly _item: Place
  constructor(memory: DataView, base: number, label: string, layout: RingShape) {
    super(memory, base, label, layout)
    this._item = placeOf(layout.item, memory, base + layout.itemsOffset, `${label}[]`)
  }

  at(index: number): unknown {
    this._check(index)
    return this._slot(index)
  }

  push(): unknown {
    return this._slot(this._grow())
  }

  _slot(index: number): unknown {
    const item = this._item
    item.base = this._place.base + this._itemsOffset + index * this._strideBytes
    return item.cursor
  }
}
