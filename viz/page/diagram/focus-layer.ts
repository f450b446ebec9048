/**
 * What is in focus, as SVG: names of lanes with roles, words beside actions where there is room, marks, the cursor.
 * The cursor is a slider; actions with words are images with names, so that a screen reader finds them.
 */
import type { Mark } from '../../session/protocol.js'
import { fill, h, svg } from '../dom.js'
import { outlineOf } from '../kinds.js'
import type { Workbench } from '../workbench.js'
import { type Columns, mostWords } from './columns.js'
import type { View } from './paint.js'
import type { Group } from './rows.js'

const labelFrom = 36
const characterWidth = 6.2

const markText: Readonly<Record<Mark['kind'], string>> = {
  fault: '',
  role: '⚑',
  commit: '✓',
  invariant: '≠',
  violation: '✗',
  note: '',
  reply: '',
  rights: '◇',
}

export class FocusLayer {
  readonly element = svg('g')
  readonly tip = h('div', { class: 'tip', role: 'tooltip', hidden: true })
  readonly #bench: Workbench
  readonly #columns: Columns
  readonly #names = svg('g')
  readonly #words = svg('g')
  readonly #marks = svg('g')
  readonly #cursor = svg('g', {
    role: 'slider',
    tabindex: 0,
    'aria-label': 'Position in the run',
    'aria-orientation': 'horizontal',
    'aria-valuemin': 0,
  })
  readonly #line = svg('line', { class: 'cursor' })
  readonly #head = svg('path', { class: 'cursor-head' })
  readonly #halo = svg('circle', { fill: 'none', class: 'cursor' })
  #hovered: number | undefined

  constructor(bench: Workbench, columns: Columns) {
    this.#bench = bench
    this.#columns = columns
    this.#cursor.append(this.#line, this.#head, this.#halo)
    this.element.append(this.#words, this.#marks, this.#cursor, this.#names)
  }

  draw(view: View): void {
    this.#drawNames(view)
    this.#drawWords(view)
    this.#drawMarks(view)
    this.#drawCursor(view)
    this.hover(this.#hovered, view)
  }

  #drawNames(view: View): void {
    const { state } = this.#bench
    const back = svg('rect', {
      x: 0,
      y: 0,
      // The first label of the axis reaches into the gutter.
      width: view.gutter - 8,
      height: view.height,
      fill: 'var(--panel)',
    })
    const texts: Node[] = []
    for (const group of view.rows.groups) {
      const node = group.node < 0 ? undefined : state?.nodes[group.node]
      const role = node === undefined ? '' : node.status === 'up' ? (node.role?.state ?? '') : node.status
      const y = group.y + Math.min(14, group.height / 2 + 4)
      texts.push(this.#nameOf(group, y))
      if (role !== '' && group.height >= 30)
        texts.push(svg('text', { x: 12, y: y + 15, class: 'quiet' }, clip(role, 9)))
      if ((group.rows[0]?.height ?? 0) < 11) continue
      for (const row of group.rows)
        texts.push(
          svg(
            'text',
            { x: view.gutter - 8, y: row.y + row.height / 2 + 4, 'text-anchor': 'end', class: 'quiet' },
            row.title,
          ),
        )
    }
    const focused = this.#names.contains(document.activeElement)
      ? (document.activeElement as SVGElement).dataset.lane
      : undefined
    fill(this.#names, back, ...texts)
    if (focused !== undefined)
      this.#names.querySelector<SVGElement>(`[data-lane="${CSS.escape(focused)}"]`)?.focus()
  }

  /** The name of a lane shows what happens there alone, or all again. */
  #nameOf(group: Group, y: number): SVGTextElement {
    const title = `actions of ${group.title}`
    const isPressed = this.#bench.focus.title === title
    const name = svg(
      'text',
      {
        x: 12,
        y,
        class: isPressed ? 'lane-name pressed' : 'lane-name',
        role: 'button',
        tabindex: 0,
        'aria-pressed': String(isPressed),
        'aria-label': `${group.title}: show its actions alone`,
        'data-lane': group.title,
      },
      group.title,
    )
    const toggle = (event: Event): void => {
      event.stopPropagation()
      if (isPressed) this.#bench.clearFocus()
      else {
        const { steps } = this.#columns
        const lanes = new Set(group.rows.map((row) => row.lane))
        const shown = this.#columns.actionsWhere((action) => lanes.has(steps!.lane[action]!))
        this.#bench.setFocus({ shown, title })
      }
    }
    name.addEventListener('click', toggle)
    name.addEventListener('keydown', (event) => {
      if (event.key === 'Enter') toggle(event)
    })
    return name
  }

  #drawWords(view: View): void {
    const { steps, words } = this.#columns
    if (steps === undefined || view.to - view.from > mostWords) {
      fill(this.#words)
      return
    }
    const nodes: Node[] = []
    // From the right: a word may go on until the next action of its lane.
    const nextX = new Map<number, number>()
    for (let i = view.to - 1; i >= view.from; i--) {
      const info = words.get(i)
      const lane = steps.lane[i]!
      const y = view.rows.middle[lane]!
      const x = view.xOf(i + 0.5)
      const room = (nextX.get(lane) ?? view.width + 200) - x - 22
      nextX.set(lane, x)
      if (info === undefined || y < 0 || x < view.gutter) continue
      const item = svg('g', { role: 'img', 'aria-label': `action ${String(i)}: ${info.text}` })
      item.append(svg('circle', { cx: x, cy: y, r: 8, fill: 'none' }))
      const characters = Math.floor(room / characterWidth)
      if (view.perAction >= labelFrom && characters >= 4 && view.rows.half[lane]! >= 6)
        item.append(svg('text', { x: x + 11, y: y + 4, class: 'label' }, shortWords(info.text, characters)))
      nodes.push(item)
    }
    fill(this.#words, ...nodes)
  }

  #drawMarks(view: View): void {
    const nodes: Node[] = []
    let lastX = -Infinity
    for (const mark of this.#columns.marks) {
      const text = markText[mark.kind]
      if (text === '' || mark.action < view.from || mark.action >= view.to) continue
      const x = view.xOf(mark.action + 1)
      if (x < view.gutter) continue
      const isViolation = mark.kind === 'violation'
      if (isViolation) {
        nodes.push(
          svg('line', { x1: x, x2: x, y1: 26, y2: view.height, stroke: 'var(--bad)', 'stroke-width': 2 }),
        )
      } else if (x - lastX < 15) continue
      lastX = x
      const colour =
        isViolation || mark.kind === 'invariant'
          ? 'var(--bad)'
          : mark.kind === 'commit'
            ? 'var(--good)'
            : 'var(--ink)'
      const item = svg('g', { role: 'img', 'aria-label': mark.text })
      item.append(
        svg('title', {}, mark.text),
        tinted(svg('text', { x, y: 36, 'text-anchor': 'middle' }, text), colour),
      )
      nodes.push(item)
    }
    fill(this.#marks, ...nodes)
  }

  #drawCursor(view: View): void {
    const { at, length, state } = this.#bench
    const x = view.xOf(at)
    const isIn = x >= view.gutter - 0.5 && x <= view.width + 0.5
    this.#line.setAttribute('x1', String(x))
    this.#line.setAttribute('x2', String(x))
    this.#line.setAttribute('y1', '20')
    this.#line.setAttribute('y2', String(view.height))
    this.#head.setAttribute('d', `M${String(x - 6)},14h12v6l-6,6l-6,-6Z`)
    for (const part of [this.#line, this.#head]) part.setAttribute('visibility', isIn ? 'visible' : 'hidden')
    const words = state?.at === at ? (state.previous?.text ?? 'the start') : ''
    this.#cursor.setAttribute('aria-valuemax', String(length))
    this.#cursor.setAttribute('aria-valuenow', String(at))
    this.#cursor.setAttribute('aria-valuetext', `${String(at)} of ${String(length)} ${words}`)

    const lane = this.#columns.steps?.lane[at - 1]
    const y = lane === undefined ? -1 : view.rows.middle[lane]!
    const haloX = view.xOf(at - 0.5)
    const hasHalo = at > 0 && y >= 0 && haloX >= view.gutter && haloX <= view.width
    this.#halo.setAttribute('visibility', hasHalo ? 'visible' : 'hidden')
    if (hasHalo) {
      this.#halo.setAttribute('cx', String(haloX))
      this.#halo.setAttribute('cy', String(y))
      this.#halo.setAttribute('r', '10')
    }
  }

  /** Says what the action under the pointer is. */
  hover(action: number | undefined, view: View): void {
    const { steps, words } = this.#columns
    const isOther = action !== this.#hovered
    this.#hovered = action
    this.tip.hidden = action === undefined || steps === undefined
    if (action === undefined || steps === undefined) return
    const { branch, world } = this.#bench
    const info = words.get(action)
    if (info === undefined && isOther && branch !== undefined)
      void this.#bench.try('describe', { branch: branch.branch, actions: [action] }).then((infos) => {
        const described = infos?.[0]
        if (described === undefined || this.#bench.branch !== branch) return
        words.set(action, described)
        if (this.#hovered === action) this.hover(action, view)
      })
    const site = world?.sites[steps.site[action]!]?.name ?? ''
    const mark = this.#columns.marks.filter((one) => one.action === action && one.kind !== 'fault')
    fill(
      this.tip,
      h('div', {}, h('b', {}, `${String(action + 1)} `), info?.text ?? site),
      ...mark.slice(0, 4).map((one) => h('div', { class: 'quiet' }, one.text)),
    )
    const x = view.xOf(action + 0.5)
    const y = Math.max(0, view.rows.middle[steps.lane[action]!]!)
    this.tip.style.left = `${String(Math.min(x + 14, view.width - 240))}px`
    this.tip.style.top = `${String(Math.min(y + 12, view.height - 60))}px`
  }
}

/** An icon of a family, for legends and lists. */
export function icon(family: Parameters<typeof outlineOf>[0]): SVGSVGElement {
  const picture = svg('svg', {
    width: 12,
    height: 12,
    viewBox: '-1.3 -1.3 2.6 2.6',
    'aria-hidden': 'true',
  })
  picture.append(svg('path', { d: outlineOf(family), fill: `var(--kind-${family})` }))
  return picture
}

/** A colour of its own: the style sheet gives text the colour of ink, over any attribute. */
function tinted(text: SVGTextElement, colour: string): SVGTextElement {
  text.style.fill = colour
  return text
}

function clip(text: string, characters: number): string {
  return text.length <= characters ? text : `${text.slice(0, Math.max(1, characters - 1))}…`
}

/** The lane says where it is; the words then begin with what happens. Where even that is too long, which word it is. */
function shortWords(text: string, characters: number): string {
  const words = text.replace(/^(\S+(?: \S+)?) [nc]\d+(?:→[nc]\d+)? ?/, '$1 ').trim()
  const word = words.length > characters ? / (word \d+)$/.exec(words)?.[1] : undefined
  return word ?? clip(words, characters)
}
