/** What differs between two instances of one layout, leaf by leaf. */
import { sameBytes } from './bytewise.js'
import { decodeLeaf, type Decoded, type DecodeOptions } from './decode.js'
import { join } from './path.js'
import { isLeaf, u32 } from './scalars.js'
import type { AnyLayout } from './types.js'

export interface Difference {
  readonly path: string
  readonly before: Decoded
  readonly after: Decoded
}

/**
 * The leaves whose bytes differ, in the order of their offsets. A leaf is a scalar, a set or a byte array; a ring has
 * its `length` and all its slots. Padding is not looked at.
 */
export function diff(
  layout: AnyLayout,
  memoryA: DataView,
  baseA: number,
  memoryB: DataView,
  baseB: number,
  options: DecodeOptions = {},
): Difference[] {
  const found: Difference[] = []
  const walk = (here: AnyLayout, offset: number, path: string): void => {
    if (sameBytes(memoryA, baseA + offset, memoryB, baseB + offset, here.sizeBytes)) return
    if (isLeaf(here)) {
      const before = decodeLeaf(here, memoryA, baseA + offset, options)
      const after = decodeLeaf(here, memoryB, baseB + offset, options)
      found.push({ path, before, after })
      return
    }
    switch (here.kind) {
      case 'struct':
        for (const field of here.fields) walk(field.layout, offset + field.offset, join(path, field.name))
        return
      case 'array':
      case 'perNode':
        for (let i = 0; i < here.length; i++) walk(here.item, offset + i * here.strideBytes, join(path, i))
        return
      case 'ring': {
        walk(u32, offset, join(path, 'length'))
        const first = offset + here.itemsOffset
        for (let i = 0; i < here.capacity; i++) walk(here.item, first + i * here.strideBytes, join(path, i))
        return
      }
    }
  }
  walk(layout, 0, '')
  return found
}
