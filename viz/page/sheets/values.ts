/** Decoded memory as a tree that folds, with what changed marked. */
import type { FieldChange, FieldValue, MemoryState } from '../../session/protocol.js'
import { h } from '../dom.js'

const longest = 110
const longestHex = 40

/** A value on one line. */
function valueText(value: FieldValue): string {
  if (typeof value !== 'object') return String(value)
  if (Array.isArray(value)) {
    const items: readonly FieldValue[] = value
    return `{${items.map(valueText).join(' ')}}`
  }
  return `(${Object.entries(value)
    .map(([name, one]) => `${name} ${valueText(one)}`)
    .join(', ')})`
}

/** A value on one line, cut where it is long; of raw bytes the zeros behind the last one are left out. */
export function shortText(value: FieldValue): string {
  const text = valueText(value)
  if (/^[0-9a-f]{18,}$/.test(text) && text.endsWith('00')) {
    const kept = text.replace(/(?:00)+$/, '').slice(0, longestHex)
    return `${kept === '' ? '0' : kept}… (${String(text.length / 2)} bytes)`
  }
  if (/^[0-9a-f]{48,}$/.test(text)) return `${text.slice(0, longestHex)}… (${String(text.length / 2)} bytes)`
  return text.length <= longest ? text : `${text.slice(0, longest)}…`
}

const isFlat = (value: FieldValue): boolean =>
  typeof value !== 'object' ||
  (Array.isArray(value) && (value as readonly FieldValue[]).every((item) => typeof item !== 'object'))

/** One line a change: path, before, after. */
export function changeRows(changes: readonly FieldChange[], prefix = ''): HTMLElement[] {
  return changes.map((change) =>
    h(
      'tr',
      { class: 'changed' },
      h('th', { scope: 'row' }, `${prefix}${change.path}`),
      h(
        'td',
        {},
        h('span', { class: 'was' }, shortText(change.before)),
        h('span', { class: 'unseen' }, ' became '),
        shortText(change.after),
      ),
    ),
  )
}

/** Which parts of a tree a person has opened, by path; kept while the cursor moves. */
const opened = new Set<string>()

/**
 * The fields of a part of memory. Structures and lists of them fold; those with a change in them are open.
 *
 * @param again draws anew, after something was folded
 */
export function memoryTable(memory: MemoryState, again: () => void): HTMLElement {
  const changes = new Map(memory.changes.map((change) => [change.path, change]))
  const table = h('table', {}, h('caption', { class: 'unseen' }, memory.name))
  addRows({ table, part: memory.part, changes, again }, memory.value, '', 0)
  return table
}

interface Tree {
  readonly table: HTMLElement
  readonly part: string
  readonly changes: ReadonlyMap<string, FieldChange>
  readonly again: () => void
}

function addRows(tree: Tree, value: FieldValue, path: string, depth: number): void {
  const { table, part, changes, again } = tree
  const entries: readonly (readonly [string, FieldValue])[] =
    typeof value !== 'object'
      ? [['', value]]
      : Array.isArray(value)
        ? (value as readonly FieldValue[]).map((item, index) => [`[${String(index)}]`, item] as const)
        : Object.entries(value).map(([name, item]) => [name, item] as const)
  for (const [name, item] of entries) {
    const here = name.startsWith('[') || path === '' ? `${path}${name}` : `${path}.${name}`
    const label = h('th', { scope: 'row', class: `depth-${String(Math.min(depth, 5))}` })
    if (isFlat(item)) {
      const change = changes.get(here) ?? firstWithin(changes, here)
      label.append(name)
      const cell = h('td', {}, shortText(item))
      if (change?.path === here) cell.prepend(h('span', { class: 'was' }, shortText(change.before)))
      table.append(h('tr', { class: change === undefined ? false : 'changed' }, label, cell))
      continue
    }
    const hasChange = firstWithin(changes, here) !== undefined
    const key = `${part} ${here}`
    const isOpen = hasChange || opened.has(key)
    const count = Array.isArray(item) ? (item as readonly FieldValue[]).length : Object.keys(item).length
    const button = h(
      'button',
      {
        class: 'plain fold',
        'aria-expanded': String(isOpen),
        'data-key': `fold ${key}`,
        on: {
          click: () => {
            if (opened.has(key)) opened.delete(key)
            else opened.add(key)
            again()
          },
        },
      },
      `${isOpen ? '▾' : '▸'} ${name}`,
    )
    label.append(button)
    table.append(
      h(
        'tr',
        { class: hasChange ? 'changed' : false },
        label,
        h(
          'td',
          { class: 'quiet' },
          isOpen ? '' : Array.isArray(item) ? `${String(count)} items` : shortText(item),
        ),
      ),
    )
    if (isOpen) addRows(tree, item, here, depth + 1)
  }
}

function firstWithin(changes: ReadonlyMap<string, FieldChange>, path: string): FieldChange | undefined {
  for (const [changed, change] of changes)
    if (changed.startsWith(path) && /^(?:$|[.[+])/.test(changed.slice(path.length))) return change
  return undefined
}

/** Bytes in rows of 16, with what the last action changed marked. */
export function byteRows(bytes: Uint8Array, changed: Uint8Array): HTMLElement {
  const place = h('div', { class: 'bytes', tabindex: 0, role: 'region', 'aria-label': 'Bytes' })
  for (let row = 0; row < bytes.length; row += 16) {
    place.append(`${row.toString(16).padStart(5, '0')}  `)
    for (let i = row; i < Math.min(row + 16, bytes.length); i++) {
      const text = bytes[i]!.toString(16).padStart(2, '0')
      const space = i % 8 === 7 ? '  ' : ' '
      if (changed[i] === 1) place.append(h('mark', {}, text), space)
      else place.append(text + space)
    }
    place.append('\n')
  }
  return place
}
