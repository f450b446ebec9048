/** The canvas of the diagram: lanes, outages, arrows and actions, each as dense as there is room for. */
import { StepFlag, type WorldInfo, arrowKinds, pieceKinds } from '../../session/protocol.js'
import { type Colours, type Family, families, glyphPaths } from '../kinds.js'
import type { Focus } from '../workbench.js'
import { type Columns, mostSingleArrows } from './columns.js'
import { type Density, densityOf } from './density.js'
import type { Rows } from './rows.js'

/** Pixels of an action from which it is drawn as a glyph, not as part of a bar. */
const glyphFrom = 5
const columnWidth = 2

export interface View {
  readonly width: number
  readonly height: number
  /** Where the lanes begin. */
  readonly gutter: number
  readonly top: number
  readonly rows: Rows
  /** Pixels of one action. */
  readonly perAction: number
  /** Position at a place, and the other way round. */
  readonly positionAt: (x: number) => number
  readonly xOf: (position: number) => number
  readonly from: number
  readonly to: number
}

export class Painter {
  readonly #paths = glyphPaths()
  #density: Density | undefined

  paint(
    context: CanvasRenderingContext2D,
    view: View,
    columns: Columns,
    world: WorldInfo,
    colours: Colours,
    focus: Focus,
  ): void {
    const { width, height, gutter } = view
    context.clearRect(0, 0, width, height)
    context.save()
    context.beginPath()
    context.rect(gutter, 0, width - gutter, height)
    context.clip()
    this.#lanes(context, view, columns, colours)
    if (columns.steps !== undefined) {
      const isFew = view.to - view.from <= mostSingleArrows && view.perAction >= 1
      if (isFew) arrows(context, view, columns, colours, focus)
      else bundles(context, view, columns, world, colours)
      if (view.perAction >= glyphFrom) this.#glyphs(context, view, columns, colours, focus)
      else this.#bars(context, view, columns, colours, focus)
    }
    context.restore()
  }

