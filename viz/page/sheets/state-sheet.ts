/** Memory at the cursor: what the last action changed, then one replica in full. */
import type { FieldChange, MemoryState, NodeState, StateInfo, WorldInfo } from '../../session/protocol.js'
import { h, valueAt } from '../dom.js'
import { patch } from '../patch.js'
import type { Workbench } from '../workbench.js'
import { ringMeanings, ringPicture, ringStates } from './ring.js'
import { roleChart } from './role-chart.js'
import type { Sheet } from './sheet.js'
import { byteRows, changeRows, memoryTable } from './values.js'
import { byWeight, heavyFields, weightOf } from './weights.js'

const changesShown = 40

export function stateSheet(): Sheet {
  let run = -1
  let part = ''
  let bytes: ReadBytes | undefined

  const redrawn = (place: HTMLElement, bench: Workbench): void => {
    const { state, world } = bench
    if (state === undefined || world === undefined) {
      patch(place, h('p', { class: 'empty' }, 'The state is on its way …'))
      return
    }
    if (run !== world.id) {
      run = world.id
      part = ''
    }
    const again = (): void => {
      redrawn(place, bench)
    }
    bench.node ??= Math.max(0, state.previous?.node ?? 0)
    const { node } = bench
    const picked = state.nodes[node] ?? state.nodes[0]!
    patch(
      place,
      lastAction(state),
      changed(state, world),
      nodePicker(state, bench, node, (chosen) => {
        bench.node = chosen
        again()
      }),
      ...replica(picked, bench, again),
      bytesSection(bench, part, isOf(bytes, state, part) ? bytes : undefined, (chosen) => {
        part = chosen
        again()
      }),
    )
    if (part !== '' && !isOf(bytes, state, part)) {
      const asked = { branch: state.branch, at: state.at, part }
      void bench.try('bytes', asked).then((read) => {
        if (read === undefined || bench.state !== state || part !== asked.part) return
        bytes = { ...asked, ...read }
        again()
      })
    }
  }
  return { id: 'state', title: 'State', topics: ['run', 'state'], draw: redrawn }
}

function lastAction(state: StateInfo): HTMLElement {
  return h(
    'section',
    {},
    h('h2', {}, state.previous === null ? 'At the start' : `After action ${String(state.at)}`),
    h('p', { class: 'mono' }, state.previous?.text ?? 'Nothing has happened yet.'),
    h(
      'p',
      { class: 'quiet', id: 'fingerprint', 'data-at': state.at },
      `state ${state.fingerprint.toString(16).padStart(8, '0')}`,
    ),
    ...state.notes.map((note) => h('p', {}, h('span', { class: 'tag' }, 'note'), ` ${note}`)),
  )
}

/** What tells the story first; counters, digests and bytes folded. */
function changed(state: StateInfo, world: WorldInfo): HTMLElement {
  const heavy = heavyFields(state, world)
  const all: { readonly change: FieldChange; readonly owner: string }[] = []
  const add = (memory: MemoryState, owner: string): void => {
    const prefix = `${owner} ${memory.name === 'private' ? '' : `${memory.name} `}`
    for (const change of memory.changes) all.push({ change, owner: prefix })
  }
  for (const node of state.nodes) {
    const { name } = world.nodes[node.node]!
    if (node.private !== null) add(node.private, name)
    for (const region of node.regions) add(region, name)
    if (node.disk !== null) add(node.disk.memory, name)
  }
  all.sort((a, b) => byWeight(heavy)(a.change, b.change))
  const rowsOf = (some: typeof all): HTMLElement[] =>
    some.flatMap(({ change, owner }) =>
      changeRows([change], owner).map((row) => {
        row.classList.toggle('main', weightOf(change, heavy) === 0)
        return row
      }),
    )
  const telling = all.filter(({ change }) => weightOf(change, heavy) < 3)
  const rest = all.slice(telling.length)
  const table = (some: typeof all): HTMLElement =>
    h(
      'table',
      {},
      h('caption', { class: 'unseen' }, 'Fields that the last action changed'),
      ...rowsOf(some.slice(0, changesShown)),
    )
  const pairs = state.queuePairs.flatMap((pair) => pair.memory).filter((memory) => memory.changes.length > 0)
  const cut = rest.length > changesShown ? `, ${String(changesShown)} of them shown` : ''
  return h(
    'section',
    {},
    h('h3', {}, 'Changed in this step'),
    all.length === 0
      ? h(
          'p',
          { class: 'empty' },
          pairs.length === 0 ? 'Nothing in memory or on a disk.' : 'No memory of a replica.',
        )
      : undefined,
    telling.length === 0 ? undefined : table(telling),
    rest.length === 0
      ? undefined
      : h(
          'details',
          {
            'data-key': telling.length === 0 ? 'only bytes' : 'bytes and counters',
            open: telling.length === 0,
          },
          h(
            'summary',
            {},
            'Bytes and counters',
            h('span', { class: 'quiet' }, ` ${String(rest.length)} fields${cut}`),
          ),
          table(rest),
        ),
    ...pairs.map((memory) =>
      h(
        'details',
        { 'data-key': memory.name },
        h(
          'summary',
          {},
          memory.name,
          h('span', { class: 'quiet' }, ` ${String(memory.changes.length)} fields`),
        ),
        h('table', {}, ...changeRows(memory.changes.slice(0, changesShown))),
      ),
    ),
  )
}

