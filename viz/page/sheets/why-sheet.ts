/** Why it came to this: what the violation says, from when on it was hard to avoid, what the action at the cursor hangs on. */
import type { Estimate, Step } from '../../session/protocol.js'
import { h, svg } from '../dom.js'
import { patch } from '../patch.js'
import { type Contrast, followRight } from '../right.js'
import type { Workbench } from '../workbench.js'
import { type Sheet, stepButtons } from './sheet.js'
import { shortText } from './values.js'

export function whySheet(): Sheet {
  let estimate: Estimate | undefined
  let its = -1
  const redrawn = (place: HTMLElement, bench: Workbench): void => {
    const { branch, world, focus, at } = bench
    if (branch === undefined || world === undefined) return
    if (its !== branch.branch) {
      its = branch.branch
      estimate = undefined
    }
    const make = async (): Promise<void> => {
      const asked = branch.branch
      const show = (made: Estimate): void => {
        if (bench.branch?.branch !== asked) return
        estimate = made
        redrawn(place, bench)
      }
      const made = await bench.long(
        'continuing from earlier steps',
        'estimate',
        { branch: asked },
        (progress) => {
          show(progress.partial)
        },
      )
      if (made !== undefined) show(made)
    }
    const shrink = async (): Promise<void> => {
      const bent = await bench.long('looking for a shorter schedule', 'shrink', { branch: branch.branch })
      if (bent !== undefined) await bench.showBent(bent, bent.branch.violation?.at ?? bent.branch.length)
    }
    const { violation } = branch
    patch(
      place,
      h(
        'section',
        {},
        h('h2', {}, violation === null ? 'Nothing is violated' : `${violation.name} is violated`),
        violation === null
          ? h(
              'p',
              { class: 'quiet' },
              'In this branch every property that is judged holds, as far as it goes.',
            )
          : h('p', {}, `${violation.reason}.`),
        violation === null || violation.meaning === ''
          ? undefined
          : h('p', { class: 'quiet' }, `It must hold that ${violation.meaning}.`),
        world.variant === null
          ? undefined
          : h('p', {}, h('b', {}, `The wrong variant ${world.variant.name}: `), world.variant.story),
        world.variant === null ? undefined : h('p', {}, h('b', {}, 'What mends it: '), world.variant.fix),
        violation === null && world.variant === null
          ? undefined
          : h(
              'div',
              { class: 'row pad' },
              world.variant === null
                ? undefined
                : h(
                    'button',
                    { id: 'follow-right', on: { click: () => void followRight(bench) } },
                    'Follow it on the right protocol',
                  ),
              violation === null
                ? undefined
                : h(
                    'button',
                    { 'data-key': 'shrink', on: { click: () => void shrink() } },
                    'Make it shorter',
                  ),
            ),
      ),
      contrastSection(bench),
      violation === null
        ? undefined
        : h(
            'section',
            { 'data-key': 'inevitable' },
            h('h2', {}, 'When did it become inevitable?'),
            h(
              'p',
              { class: 'quiet' },
              'From each of some earlier steps the run is continued with the faults ended, many times; drawn is how many of the continuations still fail.',
            ),
            h(
              'div',
              { class: 'row pad' },
              h(
                'button',
                { id: 'estimate', 'data-key': 'estimate', on: { click: () => void make() } },
                estimate === undefined ? 'Estimate it' : 'Estimate again',
              ),
            ),
            estimate === undefined ? undefined : estimatePicture(estimate, bench),
          ),
      h(
        'section',
        { 'data-key': 'cause and consequence' },
        h('h2', {}, 'Cause and consequence'),
        h('p', { class: 'mono' }, bench.state?.previous?.text ?? 'the start'),
        h(
          'div',
          { class: 'row pad' },
          h(
            'button',
            {
              id: 'cause',
              disabled: at === 0,
              'data-key': 'cause',
              on: { click: () => void bench.select(at - 1) },
            },
            'Highlight what it hangs on',
          ),
          h(
            'button',
            {
              'data-key': 'clear',
              disabled: focus.action < 0 && focus.shown === undefined,
              on: {
                click: () => {
                  bench.clearFocus()
                },
              },
            },
            'Clear',
          ),
        ),
        ...(focus.action < 0 ? [] : relations(bench)),
      ),
    )
  }
  return { id: 'why', title: 'Why', topics: ['run', 'state', 'focus', 'index'], draw: redrawn }
}

const contrastRows = 6

/** On the right protocol: the first thing that is otherwise than in the wrong run, with the values. */
function contrastSection(bench: Workbench): HTMLElement | undefined {
  const contrast = contrastOf(bench)
  if (contrast === undefined) return undefined
  const { at, words, changes } = contrast
  const head = ['', 'wrong run', 'here'].map((title) => h('th', { scope: 'col' }, title))
  return h(
    'section',
    { id: 'contrast', 'data-key': 'contrast' },
    h('h2', {}, 'What differs from the wrong run'),
    h('p', {}, words),
    changes.length === 0
      ? undefined
      : h(
          'table',
          {},
          h('tr', {}, ...head),
          ...changes
            .slice(0, contrastRows)
            .map(({ part, path, before, after }) =>
              h(
                'tr',
                {},
                h('th', { scope: 'row' }, `${part} ${path}`),
                h('td', {}, shortText(before)),
                h('td', {}, shortText(after)),
              ),
            ),
        ),
    h(
      'div',
      { class: 'row pad' },
      h(
        'button',
        {
          'data-key': 'to the difference',
          on: {
            click: () => {
              bench.go(at)
            },
          },
        },
        `Go to it: ${String(at)}`,
      ),
    ),
  )
}

