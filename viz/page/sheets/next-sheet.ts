/** Bending the run: what is possible at the cursor, and ways to go on from it. Each makes a branch; nothing is lost. */
import { type EnabledAction, schedulerNames } from '../../session/protocol.js'
import type { SchedulerName, WorldInfo } from '../../session/protocol.js'
import { icon } from '../diagram/focus-layer.js'
import { h, valueAt } from '../dom.js'
import { patch } from '../patch.js'
import { familyOf } from '../kinds.js'
import type { Workbench } from '../workbench.js'
import { alterSection } from './alter.js'
import type { Sheet } from './sheet.js'

export function nextSheet(): Sheet {
  let enabled: readonly EnabledAction[] = []
  /** Of which state `enabled` is, and of which it is being asked. */
  let its = { branch: -1, at: -1 }
  let asked = ''
  let filter = ''
  let seen: FaultsSeen = { of: '', actions: new Map() }
  let taken = ''
  let isTaking = false
  const redrawn = (place: HTMLElement, bench: Workbench): void => {
    const { state, branch, world } = bench
    if (state === undefined || branch === undefined || world === undefined) return
    const key = `${String(state.branch)} ${String(state.at)} ${String(branch.length)}`
    const again = (): void => {
      redrawn(place, bench)
    }
    if (key !== asked) {
      asked = key
      const place = { branch: state.branch, at: state.at }
      void bench.try('enabled', { ...place, faults: true }).then((read) => {
        if (read === undefined || asked !== key) return
        enabled = read
        its = place
        seen = withFaults(seen, sameFaults(world), read)
        again()
      })
    }
    // Until they have come the old ones stay, said to be those of their place, and taken there.
    const isHere = its.branch === state.branch && its.at === state.at
    const isMatch = (action: EnabledAction): boolean =>
      filter === '' || action.text.toLowerCase().includes(filter.toLowerCase())
    const possible = enabled.filter((action) => !action.isFault && isMatch(action))
    const faults = faultsInPlace(seen, enabled).filter(isMatch)
    const search = h('input', {
      type: 'search',
      value: filter,
      placeholder: 'filter, for instance n1',
      'aria-label': 'Filter the possible actions',
      'data-key': 'filter',
      on: {
        input: (event) => {
          filter = valueAt(event)
          again()
        },
      },
    })
    const next = isHere ? state.next : null
    const take = (action: EnabledAction, clicks: number): void => {
      // What is under the pointer at the second click of a double click may have come there by the first.
      const isStale = its.branch !== bench.branch?.branch || its.at !== bench.at
      if (clicks > 1 && (isTaking || isStale || keyOf(action) !== taken)) return
      taken = keyOf(action)
      isTaking = true
      void bench.take(its, { site: action.site, subject: action.subject }).finally(() => {
        isTaking = false
      })
    }
    const isNext = (action: EnabledAction): boolean =>
      next !== null && action.site === next.site && action.subject === next.subject
    patch(
      place,
      h(
        'section',
        {},
        h('h2', {}, `What can happen at ${String(its.branch < 0 ? state.at : its.at)}`),
        h(
          'p',
          { class: 'quiet lines-2' },
          isHere && next === null
            ? 'The run ends here. Choose what happens next.'
            : 'Choosing anything but what the run does next makes a branch.',
        ),
        search,
      ),
      h(
        'section',
        {},
        h('h3', {}, `Steps (${String(possible.length)})`),
        list('steps', possible, isNext, take),
      ),
      h(
        'section',
        {},
        h('h3', {}, `Faults and repairs (${String(faults.filter((one) => one.isPossible).length)})`),
        h(
          'p',
          { class: 'quiet' },
          'Choose any. “One more”: this run had none of it left; the branch gets one.',
        ),
        list('faults', faults, isNext, take),
      ),
      goOnSection(bench),
      moveSection(bench),
      alterSection(bench),
    )
  }
  return { id: 'next', title: 'Next', topics: ['run', 'state', 'index'], draw: redrawn }
}

interface Listed extends EnabledAction {
  /** False of a fault that was possible elsewhere in this run and keeps its place. */
  readonly isPossible?: boolean
}
/** Faults that have been possible somewhere, in the order in which they first were. */
interface FaultsSeen {
  readonly of: string
  readonly actions: ReadonlyMap<string, EnabledAction>
}
const keyOf = ({ site, subject }: EnabledAction): string => `${site} ${String(subject)}`

/** Worlds that differ in their budget alone have the same faults. */
const sameFaults = ({ system, nodes, clients }: WorldInfo): string =>
  `${system} ${String(nodes.length)} ${String(clients.length)}`

/** Faults of what is there all the time; the others strike what comes and goes: messages, packets, flushes. */
const lasting: readonly string[] = [
  'crash',
  'restart',
  'wipe',
  'pause',
  'resume',
  'cut',
  'heal',
  'kill',
  'halt',
  'sever',
  'mend',
]

function withFaults(seen: FaultsSeen, of: string, enabled: readonly EnabledAction[]): FaultsSeen {
  const actions = new Map(seen.of === of ? seen.actions : [])
  for (const action of enabled)
    if (lasting.includes(action.kind) && !actions.has(keyOf(action))) actions.set(keyOf(action), action)
  return { of, actions }
}

/** Lasting faults in places that do not change, then what is possible besides. */
function faultsInPlace(seen: FaultsSeen, enabled: readonly EnabledAction[]): Listed[] {
  const possible = new Map(enabled.filter(({ isFault }) => isFault).map((one) => [keyOf(one), one]))
  const others = [...possible].filter(([key]) => !seen.actions.has(key)).map(([, one]) => one)
  return [
    ...[...seen.actions].map(([key, one]) => ({
      ...(possible.get(key) ?? one),
      isPossible: possible.has(key),
    })),
    ...others.map((one) => ({ ...one, isPossible: true })),
  ]
}

