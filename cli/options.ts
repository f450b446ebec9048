/** Options that several commands share: how they are written, and what they mean for the system at hand. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import {
  type FaultBudget,
  type FaultKind,
  type Knobs,
  type SystemDefinition,
  type SystemModel,
  faultKinds,
} from '../protocol/index.js'
import {
  type FaultChoice,
  type SchedulerName,
  type SwarmOptions,
  buildModel,
  defaultSetup,
  schedulerNames,
} from '../sim/index.js'
import { UsageError, unknownName } from './errors.js'

/** As commander hands them over. */
export interface SwarmFlags {
  readonly bug?: string
  readonly nodes?: number
  readonly set?: readonly string[]
  readonly faults?: string
  readonly scheduler?: SchedulerName
  readonly poll?: Knobs['poll']
  readonly placement?: Knobs['placement']
  readonly fetch?: Knobs['fetch']
  readonly visibility?: Knobs['visibility']
  readonly psn?: Knobs['psn']
  readonly without?: readonly string[]
}

export const integer =
  (minimum: number, maximum: number) =>
  (text: string): number => {
    const value = Number(text)
    if (!/^-?\d+$/.test(text) || value < minimum || value > maximum)
      throw new InvalidArgumentError(
        `It must be a whole number from ${String(minimum)} to ${String(maximum)}.`,
      )
    return value
  }

export const positive =
  (maximum: number) =>
  (text: string): number => {
    const value = Number(text)
    if (!/^\d*\.?\d+$/.test(text) || value <= 0 || value > maximum)
      throw new InvalidArgumentError(`It must be a number above 0, at most ${String(maximum)}.`)
    return value
  }

export const collect = (value: string, before: readonly string[] | undefined): string[] => [
  ...(before ?? []),
  value,
]

export const mostSeed = 2 ** 48

/** Adds the options that say what is drawn and what is fixed. */
export function addSwarmOptions(command: Command): Command {
  command
    .option('--bug <name>', 'a planted wrong variant instead of the right protocol')
    .option('--nodes <n>', 'size of the cluster; drawn by each seed unless given', integer(1, 32))
    .option('--set <name=value>', 'fixes a parameter of the system (repeatable)', collect)
    .option('--faults <choice>', 'promised | none | beyond:NAME | crash=1,drop=3 (default: promised)')
    .addOption(
      new Option('--scheduler <name>', 'who chooses what happens next; drawn unless given').choices(
        schedulerNames,
      ),
    )
  return addKnobOptions(command)
}

/** Adds the options that say what hardware is like, and what is not judged. */
export function addKnobOptions(command: Command): Command {
  return command
    .addOption(new Option('--poll <how>', 'how a poll copies its windows').choices(['atomic', 'loads']))
    .addOption(
      new Option('--placement <order>', 'order in which the words of a WRITE land').choices([
        'in-order',
        'shuffled-in-packet',
        'shuffled',
      ]),
    )
    .addOption(
      new Option('--fetch <when>', 'when a NIC reads a payload').choices([
        'at-departure',
        'early',
        'by-word',
      ]),
    )
    .addOption(
      new Option('--visibility <when>', 'whether a WRITE completes before all of it is visible').choices([
        'lagging',
        'prompt',
      ]),
    )
    .addOption(
      new Option('--psn <how>', 'where the packet numbers of a connection begin').choices([
        'derived',
        'constant',
      ]),
    )
    .option('--without <name>', 'does not judge that property (repeatable)', collect)
}

/** What a swarm may draw, checked against the system. */
export function swarmOptions(definition: SystemDefinition, flags: SwarmFlags): SwarmOptions {
  const { bug, nodes } = flags
  if (bug !== undefined && !Object.hasOwn(definition.bugs, bug))
    throw unknownName(`--bug: ${definition.name} has no wrong variant`, bug, Object.keys(definition.bugs))
  if (nodes !== undefined)
    checkRange('--nodes', nodes, definition.nodes, `${definition.name} has`, definition.nodes.noun)
  const parameters = parametersOf(definition, flags.set ?? [])
  const model = buildModel(definition, {
    ...defaultSetup(definition),
    bug,
    nodes: nodes ?? definition.nodes.default,
    parameters: { ...defaultSetup(definition).parameters, ...parameters },
  })
  const knobs: { -readonly [K in keyof Knobs]?: Knobs[K] } = {}
  if (flags.poll !== undefined) knobs.poll = flags.poll
  if (flags.placement !== undefined) knobs.placement = flags.placement
  if (flags.fetch !== undefined) knobs.fetch = flags.fetch
  if (flags.visibility !== undefined) knobs.visibility = flags.visibility
  if (flags.psn !== undefined) knobs.psn = flags.psn
  for (const [knob, wanted] of Object.entries(model.requires ?? {}))
    if (
      wanted !== undefined &&
      knobs[knob as keyof Knobs] !== undefined &&
      knobs[knob as keyof Knobs] !== wanted
    )
      throw new UsageError(
        `--${knob} ${String(knobs[knob as keyof Knobs])}: with these parameters ${definition.name} needs ${wanted}`,
        `leave --${knob} out.`,
      )
  const judged = propertyNames(model)
  for (const name of flags.without ?? [])
    if (!judged.includes(name))
      throw unknownName(`--without: ${definition.name} has no property`, name, judged)
  return {
    bug,
    nodes,
    parameters,
    knobs,
    faults: faultChoice(definition, model, flags.faults ?? 'promised'),
    scheduler: flags.scheduler,
    without: flags.without ?? [],
  }
}