/** That of the branch, or of one that it came from. */
function contrastOf({ branch, branches, contrasts }: Workbench): Contrast | undefined {
  for (let one = branch; one !== undefined;) {
    const { branch: id, parent } = one
    const contrast = contrasts.get(id)
    if (contrast !== undefined) return contrast
    one = branches.find((each) => each.branch === parent)
  }
  return undefined
}

/** What the selected action hangs on directly, and what hangs on it: each goes there. The rest is a number. */
function relations(bench: Workbench): HTMLElement[] {
  const { action, past, future, causes, consequences } = bench.focus
  const some = (title: string, steps: readonly Step[], all: number): HTMLElement[] => [
    h('h3', { 'data-key': title }, title),
    steps.length === 0
      ? h('p', { class: 'empty' }, 'Nothing.')
      : h('ol', { class: 'list', 'data-key': `list ${title}` }, ...stepButtons(steps, bench)),
    ...(all > steps.length
      ? [
          h(
            'p',
            { class: 'quiet' },
            `Through them ${String(all - steps.length)} more, which are dimmed by half.`,
          ),
        ]
      : []),
  ]
  return [
    h(
      'p',
      {},
      `Action ${String(action + 1)} depends on ${String(past.size)} earlier actions, and ${String(future.size)} later ones depend on it.`,
    ),
    ...some('It hangs directly on', causes, past.size),
    ...some('Directly on it hang', consequences, future.size),
  ]
}

const width = 340
const height = 110
const left = 44

/** Fractions with what chance alone could make of them (95 %, Wilson). */
function estimatePicture(estimate: Estimate, bench: Workbench): HTMLElement {
  const { length } = bench
  const x = (at: number): number => left + ((width - left - 8) * at) / Math.max(1, length)
  const y = (fraction: number): number => 8 + (height - 30) * (1 - fraction)
  const points = Array.from(estimate.at, (at, i) => {
    const decided = estimate.runs[i]! - estimate.undecided[i]!
    return { at, failed: estimate.failed[i]!, decided, undecided: estimate.undecided[i]! }
  }).filter((point) => point.decided > 0)
  const picture = svg('svg', {
    width: '100%',
    viewBox: `0 0 ${String(width)} ${String(height)}`,
    role: 'img',
    'aria-label': `Estimate. ${points.map((point) => `from ${String(point.at)}: ${String(point.failed)} of ${String(point.decided)} fail`).join('; ')}`,
  })
  for (const fraction of [0, 0.5, 1])
    picture.append(
      svg('line', { x1: left, x2: width - 8, y1: y(fraction), y2: y(fraction), stroke: 'var(--line)' }),
      svg(
        'text',
        { x: left - 4, y: y(fraction) + 4, 'text-anchor': 'end', class: 'quiet' },
        `${String(fraction * 100)}%`,
      ),
    )
  picture.append(
    svg('path', {
      d: points
        .map(
          (point, i) =>
            `${i === 0 ? 'M' : 'L'}${String(x(point.at))},${String(y(point.failed / point.decided))}`,
        )
        .join(''),
      fill: 'none',
      stroke: 'var(--bad)',
      'stroke-width': 1.5,
    }),
  )
  for (const point of points) {
    const [low, high] = wilson(point.failed, point.decided)
    const dot = svg('circle', {
      cx: x(point.at),
      cy: y(point.failed / point.decided),
      r: 3,
      fill: 'var(--bad)',
    })
    dot.append(
      svg(
        'title',
        {},
        `from ${String(point.at)}: ${String(point.failed)} of ${String(point.decided)} fail, ${String(point.undecided)} undecided`,
      ),
    )
    picture.append(
      svg('line', {
        x1: x(point.at),
        x2: x(point.at),
        y1: y(low),
        y2: y(high),
        stroke: 'var(--bad)',
        'stroke-opacity': 0.45,
      }),
      dot,
    )
  }
  picture.append(
    svg('line', { class: 'cursor', x1: x(bench.at), x2: x(bench.at), y1: 4, y2: height - 20 }),
    svg('text', { x: left, y: height - 6, class: 'quiet' }, '0'),
    svg('text', { x: width - 8, y: height - 6, 'text-anchor': 'end', class: 'quiet' }, String(length)),
    svg(
      'text',
      { x: width / 2, y: height - 6, 'text-anchor': 'middle', class: 'quiet' },
      'continued from position',
    ),
  )
  return h(
    'figure',
    {},
    picture,
    h('figcaption', { class: 'quiet' }, h('b', {}, 'An estimate, not a proof. '), estimate.method),
  )
}

/** The interval of Wilson at 95 %. */
export function wilson(failed: number, runs: number): readonly [low: number, high: number] {
  const z = 1.96
  const p = failed / runs
  const base = 1 + (z * z) / runs
  const centre = (p + (z * z) / (2 * runs)) / base
  const half = (z / base) * Math.sqrt((p * (1 - p)) / runs + (z * z) / (4 * runs * runs))
  return [Math.max(0, centre - half), Math.min(1, centre + half)]
}
