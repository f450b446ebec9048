/** The form for a fresh run of any system: variant, nodes, parameters, seed, faults and scheduler. */
import { type FreshRun, type SystemInfo, schedulerNames } from '../session/protocol.js'
import type { SchedulerName } from '../session/protocol.js'
import { showDialog } from './dialogs.js'
import { fill, h } from './dom.js'
import type { Workbench } from './workbench.js'

export function showFresh(bench: Workbench): void {
  const form = h('form', { class: 'form', id: 'fresh-form' })
  const systems = bench.systems
  const system = select(
    'fresh-system',
    systems.map((one) => one.name),
    systems[0]?.name,
  )
  const own = systems.find((one) => one.origin === 'module') ?? systems.find((one) => one.name === 'apus')
  if (own !== undefined) system.value = own.name
  const rest = h('div', { class: 'form wide', id: 'fresh-rest' })

  let read: () => Omit<FreshRun, 'system'> = () => ({})
  const drawRest = (): void => {
    const info = systems.find((one) => one.name === system.value)
    if (info === undefined) return
    const fields = fieldsOf(info, bench.faultKinds)
    read = fields.read
    fill(rest, ...fields.elements)
  }
  system.addEventListener('change', drawRest)
  drawRest()
  fill(
    form,
    ...labelled('System', system),
    rest,
    h(
      'div',
      { class: 'row wide pad' },
      h('button', { class: 'main', type: 'submit', id: 'fresh-run' }, 'Run'),
    ),
  )
  const dialog = showDialog('fresh', 'A fresh run', form)
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    const source = { fresh: { system: system.value, ...read() } }
    dialog.close()
    void bench.open(source)
  })
}

function fieldsOf(
  info: SystemInfo,
  faultKinds: readonly string[],
): { readonly elements: HTMLElement[]; readonly read: () => Omit<FreshRun, 'system'> } {
  const variant = select(
    'fresh-variant',
    ['', ...info.variants.map((one) => one.name)],
    '',
    'the right protocol',
  )
  const nodes = number('fresh-nodes', info.nodes.minimum, info.nodes.maximum, info.nodes.default)
  const seed = number('fresh-seed', 0, 4294967295, 1)
  const actions = number('fresh-actions', 0, 1_000_000, 400)
  const scheduler = select('fresh-scheduler', schedulerNames, 'random')
  const faults = select(
    'fresh-faults',
    ['none', 'promised', ...info.beyond.map((one) => `beyond: ${one.name}`), 'chosen'],
    'promised',
  )
  const budgets = new Map(faultKinds.map((kind) => [kind, number(`fresh-fault-${kind}`, 0, 1000, 0)]))
  const chosen = h(
    'fieldset',
    { class: 'wide', hidden: true },
    h('legend', {}, 'Most faults of each kind'),
    h('div', { class: 'budget' }, ...[...budgets].map(([kind, field]) => h('label', {}, field, kind))),
  )
  faults.addEventListener('change', () => {
    chosen.hidden = faults.value !== 'chosen'
  })
  const parameters = new Map(info.parameters.map((one) => [one.name, parameterField(one)]))
  const faultsRead = (): FreshRun['faults'] => {
    if (faults.value === 'chosen')
      return {
        budget: Object.fromEntries(
          [...budgets].map(([kind, field]) => [kind, Number(field.value)]).filter(([, most]) => most !== 0),
        ) as Record<string, number>,
      }
    if (faults.value.startsWith('beyond: ')) return { beyond: faults.value.slice(8) }
    return faults.value === 'none' ? 'none' : 'promised'
  }
  return {
    elements: [
      ...(info.variants.length === 0 ? [] : labelled('Variant', variant)),
      ...labelled(info.nodes.noun === '' ? 'Nodes' : `Nodes (${info.nodes.noun})`, nodes),
      ...[...parameters].flatMap(([name, { field, meaning }]) =>
        labelled(capital(name), field, meaning === name ? '' : meaning),
      ),
      ...labelled('Seed', seed, 'draws the schedule; the same seed gives the same run'),
      ...labelled('Scheduler', scheduler),
      ...labelled('Faults', faults, 'promised: what the protocol promises to survive'),
      chosen,
      ...labelled('Most actions', actions, '0: the initial state, to go on by hand'),
    ],
    read: () => ({
      variant: variant.value === '' ? undefined : variant.value,
      nodes: Number(nodes.value),
      parameters: Object.fromEntries([...parameters].map(([name, { field }]) => [name, Number(field.value)])),
      seed: Number(seed.value),
      scheduler: scheduler.value as SchedulerName,
      faults: faultsRead(),
      actions: Number(actions.value),
    }),
  }
}

/** A number to type; where the meaning says what each number stands for, a list of these. */
function parameterField({
  name,
  minimum,
  maximum,
  default: usual,
  meaning,
}: SystemInfo['parameters'][number]): {
  readonly field: HTMLInputElement | HTMLSelectElement
  readonly meaning: string
} {
  const id = `fresh-${name}`
  const choices = choicesIn(meaning, minimum, maximum)
  if (choices === undefined) return { field: number(id, minimum, maximum, usual), meaning }
  const field = h(
    'select',
    { id },
    ...choices.words.map((words, i) =>
      h('option', { value: minimum + i, selected: minimum + i === usual }, words),
    ),
  )
  return { field, meaning: choices.title }
}

/** “what is replicated: 0 a key-value store, 1 a bank” as its title and the words of each number from minimum to maximum. */
export function choicesIn(
  meaning: string,
  minimum: number,
  maximum: number,
): { readonly title: string; readonly words: readonly string[] } | undefined {
  const [title, list, ...rest] = meaning.split(': ')
  if (list === undefined || rest.length > 0) return undefined
  const words = list.split(/, (?=\d+ )/).map((one) => /^(\d+) (.+)$/.exec(one))
  const isWhole =
    words.length === maximum - minimum + 1 && words.every((one, i) => Number(one?.[1]) === minimum + i)
  return isWhole ? { title: title!, words: words.map((one) => one![2]!) } : undefined
}
const capital = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1)

function labelled(title: string, field: HTMLElement, meaning = ''): HTMLElement[] {
  return [
    h('label', { for: field.id }, title),
    h('div', { class: 'row' }, field, h('span', { class: 'quiet grow' }, meaning)),
  ]
}
function select(
  id: string,
  values: readonly string[],
  chosen: string | undefined,
  empty = '',
): HTMLSelectElement {
  return h(
    'select',
    { id },
    ...values.map((value) =>
      h('option', { value, selected: value === chosen }, value === '' ? empty : value),
    ),
  )
}
function number(id: string, minimum: number, maximum: number, value: number): HTMLInputElement {
  return h('input', { type: 'number', id, min: minimum, max: maximum, value, required: true })
}
