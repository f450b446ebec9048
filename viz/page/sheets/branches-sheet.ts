/** The tree of branches, and two of them compared: what they share, where they part, how their states differ. */
import { hierarchy, tree } from 'd3-hierarchy'
import type { BranchInfo, Comparison } from '../../session/protocol.js'
import { h, svg, valueAt } from '../dom.js'
import { patch } from '../patch.js'
import { saveTrace } from '../files.js'
import type { Workbench } from '../workbench.js'
import type { Sheet } from './sheet.js'
import { shortText } from './values.js'

export function branchesSheet(): Sheet {
  let other: number | undefined
  let comparison: Comparison | undefined
  const redrawn = (place: HTMLElement, bench: Workbench): void => {
    const { branch, branches } = bench
    if (branch === undefined) return
    const compare = async (): Promise<void> => {
      if (other === undefined) return
      comparison = await bench.try('compare', { branches: [branch.branch, other] })
      redrawn(place, bench)
    }
    const others = branches.filter((one) => one.branch !== branch.branch)
    if (!others.some((one) => one.branch === other)) {
      other = branch.parent ?? others[0]?.branch
      comparison = undefined
    }
    const select = h(
      'select',
      {
        'data-key': 'other',
        id: 'compare-with',
        on: {
          change: (event) => {
            other = Number(valueAt(event))
            void compare()
          },
        },
      },
      ...others.map((one) =>
        h('option', { value: one.branch, selected: one.branch === other }, titleOf(one)),
      ),
    )
    patch(
      place,
      h('section', {}, h('h2', {}, 'Branches'), picture(branches, branch), list(bench)),
      h(
        'section',
        {},
        h('h2', {}, 'Compare'),
        others.length === 0
          ? h(
              'p',
              { class: 'empty' },
              'There is one branch. Bend the run (“Next”) and compare what becomes of it.',
            )
          : h(
              'div',
              { class: 'row' },
              h('label', { for: 'compare-with' }, 'with', select),
              h(
                'button',
                { 'data-key': 'compare', id: 'compare', on: { click: () => void compare() } },
                'Compare',
              ),
            ),
        comparison === undefined
          ? undefined
          : difference(comparison, bench, others.find((one) => one.branch === other)?.title ?? 'the other'),
      ),
    )
  }
  return { id: 'branches', title: 'Branches', topics: ['run', 'branches'], draw: redrawn }
}

const titleOf = (branch: BranchInfo): string =>
  `${branch.title} (${String(branch.length)}${branch.violation === null ? '' : `, ${branch.violation.name}`})`

function list(bench: Workbench): HTMLElement {
  const shown = bench.branch!.branch
  return h(
    'ul',
    { class: 'list' },
    ...bench.branches.map((branch) =>
      h(
        'li',
        { 'data-key': `branch ${String(branch.branch)}` },
        h(
          'button',
          {
            class: 'choice',
            'aria-pressed': String(branch.branch === shown),
            on: { click: () => void bench.showBranch(branch.branch, Math.min(bench.at, branch.length)) },
          },
          h('b', {}, branch.title),
          ` ${String(branch.length)} actions`,
          branch.parent === null ? '' : `, leaves at ${String(branch.forkedAt)}`,
          branch.violation === null ? '' : ' ',
          branch.violation === null ? undefined : h('span', { class: 'bad' }, `✗ ${branch.violation.name}`),
          ...branch.remarks.slice(0, 3).map((remark) => h('div', { class: 'quiet' }, remark)),
        ),
        h(
          'button',
          {
            'aria-label': `Rename ${branch.title}`,
            on: { click: () => void rename(bench, branch) },
          },
          'Rename',
        ),
        h(
          'button',
          {
            'aria-label': `Save ${branch.title} as a trace`,
            on: { click: () => void saveTrace(bench, branch.branch) },
          },
          'Save',
        ),
      ),
    ),
  )
}

async function rename(bench: Workbench, branch: BranchInfo): Promise<void> {
  const title = globalThis.prompt('Name of the branch', branch.title)
  if (title !== null && title.trim() !== '')
    await bench.try('rename', { branch: branch.branch, title: title.trim().slice(0, 80) })
}

interface Leaf {
  readonly branch: BranchInfo | undefined
  readonly children: Leaf[]
}
const rowHeight = 22
const width = 340

