/**
 * Structs: named fields in the declared order, each aligned naturally, the size rounded up to the alignment.
 *
 * A struct layout makes one class whose prototype has a getter and a setter for each field, with the offset closed over
 * and the DataView method written literally. While the engine inlines them (some 20 to 30 accesses in one function) an
 * access costs about 1 ns; beyond that each is a call of about 5 ns. Keep handlers small, or raise the engine's limit with
 * `node --max-inlined-bytecode-size-cumulative=5000`.
 */
import { Cursor, pathsOf, placeOf } from './cursor.js'
import { checkPlace } from './errors.js'
import { roundUp } from './path.js'
import { readU64, refuseAt, writeU64 } from './place.js'
import { isScalar, octetMost } from './scalars.js'
import type { AnyScalar, Field, Fields, StructOf, StructShape } from './types.js'

const RESERVED: ReadonlySet<string> = new Set([
  'memory',
  'base',
  ...Object.getOwnPropertyNames(Object.prototype),
])

/**
 * A struct of the given fields. Throws Error at definition for a name that is not a plain identifier (letters and
 * digits), or that a cursor or an object has already (`memory`, `base`, `constructor`, `toString`, ...).
 */
export function struct<F extends Fields>(fields: F): StructOf<F> {
  const table: Field[] = []
  let end = 0
  let alignBytes = 1
  for (const [name, layout] of Object.entries(fields)) {
    checkName(name)
    const offset = roundUp(end, layout.alignBytes)
    table.push({ name, offset, layout })
    end = offset + layout.sizeBytes
    alignBytes = Math.max(alignBytes, layout.alignBytes)
  }
  if (table.length === 0) throw new Error('a struct needs a field')
  const sizeBytes = roundUp(end, alignBytes)
  const composites = table.filter((field) => !isScalar(field.layout))
  const View = viewClass(table)
  const layout: StructShape = {
    kind: 'struct',
    sizeBytes,
    alignBytes,
    fields: table,
    ...pathsOf(() => layout),
    view: (memory, base = 0, label = '') => {
      checkPlace(memory, base, sizeBytes, alignBytes, label)
      return new View(memory, base, label, composites)
    },
  }
  return layout as StructOf<F>
}

function checkName(name: string): void {
  if (!/^[A-Za-z][A-Za-z0-9]*$/.test(name)) {
    throw new Error(`field name ${JSON.stringify(name)} must be letters and digits, beginning with a letter`)
  }
  if (RESERVED.has(name)) throw new Error(`field name ${name} is reserved`)
}

class StructCursor extends Cursor {
  constructor(memory: DataView, base: number, label: string, composites: readonly Field[]) {
    super(memory, base, label)
    const prefix = label === '' ? '' : `${label}.`
    for (const field of composites) {
      this._place.children.push(placeOf(field.layout, memory, base + field.offset, prefix + field.name))
    }
  }
}

type ViewClass = new (...from: ConstructorParameters<typeof StructCursor>) => StructCursor

/**
 * The classes so far, by what their accessors close over. A layout that is made again, for another run of the same
 * system, gets the class it had: handlers that met a new class with each run would slow down with the fifth.
 */
const classes = new Map<string, ViewClass>()

function viewClass(table: readonly Field[]): ViewClass {
  const key = table.map(accessorKey).join()
  const known = classes.get(key)
  if (known !== undefined) return known
  class View extends StructCursor {}
  let child = 0
  for (const field of table) {
    const accessor = isScalar(field.layout)
      ? scalarAccessor(field.name, field.offset, field.layout)
      : childAccessor(field.offset, child++)
    Object.defineProperty(View.prototype, field.name, { ...accessor, enumerable: true })
  }
  classes.set(key, View)
  return View
}

function accessorKey({ name, offset, layout }: Field): string {
  return `${name}:${offset}:` + (isScalar(layout) ? `${layout.kind}:${octetMost(layout)}` : 'child')
}

type Accessor<V> = PropertyDescriptor & ThisType<StructCursor> & { get(): V }

function scalarAccessor(name: string, offset: number, layout: AnyScalar): Accessor<unknown> {
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

function childAccessor(offset: number, child: number): Accessor<Cursor> {
  return {
    get() {
      const place = this._place
      const inner = place.children[child]!
      inner.base = place.base + offset
      return inner.cursor
    },
  }
}
