/** A finding told to a person: what broke, why that is wrong, which mistake was planted, and how it came to it. */
import { type SystemDefinition, decode } from '../../protocol/index.js'
import { explainViolation } from '../history/explain.js'
import { checkLinearizable } from '../history/linearizability.js'
import type { NamedAction } from '../run/action-log.js'
import { Judge, type Violation } from '../run/judge.js'
import type { Setup } from '../run/setup.js'
import { tellHistory } from '../shrink/client-events.js'
import type { World } from '../world/world.js'
import { type Line, type Story, type TableOptions, short, tell, wrap } from './table.js'

const stepsShown = 20
const kindWords = {
  invariant: 'invariant',
  step: 'step invariant',
  role: 'role machine',
  history: 'history property',
  assertion: 'assertion',
  crash: 'exception in a core',
  'hidden-state': 'hidden state',
  liveness: 'liveness',
} as const

export function explain(
  definition: SystemDefinition,
  setup: Setup,
  actions: readonly NamedAction[],
  violation: Violation,
  options: TableOptions = {},
): readonly Line[] {
  const { width = 110, last = stepsShown } = options
  const story = tell(definition, setup, actions, { width, last })
  const where = actions.length === 0 ? 'at the start' : `after ${String(actions.length)} actions`
  return [
    ...paragraph(`${violation.name} (${kindWords[violation.kind]}) is violated ${where}`, width, 'title'),
    ...paragraph(violation.reason, width, 'violation'),
    ...paragraph(meaningOf(story.world, violation), width, 'quiet'),
    ...bugStory(definition, setup, width),
    empty,
    ...story.lines,
    ...endOf(story, violation, width),
    ...pendingOf(story.world),
    ...timelineOf(story, setup, violation),
  ]
}

const empty: Line = { text: '' }

const paragraph = (text: string, width: number, emphasis?: Line['emphasis']): Line[] =>
  text === '' ? [] : wrap(text, width).map((line) => ({ text: line, emphasis }))

/** What the violated property says, in the words of the spec. */
function meaningOf(world: World, violation: Violation): string {
  const { spec } = world.model
  const properties = [
    ...spec.invariants,
    ...spec.stepInvariants,
    ...(spec.history ? [spec.history] : []),
    spec.goal,
  ]
  const property = properties.find(({ name }) => name === violation.name)
  return property === undefined ? '' : `What must hold: ${property.meaning}`
}

function bugStory(definition: SystemDefinition, setup: Setup, width: number): Line[] {
  const bug = setup.bug === undefined ? undefined : definition.bugs[setup.bug]
  if (bug === undefined) return []
  return [
    empty,
    ...paragraph(`The wrong variant ${setup.bug!}: ${bug.story}`, width),
    ...paragraph(`What mends it: ${bug.fix}`, width, 'quiet'),
  ]
}

/** The private fields, at the end, of the nodes that the reason names or at which the last steps happened. */
function endOf(story: Story, violation: Violation, width: number): Line[] {
  const { world } = story
  const named = world.nodes.filter((node) =>
    new RegExp(`\\b${world.nodeName(node.index)}\\b`).test(violation.reason),
  )
  const shown = named.length > 0 ? named : world.nodes.filter((node) => story.nodes.has(node.index))
  const lines: Line[] = [empty, { text: 'At the end', emphasis: 'title' }]
  for (const node of shown) {
    const name = world.nodeName(node.index)
    if (world.isDown(node.index)) {
      lines.push({ text: `${name}  down` })
      continue
    }
    const { state } = node.parts
    const fields = decode(state.layout, world.memory.view, state.offset, { regions: node.definition.regions })
    const text = Object.entries(fields)
      .map(([field, value]) => `${field} ${short(value as never)}`)
      .join(', ')
    wrap(text, width - name.length - 2).forEach((piece, i) => {
      lines.push({ text: `${(i === 0 ? name : '').padEnd(name.length + 2)}${piece}` })
    })
  }
  return shown.length === 0 ? [] : lines
}

function pendingOf(world: World): Line[] {
  const { clients } = world
  if (clients === undefined) return []
  const lines = clients.workload.clients.flatMap((client, i): Line[] => {
    if (!clients.isPending(i)) return []
    const operation = clients.workload.describeRequest(client.script[clients.position(i)]!)
    return [
      {
        text: `c${String(i)}  ${operation}, attempt ${String(clients.attempt(i) + 1)} of ${String(client.attempts)}`,
      },
    ]
  })
  return lines.length === 0
    ? []
    : [empty, { text: 'Operations without an answer', emphasis: 'title' }, ...lines]
}

function timelineOf({ world, seen }: Story, setup: Setup, violation: Violation): Line[] {
  const history = world.model.spec.history
  if (violation.kind !== 'history' || history === undefined) return []
  const judge = new Judge(world, setup.without)
  tellHistory(judge, seen.events)
  const result = checkLinearizable(judge.operations(), history.model)
  if (result.verdict === 'linearizable') return []
  return [
    empty,
    ...explainViolation(result, history.model)
      .split('\n')
      .map((text) => ({ text })),
  ]
}
