/**
 * Guided replay: the same story on changed code, another variant or another setup.
 *
 * Contract. Takes the trace's actions in order. An action whose site and subject are possible is *executed*. Else, when
 * its site offers exactly one choice, that one is taken and counted as *approximated*; so is one whose subject is as far
 * off as that of the last approximation there (what was lost or added shifts the ordinals of all that follows). Else it
 * is *skipped*, and the reason is told. Nothing is searched; the result is a run like any other, with its own log, which `recordTrace` turns
 * into a trace. A guided replay proves nothing by not finding a violation: it says how much of the story it could follow.
 */
import type { SystemDefinition } from '../../protocol/index.js'
import type { Violation } from '../run/judge.js'
import { heal } from '../run/heal.js'
import { Run } from '../run/run.js'
import type { Setup } from '../run/setup.js'
import { Outcome } from '../world/site.js'
import { type Trace, armedChoice, sitesByName } from './trace.js'
import { actionName, checkSystem } from './walk.js'

export interface GuidedOptions {
  /** Replaces fields of the trace's setup: another variant, other parameters, other knobs. */
  readonly setup?: Partial<Setup> | undefined
  readonly selfTest?: boolean | undefined
  /** Stops at the first violation; true unless said otherwise. */
  readonly stopAtViolation?: boolean | undefined
  /** Whether the faults end after the last action when nothing is violated, or what the caller does instead. */
  readonly heal?: boolean | ((run: Run) => void) | undefined
  readonly onAction?: ((index: number, run: Run) => void) | undefined
}

export interface Deviation {
  readonly index: number
  readonly action: string
  readonly reason: string
}

export interface GuidedReplay {
  readonly run: Run
  readonly executed: number
  readonly approximated: number
  readonly skipped: number
  /** The first ten of each. */
  readonly approximations: readonly Deviation[]
  readonly skips: readonly Deviation[]
  /** Actions of the trace that were looked at; fewer than it has when a violation ended the replay. */
  readonly followed: number
  readonly violation: Violation | undefined
  readonly healed: boolean
  readonly message: string
}

const mostNamed = 10

export function replayGuided(
  definition: SystemDefinition,
  trace: Trace,
  options: GuidedOptions = {},
): GuidedReplay {
  const { actions, header } = trace
  const setup = adaptedSetup(definition, { ...header.setup, ...options.setup })
  checkSystem(definition, { ...trace, header: { ...header, setup } })
  const run = new Run(definition, setup, options.selfTest ?? false)
  const { world } = run
  const sites = sitesByName(world, header.sites)
  const stop = options.stopAtViolation ?? true
  const approximations: Deviation[] = []
  const skips: Deviation[] = []
  const offBy = new Float64Array(world.sites.length)
  let executed = 0
  let approximated = 0
  let skipped = 0
  let followed = 0
  const mustStop = (): boolean => world.failure !== undefined || (stop && run.violation !== undefined)
  for (; followed < actions.length && !mustStop(); followed++) {
    const index = followed
    const deviation = (reason: string): Deviation => ({ index, action: actionName(trace, index), reason })
    const skip = (reason: string): void => {
      if (skipped++ < mostNamed) skips.push(deviation(reason))
    }
    const site = world.sites[sites[actions.site(index)]!]
    if (site === undefined) {
      skip('there is no such site')
      continue
    }
    const subject = actions.subject(index)
    let choice = armedChoice(site, subject)
    const armed = site.armed()
    const exact = choice >= 0
    if (!exact) choice = armed === 1 ? 0 : armedChoice(site, subject + offBy[site.index]!)
    if (choice < 0) {
      skip(
        armed === 0
          ? 'nothing is possible there'
          : `none of the ${String(armed)} choices there has that subject`,
      )
      continue
    }
    const taken = site.subject(choice)
    if (run.take(site.index, choice) !== Outcome.moved) {
      skip('it changes nothing')
      continue
    }
    if (!exact) offBy[site.index] = taken - subject
    if (exact) executed++
    else if (approximated++ < mostNamed) approximations.push(deviation(`taken with subject ${String(taken)}`))
    options.onAction?.(index, run)
  }
  if (!mustStop()) run.finish()
  const healed = options.heal !== undefined && options.heal !== false && !mustStop()
  if (healed) {
    if (options.heal === true) heal(run)
    else options.heal(run)
    run.finish()
  }
  const { violation } = run
  const found =
    violation === undefined
      ? 'nothing was violated'
      : `${violation.kind} violation "${violation.name}": ${violation.reason}`
  return {
    run,
    executed,
    approximated,
    skipped,
    approximations,
    skips,
    followed,
    violation,
    healed,
    message: `Of ${String(followed)} actions ${String(executed)} were executed, ${String(approximated)} approximated and ${String(skipped)} skipped; ${found}`,
  }
}

/** The setup with the parameters that the system has now: those it no longer knows are dropped, new ones are at their default. */
function adaptedSetup(definition: SystemDefinition, setup: Setup): Setup {
  const parameters = Object.fromEntries(
    Object.entries(definition.parameters).map(([name, parameter]) => [
      name,
      Object.hasOwn(setup.parameters, name) ? setup.parameters[name]! : parameter.default,
    ]),
  )
  return { ...setup, parameters }
}