/** The names of all that is judged and can be left out. */
function propertyNames({ spec, cores }: SystemModel): string[] {
  return [
    ...spec.invariants.map(({ name }) => name),
    ...spec.stepInvariants.map(({ name }) => name),
    ...(spec.history === undefined ? [] : [spec.history.name]),
    ...(cores.some(({ role }) => role !== undefined) ? ['role'] : []),
  ]
}

function checkRange(
  flag: string,
  value: number,
  range: { readonly minimum: number; readonly maximum: number },
  who: string,
  noun: string,
): void {
  if (value < range.minimum || value > range.maximum)
    throw new UsageError(
      `${flag} ${String(value)}: ${who} ${String(range.minimum)} to ${String(range.maximum)} ${noun}`,
      'choose a number in that range.',
    )
}

/** Parameters as `--set name=value` gives them, of a system or of its service. */
export function parametersOf(
  definition: Pick<SystemDefinition, 'name' | 'parameters'>,
  settings: readonly string[],
): Record<string, number> {
  const parameters: Record<string, number> = {}
  const known = Object.keys(definition.parameters)
  for (const setting of settings) {
    const [, name, text] = /^([^=]+)=(.*)$/.exec(setting) ?? []
    if (name === undefined || text === undefined)
      throw new UsageError(`--set ${setting}: is not name=value`, 'for instance --set words=4')
    const parameter = Object.hasOwn(definition.parameters, name) ? definition.parameters[name] : undefined
    if (parameter === undefined) throw unknownName(`--set: ${definition.name} has no parameter`, name, known)
    if (!/^-?\d+$/.test(text))
      throw new UsageError(
        `--set ${setting}: is not a whole number`,
        `for instance --set ${name}=${String(parameter.default)}`,
      )
    checkRange(`--set ${name}`, Number(text), parameter, 'it may be', `(${parameter.meaning})`)
    parameters[name] = Number(text)
  }
  return parameters
}

const mostBudget = 1000

function faultChoice(definition: SystemDefinition, model: SystemModel, text: string): FaultChoice {
  if (text === 'promised' || text === 'none') return text
  const beyondName = /^beyond(?::(.*))?$/.exec(text)
  if (beyondName !== null) {
    const name = beyondName[1] ?? ''
    const known = model.atlas.beyond.map((beyond) => beyond.name)
    if (!known.includes(name))
      throw unknownName(
        `--faults: beyond its promise ${definition.name} has no setting`,
        `beyond:${name}`,
        known.map((each) => `beyond:${each}`),
      )
    return { beyond: name }
  }
  if (!text.includes('='))
    throw unknownName('--faults: there is no choice', text, [
      'promised',
      'none',
      ...model.atlas.beyond.map(({ name }) => `beyond:${name}`),
      'crash=1,drop=3',
    ])
  const budget: Partial<Record<FaultKind, number>> = {}
  for (const item of text.split(',')) {
    const [kind, count] = item.split('=') as [string, string | undefined]
    if (!(faultKinds as readonly string[]).includes(kind))
      throw unknownName('--faults: there is no kind of fault', kind, faultKinds)
    const most = count === 'unlimited' ? Infinity : Number(count)
    if (
      count === undefined ||
      (!/^\d+$/.test(count) && most !== Infinity) ||
      (most > mostBudget && most !== Infinity)
    )
      throw new UsageError(
        `--faults ${item}: is not kind=count`,
        `a count is a whole number up to ${String(mostBudget)}, or "unlimited"; for instance --faults crash=1,drop=3`,
      )
    budget[kind as FaultKind] = most
  }
  return { budget }
}

/** Which kinds of faults may strike under this choice. */
export function possibleFaults({ atlas }: SystemModel, choice: FaultChoice): FaultKind[] {
  if (choice === 'none') return []
  let budget: FaultBudget = atlas.safety
  if (choice !== 'promised' && 'budget' in choice) budget = choice.budget
  if (choice !== 'promised' && 'beyond' in choice)
    budget = { ...budget, ...atlas.beyond.find(({ name }) => name === choice.beyond)?.faults }
  return faultKinds.filter((kind) => (budget[kind] ?? 0) > 0)
}
