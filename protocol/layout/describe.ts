/** A layout as a table for people, and as one number for headers and handshakes. */
import { join } from './path.js'
import { isLeaf, u32 } from './scalars.js'
import type { AnyLayout } from './types.js'

export interface Row {
  /** The path; items of an array or a ring are described once, as `log[].term`, at the offset of item 0. */
  readonly path: string
  readonly offset: number
  readonly sizeBytes: number
  readonly alignBytes: number
  readonly kind: string
}

/** One row for the layout itself and for everything in it, in the order of offsets. */
export function describe(layout: AnyLayout): Row[] {
  const rows: Row[] = []
  const walk = (here: AnyLayout, offset: number, path: string): void => {
    rows.push({ path, offset, sizeBytes: here.sizeBytes, alignBytes: here.alignBytes, kind: kindText(here) })
    if (isLeaf(here)) return
    switch (here.kind) {
      case 'struct':
        for (const field of here.fields) walk(field.layout, offset + field.offset, join(path, field.name))
        return
      case 'array':
      case 'perNode':
        walk(here.item, offset, `${path}[]`)
        return
      case 'ring':
        walk(u32, offset, join(path, 'length'))
        walk(here.item, offset + here.itemsOffset, `${path}[]`)
        return
    }
  }
  walk(layout, 0, '')
  return rows
}

function kindText(layout: AnyLayout): string {
  if (layout.kind === 'enumeration') return `enumeration ${layout.names.join(' | ')}`
  if ('length' in layout) return `${layout.kind} of ${layout.length}`
  return 'capacity' in layout ? `${layout.kind} of ${layout.capacity}` : layout.kind
}

/** The description as an aligned text table. */
export function layoutText(layout: AnyLayout): string {
  const head = ['path', 'offset', 'size', 'align', 'kind']
  const lines = describe(layout).map((row) => [
    row.path === '' ? '(all)' : row.path,
    String(row.offset),
    String(row.sizeBytes),
    String(row.alignBytes),
    row.kind,
  ])
  const table = [head, ...lines]
  const widths = head.map((_, column) => Math.max(...table.map((line) => line[column]!.length)))
  const isNumber = (column: number): boolean => column > 0 && column < 4
  return table
    .map((line) =>
      line
        .map((cell, column) =>
          isNumber(column) ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/**
 * A 32-bit number of the shape: names, kinds, offsets, sizes, counts and the names of enumerations (FNV-1a over the
 * description). Equal shapes give equal numbers in every run and on every machine; unequal ones differ very likely.
 */
export function fingerprintOf(layout: AnyLayout): number {
  let hash = 0x811c9dc5
  for (const character of layoutText(layout)) hash = Math.imul(hash ^ character.codePointAt(0)!, 0x01000193)
  return hash >>> 0
}
