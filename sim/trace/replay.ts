/**
 * Strict replay: the trace's actions again, bit for bit.
 *
 * Contract. The world is built anew from the trace's setup; each action is found by the name of its site and its
 * subject. The replay has *reproduced* the trace when every action was possible and changed something, every stored
 * fingerprint was met, the last state equals the stored one where there is one, and the verdict is the same, found at
 * the same action. Otherwise it says what came first:
 *
 * - an action that is not possible, or changes nothing: the exact step, and what was possible instead;
 * - a fingerprint that differs: the window of steps since the last equal one (a single step in a trace with
 *   `fingerprintEvery: 1`), the parts that differ, and of each the fields that this replay changed in the window. A
 *   trace holds no old bytes, so which of those fields is wrong is not known, and the message does not claim it. At the
 *   last state, where the trace has an image, the fields are exact, with both values. The determinism detective
 *   (detective.ts) names step and field exactly wherever both versions of the code are at hand.
 *
 * `liveness` verdicts are the schedulers' own: here the goal must still be unreached at the end.
 */
import type { SystemDefinition } from '../../protocol/index.js'
import { type Violation, sameViolation } from '../run/judge.js'
import { Run } from '../run/run.js'
import { Outcome } from '../world/site.js'
import type { World } from '../world/world.js'
import {
  type FingerprintDivergence,
  StateChecker,
  fingerprintWords,
  layoutDifferences,
  layoutWords,
} from './state-checker.js'
import { type Trace, type TracedViolation, armedChoice, partsOf, sitesByName } from './trace.js'
import { actionName, checkSystem } from './walk.js'

export interface ReplayOptions {
  /** Runs every handler twice to catch hidden state. */
  readonly selfTest?: boolean | undefined
  /** Fingerprint of the code at hand, to be compared with the trace's. */
  readonly codeFingerprint?: string | undefined
  /** Called after each action. */
  readonly onAction?: ((index: number, run: Run) => void) | undefined
}

/** Where and how a replay left its trace. */
export type Divergence =
  /** The world has other parts than the traced one: its states cannot be compared. */
  | { readonly kind: 'layout'; readonly step: 0; readonly parts: readonly string[] }
  | {
      readonly kind: 'not-armed' | 'no-site' | 'nothing-changed'
      readonly step: number
      readonly action: string
      /** Up to ten actions that were possible instead, and how many there were. */
      readonly armed: readonly string[]
      readonly armedTotal: number
    }
  | FingerprintDivergence

interface ReplayEnd {
  readonly run: Run
  /** How many actions were executed. */
  readonly executed: number
  /** Whether both code fingerprints are known and differ. */
  readonly codeChanged: boolean
  /** What happened, in one or a few sentences. */
  readonly message: string
}
export type StrictReplay =
  | (ReplayEnd & { readonly outcome: 'reproduced'; readonly violation: TracedViolation | undefined })
  | (ReplayEnd & { readonly outcome: 'diverged'; readonly divergence: Divergence })
  | (ReplayEnd & {
      readonly outcome: 'different-verdict'
      readonly expected: TracedViolation | undefined
      readonly found: TracedViolation | undefined
    })

const mostNames = 10

export function replayStrict(
  definition: SystemDefinition,
  trace: Trace,
  options: ReplayOptions = {},
): StrictReplay {
  checkSystem(definition, trace)
  const { header, actions } = trace
  const run = new Run(definition, header.setup, options.selfTest ?? false)
  const codeChanged = differ(header.codeFingerprint, options.codeFingerprint ?? '')
  const end = (executed: number, message: string): ReplayEnd => ({
    run,
    executed,
    codeChanged,
    message: codeChanged ? `${message} The code has changed since the trace was recorded.` : message,
  })
  const diverged = (executed: number, divergence: Divergence): StrictReplay => ({
    outcome: 'diverged',
    divergence,
    ...end(executed, explain(divergence)),
  })

  const strangers = layoutDifferences(header.parts, partsOf(run.world))
  if (strangers.length > 0) return diverged(0, { kind: 'layout', step: 0, parts: strangers })
  const sites = sitesByName(run.world, header.sites)
  const checker = new StateChecker(trace, run.world)
  let foundAt = run.violation === undefined ? -1 : 0
  const atStart = checker.check(0)
  if (atStart !== undefined) return diverged(0, atStart)
  for (let i = 0; i < actions.length; i++) {
    const site = sites[actions.site(i)]!
    const choice = site < 0 ? -1 : armedChoice(run.world.sites[site]!, actions.subject(i))
    if (choice < 0) return diverged(i, instead(trace, run.world, i, site < 0 ? 'no-site' : 'not-armed'))
    if (run.take(site, choice) !== Outcome.moved)
      return diverged(i, instead(trace, run.world, i, 'nothing-changed'))
    if (foundAt < 0 && run.violation !== undefined) foundAt = i + 1
    const divergence = checker.afterAction(i)
    if (divergence !== undefined) return diverged(i + 1, divergence)
    options.onAction?.(i, run)
  }
  return judge(trace, run, foundAt, end)
}