  #lanes(context: CanvasRenderingContext2D, view: View, columns: Columns, colours: Colours): void {
    const raised = colours.named('raised')
    const line = colours.named('line')
    for (const [index, group] of view.rows.groups.entries()) {
      if (index % 2 === 0) {
        context.fillStyle = colours.named('ground')
        context.fillRect(view.gutter, group.y - 3, view.width, group.height + 6)
      }
      for (const outage of columns.outages) {
        if (outage.node !== group.node || outage.node < 0) continue
        const x = view.xOf(outage.from)
        const right = view.xOf(outage.to)
        if (right < view.gutter || x > view.width) continue
        context.fillStyle = raised
        context.fillRect(x, group.y - 3, right - x, group.height + 6)
        hatch(context, x, group.y - 3, right - x, group.height + 6, line, outage.paused ? 14 : 7, view)
      }
      context.strokeStyle = line
      context.lineWidth = 1
      context.beginPath()
      for (const row of group.rows) {
        const y = Math.round(row.y + row.height / 2) + 0.5
        context.moveTo(view.gutter, y)
        context.lineTo(view.width, y)
      }
      context.stroke()
    }
  }

  #glyphs(
    context: CanvasRenderingContext2D,
    view: View,
    columns: Columns,
    colours: Colours,
    focus: Focus,
  ): void {
    const steps = columns.steps!
    const { middle, half } = view.rows
    const rims = rimsOf(focus)
    const hasPast = focus.past.size + focus.future.size > 0
    for (let i = view.from; i < view.to; i++) {
      const lane = steps.lane[i]!
      const y = middle[lane]!
      if (y < 0) continue
      const family = columns.family(i)
      const size = Math.max(2, Math.min(half[lane]! * 0.8 || 3, view.perAction * 0.42, 8))
      const rim = rims.get(i)
      const isIndirect = hasPast && rim === undefined && i !== focus.action
      context.globalAlpha = isFaded(i, focus) ? 0.18 : isIndirect ? 0.5 : 1
      context.fillStyle = colours.family[family]
      this.#stamp(context, family, view.xOf(i + 0.5), y, size)
      if (rim !== undefined) outline(context, view.xOf(i + 0.5), y, size + 4, rim, colours.named(rim))
    }
    context.globalAlpha = 1
  }
  #stamp(context: CanvasRenderingContext2D, family: Family, x: number, y: number, size: number): void {
    context.translate(x, y)
    context.scale(size, size)
    context.fill(this.#paths[family])
    context.scale(1 / size, 1 / size)
    context.translate(-x, -y)
  }

  #bars(
    context: CanvasRenderingContext2D,
    view: View,
    columns: Columns,
    colours: Colours,
    focus: Focus,
  ): void {
    const steps = columns.steps!
    const { middle, half } = view.rows
    const width = Math.max(columnWidth, view.perAction)
    const cells = Math.ceil((view.width - view.gutter) / width)
    const perAction = view.perAction / width
    const offset = (view.xOf(0) - view.gutter) / width
    const density = densityOf(
      steps,
      columns.familyOfKind,
      view,
      { perAction, offset },
      cells,
      middle.length,
      this.#density,
    )
    this.#density = density
    const scale = 1 / Math.log1p(density.most)
    const dimmed = focus.shown !== undefined || focus.past.size + focus.future.size > 0
    context.globalAlpha = dimmed ? 0.25 : 1
    for (const [index, family] of families.entries()) {
      context.fillStyle = colours.family[family]
      for (let lane = 0; lane < middle.length; lane++) {
        const y = middle[lane]!
        if (half[lane] === 0) continue
        for (let column = 0; column < cells; column++) {
          const cell = lane * cells + column
          const count = density.counts[cell]!
          if (count === 0 || density.family[cell] !== index) continue
          const tall = half[lane]! * 0.9 * (0.35 + 0.65 * Math.log1p(count) * scale)
          context.fillRect(view.gutter + column * width, y - tall, Math.max(1, width - 0.5), tall * 2)
        }
      }
    }
    context.globalAlpha = 1
    this.#rare(context, view, columns, colours, focus)
  }

  /** What must not drown in a bar: faults, and what is in focus. One of a lane per few pixels. */
  #rare(
    context: CanvasRenderingContext2D,
    view: View,
    columns: Columns,
    colours: Colours,
    focus: Focus,
  ): void {
    const steps = columns.steps!
    const lastX = new Float64Array(view.rows.middle.length).fill(-100)
    const rims = rimsOf(focus)
    const isFocused = rims.size > 0 || focus.shown !== undefined
    for (let i = view.from; i < view.to; i++) {
      const isFault = (steps.flags[i]! & StepFlag.fault) !== 0
      if (!isFault && !isFocused) continue
      const rim = rims.get(i)
      if (!isFault && rim === undefined && focus.shown?.has(i) !== true) continue
      const lane = steps.lane[i]!
      const y = view.rows.middle[lane]!
      const x = view.xOf(i + 0.5)
      if (y < 0 || x - lastX[lane]! < 6) continue
      lastX[lane] = x
      const family = columns.family(i)
      context.fillStyle = rim === undefined ? colours.family[family] : colours.named(rim)
      this.#stamp(context, family, x, y, 4.5)
    }
  }
}

/** What the selected action hangs on directly, and what hangs on it. */
const rimsOf = ({ causes, consequences }: Focus): ReadonlyMap<number, 'past' | 'future'> =>
  new Map([
    ...causes.map(({ action }) => [action, 'past'] as const),
    ...consequences.map(({ action }) => [action, 'future'] as const),
  ])

function isFaded(action: number, focus: Focus): boolean {
  if (focus.shown !== undefined && !focus.shown.has(action)) return true
  if (focus.past.size + focus.future.size === 0) return false
  return action !== focus.action && !focus.past.has(action) && !focus.future.has(action)
}