function nodePicker(
  state: StateInfo,
  bench: Workbench,
  node: number,
  choose: (node: number) => void,
): HTMLElement {
  return h(
    'div',
    { class: 'row picker', role: 'group', 'aria-label': 'Replica' },
    ...state.nodes.map((one) => {
      const role = one.status === 'up' ? (one.role?.state ?? '') : one.status
      return h(
        'button',
        {
          'aria-pressed': String(one.node === node),
          'data-key': `node ${String(one.node)}`,
          on: {
            click: () => {
              choose(one.node)
            },
          },
        },
        h('b', {}, bench.world!.nodes[one.node]!.name),
        role === '' ? '' : ` ${role}`,
      )
    }),
  )
}

function replica(node: NodeState, bench: Workbench, again: () => void): HTMLElement[] {
  const world = bench.world!
  const sections: HTMLElement[] = []
  const section = (title: string, ...children: readonly (Node | string)[]): HTMLElement => {
    const one = h('section', { 'data-key': title }, h('h3', {}, title), ...children)
    sections.push(one)
    return one
  }
  const memorySection = (title: string, memory: MemoryState): void => {
    section(title, memoryTable(memory, again)).className = 'memory'
  }
  if (node.status !== 'up')
    sections.push(
      h(
        'p',
        { class: 'bad' },
        `${world.nodes[node.node]!.name} is ${node.status}, incarnation ${String(node.incarnation)}.`,
      ),
    )
  const machine = world.roles[world.nodes[node.node]!.role]
  if (machine !== undefined && node.role !== null)
    section('Role', roleChart(machine, node.role.state, node.role.before))
  for (const ring of node.rings)
    section(
      `Log of ${world.nodes[node.node]!.name}`,
      h(
        'div',
        { class: 'row' },
        ringPicture(ring),
        h(
          'ul',
          { class: 'ring-key' },
          ...ringStates.map((state) =>
            h('li', { class: `ring-${state}`, title: ringMeanings[state] }, state),
          ),
        ),
      ),
      ...ring.entries
        .filter(({ state }) => state === 'seen')
        .map(({ index }) => h('p', {}, `Entry ${String(index)} is seen: ${ringMeanings.seen}.`)),
    )
  if (node.private !== null) memorySection('Private memory', node.private)
  for (const region of node.regions) memorySection(`Shared: ${region.name}`, region)
  const armed = node.timers.filter((timer) => timer.armed)
  section(
    'Timers',
    armed.length === 0
      ? h('p', { class: 'empty' }, 'None is armed.')
      : h(
          'table',
          {},
          ...armed.map((timer) =>
            h(
              'tr',
              {},
              h('th', { scope: 'row' }, timer.name),
              h('td', {}, `${String(timer.delayMicros)} µs`),
            ),
          ),
        ),
    node.clock === null ? '' : h('p', {}, `Clock: ${String(node.clock)} ticks`),
  )
  if (node.disk !== null) {
    const { capacityBytes, appendedBytes, flushedBytes, flushesInFlight } = node.disk
    section(
      'Disk',
      h(
        'p',
        {},
        `${String(flushedBytes)} bytes flushed, ${String(appendedBytes - flushedBytes)} more appended, of ${String(capacityBytes)}; flushes in flight: ${String(flushesInFlight)}.`,
      ),
      memoryTable(node.disk.memory, again),
    )
  }
  return sections
}

interface ReadBytes {
  readonly branch: number
  readonly at: number
  readonly part: string
  readonly bytes: Uint8Array
  readonly changed: Uint8Array
}

const isOf = (read: ReadBytes | undefined, { branch, at }: StateInfo, part: string): boolean =>
  read?.branch === branch && read.at === at && read.part === part

/** Any part of the world byte by byte; asked for only when somebody wants it. */
function bytesSection(
  bench: Workbench,
  part: string,
  read: ReadBytes | undefined,
  choose: (part: string) => void,
): HTMLElement {
  const select = h(
    'select',
    {
      id: 'bytes-part',
      on: {
        change: (event) => {
          choose(valueAt(event))
        },
      },
    },
    h('option', { value: '' }, 'choose a part …'),
    ...bench.world!.parts.map((one) =>
      h(
        'option',
        { value: one.name, selected: one.name === part },
        `${one.name} (${String(one.sizeBytes)} bytes)`,
      ),
    ),
  )
  return h(
    'section',
    { 'data-key': 'bytes' },
    h('h3', {}, 'Bytes'),
    h('label', { for: 'bytes-part' }, 'Part ', select),
    read === undefined ? undefined : byteRows(read.bytes, read.changed),
  )
}
