/** Arrays of any layout, by position (`array`) or by node (`perNode`). */
import { Cursor, pathsOf, placeOf } from './cursor.js'
import { checkCount, checkPlace, refuseIndex } from './errors.js'
import {
  readU16,
  readU32,
  readU64,
  readU8,
  writeBoolean,
  writeU16,
  writeU32,
  writeU64,
  writeU8,
  type Place,
} from './place.js'
import { isScalar, octetMost } from './scalars.js'
import type {
  AnyLayout,
  AnyScalar,
  ArrayLayout,
  ArrayShape,
  CompositeArrayView,
  PerNodeLayout,
  ScalarArrayView,
} from './types.js'

/** `length` items side by side, aligned as one item. An index outside throws RangeError with the field and the bound. */
export function array<L extends AnyLayout>(item: L, length: number): ArrayLayout<L> {
  checkCount('length of an array', length, 2 ** 30)
  return arrayOf('array', item, length) as ArrayLayout<L>
}

/** One item for each node, indexed by node id. Renamed by symmetry, and drawn by node. */
export function perNode<L extends AnyLayout>(item: L, nodes: number): PerNodeLayout<L> {
  checkCount('nodes', nodes, 255)
  return arrayOf('perNode', item, nodes) as PerNodeLayout<L>
}

function arrayOf(kind: 'array' | 'perNode', item: AnyLayout, length: number): ArrayShape {
  const sizeBytes = item.sizeBytes * length
  const layout: ArrayShape = {
    kind,
    sizeBytes,
    alignBytes: item.alignBytes,
    item,
    length,
    strideBytes: item.sizeBytes,
    ...pathsOf(() => layout),
    view: (memory, base = 0, label = '') => {
      checkPlace(memory, base, sizeBytes, item.alignBytes, label)
      return isScalar(item)
        ? scalarItems(item, memory, base, label, length)
        : new CompositeItems(memory, base, label, length, item)
    },
  }
  return layout
}

/** The view of `length` scalars: one class for each width, so that the accessors of one array see one class. */
export function scalarItems(
  item: AnyScalar,
  memory: DataView,
  base: number,
  label: string,
  length: number,
): Items & (ScalarArrayView<number> | ScalarArrayView<boolean>) {
  switch (item.kind) {
    case 'boolean':
      return new BooleanItems(memory, base, label, length)
    case 'u16':
      return new U16Items(memory, base, label, length)
    case 'u32':
    case 'remoteAddress':
      return new U32Items(memory, base, label, length)
    case 'u64':
      return new U64Items(memory, base, label, length)
    case 'u8':
    case 'nodeId':
    case 'enumeration':
      return new OctetItems(memory, base, label, length, octetMost(item))
  }
}

class Items extends Cursor {
  readonly length: number
  constructor(memory: DataView, base: number, label: string, length: number) {
    super(memory, base, label)
    this.length = length
  }

  _check(index: number): void {
    if (index >>> 0 !== index || index >= this.length) refuseIndex(this._place.label, index, this.length)
  }
}

class OctetItems extends Items implements ScalarArrayView<number> {
  readonly _most: number
  constructor(memory: DataView, base: number, label: string, length: number, most: number) {
    super(memory, base, label, length)
    this._most = most
  }

  get(index: number): number {
    this._check(index)
    return readU8(this._place, index)
  }

  set(index: number, value: number): void {
    this._check(index)
    writeU8(this._place, index, value, this._most, '')
  }
}

class BooleanItems extends Items implements ScalarArrayView<boolean> {
  get(index: number): boolean {
    this._check(index)
    return readU8(this._place, index) !== 0
  }

  set(index: number, value: boolean): void {
    this._check(index)
    writeBoolean(this._place, index, value)
  }
}

class U16Items extends Items implements ScalarArrayView<number> {
  get(index: number): number {
    this._check(index)
    return readU16(this._place, index * 2)
  }

  set(index: number, value: number): void {
    this._check(index)
    writeU16(this._place, index * 2, value, '')
  }
}

class U32Items extends Items implements ScalarArrayView<number> {
  get(index: number): number {
    this._check(index)
    return readU32(this._place, index * 4)
  }

  set(index: number, value: number): void {
    this._check(index)
    writeU32(this._place, index * 4, value, '')
  }
}

class U64Items extends Items implements ScalarArrayView<number> {
  get(index: number): number {
    this._check(index)
    return readU64(this._place, index * 8, '')
  }

  set(index: number, value: number): void {
    this._check(index)
    writeU64(this._place, index * 8, value, '')
  }
}

class CompositeItems extends Items implements CompositeArrayView<unknown> {
  readonly _item: Place
  readonly _strideBytes: number
  constructor(memory: DataView, base: number, label: string, length: number, item: AnyLayout) {
    super(memory, base, label, length)
    this._item = placeOf(item, memory, base, `${label}[]`)
    this._strideBytes = item.sizeBytes
  }

  at(index: number): unknown {
    this._check(index)
    const item = this._item
    item.base = this._place.base + index * this._strideBytes
    return item.cursor
  }
}
