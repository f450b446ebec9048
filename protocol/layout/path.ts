/** Paths into a layout: from a path to an offset (`resolve`) and from an offset to a path (`locate`). */
import type { AnyLayout, PathStep } from './types.js'
import { isLeaf, u32 } from './scalars.js'

/** Sizes are rounded up to `alignBytes`, which is a power of two. */
export function roundUp(sizeBytes: number, alignBytes: number): number {
  return (sizeBytes + alignBytes - 1) & ~(alignBytes - 1)
}

/** Parts of a node are whole 8-byte words; the host rounds them with this. */
export function roundUp8(sizeBytes: number): number {
  return roundUp(sizeBytes, 8)
}

/** A path as text: `['log', 3, 'term']` is `log[3].term`. */
export function pathText(path: readonly PathStep[]): string {
  return path.reduce<string>((text, step) => join(text, step), '')
}

export function join(prefix: string, step: PathStep): string {
  if (typeof step === 'number') return `${prefix}[${step}]`
  return prefix === '' ? step : `${prefix}.${step}`
}

/** The layout and the byte offset at a path. Throws RangeError that names the path and the step that fails. */
export function resolve(layout: AnyLayout, path: readonly PathStep[]): { layout: AnyLayout; offset: number } {
  let here = layout
  let offset = 0
  for (const [depth, step] of path.entries()) {
    const next = enter(here, step)
    if (next === undefined) {
      const place = depth === 0 ? 'the layout' : pathText(path.slice(0, depth))
      throw new RangeError(`${pathText(path)}: ${place} (${here.kind}) has no ${JSON.stringify(step)}`)
    }
    here = next.layout
    offset += next.offset
  }
  return { layout: here, offset }
}

function enter(layout: AnyLayout, step: PathStep): { layout: AnyLayout; offset: number } | undefined {
  if (isLeaf(layout)) return undefined
  switch (layout.kind) {
    case 'struct':
      return layout.fields.find((field) => field.name === step)
    case 'array':
    case 'perNode':
      return isIndex(step, layout.length)
        ? { layout: layout.item, offset: step * layout.strideBytes }
        : undefined
    case 'ring':
      if (step === 'length') return { layout: u32, offset: 0 }
      return isIndex(step, layout.capacity)
        ? { layout: layout.item, offset: layout.itemsOffset + step * layout.strideBytes }
        : undefined
  }
}

function isIndex(step: PathStep, length: number): step is number {
  return typeof step === 'number' && Number.isInteger(step) && step >= 0 && step < length
}

/** The distance between items of the array, ring or per-node array at a path. Throws RangeError elsewhere. */
export function strideAt(layout: AnyLayout, path: readonly PathStep[]): number {
  const target = resolve(layout, path).layout
  if (target.kind === 'array' || target.kind === 'perNode' || target.kind === 'ring')
    return target.strideBytes
  throw new RangeError(`${pathText(path)}: ${target.kind} has no stride`)
}

/**
 * The path of the leaf that holds a byte: `log[3].term`, with `+k` for byte k > 0 of the leaf. A padding byte is named
 * by its struct, as `log[3]+13 (padding)`. Throws RangeError when the byte is outside the layout.
 */
export function locate(layout: AnyLayout, byteOffset: number): string {
  if (!isIndex(byteOffset, layout.sizeBytes)) {
    throw new RangeError(`byte ${byteOffset} is outside a layout of ${layout.sizeBytes} bytes`)
  }
  return locateFrom(layout, byteOffset, '')
}

function locateFrom(layout: AnyLayout, offset: number, path: string): string {
  if (isLeaf(layout)) return offset === 0 ? path : `${path}+${offset}`
  switch (layout.kind) {
    case 'struct': {
      const field = layout.fields.find(
        (each) => offset >= each.offset && offset < each.offset + each.layout.sizeBytes,
      )
      if (field === undefined) break
      return locateFrom(field.layout, offset - field.offset, join(path, field.name))
    }
    case 'array':
    case 'perNode':
      return locateItem(layout.item, layout.strideBytes, offset, path)
    case 'ring':
      if (offset < 4) return locateFrom(u32, offset, join(path, 'length'))
      if (offset < layout.itemsOffset) break
      if (offset >= layout.itemsOffset + layout.capacity * layout.strideBytes) break
      return locateItem(layout.item, layout.strideBytes, offset - layout.itemsOffset, path)
  }
  return `${path}+${offset} (padding)`
}

function locateItem(item: AnyLayout, strideBytes: number, offset: number, path: string): string {
  const index = Math.floor(offset / strideBytes)
  return locateFrom(item, offset - index * strideBytes, join(path, index))
}