/** A square around a cause, a diamond around a consequence; the circle is the cursor's. */
function outline(
  context: CanvasRenderingContext2D,
  x: number,
  y: number,
  half: number,
  rim: 'past' | 'future',
  colour: string,
): void {
  context.strokeStyle = colour
  context.lineWidth = 2
  context.beginPath()
  if (rim === 'past') context.rect(x - half, y - half, 2 * half, 2 * half)
  else {
    const far = half * 1.3
    context.moveTo(x, y - far)
    context.lineTo(x + far, y)
    context.lineTo(x, y + far)
    context.lineTo(x - far, y)
    context.closePath()
  }
  context.stroke()
}

function hatch(
  context: CanvasRenderingContext2D,
  x: number,
  y: number,
  width: number,
  height: number,
  colour: string,
  step: number,
  view: View,
): void {
  const left = Math.max(x, view.gutter)
  const right = Math.min(x + width, view.width)
  context.save()
  context.beginPath()
  context.rect(left, y, right - left, height)
  context.clip()
  context.strokeStyle = colour
  context.beginPath()
  for (let at = left - height - (left % step); at < right; at += step) {
    context.moveTo(at, y + height)
    context.lineTo(at + height, y)
  }
  context.stroke()
  context.restore()
}

const clientArrows = new Set([arrowKinds.indexOf('request'), arrowKinds.indexOf('reply')])
const messageArrow = arrowKinds.indexOf('message')
const lostPiece = pieceKinds.indexOf('lost')
const completePieces = new Set([pieceKinds.indexOf('complete'), pieceKinds.indexOf('expire')])

const familyOfArrow = (kind: number): Family =>
  kind === messageArrow ? 'message' : clientArrows.has(kind) ? 'client' : 'onesided'

/** Whether the pieces of an arrow follow each other: those of an operation do, its words one by one. */
export const isChain = (kind: number): boolean => familyOfArrow(kind) === 'onesided'

/** Each message and operation from its post over its pieces to its end. The way back of a completion is dashed. */
function arrows(
  context: CanvasRenderingContext2D,
  view: View,
  columns: Columns,
  colours: Colours,
  focus: Focus,
): void {
  const { arrows: all } = columns
  const steps = columns.steps!
  if (all === undefined) return
  const { middle } = view.rows
  const emphasised = focus.shown !== undefined || focus.past.size + focus.future.size > 0
  const quiet = view.perAction < glyphFrom
  for (let a = 0; a < all.id.length; a++) {
    if (all.last[a]! < view.from || all.first[a]! > view.to) continue
    const start = all.pieceStart[a]!
    const end = all.pieceStart[a + 1]!
    const colour = colours.family[familyOfArrow(all.kind[a]!)]
    let inFocus = !emphasised
    for (let p = start; p < end && !inFocus; p++) {
      const action = all.pieceAction[p]!
      inFocus = !isFaded(action, focus)
    }
    context.globalAlpha = inFocus ? (quiet ? 0.45 : 0.85) : 0.08
    context.strokeStyle = colour
    context.fillStyle = colour
    context.lineWidth = inFocus && emphasised ? 1.8 : 1.2
    let x = NaN
    let y = NaN
    for (let p = start; p < end; p++) {
      const action = all.pieceAction[p]!
      const kind = all.pieceKind[p]!
      // Where the mark of the action is: what a flush posts begins at the disk, though it is the CPU that posts it.
      const lane = steps.lane[action]!
      const toX = view.xOf(action + 0.5)
      const toY = middle[lane]!
      if (toY < 0) continue
      if (!Number.isNaN(x)) {
        context.setLineDash(completePieces.has(kind) ? [4, 3] : [])
        context.beginPath()
        context.moveTo(x, y)
        context.lineTo(toX, toY)
        context.stroke()
        if (!quiet && Math.abs(toY - y) > 4) head(context, x, y, toX, toY)
      }
      if (kind === lostPiece) cross(context, toX, toY)
      // Of a message that comes more than once each coming begins at its post.
      if (!Number.isNaN(x) && !isChain(all.kind[a]!)) continue
      x = toX
      y = toY
    }
    if (all.fate[a] === 0 && !Number.isNaN(x)) {
      // Still in flight when the run ends: a stub towards where it would go, with an open end.
      const toY = y + Math.sign(middle[all.target[a]!]! - y) * 13
      context.setLineDash([2, 2])
      context.beginPath()
      context.moveTo(x, y)
      context.lineTo(x + 17, toY)
      context.stroke()
      context.setLineDash([])
      context.beginPath()
      context.arc(x + 19, toY, 2, 0, 2 * Math.PI)
      context.stroke()
    }
  }
  context.setLineDash([])
  context.globalAlpha = 1
}

