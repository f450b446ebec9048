/** Executing a trace again, action by action, for whoever looks at what happens: exports, texts, drawings. */
import type { SystemDefinition } from '../../protocol/index.js'
import { Run } from '../run/run.js'
import { Outcome, type Site } from '../world/site.js'
import { TraceError } from './errors.js'
import { type Trace, armedChoice, sitesByName } from './trace.js'

/** An action that has just been taken. The world in `run` is in the state after it. Valid until the next step. */
export interface Step {
  readonly index: number
  readonly site: Site
  readonly subject: number
  /** What the site said of it beforehand. */
  readonly words: string
  readonly run: Run
}

export interface WalkOptions {
  /** Called once, before the first action. */
  readonly begin?: ((run: Run) => void) | undefined
  /** Called before each action, when the world is still in the state before it. */
  readonly before?: ((index: number, site: Site, choice: number) => void) | undefined
}

/** Yields a step for each action. Throws TraceError where an action is not possible: replay it strictly to learn more. */
export function* walk(
  definition: SystemDefinition,
  trace: Trace,
  options: WalkOptions = {},
): Generator<Step, Run> {
  const { header, actions } = trace
  checkSystem(definition, trace)
  const run = new Run(definition, header.setup)
  const sites = sitesByName(run.world, header.sites)
  options.begin?.(run)
  for (let index = 0; index < actions.length; index++) {
    const site = run.world.sites[sites[actions.site(index)]!]
    const subject = actions.subject(index)
    const choice = site === undefined ? -1 : armedChoice(site, subject)
    if (site === undefined || choice < 0) throw astray(trace, index, 'is not possible')
    const words = site.describe(choice)
    options.before?.(index, site, choice)
    if (run.take(site.index, choice) !== Outcome.moved) throw astray(trace, index, 'changes nothing')
    yield { index, site, subject, words, run }
  }
  return run
}

/** The name of an action as people read it. */
export const actionName = (trace: Trace, index: number): string =>
  `${trace.header.sites[trace.actions.site(index)] ?? '?'} ${String(trace.actions.subject(index))}`

function astray(trace: Trace, index: number, what: string): TraceError {
  return new TraceError(
    'unplayable',
    `action ${String(index)}`,
    `${actionName(trace, index)} ${what} in this version of ${trace.header.system}`,
    'Replay the trace strictly to see why, or follow it with a guided replay.',
  )
}

/** Whether a system is the one a trace is about and knows its setup. Throws TraceError with what does not fit. */
export function checkSystem(definition: SystemDefinition, { header }: Trace): void {
  const { setup } = header
  const fail = (field: string, what: string): TraceError =>
    new TraceError(
      'unplayable',
      `header.${field}`,
      what,
      'Use the system, and the version of it, that the trace was recorded with.',
    )
  if (header.system !== definition.name || setup.system !== definition.name)
    throw fail(
      'system',
      `the trace is about ${JSON.stringify(header.system)}, not about ${JSON.stringify(definition.name)}`,
    )
  const { minimum, maximum, noun } = definition.nodes
  if (setup.nodes < minimum || setup.nodes > maximum)
    throw fail(
      'setup.nodes',
      `the system has ${String(minimum)} to ${String(maximum)} ${noun}, not ${String(setup.nodes)}`,
    )
  if (setup.bug !== undefined && !Object.hasOwn(definition.bugs, setup.bug))
    throw fail('setup.bug', `the system has no variant ${JSON.stringify(setup.bug)}`)
  for (const [name, value] of Object.entries(setup.parameters)) {
    const parameter = Object.hasOwn(definition.parameters, name) ? definition.parameters[name] : undefined
    if (parameter === undefined) throw fail(`setup.parameters.${name}`, 'the system has no such parameter')
    if (value < parameter.minimum || value > parameter.maximum)
      throw fail(
        `setup.parameters.${name}`,
        `must be from ${String(parameter.minimum)} to ${String(parameter.maximum)}, not ${String(value)}`,
      )
  }
  for (const name of Object.keys(definition.parameters))
    if (!Object.hasOwn(setup.parameters, name))
      throw fail(`setup.parameters.${name}`, 'the trace does not set this parameter')
}