/** A list whose frame keeps its place and height, so that nothing moves beneath the pointer when a step was taken. */
function list(
  id: string,
  actions: readonly Listed[],
  isNext: (action: EnabledAction) => boolean,
  take: (action: EnabledAction, clicks: number) => void,
): HTMLElement {
  const classes = `list enabled ${id}`
  if (actions.length === 0)
    return h('ul', { class: classes, 'data-key': id }, h('li', { class: 'empty' }, 'Nothing.'))
  return h(
    'ul',
    { class: classes, 'data-key': id },
    ...actions.map((action) => {
      const button = h(
        'button',
        {
          class: 'choice',
          disabled: action.isPossible === false,
          title: action.isPossible === false ? 'not possible at this step' : '',
          on: {
            click: (event) => {
              take(action, event.detail)
            },
          },
        },
        icon(familyOf(action.kind)),
        ` ${action.text}`,
      )
      return h(
        'li',
        { 'data-key': keyOf(action) },
        button,
        isNext(action) ? h('span', { class: 'tag' }, 'the run’s next') : undefined,
        action.needsBudget === '' || action.isPossible === false
          ? undefined
          : h('span', { class: 'tag' }, 'one more'),
      )
    }),
  )
}

let seed = 1
let scheduler: SchedulerName = 'random'
let actions = 200

function goOnSection(bench: Workbench): HTMLElement {
  const at = () => ({ branch: bench.branch!.branch, at: bench.at })
  const seedField = h('input', {
    type: 'number',
    min: 0,
    value: seed,
    'data-key': 'seed',
    on: {
      change: (event) => {
        seed = Math.max(0, Math.trunc(Number(valueAt(event))))
      },
    },
  })
  const actionsField = h('input', {
    type: 'number',
    min: 1,
    max: 100000,
    value: actions,
    'data-key': 'actions',
    on: {
      change: (event) => {
        actions = Math.max(1, Math.trunc(Number(valueAt(event))))
      },
    },
  })
  const schedulerField = h(
    'select',
    {
      'data-key': 'scheduler',
      on: {
        change: (event) => {
          scheduler = valueAt(event) as SchedulerName
        },
      },
    },
    ...schedulerNames.map((name) => h('option', { value: name, selected: name === scheduler }, name)),
  )
  const goOn = async (): Promise<void> => {
    const bent = await bench.long('going on', 'goOn', { ...at(), seed, actions, scheduler })
    if (bent !== undefined) await bench.showBent(bent, bent.branch.violation?.at ?? bent.branch.length)
  }
  const heal = async (): Promise<void> => {
    const bent = await bench.try('heal', at())
    if (bent !== undefined) await bench.showBent(bent, bent.branch.length)
  }
  return h(
    'section',
    {},
    h('h2', {}, 'Go on from here'),
    h(
      'div',
      { class: 'form' },
      h('span', {}, 'Scheduler'),
      h('label', {}, h('span', { class: 'unseen' }, 'Scheduler'), schedulerField),
      h('span', {}, 'Seed'),
      h('label', {}, h('span', { class: 'unseen' }, 'Seed'), seedField),
      h('span', {}, 'Actions'),
      h('label', {}, h('span', { class: 'unseen' }, 'Most actions'), actionsField),
    ),
    h(
      'div',
      { class: 'row pad' },
      h('button', { class: 'main', 'data-key': 'go on', on: { click: () => void goOn() } }, 'Go on by seed'),
      h('button', { 'data-key': 'heal', on: { click: () => void heal() } }, 'End the faults'),
      h(
        'button',
        {
          'data-key': 'explore',
          id: 'explore',
          on: { click: () => void exploreFrom(bench, seed) },
        },
        'Hunt for a violation',
      ),
    ),
  )
}

/** Looks for a violation from the cursor on, for half a minute at most. */
export async function exploreFrom(bench: Workbench, from = 1): Promise<void> {
  if (bench.branch === undefined) return
  const found = await bench.long('hunting from here', 'explore', {
    branch: bench.branch.branch,
    at: bench.at,
    seed: from,
    milliseconds: 30_000,
  })
  if (found === undefined) return
  if (found.found === null) {
    bench.say(
      `nothing found in ${String(found.runs)} runs of ${String(found.actions)} actions; that is no proof`,
    )
    return
  }
  await bench.showBent(found.found, found.found.branch.violation?.at ?? found.found.branch.length)
  bench.say(
    `${found.found.branch.violation?.name ?? 'a violation'} found after ${String(found.runs)} ${found.runs === 1 ? 'run' : 'runs'}`,
  )
}

function moveSection(bench: Workbench): HTMLElement {
  const { at, length, state } = bench
  const move = async (by: number): Promise<void> => {
    const action = at - 1
    const bent = await bench.try('move', { branch: bench.branch!.branch, action, to: action + by })
    if (bent !== undefined) await bench.showBent(bent, Math.max(0, at + by))
  }
  const button = (by: number, title: string): HTMLElement =>
    h(
      'button',
      {
        disabled: at + by < 1 || at + by > length || at === 0,
        'data-key': title,
        on: { click: () => void move(by) },
      },
      title,
    )
  return h(
    'section',
    {},
    h('h2', {}, 'Move the action at the cursor'),
    h('p', { class: 'mono' }, state?.previous?.text ?? 'none: this is the start'),
    h(
      'div',
      { class: 'row pad' },
      button(-10, '10 earlier'),
      button(-1, '1 earlier'),
      button(1, '1 later'),
      button(10, '10 later'),
    ),
  )
}
