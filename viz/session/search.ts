/** Finding actions: by words, kind, node, by what they change, and the next one of a sort. */
import { diff } from '../../protocol/index.js'
import { describeAction } from './actions.js'
import type { Branch } from './branch.js'
import type { MarkKind, Methods, SearchQuery, SearchResult } from './protocol.js'

/** Executed between two looks at the clock. */
const slice = 256
const textsOf = 100

export function* search(
  branch: Branch,
  query: SearchQuery,
): Generator<{ done: number; total: number }, SearchResult> {
  const { log, stage } = branch
  const { from = 0, to = branch.length, limit = 200, node, kind } = query
  const wanted = query.text?.toLowerCase()
  const { sites } = stage.info
  const { kinds } = stage.info
  const found: number[] = []
  let i = from
  for (; i < to && found.length < limit; i++) {
    if ((i - from) % slice === 0) yield { done: i - from, total: to - from }
    const site = sites[log.site(i)]!
    if (node !== undefined && site.node !== node && site.peer !== node) continue
    if (kind !== undefined && kinds[site.kind] !== kind) continue
    if (wanted !== undefined && !matches(branch, i, wanted)) continue
    if (query.field !== undefined && !changes(branch, i, query.field.toLowerCase(), query.value)) continue
    found.push(i)
  }
  return {
    actions: Uint32Array.from(found),
    texts: found.slice(0, textsOf).map((action) => describeAction(branch, action).text),
    cutOff: found.length === limit && i < to,
  }
}

function matches(branch: Branch, action: number, text: string): boolean {
  const { name } = branch.stage.info.sites[branch.log.site(action)]!
  if (name.toLowerCase().includes(text)) return true
  return describeAction(branch, action).text.toLowerCase().includes(text)
}

/** Whether an action changes a field of that name, to that value if one is given. */
function changes(branch: Branch, action: number, field: string, value: string | undefined): boolean {
  const { stage, index } = branch
  const { parts } = stage.world.memory
  const candidates = action < index.known ? index.touchedBy(action) : parts.map((part) => part.index)
  const world = stage.seek(branch, action)
  const before = new DataView(world.memory.buffer.slice(0))
  stage.advance(branch, action + 1)
  return candidates.some((at) => {
    const { layout, offset, name, node } = parts[at]!
    const regions = node < 0 ? [] : world.nodes[node]!.definition.regions
    return diff(layout, before, offset, world.memory.view, offset, { regions }).some(
      ({ path, after }) =>
        `${name}.${path}`.toLowerCase().includes(field) &&
        (value === undefined ||
          (typeof after === 'object' ? JSON.stringify(after) : String(after)) === value),
    )
  })
}

const markKindsOf: Readonly<Record<string, readonly MarkKind[]>> = {
  fault: ['fault'],
  role: ['role'],
  commit: ['commit'],
  invariant: ['invariant', 'violation'],
  violation: ['violation'],
  reply: ['reply'],
  note: ['note', 'commit'],
}

/** The position after the next such action, or null. Goes beyond what is indexed only as far as the schedule tells. */
export function seekMark(branch: Branch, query: Methods['seek']['params']): number | null {
  const { at, target, direction, node, kind } = query
  const { index, log, stage, length } = branch
  // The action that led here does not count, neither forwards nor backwards.
  const here = at - 1
  const kinds = markKindsOf[target]
  if (kinds !== undefined && target !== 'fault') {
    if (index.known === 0) return null
    const action = index.marks.next(here, direction, kinds, node)
    return action < 0 ? null : action + 1
  }
  const { sites, kinds: names, faultFrom } = stage.info
  for (let i = here + direction; i >= 0 && i < length; i += direction) {
    const site = sites[log.site(i)]!
    if (node !== undefined && site.node !== node && site.peer !== node) continue
    const isIt =
      target === 'fault'
        ? site.kind >= faultFrom
        : target === 'kind'
          ? names[site.kind] === kind
          : target === 'node'
            ? site.node === node
            : i < index.known && index.arrows.touching(i).length > 0
    if (isIt) return i + 1
  }
  return null
}