function judge(
  trace: Trace,
  run: Run,
  foundAt: number,
  end: (executed: number, message: string) => ReplayEnd,
): StrictReplay {
  const count = trace.actions.length
  const expected = trace.violation
  const violation = finalViolation(run, expected)
  const found = violation === undefined ? undefined : { ...violation, at: foundAt < 0 ? count : foundAt }
  const same =
    expected === undefined || found === undefined
      ? expected === found
      : sameViolation(expected, found) && expected.at === found.at
  if (same)
    return {
      outcome: 'reproduced',
      violation: found,
      ...end(
        count,
        `Reproduced ${String(count)} actions${found === undefined ? '' : `, and ${verdict(found)}`}.`,
      ),
    }
  const message = `All ${String(count)} actions were possible${trace.fingerprints.length > 0 ? ' and all fingerprints equal' : ''}, but the trace tells of ${verdict(expected)}, and this replay found ${verdict(found)}.`
  return { outcome: 'different-verdict', expected, found, ...end(count, message) }
}

function finalViolation(run: Run, expected: TracedViolation | undefined): Violation | undefined {
  const found = run.finish()
  if (found !== undefined || expected?.kind !== 'liveness') return found
  return run.judge.goalReached()
    ? undefined
    : { kind: 'liveness', name: expected.name, reason: expected.reason }
}

const verdict = (violation: TracedViolation | undefined): string =>
  violation === undefined
    ? 'no violation'
    : `${violation.kind} violation "${violation.name}" after ${String(violation.at)} actions (${violation.reason.replace(/\.$/, '')})`

const differ = (a: string, b: string): boolean => a !== '' && b !== '' && a !== b

function instead(
  trace: Trace,
  world: World,
  step: number,
  kind: 'not-armed' | 'no-site' | 'nothing-changed',
): Divergence {
  const { names, total } = armedNames(world)
  return { kind, step, action: actionName(trace, step), armed: names, armedTotal: total }
}

/** Names of what is possible now: at most ten, and how many in all. */
function armedNames(world: World): { readonly names: readonly string[]; readonly total: number } {
  const names: string[] = []
  let total = 0
  for (const site of world.sites) {
    const armed = site.armed()
    total += armed
    for (let choice = 0; choice < armed && names.length < mostNames; choice++)
      names.push(`${site.name} ${String(site.subject(choice))}`)
  }
  return { names, total }
}

// ---- words

function explain(divergence: Divergence): string {
  switch (divergence.kind) {
    case 'layout':
      return `${layoutWords(divergence.parts)} Follow the trace with a guided replay.`
    case 'no-site':
    case 'not-armed':
    case 'nothing-changed': {
      const what =
        divergence.kind === 'no-site'
          ? 'belongs to a site that this world does not have'
          : divergence.kind === 'not-armed'
            ? 'is not possible'
            : 'changes nothing'
      const more = divergence.armedTotal - divergence.armed.length
      const names =
        divergence.armed.length === 0
          ? 'nothing'
          : divergence.armed.join(', ') + (more > 0 ? ` and ${String(more)} more` : '')
      return `At step ${String(divergence.step)}, ${divergence.action} ${what}. Possible ${divergence.kind === 'nothing-changed' ? 'afterwards' : 'instead'}: ${names}.`
    }
    case 'fingerprint':
      return fingerprintWords(divergence)
  }
}
