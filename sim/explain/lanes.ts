/** The picture part of a space-time table: one narrow lane for each node and client, time runs downwards. */
import type { Site } from '../world/site.js'
import { isFaultKind } from '../world/site.js'
import { NodeStatus } from '../world/node-parts.js'
import type { World } from '../world/world.js'

export interface Lanes {
  readonly head: string
  /** One row: where an action happens and where it comes from. */
  row(site: Site): string
  /** A row on which nothing happens. */
  idle(): string
}

const laneWidthMost = 6
const laneWidthLeast = 3

/** Lanes of a picture, and how a row is drawn into them. */
export interface Drawing {
  readonly head: string
  /**
   * @param line what a lane shows on which nothing happens
   * @param from where an arrow begins, or -1
   * @param to where something happens, or -1
   * @param mark what stands there
   */
  draw(line: (lane: number) => string, from: number, to: number, mark: string): string
}

/** @param widthMost columns that all lanes together may take */
export function drawLanes(names: readonly string[], widthMost: number): Drawing {
  const width = Math.max(laneWidthLeast, Math.min(laneWidthMost, Math.floor(widthMost / names.length)))
  const centre = (lane: number): number => lane * width + 1
  return {
    head: names.map((name) => name.padEnd(width)).join(''),
    draw(line, from, to, mark) {
      const row = Array.from({ length: names.length * width }, () => ' ')
      for (let lane = 0; lane < names.length; lane++) row[centre(lane)] = line(lane)
      if (to < 0) return row.join('')
      if (from >= 0 && from !== to) {
        const step = from < to ? 1 : -1
        for (let column = centre(from) + step; column !== centre(to); column += step) row[column] = '─'
        row[centre(from)] = '○'
        row[centre(to) - step] = step > 0 ? '►' : '◄'
      }
      row[centre(to)] = mark
      return row.join('')
    },
  }
}

/** @param widthMost columns that all lanes together may take */
export function lanesOf(world: World, widthMost: number): Lanes {
  const clients = world.clients?.parts.length ?? 0
  const names = [
    ...world.nodes.map((node) => world.nodeName(node.index)),
    ...Array.from({ length: clients }, (_, client) => `c${String(client)}`),
  ]
  const drawing = drawLanes(names, widthMost)

  function line(lane: number): string {
    if (lane >= world.nodes.length) return '│'
    switch (world.nodes[lane]!.status()) {
      case NodeStatus.down:
        return '·'
      case NodeStatus.paused:
      case NodeStatus.dying:
      case NodeStatus.halted:
        return '┆'
      default:
        return '│'
    }
  }
  return {
    head: drawing.head,
    idle: () => drawing.draw(line, -1, -1, ''),
    row(site) {
      const { from, to } = endsOf(site, names)
      return drawing.draw(line, from, to, isFaultKind(site.kind) ? '✗' : '●')
    },
  }
}

/** The lanes that an action goes from and to, as its site's name tells: `deliver n1→n0`, `request c0→n2`, `reply c1`. */
function endsOf(site: Site, names: readonly string[]): { from: number; to: number } {
  const arrow = /([nc]\d+)→([nc]\d+)/.exec(site.name)
  if (arrow !== null) {
    const from = names.indexOf(arrow[1]!)
    const to = names.indexOf(arrow[2]!)
    // A completion, an expiry, a fetch or a control call of x→y happens at x.
    if (site.node >= 0 && site.node === from)
      return site.from === to ? { from: to, to: from } : { from: -1, to: from }
    return { from, to }
  }
  const place = / ([nc]\d+)(?: |$)/.exec(site.name)
  return { from: -1, to: place === null ? -1 : names.indexOf(place[1]!) }
}
