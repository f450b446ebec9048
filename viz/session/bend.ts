/** Leaving a recorded path: actions chosen by hand, moved ones, another setup, a shorter story. */
import { type FaultKind, type Knobs, faultKinds, ruleNames } from '../../protocol/index.js'
import { ActionLog, Outcome, type Setup, defaultSetup, shrink } from '../../sim/index.js'
import { bareTrace, replayGuided } from '../../sim/trace/index.js'
import { armedChoice, sitesByName } from '../../sim/trace/trace.js'
import type { Branch } from './branch.js'
import { badRequest, impossible } from './errors.js'
import { headerOf } from './files.js'
import type { ActionRef, KnobInfo, Methods } from './protocol.js'
import type { Stage } from './stage.js'
import { knobs as knownKnobs } from './world-info.js'

/** The actions of a branch up to a position and these behind them. Throws SessionError for one that is not possible. */
export function taken(branch: Branch, at: number, actions: readonly ActionRef[]): ActionLog {
  const { stage } = branch
  const world = stage.seek(branch, at)
  const log = new ActionLog()
  stage.leave()
  for (const { site: name, subject } of actions) {
    const site = world.siteNamed(name)
    const words = subject === 0 ? name : `${name} ${String(subject)}`
    if (site === undefined) throw badRequest('actions', `there is no site ${JSON.stringify(name)}`)
    const choice = armedChoice(site, subject)
    if (choice < 0) throw impossible(`${words} is not possible here`)
    if (world.step(site.index, choice) !== Outcome.moved)
      throw impossible(`${words} changes nothing here: nothing new is to be seen or done`)
    log.add(site.index, subject)
  }
  return log
}

export const joined = (first: ActionLog, second: ActionLog): ActionLog => {
  const log = first.slice()
  for (let i = 0; i < second.length; i++) log.add(second.site(i), second.subject(i))
  return log
}

/** Faults that the actions need and the budget does not hold, each counted. */
export function missingBudget(
  branch: Branch,
  at: number,
  actions: readonly ActionRef[],
): Partial<Record<FaultKind, number>> {
  const { stage } = branch
  const world = stage.seek(branch, at)
  const missing: Partial<Record<FaultKind, number>> = {}
  for (const { site: name } of actions) {
    const site = world.siteNamed(name)
    const kind = faultKinds.find((each) => each === site?.kind)
    if (site === undefined || kind === undefined || world.armed[site.index]! > 0) continue
    missing[kind] = (missing[kind] ?? 0) + 1
  }
  return missing
}

/** The same actions in another order: `action` comes where `to` is. */
export function reordered(log: ActionLog, action: number, to: number): ActionLog {
  const order = Array.from({ length: log.length }, (_, i) => i)
  order.splice(action, 1)
  order.splice(to > action ? to - 1 : to, 0, action)
  const moved = new ActionLog()
  for (const i of order) moved.add(log.site(i), log.subject(i))
  return moved
}

/** Follows a schedule of one stage on another, as far as that is possible. */
export function guided(
  from: Stage,
  log: ActionLog,
  onto: Stage,
): { readonly log: ActionLog; readonly remarks: readonly string[] } {
  const trace = bareTrace({ ...headerOf(from), setup: onto.setup }, log)
  const replay = replayGuided(onto.definition, trace, { stopAtViolation: false })
  const { skipped, approximated, executed, followed, skips } = replay
  const sites = sitesByName(
    onto.world,
    replay.run.world.sites.map(({ name }) => name),
  )
  const own = new ActionLog()
  for (let i = 0; i < replay.run.log.length; i++)
    own.add(sites[replay.run.log.site(i)]!, replay.run.log.subject(i))
  const remarks =
    skipped + approximated === 0
      ? []
      : [
          `Of ${String(followed)} actions ${String(executed)} were possible as they were, ${String(approximated)} in a like way, and ${String(skipped)} were skipped${skips.length === 0 ? '' : `: ${skips.map(({ action, reason }) => `${action} (${reason})`).join('; ')}`}.`,
        ]
  return { log: own, remarks }
}

