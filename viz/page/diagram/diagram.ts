/**
 * The space-time diagram: order runs to the right, lanes are beneath each other. The canvas has the many; the SVG on it
 * has what is in focus: axis, names, words, marks, and the cursor, which is a slider for assistive technology.
 */
import { axisTop } from 'd3-axis'
import { scaleLinear } from 'd3-scale'
import { select } from 'd3-selection'
import { type D3ZoomEvent, zoom, zoomIdentity, zoomTransform } from 'd3-zoom'
import { h, svg } from '../dom.js'
import { type Colours, readColours } from '../kinds.js'
import type { Workbench } from '../workbench.js'
import { Columns } from './columns.js'
import { FocusLayer } from './focus-layer.js'
import { onceAFrame, sizeCanvas } from './frames.js'
import { Painter, type View } from './paint.js'
import { type Rows, layRows } from './rows.js'

export const gutter = 128
const top = 42
const mostPixels = 260
const usualPixels = 14
/** Pixels of an action from which a run is shown whole at first. */
const wholeFrom = 7
/** Free to the right of the end, so that the cursor can be seen there, and words of the last action. */
const margin = 40
const wordsMargin = 120
/** Pixels of an action from which a run that is shown whole has such words. */
const wordsFrom = 12

export class Diagram {
  readonly element = h('div', { class: 'diagram', id: 'diagram' })
  readonly columns: Columns
  readonly #bench: Workbench
  readonly #canvas = h('canvas', { 'aria-hidden': 'true' })
  readonly #svg = svg('svg', { role: 'group', 'aria-label': 'Space-time diagram' })
  readonly #axis = svg('g', { class: 'axis', 'aria-hidden': 'true' })
  readonly #focus: FocusLayer
  readonly #painter = new Painter()
  readonly #draw = onceAFrame(() => {
    this.#paint()
  })
  readonly #zoom = zoom<SVGSVGElement, unknown>()
  #colours: Colours = readColours()
  #rows: Rows | undefined
  #width = 0
  #height = 0
  /** Told of each new view, for the overview. */
  onView: ((from: number, to: number) => void) | undefined

  constructor(bench: Workbench) {
    this.#bench = bench
    this.columns = new Columns(bench, () => {
      this.#rows = undefined
      this.#draw()
    })
    this.#focus = new FocusLayer(bench, this.columns)
    this.#svg.append(this.#axis, this.#focus.element)
    this.element.append(this.#canvas, this.#svg, this.#focus.tip)
    new ResizeObserver(() => {
      this.#resize()
    }).observe(this.element)
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
      this.restyle()
    })
    this.#listen()
    bench.topics.on(['run'], () => {
      this.#rows = undefined
      this.#showAround(bench.at)
    })
    bench.topics.on(['cursor'], () => {
      this.#follow()
      this.#draw()
    })
    bench.topics.on(['state', 'focus', 'index'], this.#draw)
  }

  #listen(): void {
    const node = select<SVGSVGElement, unknown>(this.#svg)
    this.#zoom
      .filter((event: MouseEvent) => event.button === 0 && !isSideways(event))
      .on('zoom', (_event: D3ZoomEvent<SVGSVGElement, unknown>) => {
        this.#draw()
      })
    node.call(this.#zoom).on('dblclick.zoom', null)
    this.#svg.addEventListener(
      'wheel',
      (event) => {
        if (!isSideways(event)) return
        event.preventDefault()
        const by = event.deltaX !== 0 ? event.deltaX : event.deltaY
        this.#zoom.translateBy(node, -by / this.#transform().k, 0)
      },
      { passive: false },
    )
    this.#svg.addEventListener('click', (event) => {
      const action = this.#actionAt(event)
      if (action !== undefined) this.#bench.go(action + 1)
    })
    this.#svg.addEventListener('pointermove', (event) => {
      const view = this.#view()
      if (view !== undefined) this.#focus.hover(event.buttons === 0 ? this.#actionAt(event) : undefined, view)
    })
    this.#svg.addEventListener('pointerleave', () => {
      const view = this.#view()
      if (view !== undefined) this.#focus.hover(undefined, view)
    })
  }

  /** The action at a place: that of the lane if one is near, else the one in whose column it is. */
  #actionAt(event: MouseEvent): number | undefined {
    const view = this.#view()
    const { steps } = this.columns
    if (view === undefined || steps === undefined) return undefined
    const box = this.#svg.getBoundingClientRect()
    const [x, y] = [event.clientX - box.left, event.clientY - box.top]
    if (x < gutter) return undefined
    const reach = Math.min(400, Math.ceil(8 / view.perAction))
    const here = Math.floor(view.positionAt(x))
    let best: number | undefined
    let bestDistance = Infinity
    for (let i = Math.max(0, here - reach); i <= Math.min(this.#bench.length - 1, here + reach); i++) {
      const distance = Math.hypot(view.xOf(i + 0.5) - x, (view.rows.middle[steps.lane[i]!]! - y) * 0.7)
      if (distance < bestDistance) {
        best = i
        bestDistance = distance
      }
    }
    return best
  }

  /** Colours are read anew, after another theme was chosen. */
  restyle(): void {
    this.#colours = readColours()
    this.#draw()
  }

  #resize(): void {
    this.#width = this.element.clientWidth
    this.#height = this.element.clientHeight
    this.#svg.setAttribute('width', String(this.#width))
    this.#svg.setAttribute('height', String(this.#height))
    this.#rows = undefined
    this.#setExtent()
    this.#draw()
  }
  #setExtent(): void {
    const { length } = this.#bench
    const room = this.#room
    const whole: [[number, number], [number, number]] = [
      [0, 0],
      [room, 1],
    ]
    this.#zoom
      .extent(whole)
      .translateExtent(whole)
      .scaleExtent([1, Math.max(1, (mostPixels * Math.max(1, length)) / room)])
  }
  /** Pixels for the whole run when it is shown whole. */
  get #room(): number {
    const room = this.#width - gutter
    const hasWords = room - wordsMargin >= wordsFrom * this.#bench.length
    return Math.max(1, room - (hasWords ? wordsMargin : margin))
  }
  #transform(): { readonly k: number; readonly x: number } {
    return zoomTransform(this.#svg)
  }
  #scale() {
    const base = scaleLinear([0, Math.max(1, this.#bench.length)], [0, this.#room])
    return zoomTransform(this.#svg).rescaleX(base)
  }

  #view(): View | undefined {
    const { world, length } = this.#bench
    if (world === undefined || this.#width === 0) return undefined
    this.#rows ??= layRows(
      world,
      (lane) => (this.columns.laneCounts[lane] ?? 0) > 0,
      top,
      this.#height - top - 8,
    )
    const scale = this.#scale()
    const xOf = (position: number): number => gutter + scale(position)
    const positionAt = (x: number): number => scale.invert(x - gutter)
    return {
      width: this.#width,
      height: this.#height,
      gutter,
      top,
      rows: this.#rows,
      perAction: scale(1) - scale(0),
      positionAt,
      xOf,
      from: Math.max(0, Math.floor(positionAt(gutter)) - 1),
      to: Math.min(length, this.columns.steps?.to ?? 0, Math.ceil(positionAt(this.#width)) + 1),
    }
  }

  #paint(): void {
    const view = this.#view()
    const { world } = this.#bench
    if (view === undefined || world === undefined) return
    const context = sizeCanvas(this.#canvas, this.#width, this.#height)
    this.#painter.paint(context, view, this.columns, world, this.#colours, this.#bench.focus)
    const ticks = Math.max(2, Math.floor((this.#width - gutter) / 90))
    this.#axis.setAttribute('transform', `translate(${String(gutter)},20)`)
    const axis = axisTop(this.#scale())
      .ticks(ticks)
      .tickFormat((value) => (Number.isInteger(value) ? String(value) : ''))
    select(this.#axis).call(axis)
    this.#focus.draw(view)
    this.columns.want({ from: view.from, to: view.to })
    this.onView?.(view.positionAt(gutter), view.positionAt(gutter + this.#room))
  }

  // ---- moving the view ----------------------------------------------------------------------------------------------

  /** Shows the positions from … to. */
  show(from: number, to: number): void {
    const room = this.#room
    const k = Math.max(1, this.#bench.length / Math.max(1e-6, to - from))
    const perPosition = room / Math.max(1, this.#bench.length)
    const next = zoomIdentity.translate(-from * perPosition * k, 0).scale(k)
    this.#zoom.transform(select<SVGSVGElement, unknown>(this.#svg), next)
  }
  /** Small runs as wide as glyphs need, around a position; the overview has the whole in any case. */
  #showAround(at: number): void {
    requestAnimationFrame(() => {
      this.#resize()
      const { length } = this.#bench
      const isSmall = this.#room >= length * wholeFrom
      const visible = isSmall ? length : Math.min(length, this.#room / usualPixels)
      this.show(
        Math.max(0, Math.min(length - visible, at - visible * 0.75)),
        Math.min(length, Math.max(visible, at + visible * 0.25)),
      )
    })
  }
  showAll(): void {
    this.show(0, this.#bench.length)
  }
  showCursor(): void {
    this.#showAround(this.#bench.at)
  }
  /** @param factor above 1 to look closer */
  zoomBy(factor: number): void {
    const view = this.#view()
    if (view === undefined) return
    const { at } = this.#bench
    const [from, to] = [view.positionAt(gutter), view.positionAt(gutter + this.#room)]
    const centre = at >= from && at <= to ? at : (from + to) / 2
    const fraction = (centre - from) / (to - from)
    const span = Math.max((to - from) / factor, this.#room / mostPixels)
    this.show(centre - span * fraction, centre + span * (1 - fraction))
  }
  /** @param part of the width that is moved to the right, or to the left if negative */
  panBy(part: number): void {
    const view = this.#view()
    if (view === undefined) return
    const span = view.positionAt(gutter + this.#room) - view.positionAt(gutter)
    this.#zoom.translateBy(
      select<SVGSVGElement, unknown>(this.#svg),
      (-part * span * this.#room) / Math.max(1, this.#bench.length),
      0,
    )
  }
  /** Keeps the cursor in view, without moving more often than needed. */
  #follow(): void {
    const view = this.#view()
    if (view === undefined) return
    const [from, to] = [view.positionAt(gutter), view.positionAt(gutter + this.#room)]
    const { at } = this.#bench
    const span = to - from
    if (at < from + span * 0.02 || at > to - span * 0.04) {
      const left = Math.max(
        0,
        Math.min(this.#bench.length - span, at - span * (at > to - span * 0.04 ? 0.25 : 0.75)),
      )
      this.show(left, left + span)
    }
  }
}

const isSideways = (event: MouseEvent): boolean =>
  event instanceof WheelEvent && (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY))
