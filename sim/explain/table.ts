/**
 * The space-time table of a schedule: a row for each action, with the lanes of nodes and clients on the left, and on the
 * right what was done and what it changed. Plain text; lines carry a hint for whoever wants to colour them.
 */
import { type Decoded, type SystemDefinition, diff } from '../../protocol/index.js'
import type { NamedAction } from '../run/action-log.js'
import { type Setup, buildWorld } from '../run/setup.js'
import { ClientEvents } from '../shrink/client-events.js'
import { type Site, isFaultKind } from '../world/site.js'
import type { Listener } from '../world/listener.js'
import type { World } from '../world/world.js'
import { lanesOf } from './lanes.js'

export interface Line {
  readonly text: string
  readonly emphasis?: 'title' | 'violation' | 'fault' | 'quiet' | undefined
}

export interface TableOptions {
  /** Only so many actions, the last ones. */
  readonly last?: number | undefined
  /** Columns to fill. */
  readonly width?: number | undefined
}

/** A schedule played to its end, row by row. */
export interface Story {
  readonly world: World
  readonly seen: ClientEvents
  readonly lines: readonly Line[]
  /** Nodes at which something happened in the rows shown. */
  readonly nodes: ReadonlySet<number>
}

const changesShown = 8
const regionChangesShown = 3
const textShown = 24

export function spaceTimeTable(
  definition: SystemDefinition,
  setup: Setup,
  actions: readonly NamedAction[],
  options: TableOptions = {},
): readonly Line[] {
  return tell(definition, setup, actions, options).lines
}

export function tell(
  definition: SystemDefinition,
  setup: Setup,
  actions: readonly NamedAction[],
  { last = Infinity, width = 110 }: TableOptions,
): Story {
  const world = buildWorld(definition, setup)
  const seen = new ClientEvents()
  const notes: string[] = []
  world.listener = listen(world, seen, notes)
  const lanes = lanesOf(world, Math.floor(width * 0.4))
  const number = String(actions.length).length
  const left = number + 2 + lanes.head.length + 1
  const lines: Line[] = [{ text: `${'#'.padStart(number)}  ${lanes.head}`.trimEnd(), emphasis: 'title' }]
  const nodes = new Set<number>()
  const firstShown = Math.max(0, actions.length - last)
  if (firstShown > 0)
    lines.push({ text: `${' '.repeat(number + 2)}${String(firstShown)} actions before`, emphasis: 'quiet' })
  actions.forEach((action, i) => {
    const site = world.siteNamed(action.site)
    const choice = site?.find(action.subject) ?? -1
    const row = `${String(i + 1).padStart(number)}  `
    if (site === undefined || choice < 0) {
      lines.push({ text: `${row}${lanes.idle()} ${action.site} is not possible here`, emphasis: 'violation' })
      return
    }
    const before = new DataView(world.memory.buffer.slice(0))
    const what = sentence(site, choice)
    notes.length = 0
    world.step(site.index, choice)
    if (i < firstShown) return
    if (site.node >= 0) nodes.add(site.node)
    const changes = [...notes, ...changesOf(world, before)]
    const text = changes.length === 0 ? what : `${what}: ${changes.join(', ')}`
    const emphasis = isFaultKind(site.kind) ? ('fault' as const) : undefined
    const room = Math.max(24, width - left)
    wrap(text, room).forEach((piece, k) => {
      const lead = k === 0 ? `${row}${lanes.row(site)} ` : `${' '.repeat(number + 2)}${lanes.idle()} `
      lines.push({ text: `${lead}${piece}`.trimEnd(), emphasis })
    })
  })
  return { world, seen, lines, nodes }
}

function sentence(site: Site, choice: number): string {
  const words = site.describe(choice)
  const [kind = '', ...path] = site.name.split(' ')
  const place = path.join(' ')
  const pieces = place.includes('→') ? [kind, words, place] : [kind, place, words]
  return pieces.filter((piece) => piece !== '').join(' ')
}

function listen(world: World, seen: ClientEvents, notes: string[]): Listener {
  return {
    note(node, kind, value) {
      const name = world.nodes[node]!.definition.notes[kind] ?? `note ${String(kind)}`
      notes.push(`${world.nodeName(node)} ${name} ${String(value)}`)
    },
    call: (client, position) => {
      seen.call(client, position)
    },
    return: (client, position, memory, at, length) => {
      seen.return(client, position, memory, at, length)
    },
    abandon: (client, position) => {
      seen.abandon(client, position)
    },
  }
}

/** What the last step changed in the memory of nodes, field by field. */
function changesOf(world: World, before: DataView): string[] {
  const found: string[] = []
  for (let i = 0; i < world.touchedCount; i++) {
    const part = world.memory.parts[world.touchedPart(i)]!
    if (part.kind !== 'private' && part.kind !== 'region') continue
    const node = world.nodes[part.node]!
    // A node that has just lost its memory has lost all of it.
    if (world.isDown(part.node)) continue
    const regions = node.definition.regions
    const most = part.kind === 'private' ? changesShown : regionChangesShown
    const differences = diff(part.layout, before, part.offset, world.memory.view, part.offset, { regions })
    for (const { path, before: was, after } of differences.slice(0, most))
      found.push(`${part.kind === 'private' ? '' : `${part.name} `}${path} ${short(was)}→${short(after)}`)
    if (differences.length > most) found.push(`${String(differences.length - most)} more`)
  }
  return found
}

/** A value in few characters. */
export function short(value: Decoded): string {
  if (Array.isArray(value))
    return value.length === 0 ? '{}' : `{${value.map((item) => short(item as Decoded)).join(' ')}}`
  if (typeof value === 'object')
    return `(${Object.entries(value)
      .map(([name, item]) => `${name} ${short(item)}`)
      .join(', ')})`
  const text = String(value)
  if (/^0{8,}$/.test(text)) return '0…'
  return text.length > textShown ? `${text.slice(0, textShown - 1)}…` : text
}

/** Breaks a text at blanks; a word that is longer than a line is cut. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (let word of text.split(' ')) {
    while (word.length > width) {
      if (line !== '') lines.push(line)
      lines.push(word.slice(0, width))
      word = word.slice(width)
      line = ''
    }
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return line === '' && lines.length > 0 ? lines : [...lines, line]
}
