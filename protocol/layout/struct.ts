/**
 * Structs: named fields in the declared order, each aligned naturally, the size rounded up to the alignment.
 *
 * A struct layout has a class whose prototype has a getter and a setter for each field (`struct-accessors.ts`). While the engine inlines them (some 20 to 30 accesses in one function) an
 * access costs about 1 ns; beyond that each is a call of about 5 ns. Keep handlers small, or raise the engine's limit with
 * `node --max-inlined-bytecode-size-cumulative=5000`.
 */
import { Cursor, pathsOf, placeOf } from './cursor.js'
import { checkPlace } from './errors.js'
import { roundUp } from './path.js'
import { isScalar, octetMost } from './scalars.js'
import { childAccessor, lookedUpChild, lookedUpScalar, scalarAccessor } from './struct-accessors.js'
import type { Field, Fields, StructOf, StructShape } from './types.js'

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
  const offsets = Int32Array.from(table, ({ offset }) => offset)
  const View = viewClass(table, offsets)
  const layout: StructShape = {
    kind: 'struct',
    sizeBytes,
    alignBytes,
    fields: table,
    ...pathsOf(() => layout),
    view: (memory, base = 0, label = '') => {
      checkPlace(memory, base, sizeBytes, alignBytes, label)
      return new View(memory, base, label, composites, offsets)
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
  constructor(
    memory: DataView,
    base: number,
    label: string,
    composites: readonly Field[],
    offsets: Int32Array,
  ) {
    super(memory, base, label, offsets)
    const prefix = label === '' ? '' : `${label}.`
    for (const field of composites) {
      this._place.children.push(placeOf(field.layout, memory, base + field.offset, prefix + field.name))
    }
  }
}

type ViewClass = new (...from: ConstructorParameters<typeof StructCursor>) => StructCursor

/**
 * The classes so far. Handlers that meet a new class with each run slow down with the fifth, so a layout that is made
 * again gets the class it had. A layout of the same fields at other places (of a run with more nodes, say) gets one class
 * with all such layouts but the first: its accessors look the offset up, which costs little, where those of the first
 * close over it.
 */
const families = new Map<string, Family>()
interface Family {
  readonly first: ViewClass
  readonly firstOffsets: Int32Array
  others: ViewClass | undefined
}

function viewClass(table: readonly Field[], offsets: Int32Array): ViewClass {
  const key = table.map(accessorKey).join()
  const family = families.get(key)
  if (family === undefined) {
    const first = makeClass(table, false)
    families.set(key, { first, firstOffsets: offsets, others: undefined })
    return first
  }
  if (offsets.every((offset, at) => offset === family.firstOffsets[at])) return family.first
  family.others ??= makeClass(table, true)
  return family.others
}

function makeClass(table: readonly Field[], looksUp: boolean): ViewClass {
  class View extends StructCursor {}
  let child = 0
  table.forEach(({ name, offset, layout }, at) => {
    const accessor = isScalar(layout)
      ? looksUp
        ? lookedUpScalar(name, at, layout)
        : scalarAccessor(name, offset, layout)
      : looksUp
        ? lookedUpChild(at, child++)
        : childAccessor(offset, child++)
    Object.defineProperty(View.prototype, name, { ...accessor, enumerable: true })
  })
  return View
}

function accessorKey({ name, layout }: Field): string {
  return `${name}:` + (isScalar(layout) ? `${layout.kind}:${octetMost(layout)}` : 'child')
}