/** The setup of a stage with what is asked for instead. Throws SessionError for what the system does not know. */
export function alteredSetup(stage: Stage, change: Methods['alter']['params']): Setup {
  const { setup, definition } = stage
  const bug = change.variant === undefined ? setup.bug : (change.variant ?? undefined)
  if (bug !== undefined && !Object.hasOwn(definition.bugs, bug))
    throw badRequest('variant', `${definition.name} has no wrong variant ${JSON.stringify(bug)}`)
  return {
    ...setup,
    bug,
    parameters: checkedParameters(stage, { ...setup.parameters, ...change.parameters }),
    knobs: { ...setup.knobs, ...checkedKnobs(change.knobs ?? {}), ...requiredKnobs(stage) },
    budget: { ...setup.budget, ...checkedBudget(change.budget ?? {}) },
  }
}
const requiredKnobs = ({ world }: Stage): Partial<Knobs> => world.model.requires ?? {}

function checkedParameters(
  { definition }: Stage,
  parameters: Readonly<Record<string, number>>,
): Readonly<Record<string, number>> {
  for (const [name, value] of Object.entries(parameters)) {
    const known = Object.hasOwn(definition.parameters, name) ? definition.parameters[name]! : undefined
    if (known === undefined)
      throw badRequest(`parameters.${name}`, `${definition.name} has no such parameter`)
    if (!Number.isInteger(value) || value < known.minimum || value > known.maximum)
      throw badRequest(
        `parameters.${name}`,
        `must be a whole number from ${String(known.minimum)} to ${String(known.maximum)}, not ${String(value)}`,
      )
  }
  return { ...defaultSetup(definition).parameters, ...parameters }
}

function checkedKnobs(knobs: Readonly<Record<string, string | readonly string[]>>): Partial<Knobs> {
  for (const [name, value] of Object.entries(knobs)) {
    const known = knownKnobs.find((knob) => knob.name === name)
    if (known === undefined) throw badRequest(`knobs.${name}`, 'there is no such knob')
    const values = typeof value === 'string' ? [value] : value
    if (known.many !== (typeof value !== 'string') || values.some((each) => !known.values.includes(each)))
      throw badRequest(`knobs.${name}`, `must be ${valuesOf(known)}, not ${JSON.stringify(value)}`)
  }
  return knobs
}
const valuesOf = ({ values, many }: KnobInfo): string =>
  many ? `a list of rules such as ${ruleNames[0]!}` : `one of ${values.join(', ')}`

export function checkedBudget(budget: Readonly<Record<string, number>>): Partial<Record<FaultKind, number>> {
  for (const [kind, most] of Object.entries(budget)) {
    if (!faultKinds.some((each) => each === kind))
      throw badRequest(`budget.${kind}`, 'there is no such fault')
    if (most !== Infinity && (!Number.isInteger(most) || most < 0))
      throw badRequest(`budget.${kind}`, `must be a whole number, not ${String(most)}`)
  }
  return budget
}

/** Milliseconds and candidates that shortening may take: the session answers nothing else meanwhile. */
const shrinkMillis = 5_000
const shrinkPlays = 20_000

/** A shorter story of the violation of a branch. Throws SessionError when it has none, or when it is not found again. */
export function shrunk(
  branch: Branch,
  now: () => number,
): { setup: Setup; actions: readonly ActionRef[]; remarks: string[] } {
  const { stage, log } = branch
  const violation = branch.index.found
  if (violation === undefined)
    throw impossible('this branch violates nothing, so there is nothing to shorten')
  const until = now() + shrinkMillis
  const actions = Array.from({ length: Math.min(log.length, violation.at) }, (_, i) => ({
    site: stage.info.sites[log.site(i)]!.name,
    subject: log.subject(i),
  }))
  const result = shrink(stage.definition, stage.setup, actions, violation, {
    plays: shrinkPlays,
    huntActions: 0,
    exhaustiveStates: 0,
    shouldStop: () => now() > until,
  })
  if (!result.reproduced) throw impossible('the schedule did not lead to its violation when it was repeated')
  return {
    setup: result.setup,
    actions: result.actions,
    remarks: [`Shortened from ${String(actions.length)} to ${String(result.actions.length)} actions.`],
  }
}
