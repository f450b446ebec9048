/** What is under way at the cursor: messages, queue pairs with their requests, links that are cut, faults left. */
import type { QueuePairState } from '../../session/protocol.js'
import { h } from '../dom.js'
import { patch } from '../patch.js'
import type { Workbench } from '../workbench.js'
import type { Sheet } from './sheet.js'

export function flightSheet(): Sheet {
  return { id: 'flight', title: 'In flight', topics: ['run', 'state'], draw }
}

function draw(place: HTMLElement, bench: Workbench): void {
  const { world, state } = bench
  if (world === undefined || state === undefined) return
  const name = (node: number): string =>
    node < 0 ? 'client' : (world.nodes[node]?.name ?? `n${String(node)}`)
  const channels = state.channels.filter((channel) => channel.messages.length > 0)
  const pairs = state.queuePairs.filter(
    (pair) => pair.requests.length > 0 || pair.control !== '' || pair.received + pair.accepted > 0,
  )
  const quiet = state.queuePairs.filter((pair) => !pairs.includes(pair))
  patch(
    place,
    h(
      'section',
      {},
      h('h2', {}, 'Messages'),
      channels.length === 0 ? h('p', { class: 'empty' }, 'None is in flight.') : undefined,
      ...channels.map((channel) =>
        h(
          'div',
          {},
          h('h3', {}, `${name(channel.from)} → ${name(channel.to)}`),
          h('ol', {}, ...channel.messages.map((message) => h('li', { class: 'mono' }, message.text))),
        ),
      ),
    ),
    h(
      'section',
      {},
      h('h2', {}, 'One-sided operations'),
      pairs.length === 0 ? h('p', { class: 'empty' }, 'None is under way.') : undefined,
      ...pairs.map((pair) => queuePair(pair, name)),
    ),
    h(
      'section',
      {},
      h('h2', {}, 'Queue pairs'),
      h(
        'table',
        {},
        h(
          'tr',
          {},
          ...['', 'state', 'connection', 'peer may'].map((title) => h('th', { scope: 'col' }, title)),
        ),
        ...[...pairs, ...quiet].map((pair) =>
          h(
            'tr',
            {},
            h(
              'th',
              { scope: 'row' },
              `${name(pair.node)} → ${name(pair.peer)}${pair.pair > 0 ? ` #${String(pair.pair)}` : ''}`,
            ),
            h('td', { class: pair.state === 'ERR' || pair.state === 'error' ? 'bad' : false }, pair.state),
            h('td', {}, String(pair.connection)),
            h('td', {}, pair.rights.join(' ') || 'nothing'),
          ),
        ),
      ),
      state.queuePairs.length === 0 ? h('p', { class: 'empty' }, 'This system has none.') : undefined,
    ),
    h(
      'section',
      {},
      h('h2', {}, 'Links and faults'),
      h(
        'p',
        {},
        state.cuts.length === 0
          ? 'Every link works.'
          : `Cut: ${state.cuts.map(([from, to]) => `${name(from)}→${name(to)}`).join(', ')}.`,
      ),
      h(
        'p',
        { class: 'quiet' },
        `Faults that may still strike by themselves: ${
          Object.entries(state.budget)
            .filter(([, left]) => left !== 0)
            .map(([kind, left]) => `${kind} ${left === null ? 'any number' : String(left)}`)
            .join(', ') || 'none'
        }. By hand any can be added: “Next”.`,
      ),
    ),
  )
}

function queuePair(pair: QueuePairState, name: (node: number) => string): HTMLElement {
  const notes = [
    pair.control,
    pair.received > 0 ? `${String(pair.received)} wait for the core` : '',
    pair.accepted > 0 ? `${String(pair.accepted)} acknowledged, not all placed` : '',
  ].filter((note) => note !== '')
  return h(
    'div',
    {},
    h('h3', {}, `${name(pair.node)} → ${name(pair.peer)} (${pair.state})`),
    ...notes.map((note) => h('p', { class: 'quiet' }, note)),
    h(
      'table',
      {},
      ...pair.requests.map((request) =>
        h(
          'tr',
          {},
          h('th', { scope: 'row' }, request.operation),
          h('td', {}, `${request.remote} ${String(request.lengthBytes)} B`),
          h('td', {}, `${request.phase} ${request.status}`),
          h(
            'td',
            {},
            request.words > 0
              ? `${String(request.wordsPlaced)} of ${String(request.words)} words placed`
              : '',
          ),
        ),
      ),
    ),
  )
}
