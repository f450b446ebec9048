/**
 * Search and filter. Words match an action's text; `kind:place`, `node:1`, `entry:3` and `field:commit` narrow it, also
 * together: `kind:place node:2 field:log value:7`.
 */
import type { SearchQuery } from '../session/protocol.js'
import { fill, h } from './dom.js'
import type { Workbench } from './workbench.js'

export type Query = Omit<SearchQuery, 'branch'>

/** Throws an Error that names the part that is not understood. */
export function parseQuery(text: string): Query {
  const query: { -readonly [K in keyof Query]: Query[K] } = {}
  const words: string[] = []
  for (const part of text.trim().split(/\s+/)) {
    const [, key, value] = /^(kind|node|field|value|entry):(.*)$/.exec(part) ?? []
    if (key === undefined || value === undefined) {
      if (part !== '') words.push(part)
      continue
    }
    if (value === '') throw new Error(`${key}: wants a value, for instance ${examples[key] ?? ''}`)
    if (key === 'node') {
      const node = /^n?(\d+)$/.exec(value)?.[1]
      if (node === undefined) throw new Error(`node: wants a number, not ${value}: for instance node:1`)
      query.node = Number(node)
    } else if (key === 'entry') query.field = `log[${value}]`
    else query[key as 'kind' | 'field' | 'value'] = value
  }
  if (words.length > 0) query.text = words.join(' ')
  return query
}
const examples: Readonly<Record<string, string>> = {
  kind: 'kind:place',
  node: 'node:1',
  field: 'field:commit',
  value: 'field:commit value:2',
  entry: 'entry:1',
}

export function searchBox(bench: Workbench): HTMLElement {
  const found = h('span', { class: 'quiet', id: 'found', role: 'status' })
  const field = h('input', {
    type: 'search',
    id: 'search',
    placeholder: 'search: place n1, kind:deliver, field:commit',
    'aria-label': 'Search actions: words, kind:, node:, field:, value:, entry:',
    title: 'words, kind:place, node:1, field:commit, value:2, entry:1; Enter finds the next',
  })
  let asked = ''
  const search = async (): Promise<void> => {
    const { branch } = bench
    if (branch === undefined) return
    const text = field.value.trim()
    asked = text
    if (text === '') {
      bench.setFocus({ shown: undefined, title: '' })
      fill(found)
      return
    }
    try {
      const query = parseQuery(text)
      const read = await bench.long('searching', 'search', { branch: branch.branch, ...query, limit: 20_000 })
      if (read === undefined || asked !== text) return
      bench.setFocus({ shown: new Set(read.actions), title: text })
      fill(found, `${String(read.actions.length)}${read.cutOff ? '+' : ''} found`)
      jump(1)
    } catch (error) {
      fill(found, h('span', { class: 'bad' }, error instanceof Error ? error.message : String(error)))
    }
  }
  const jump = (direction: 1 | -1): void => {
    const next = nearest([...(bench.focus.shown ?? [])], bench.at - 1, direction)
    if (next !== undefined) bench.go(next + 1)
  }
  field.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter') return
    if (field.value.trim() === asked && asked !== '') jump(event.shiftKey ? -1 : 1)
    else void search()
  })
  field.addEventListener('search', () => {
    if (field.value === '') void search()
  })
  bench.topics.on(['run'], () => {
    asked = ''
    fill(found)
  })
  return h('span', { class: 'searching' }, found, field)
}

/** The action after (or before) this one; from the other end where there is none. */
export function nearest(actions: readonly number[], from: number, direction: 1 | -1): number | undefined {
  const sorted = actions.toSorted((a, b) => (a - b) * direction)
  return sorted.find((action) => (action - from) * direction > 0) ?? sorted[0]
}
