/** Whole views as bytes: copy, clear, equals. They include padding, which is zero everywhere. */
import { octetsOf } from './cursor.js'
import type { AnyLayout, CursorView } from './types.js'

/** Copies every byte of one view of the layout over another, without allocation within one buffer. */
export function copy(layout: AnyLayout, from: CursorView, to: CursorView): void {
  const source = octetsOf(from.memory)
  const target = octetsOf(to.memory)
  const start = from.memory.byteOffset + from.base
  const put = to.memory.byteOffset + to.base
  if (source === target) target.copyWithin(put, start, start + layout.sizeBytes)
  else for (let index = 0; index < layout.sizeBytes; index++) target[put + index] = source[start + index]!
}

/** Zeroes every byte of a view of the layout. */
export function clear(layout: AnyLayout, view: CursorView): void {
  const start = view.memory.byteOffset + view.base
  octetsOf(view.memory).fill(0, start, start + layout.sizeBytes)
}

/** True when two views of the layout hold the same bytes. */
export function equals(layout: AnyLayout, a: CursorView, b: CursorView): boolean {
  return sameBytes(a.memory, a.base, b.memory, b.base, layout.sizeBytes)
}

export function sameBytes(
  memoryA: DataView,
  baseA: number,
  memoryB: DataView,
  baseB: number,
  length: number,
): boolean {
  let index = 0
  for (; index + 4 <= length; index += 4)
    if (memoryA.getUint32(baseA + index, true) !== memoryB.getUint32(baseB + index, true)) return false
  for (; index < length; index++)
    if (memoryA.getUint8(baseA + index) !== memoryB.getUint8(baseB + index)) return false
  return true
}
