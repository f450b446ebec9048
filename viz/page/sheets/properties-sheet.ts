/** Every property as a row: whether it holds here, its truth over the run, and why it is violated. */
import { Truth, type TruthRow } from '../../session/protocol.js'
import { h, svg } from '../dom.js'
import { patch } from '../patch.js'
import type { Workbench } from '../workbench.js'
import type { Sheet } from './sheet.js'

const width = 300
const words = ['violated', 'holds', 'not known'] as const
const signs = ['✗', '✓', '…'] as const
const classes = ['bad', 'good', 'quiet'] as const

export function propertiesSheet(): Sheet {
  return { id: 'properties', title: 'Invariants', topics: ['run', 'state', 'index'], draw }
}

function draw(place: HTMLElement, bench: Workbench): void {
  const { world, state, truth } = bench
  if (world === undefined) return
  const rows = world.properties.map((property, index) => {
    const here = state?.properties.find((one) => one.property === index)
    const value = here?.truth ?? Truth.unknown
    const over = truth.find((row) => row.property === index)
    return { property, here, value, over }
  })
  // What is violated here, or ever, comes first; then the order of the spec.
  const rank = (row: (typeof rows)[number]): number =>
    row.property.kind === 'goal'
      ? 3
      : row.value === Truth.violated
        ? 0
        : row.over !== undefined && fallsAt(row.over) !== undefined
          ? 1
          : 2
  rows.sort((a, b) => rank(a) - rank(b))
  patch(
    place,
    h(
      'p',
      { class: 'quiet' },
      'Green: holds. Red: violated. Grey: not known, or not judged there. The line is the cursor.',
    ),
    ...rows.map(({ property, here, value, over }) => {
      const falls = over === undefined ? undefined : fallsAt(over)
      return h(
        'section',
        { class: 'property', 'data-key': `${property.kind} ${property.name}` },
        h(
          'div',
          { class: 'row spread' },
          h(
            'h3',
            {},
            h('span', { class: classes[value] ?? 'quiet' }, `${signs[value] ?? '…'} `),
            property.name,
            h('span', { class: 'unseen' }, ` ${words[value] ?? ''}`),
          ),
          h('span', { class: 'tag' }, property.kind),
        ),
        h('p', { class: 'quiet' }, property.meaning),
        over === undefined ? undefined : truthLine(over, bench),
        here !== undefined && here.reason !== '' ? h('p', { class: 'bad' }, here.reason) : undefined,
        falls === undefined
          ? undefined
          : h(
              'button',
              {
                class: 'plain',
                'data-key': `falls ${property.name}`,
                on: {
                  click: () => {
                    bench.go(falls)
                  },
                },
              },
              `Go to where it breaks: ${String(falls)}`,
            ),
      )
    }),
  )
}

/** The first position at which it is violated. */
function fallsAt(row: TruthRow): number | undefined {
  const index = row.value.indexOf(Truth.violated)
  return index < 0 ? undefined : row.from[index]
}

function truthLine(row: TruthRow, bench: Workbench): SVGSVGElement {
  const { length, at } = bench
  const x = (position: number): number => (width * position) / (length + 1)
  const spans = Array.from(row.from, (from, index) => ({
    from,
    to: row.from[index + 1] ?? length + 1,
    value: row.value[index]!,
  }))
  const picture = svg('svg', {
    class: 'truth',
    viewBox: `0 0 ${String(width)} 12`,
    preserveAspectRatio: 'none',
    role: 'img',
    'aria-label': spans
      .slice(0, 12)
      .map((span) => `${words[span.value] ?? ''} from ${String(span.from)}`)
      .join(', '),
  })
  const colours = ['var(--bad)', 'var(--good)', 'var(--line)'] as const
  for (const span of spans)
    picture.append(
      svg('rect', {
        x: x(span.from),
        y: span.value === Truth.violated ? 0 : 4,
        width: Math.max(
          span.value === Truth.violated ? 3 : 0.5,
          x(Math.min(span.to, length + 1)) - x(span.from),
        ),
        height: span.value === Truth.violated ? 12 : 4,
        fill: colours[span.value as 0 | 1 | 2],
      }),
    )
  picture.append(svg('rect', { x: x(at) - 0.75, y: 0, width: 1.5, height: 12, fill: 'var(--accent)' }))
  return picture
}
