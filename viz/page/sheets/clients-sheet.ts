/** What clients asked and were told. A request can be followed through the cluster to its reply. */
import type { OperationState } from '../../session/protocol.js'
import { h } from '../dom.js'
import { patch } from '../patch.js'
import type { Workbench } from '../workbench.js'
import { type Sheet, stepButtons } from './sheet.js'

export function clientsSheet(): Sheet {
  return { id: 'clients', title: 'Clients', topics: ['run', 'state', 'focus'], draw }
}

function draw(place: HTMLElement, bench: Workbench): void {
  const { state, branch, focus } = bench
  if (state === undefined || branch === undefined) return
  if (state.clients.length === 0) {
    patch(place, h('p', { class: 'empty' }, 'This system has no clients: nothing is asked from outside.'))
    return
  }
  const follow = async (client: number, operation: OperationState): Promise<void> => {
    const { position } = operation
    const read = await bench.long('following the request', 'follow', {
      branch: branch.branch,
      client,
      position,
    })
    if (read === undefined) return
    bench.setFocus({
      shown: new Set(read.actions),
      title: `request “${operation.text}” of c${String(client)}`,
      stages: read.stages,
      isAnswered: operation.state === 'answered' && operation.ended >= 0,
    })
    bench.say(`${String(read.actions.length)} actions carried it, in ${String(read.stages.length)} stages`)
  }
  patch(
    place,
    focus.stages.length === 0
      ? undefined
      : h(
          'section',
          { 'data-key': 'followed' },
          h('h2', {}, `Followed: ${focus.title}`),
          h('ol', { class: 'list' }, ...stepButtons(focus.stages, bench)),
          leftOut(bench),
        ),
    ...state.clients.map((client) =>
      h(
        'section',
        { 'data-key': client.name },
        h('h2', {}, client.name),
        h(
          'table',
          {},
          h(
            'tr',
            {},
            ...['operation', 'state', 'reply', ''].map((title) => h('th', { scope: 'col' }, title)),
          ),
          ...client.operations.map((operation) =>
            h(
              'tr',
              { class: operation.state === 'pending' ? 'changed' : false },
              h('td', {}, operation.text),
              h('td', {}, stateText(operation)),
              h('td', {}, operation.reply),
              h(
                'td',
                {},
                operation.invoked < 0
                  ? ''
                  : h(
                      'button',
                      {
                        'aria-label': `Follow ${operation.text} of ${client.name}`,
                        'data-key': `follow ${String(client.client)} ${String(operation.position)}`,
                        on: { click: () => void follow(client.client, operation) },
                      },
                      'Follow',
                    ),
              ),
            ),
          ),
        ),
      ),
    ),
  )
}

/** What the way of a request does not show, so that its end is not taken for the end of the story. */
function leftOut({ branch, focus }: Workbench): HTMLElement {
  const last = focus.stages.at(-1)!.action + 1
  const at = branch?.violation?.at ?? 0
  const name = branch?.violation?.name ?? ''
  return h(
    'p',
    { class: 'quiet', id: 'left-out' },
    focus.isAnswered
      ? 'The way ends at the reply. Copies that go on to other replicas are left out, and so is what comes of the request later.'
      : 'There is no reply in this run: the way is followed to the first step of each node that it reached, and no further.',
    at > last ? ` ${name} is violated after it, at ${String(at)}.` : '',
  )
}

function stateText({ state, attempt, invoked, ended }: OperationState): string {
  const times = attempt > 1 ? `, attempt ${String(attempt)}` : ''
  switch (state) {
    case 'waiting':
      return 'not asked yet'
    case 'pending':
      return `pending since ${String(invoked + 1)}${times}`
    case 'answered':
      return `answered, ${String(invoked + 1)} to ${String(ended + 1)}${times}`
    case 'abandoned':
      return `given up: outcome unknown${times}`
  }
}
