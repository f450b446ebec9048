/** The whole run in one strip: how busy each node is, and where what matters happens. Dragging there scrubs. */
import type { Overview } from '../../session/protocol.js'
import { StepFlag } from '../../session/protocol.js'
import { h, svg } from '../dom.js'
import { familyOf, readColours } from '../kinds.js'
import { latest } from '../latest.js'
import type { Workbench } from '../workbench.js'
import { gutter } from './diagram.js'
import { onceAFrame, sizeCanvas } from './frames.js'

const height = 74
const markRows = [
  { flag: StepFlag.commit, colour: 'good', y: 3 },
  { flag: StepFlag.roleChange, colour: 'kind-onesided', y: 13 },
  { flag: StepFlag.fault, colour: 'kind-fault', y: 23 },
] as const
const lanesTop = 35
const markHeight = 8

export class OverviewStrip {
  readonly element = h('div', { class: 'overview', id: 'overview' })
  readonly #bench: Workbench
  readonly #canvas = h('canvas', { 'aria-hidden': 'true' })
  readonly #svg = svg('svg', { role: 'img', 'aria-label': 'The whole run', height })
  readonly #window = svg('rect', { class: 'window', y: 0, height })
  readonly #cursor = svg('line', { class: 'cursor', y1: 0, y2: height })
  readonly #bookmarks = svg('g')
  #overview: Overview | undefined
  #width = 0
  /** All of it. */
  readonly draw = onceAFrame(() => {
    this.#place()
    this.#paint()
  })
  /** What moves with every step, and is drawn while one scrubs. */
  readonly #move = onceAFrame(() => {
    this.#place()
  })

  constructor(bench: Workbench) {
    this.#bench = bench
    const names = svg('g')
    for (const [index, name] of ['commits', 'roles', 'faults'].entries())
      names.append(
        svg('text', { x: gutter - 8, y: 11 + index * 10, 'text-anchor': 'end', class: 'quiet tiny' }, name),
      )
    names.append(svg('text', { x: 12, y: 58, class: 'quiet' }, 'whole run'))
    this.#svg.append(names, this.#window, this.#bookmarks, this.#cursor)
    this.element.append(this.#canvas, this.#svg)
    new ResizeObserver(() => {
      this.#width = this.element.clientWidth
      this.#svg.setAttribute('width', String(this.#width))
      this.#ask('')
      this.draw()
    }).observe(this.element)
    bench.topics.on(['run'], () => {
      this.#overview = undefined
      this.draw()
    })
    bench.topics.on(['run', 'index'], () => {
      this.#ask('')
    })
    bench.topics.on(['cursor', 'focus'], this.#move)
    const scrub = (event: PointerEvent): void => {
      if ((event.buttons & 1) === 0) return
      const box = this.element.getBoundingClientRect()
      const part = (event.clientX - box.left - gutter) / Math.max(1, this.#width - gutter)
      bench.go(Math.round(part * bench.length))
    }
    this.#svg.addEventListener('pointerdown', (event) => {
      this.#svg.setPointerCapture(event.pointerId)
      scrub(event)
    })
    this.#svg.addEventListener('pointermove', scrub)
  }

  readonly #ask = latest(async (_: '') => {
    const { branch } = this.#bench
    if (branch === undefined || this.#width <= gutter) return
    const buckets = Math.max(1, Math.min(branch.length, Math.floor((this.#width - gutter) / 2)))
    const read = await this.#bench.try('overview', {
      branch: branch.branch,
      from: 0,
      to: branch.length,
      buckets,
    })
    if (this.#bench.branch?.branch !== branch.branch) return
    this.#overview = read
    this.draw()
  })

  /** @param from,to positions that the diagram shows */
  setWindow(from: number, to: number): void {
    const x = this.#x(Math.max(0, from))
    this.#window.setAttribute('x', String(x))
    this.#window.setAttribute('width', String(Math.max(2, this.#x(Math.min(this.#bench.length, to)) - x)))
  }
  #x(position: number): number {
    return gutter + ((this.#width - gutter) * position) / Math.max(1, this.#bench.length)
  }

  #place(): void {
    const x = String(this.#x(this.#bench.at))
    this.#cursor.setAttribute('x1', x)
    this.#cursor.setAttribute('x2', x)
    this.#bookmarks.replaceChildren(
      ...this.#bench.bookmarks.map((at) =>
        svg('path', {
          d: `M${String(this.#x(at) - 4)},${String(height)}v-9h8v9l-4,-3Z`,
          fill: 'var(--accent)',
        }),
      ),
    )
  }

  #paint(): void {
    const context = sizeCanvas(this.#canvas, this.#width, height)
    context.clearRect(0, 0, this.#width, height)
    const { world } = this.#bench
    const overview = this.#overview
    if (overview === undefined || world === undefined) return
    const colours = readColours()
    const { buckets, lanes, counts, flags, kind } = overview
    const wide = (this.#width - gutter) / buckets
    const most = Math.log1p(counts.reduce((a, b) => Math.max(a, b), 1))
    const used = Array.from({ length: lanes }, (_, lane) => lane).filter((lane) =>
      counts.subarray(lane * buckets, (lane + 1) * buckets).some((count) => count > 0),
    )
    const tall = (height - lanesTop - 3) / Math.max(1, used.length)
    for (const [row, lane] of used.entries()) {
      for (let bucket = 0; bucket < buckets; bucket++) {
        const cell = lane * buckets + bucket
        const count = counts[cell]!
        if (count === 0) continue
        context.globalAlpha = 0.35 + (0.65 * Math.log1p(count)) / most
        context.fillStyle = colours.family[familyOf(world.kinds[kind[cell]!] ?? '')]
        context.fillRect(
          gutter + bucket * wide,
          lanesTop + row * tall,
          Math.max(1, wide - 0.3),
          Math.max(1, tall - 0.4),
        )
      }
    }
    context.globalAlpha = 1
    for (let bucket = 0; bucket < buckets; bucket++) {
      let all = 0
      for (let lane = 0; lane < lanes; lane++) all |= flags[lane * buckets + bucket]!
      const at = gutter + bucket * wide
      for (const row of markRows) {
        if ((all & row.flag) === 0) continue
        context.fillStyle = colours.named(row.colour)
        context.fillRect(at, row.y, Math.max(2, wide), markHeight)
      }
      if ((all & StepFlag.violation) !== 0) {
        context.fillStyle = colours.named('bad')
        context.fillRect(at + wide - 3, 0, 3, height)
      }
    }
  }
}
