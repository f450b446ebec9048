/**
 * Guided replay: the same story on changed code, another variant or another setup.
 *
 * Contract. Takes the trace's actions in order. An action whose site and subject are possible is *executed*. Else, when
 * its site offers exactly one choice, that one is taken and counted as *approximated*. Else it is *skipped*, and the
 * reason is told. Nothing is searched; the result is a run like any other, with its own log, which `recordTrace` turns
 * into a trace. A guided replay proves nothing by not finding a violation: it says how much of the story it could follow.
 */
import type { SystemDefinition } from '../../protocol/index.js'
import type { Violation } from '../run/judge.js'
import { Run } from '../run/run.js'
import type { Setup } from '../run/setup.js'
import { type ActionKind, Outcome } from '../world/site.js'
import { type Trace, armedChoice, sitesByName } from './trace.js'
import { actionName } from './walk.js'

export interface GuidedOptions {
  /** Replaces fields of the trace's setup: another variant, other parameters, other knobs. */
  readonly setup?: Partial<Setup> | undefined
  readonly selfTest?: boolean | undefined
  /** Stops at the first violation; true unless said otherwise. */
  readonly stopAtViolation?: boolean | undefined
  /** What happens after the last action when nothing is violated: `endFaults`, or a healing of the caller's. */
  readonly heal?: ((run: Run) => void) | undefined
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
  const run = new Run(definition, { ...header.setup, ...options.setup }, options.selfTest ?? false)
  const { world } = run
  const sites = sitesByName(world, header.sites)
  const stop = options.stopAtViolation ?? true
  const approximations: Deviation[] = []
  const skips: Deviation[] = []
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
    let choice = armedChoice(site, actions.subject(index))
    const armed = site.armed()
    const exact = choice >= 0
    if (!exact && armed === 1) choice = 0
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
    if (exact) executed++
    else if (approximated++ < mostNamed)
      approximations.push(deviation(`taken with subject ${String(taken)}, the only choice there`))
    options.onAction?.(index, run)
  }
  if (!mustStop()) run.finish()
  const heals = options.heal !== undefined && !mustStop()
  if (heals) {
    options.heal(run)
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
    healed: heals,
    message: `Of ${String(followed)} actions ${String(executed)} were executed, ${String(approximated)} approximated and ${String(skipped)} skipped; ${found}`,
  }
}

const repairs: readonly ActionKind[] = ['resume', 'heal', 'restart']

/** Ends the faults: takes `calm`, then resumes, heals and restarts whatever can be. Leaves the rest to the caller's scheduler. */
export function endFaults(run: Run): void {
  const { world } = run
  const calm = world.siteNamed('calm')
  if (calm !== undefined) run.take(calm.index, calm.find(0))
  for (const kind of repairs)
    for (const site of world.sites)
      if (site.kind === kind && world.failure === undefined && site.armed() > 0) run.take(site.index, 0)
}