/** Each branch as a line along the run, beneath the one it left; dots where they part, a cross where one is violated. */
function picture(branches: readonly BranchInfo[], shown: BranchInfo): SVGSVGElement {
  const leaves = new Map<number, Leaf>(branches.map((branch) => [branch.branch, { branch, children: [] }]))
  const root: Leaf = { branch: undefined, children: [] }
  for (const leaf of leaves.values()) {
    const parent = leaf.branch!.parent
    ;((parent === null ? undefined : leaves.get(parent)) ?? root).children.push(leaf)
  }
  const laid = tree<Leaf>().nodeSize([rowHeight, 1])(hierarchy(root))
  const ordered = laid.descendants().filter((node) => node.data.branch !== undefined)
  // A row each, parents before what left them.
  const order = new Map(ordered.map((node) => [node, 0]))
  let row = 0
  laid.eachBefore((node) => {
    if (node.data.branch !== undefined) order.set(node, row++)
  })
  const most = Math.max(1, ...branches.map((branch) => branch.length))
  const x = (position: number): number => 8 + ((width - 20) * position) / most
  const y = (index: number): number => 12 + index * rowHeight
  const height = row * rowHeight + 6
  const image = svg('svg', {
    width: '100%',
    viewBox: `0 0 ${String(width)} ${String(height)}`,
    role: 'img',
    'aria-label': `${String(branches.length)} branches`,
  })
  for (const node of ordered) {
    const branch = node.data.branch!
    const at = y(order.get(node)!)
    const colour = branch.branch === shown.branch ? 'var(--accent)' : 'var(--quiet)'
    const parent = node.parent?.data.branch === undefined ? undefined : order.get(node.parent)
    if (parent !== undefined)
      image.append(
        svg('path', {
          d: `M${String(x(branch.forkedAt))},${String(y(parent))}V${String(at)}`,
          stroke: colour,
          'stroke-dasharray': '2 2',
          fill: 'none',
        }),
        svg('circle', { cx: x(branch.forkedAt), cy: y(parent), r: 3, fill: colour }),
      )
    const line = svg('line', {
      x1: x(branch.parent === null ? 0 : branch.forkedAt),
      x2: x(branch.length),
      y1: at,
      y2: at,
      stroke: colour,
      'stroke-width': branch.branch === shown.branch ? 3 : 1.5,
    })
    line.append(svg('title', {}, titleOf(branch)))
    image.append(line)
    if (branch.violation !== null) {
      const [cx, cy] = [x(branch.violation.at), at]
      image.append(
        svg('path', {
          d: `M${String(cx - 4)},${String(cy - 4)}l8,8m0,-8l-8,8`,
          stroke: 'var(--bad)',
          'stroke-width': 2,
        }),
      )
    }
  }
  return image
}

function difference(comparison: Comparison, bench: Workbench, other: string): HTMLElement {
  const [mine, its] = comparison.actions
  const isAll = mine === null && its === null
  const names = [bench.branch?.title ?? 'this', other]
  return h(
    'div',
    { id: 'difference' },
    h(
      'p',
      {},
      isAll
        ? `Both take the same ${String(comparison.common)} actions, and end there.`
        : `Both take the same ${String(comparison.common)} actions. Then:`,
    ),
    isAll
      ? undefined
      : h(
          'table',
          {},
          h(
            'tr',
            { class: 'changed' },
            h('th', { scope: 'row' }, names[0]),
            h('td', {}, mine?.text ?? 'ends'),
          ),
          h(
            'tr',
            { class: 'changed' },
            h('th', { scope: 'row' }, names[1]),
            h('td', {}, its?.text ?? 'ends'),
          ),
        ),
    h(
      'button',
      {
        class: 'plain',
        'data-key': 'first difference',
        on: {
          click: () => {
            bench.go(comparison.common)
          },
        },
      },
      `Go to ${isAll ? 'the end' : 'where they part'}: ${String(comparison.common)}`,
    ),
    h('p', {}, comparison.parts.length === 0 ? 'Their states there are the same.' : 'Their states there:'),
    ...comparison.parts.map((part) =>
      h(
        'section',
        {},
        h('h3', {}, part.part),
        h(
          'table',
          {},
          h('tr', {}, ...['', 'this branch', 'the other'].map((name) => h('th', { scope: 'col' }, name))),
          ...part.changes
            .slice(0, 60)
            .map(({ path, before, after }) =>
              h(
                'tr',
                {},
                h('th', { scope: 'row' }, path),
                h('td', {}, shortText(before)),
                h('td', {}, shortText(after)),
              ),
            ),
        ),
      ),
    ),
  )
}
