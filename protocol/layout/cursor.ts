/** What all cursors share. Members beginning with an underscore are internal; field names cannot begin with one. */
import { resolve, strideAt } from './path.js'
import { Place } from './place.js'
import type { AnyLayout, CursorView, Layout } from './types.js'

const noOffsets = new Int32Array(0)

export class Cursor implements CursorView {
  readonly _place: Place
  constructor(memory: DataView, base: number, label: string, offsets: Int32Array = noOffsets) {
    this._place = new Place(memory, base, label, this, offsets)
  }

  get memory(): DataView {
    return this._place.memory
  }

  get base(): number {
    return this._place.base
  }

  set base(base: number) {
    this._place.base = base
  }
}

const octets = new WeakMap<ArrayBufferLike, Uint8Array>()

/** The bytes of the whole buffer behind a DataView; one Uint8Array a buffer, so that hot code allocates none. */
export function octetsOf(memory: DataView): Uint8Array {
  const known = octets.get(memory.buffer)
  if (known !== undefined) return known
  const made = new Uint8Array(memory.buffer)
  octets.set(memory.buffer, made)
  return made
}

/** The place of a new cursor on a composite. Only composites are asked, so what `view` returns is a cursor. */
export function placeOf(layout: AnyLayout, memory: DataView, base: number, label: string): Place {
  return (layout.view(memory, base, label) as Cursor)._place
}

/** `offsetOf` and `strideOf` of a composite. */
export function pathsOf(self: () => AnyLayout): Pick<Layout, 'offsetOf' | 'strideOf'> {
  return {
    offsetOf: (...path) => resolve(self(), path).offset,
    strideOf: (...path) => strideAt(self(), path),
  }
}