function head(context: CanvasRenderingContext2D, x: number, y: number, toX: number, toY: number): void {
  const angle = Math.atan2(toY - y, toX - x)
  const size = 5
  // The glyph stands at the end itself, so the head stops short of it.
  const tipX = toX - Math.cos(angle) * 6
  const tipY = toY - Math.sin(angle) * 6
  context.beginPath()
  context.moveTo(tipX, tipY)
  context.lineTo(tipX - size * Math.cos(angle - 0.45), tipY - size * Math.sin(angle - 0.45))
  context.lineTo(tipX - size * Math.cos(angle + 0.45), tipY - size * Math.sin(angle + 0.45))
  context.fill()
}

function cross(context: CanvasRenderingContext2D, x: number, y: number): void {
  context.beginPath()
  context.moveTo(x - 4, y - 4)
  context.lineTo(x + 4, y + 4)
  context.moveTo(x + 4, y - 4)
  context.lineTo(x - 4, y + 4)
  context.stroke()
}

const bundleWidth = 36

/** Too many arrows for lines of their own: per piece of the view and pair of nodes one line, as wide as there are many. */
function bundles(
  context: CanvasRenderingContext2D,
  view: View,
  columns: Columns,
  world: WorldInfo,
  colours: Colours,
): void {
  const steps = columns.steps!
  const nodes = world.nodes.length
  const pieces = Math.ceil((view.width - view.gutter) / bundleWidth)
  const counts = new Uint32Array(pieces * nodes * nodes)
  let most = 0
  const perAction = view.perAction / bundleWidth
  const offset = (view.xOf(0) - view.gutter) / bundleWidth
  for (let i = view.from; i < view.to; i++) {
    const node = steps.node[i]!
    const peer = steps.peer[i]!
    if (node < 0 || peer < 0 || node === peer) continue
    const piece = Math.floor(i * perAction + offset)
    if (piece < 0 || piece >= pieces) continue
    const count = ++counts[(piece * nodes + peer) * nodes + node]!
    if (count > most) most = count
  }
  const middleOf = view.rows.groups.map((group) => [group.node, group.y + group.height / 2] as const)
  const middle = new Map(middleOf)
  context.strokeStyle = colours.family.message
  context.globalAlpha = 0.3
  for (let piece = 0; piece < pieces; piece++) {
    const x = view.gutter + piece * bundleWidth
    for (let pair = 0; pair < nodes * nodes; pair++) {
      const count = counts[piece * nodes * nodes + pair]!
      const from = middle.get(Math.floor(pair / nodes))
      const to = middle.get(pair % nodes)
      if (count === 0 || from === undefined || to === undefined) continue
      context.lineWidth = 0.6 + (5 * Math.log1p(count)) / Math.log1p(most)
      context.beginPath()
      context.moveTo(x + 4, from)
      context.lineTo(x + bundleWidth - 4, to)
      context.stroke()
    }
  }
  context.globalAlpha = 1
}
