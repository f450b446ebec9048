/**
 * What is in focus, as SVG: names of lanes with roles, words beside actions where there is room, marks, the cursor.
 * The cursor is a slider; actions with words are images with names, so that a screen reader finds them.
 */
import { type Mark, StepFlag } from '../../session/protocol.js'
import { fill, h, svg } from '../dom.js'
import { outlineOf } from '../kinds.js'
import type { Workbench } from '../workbench.js'
import { type Columns, mostSingleArrows, mostWords } from './columns.js'
import { LabelPlan, characterWidth, clip } from './labels.js'
import { type View, isChain } from './paint.js'
import type { Group } from './rows.js'

/** Pixels of an action from which all have words, and from which those have that one looks for. */
const labelFrom = 36
const notableFrom = 5

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
    // Words lie on the lines of the cursor and of the violation, which would strike them through.
    this.element.append(this.#marks, this.#cursor, this.#words, this.#names)
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

  /** Words at every action where there is room for most; else at what one looks for: faults, roles, the violation. */
  #drawWords(view: View): void {
    const { steps, words } = this.#columns
    if (steps === undefined || view.to - view.from > mostSingleArrows) {
      fill(this.#words)
      return
    }
    const nodes: Node[] = []
    const violating = this.#violating
    const { shown } = this.#bench.focus
    const plan = new LabelPlan({ ...view.rows, left: view.gutter, right: view.width - 4 })
    const isRoomy = view.perAction >= labelFrom
    const hasItems = view.to - view.from <= mostWords
    const notable = view.perAction >= notableFrom ? this.#notable(view) : new Map<number, string>()
    if (isRoomy || notable.size > 0) {
      const markHalf = Math.min(9, view.perAction / 2)
      for (let i = view.from; i < view.to; i++) plan.mark(steps.lane[i]!, view.xOf(i + 0.5), markHalf)
      this.#planLines(view, plan)
    }
    const place = (action: number, text: string): void => {
      const lane = steps.lane[action]!
      const x = view.xOf(action + 0.5)
      if (x < view.gutter || x > view.width || shown?.has(action) === false) return
      const placed = plan.place({ lane, x, words: text })
      if (placed === undefined) return
      const { anchor } = placed
      const label = svg(
        'text',
        { x: placed.x, y: placed.y, class: 'label', 'text-anchor': anchor },
        placed.words,
      )
      nodes.push(action === violating ? tinted(label, 'var(--bad)') : label)
    }
    for (const [action, text] of notable) place(action, text)
    for (let i = view.from; hasItems && i < view.to; i++) {
      const info = words.get(i)
      const y = view.rows.middle[steps.lane[i]!]!
      const x = view.xOf(i + 0.5)
      if (info === undefined || y < 0 || x < view.gutter) continue
      const item = svg('g', { role: 'img', 'aria-label': `action ${String(i)}: ${info.text}` })
      item.append(svg('circle', { cx: x, cy: y, r: 8, fill: 'none' }))
      nodes.push(item)
      if (isRoomy && !notable.has(i)) place(i, shortWords(info.text, view.perAction / characterWidth))
    }
    fill(this.#words, ...nodes)
  }

  /** The action at which something is violated first, or -1. */
  get #violating(): number {
    return (this.#bench.branch?.violation?.at ?? 0) - 1
  }

  /** What is labelled at any zoom that has room for it, the most important first. */
  #notable(view: View): ReadonlyMap<number, string> {
    const { world } = this.#bench
    const { steps, words, marks } = this.#columns
    const found = new Map<number, string>()
    const siteOf = (action: number): string =>
      withoutPlace(words.get(action)?.text ?? world?.sites[steps!.site[action]!]?.name ?? '')
    const isIn = (action: number): boolean => action >= view.from && action < view.to
    const violating = this.#violating
    if (isIn(violating)) found.set(violating, siteOf(violating))
    for (let i = view.from; i < view.to; i++)
      if ((steps!.flags[i]! & StepFlag.fault) !== 0)
        found.set(i, view.perAction >= labelFrom ? siteOf(i) : world!.kinds[steps!.kind[i]!]!)
    for (const { kind, action, text } of marks)
      if (kind === 'role' && isIn(action) && !found.has(action)) found.set(action, text.replace(/^.*→/, '→'))
    return found
  }

  #planLines(view: View, plan: LabelPlan): void {
    const { arrows, steps } = this.#columns
    if (arrows === undefined) return
    for (let a = 0; a < arrows.id.length; a++) {
      if (arrows.last[a]! < view.from || arrows.first[a]! > view.to) continue
      const start = arrows.pieceStart[a]!
      for (let p = start + 1; p < arrows.pieceStart[a + 1]!; p++) {
        const before = arrows.pieceAction[isChain(arrows.kind[a]!) ? p - 1 : start]!
        const action = arrows.pieceAction[p]!
        const y = view.rows.middle[steps!.lane[before]!]!
        const toY = view.rows.middle[steps!.lane[action]!]!
        if (y >= 0 && toY >= 0) plan.line(view.xOf(before + 0.5), y, view.xOf(action + 0.5), toY)
      }
    }
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

/** The lane says where it is; the words then begin with what happens. */
function withoutPlace(text: string): string {
  return text.replace(/^(\S+(?: \S+)?) [nc]\d+(?:→[nc]\d+)? ?/, '$1 ').trim()
}

/** Of the words of one operation, which follow each other closely, the number alone. */
function shortWords(text: string, characters: number): string {
  const words = withoutPlace(text)
  const word = words.length > characters ? / (word \d+)$/.exec(words)?.[1] : undefined
  return word ?? words
}
