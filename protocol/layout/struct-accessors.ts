/**
 * Accessors of the fields of a struct, in two families: the first closes over a field's offset, the second looks it up,
 * so that it serves all layouts with the same fields. All are written out, for the engine gives accessors that are made in
 * one place the same code: a call in them that differs from field to field would not be inlined.
 */
import type { Cursor } from './cursor.js'
import { readU64, refuseAt, writeU64 } from './place.js'
import { octetMost } from './scalars.js'
import type { AnyScalar } from './types.js'

export type Accessor<V> = PropertyDescriptor & ThisType<Cursor> & { get(): V }

export function scalarAccessor(name: string, offset: number, layout: AnyScalar): Accessor<unknown> {
  switch (layout.kind) {
    case 'boolean':
      return booleanAccessor(offset)
    case 'u16':
      return u16Accessor(name, offset)
    case 'u32':
    case 'remoteAddress':
      return u32Accessor(name, offset)
    case 'u64':
      return u64Accessor(name, offset)
    case 'u8':
    case 'nodeId':
    case 'enumeration':
      return octetAccessor(name, offset, octetMost(layout))
  }
}

function octetAccessor(name: string, offset: number, most: number): Accessor<number> {
  return {
    get() {
      const place = this._place
      return place.memory.getUint8(place.base + offset)
    },
    set(value: number) {
      const place = this._place
      if (value >>> 0 !== value || value > most) refuseAt(place, name, value, most)
      place.memory.setUint8(place.base + offset, value)
    },
  }
}

function booleanAccessor(offset: number): Accessor<boolean> {
  return {
    get() {
      const place = this._place
      return place.memory.getUint8(place.base + offset) !== 0
    },
    set(value: boolean) {
      const place = this._place
      place.memory.setUint8(place.base + offset, value ? 1 : 0)
    },
  }
}

function u16Accessor(name: string, offset: number): Accessor<number> {
  return {
    get() {
      const place = this._place
      return place.memory.getUint16(place.base + offset, true)
    },
    set(value: number) {
      const place = this._place
      if ((value & 0xffff) !== value) refuseAt(place, name, value, 0xffff)
      place.memory.setUint16(place.base + offset, value, true)
    },
  }
}

function u32Accessor(name: string, offset: number): Accessor<number> {
  return {
    get() {
      const place = this._place
      return place.memory.getUint32(place.base + offset, true)
    },
    set(value: number) {
      const place = this._place
      if (value >>> 0 !== value) refuseAt(place, name, value, 0xffffffff)
      place.memory.setUint32(place.base + offset, value, true)
    },
  }
}

function u64Accessor(name: string, offset: number): Accessor<number> {
  return {
    get() {
      return readU64(this._place, offset, name)
    },
    set(value: number) {
      writeU64(this._place, offset, value, name)
    },
  }
}

export function childAccessor(offset: number, child: number): Accessor<Cursor> {
  return {
    get() {
      const place = this._place
      const inner = place.children[child]!
      inner.base = place.base + offset
      return inner.cursor
    },
  }
}

// ---- looked up

export function lookedUpScalar(name: string, at: number, layout: AnyScalar): Accessor<unknown> {
  switch (layout.kind) {
    case 'boolean':
      return lookedUpBoolean(at)
    case 'u16':
      return lookedUpU16(name, at)
    case 'u32':
    case 'remoteAddress':
      return lookedUpU32(name, at)
    case 'u64':
      return lookedUpU64(name, at)
    case 'u8':
    case 'nodeId':
    case 'enumeration':
      return lookedUpOctet(name, at, octetMost(layout))
  }
}

function lookedUpOctet(name: string, at: number, most: number): Accessor<number> {
  return {
    get() {
      const place = this._place
      return place.memory.getUint8(place.base + place.offsets[at]!)
    },
    set(value: number) {
      const place = this._place
      if (value >>> 0 !== value || value > most) refuseAt(place, name, value, most)
      place.memory.setUint8(place.base + place.offsets[at]!, value)
    },
  }
}

function lookedUpBoolean(at: number): Accessor<boolean> {
  return {
    get() {
      const place = this._place
      return place.memory.getUint8(place.base + place.offsets[at]!) !== 0
    },
    set(value: boolean) {
      const place = this._place
      place.memory.setUint8(place.base + place.offsets[at]!, value ? 1 : 0)
    },
  }
}

function lookedUpU16(name: string, at: number): Accessor<number> {
  return {
    get() {
      const place = this._place
      return place.memory.getUint16(place.base + place.offsets[at]!, true)
    },
    set(value: number) {
      const place = this._place
      if ((value & 0xffff) !== value) refuseAt(place, name, value, 0xffff)
      place.memory.setUint16(place.base + place.offsets[at]!, value, true)
    },
  }
}

function lookedUpU32(name: string, at: number): Accessor<number> {
  return {
    get() {
      const place = this._place
      return place.memory.getUint32(place.base + place.offsets[at]!, true)
    },
    set(value: number) {
      const place = this._place
      if (value >>> 0 !== value) refuseAt(place, name, value, 0xffffffff)
      place.memory.setUint32(place.base + place.offsets[at]!, value, true)
    },
  }
}

function lookedUpU64(name: string, at: number): Accessor<number> {
  return {
    get() {
      return readU64(this._place, this._place.offsets[at]!, name)
    },
    set(value: number) {
      writeU64(this._place, this._place.offsets[at]!, value, name)
    },
  }
}

export function lookedUpChild(at: number, child: number): Accessor<Cursor> {
  return {
    get() {
      const place = this._place
      const inner = place.children[child]!
      inner.base = place.base + place.offsets[at]!
      return inner.cursor
    },
  }
}
