/** A log that is a ring of bytes: entries as arcs, clockwise from the top, with where head, commit and end stand. */
import type { RingEntry, RingState } from '../../session/protocol.js'
import { svg } from '../dom.js'

const size = 232
const centre = size / 2
const outer = 84
const inner = 58

const fillOf: Readonly<Record<RingEntry['state'], string>> = {
  applied: 'var(--good)',
  committed: 'var(--kind-client)',
  uncommitted: 'var(--kind-control)',
  seen: 'var(--kind-message)',
  stale: 'var(--line)',
}

const point = (radius: number, turn: number): string => {
  const angle = turn * 2 * Math.PI - Math.PI / 2
  return `${(centre + radius * Math.cos(angle)).toFixed(2)},${(centre + radius * Math.sin(angle)).toFixed(2)}`
}

function arc(from: number, to: number): string {
  const wide = to - from > 0.5 ? 1 : 0
  const end = Math.min(to, from + 0.9999)
  return `M${point(outer, from)}A${String(outer)},${String(outer)} 0 ${String(wide)} 1 ${point(outer, end)}L${point(inner, end)}A${String(inner)},${String(inner)} 0 ${String(wide)} 0 ${point(inner, from)}Z`
}

export function ringPicture(ring: RingState): SVGSVGElement {
  const words = ring.marks.map((mark) => `${mark.name} ${String(mark.index)}`).join(', ')
  const picture = svg('svg', {
    width: size,
    height: size,
    viewBox: `0 0 ${String(size)} ${String(size)}`,
    role: 'img',
    'aria-label': `${ring.name}: ${String(ring.entries.length)} entries in ${String(ring.sizeBytes)} bytes; ${words}`,
    class: 'ring',
  })
  picture.append(svg('path', { d: arc(0, 1), fill: 'var(--raised)', stroke: 'var(--line)' }))
  for (const entry of ring.entries) {
    const from = entry.offset / ring.sizeBytes
    const to = Math.min(1, (entry.offset + entry.sizeBytes) / ring.sizeBytes)
    const path = svg('path', { d: arc(from, to), fill: fillOf[entry.state], stroke: 'var(--panel)' })
    path.append(
      svg(
        'title',
        {},
        `entry ${String(entry.index)}, view ${String(entry.view)}, ${entry.state}: ${entry.text}`,
      ),
    )
    if (entry.changed) {
      path.setAttribute('stroke', 'var(--accent)')
      path.setAttribute('stroke-width', '3')
    }
    picture.append(path)
    const [x, y] = point((outer + inner) / 2, (from + to) / 2).split(',')
    const text = svg('text', { x: x!, y: Number(y) + 4, 'text-anchor': 'middle' }, String(entry.index))
    text.style.fill = entry.state === 'stale' ? 'var(--ink)' : 'var(--panel)'
    picture.append(text)
  }
  // Marks at the same place share a line of text.
  const places = new Map<number, string[]>()
  for (const mark of ring.marks) {
    const names = places.get(mark.offset % ring.sizeBytes) ?? []
    names.push(mark.name)
    places.set(mark.offset % ring.sizeBytes, names)
  }
  for (const [offset, names] of places) {
    const turn = offset / ring.sizeBytes
    const [x1, y1] = point(inner - 4, turn).split(',')
    const [x2, y2] = point(outer + 6, turn).split(',')
    picture.append(
      svg('line', { x1: x1!, y1: y1!, x2: x2!, y2: y2!, stroke: 'var(--ink)', 'stroke-width': 1.5 }),
    )
    const [x, y] = point(outer + 13, turn).split(',')
    const side = turn > 0.04 && turn < 0.46 ? 'start' : turn > 0.54 && turn < 0.96 ? 'end' : 'middle'
    picture.append(svg('text', { x: x!, y: Number(y) + 4, 'text-anchor': side }, names.join(' ')))
  }
  picture.append(
    svg('text', { x: centre, y: centre - 2, 'text-anchor': 'middle', class: 'lane-name' }, ring.name),
    svg(
      'text',
      { x: centre, y: centre + 14, 'text-anchor': 'middle', class: 'quiet' },
      `${String(ring.sizeBytes)} bytes`,
    ),
  )
  return picture
}

/** What each colour says of an entry. */
export const ringMeanings: Readonly<Record<RingEntry['state'], string>> = {
  applied: 'committed, and the service has executed it',
  committed: 'the replica knows that it is committed',
  uncommitted: 'stored by this replica, and not known to be committed',
  seen: 'its words, or some of them, lie in memory; this replica has not stored it',
  stale: 'left from an earlier lap or view',
}

/** What the colours of the ring mean. */
export const ringStates = Object.keys(fillOf) as readonly RingEntry['state'][]
