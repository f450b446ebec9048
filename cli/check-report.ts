/** Checks in words and tables. */
import type { CheckCounts, CheckResult, LivenessKind, SearchOrder } from '../model-check/index.js'
import type { Setup } from '../sim/index.js'
import type { Trace } from '../sim/trace/index.js'
import type { Ending, Limits } from './check-json.js'
import type { CoverageReport } from './coverage.js'
import { replayCommand, usualLast, viewCommand } from './finding.js'
import type { LoadedSystem } from './load-system.js'
import { kindWords, saySetup } from './report.js'
import { sayStory } from './story.js'
import { type Terminal, compact, digits, grouped, plural, table, wrap } from './terminal.js'

const rate = (count: number, seconds: number): string => `${compact(count / Math.max(seconds, 0.001))}/s`
const mebibytes = (bytes: number): string => `${digits(bytes / 2 ** 20)} MiB`

/** One line while a check goes on. */
export const checkProgress = (counts: CheckCounts, seconds: number): string =>
  [
    `${seconds.toFixed(1)} s`,
    `${compact(counts.distinct)} states (${rate(counts.distinct, seconds)})`,
    `${compact(counts.generated)} generated (${rate(counts.generated, seconds)})`,
    counts.walks > 0 ? `${compact(counts.walks)} walks` : `frontier ${compact(counts.unknown)}`,
    `depth ${String(counts.depth)}`,
    mebibytes(counts.bytes),
  ].join('  ')

export const livenessProgress = (done: number, states: number, seconds: number): string =>
  `${seconds.toFixed(1)} s  liveness: the steps of ${compact(done)} of ${compact(states)} states`

export interface Checked {
  readonly system: LoadedSystem
  readonly setup: Setup
  readonly result: CheckResult
  readonly seconds: number
  readonly ended: Ending
  readonly coverage: CoverageReport
  readonly order: SearchOrder
  readonly workers: number
  readonly limits: Limits
  /** Short runs out of what was looked at. */
  readonly samples: readonly (readonly string[])[]
  /** What was asked of liveness, and what kept it from being judged. */
  readonly liveness: { readonly kind: LivenessKind; readonly unjudged: Ending | undefined } | undefined
}

/** How many sites are named that were remembered least. */
const mostSites = 3

/** Everything that a check looked at, and everything that it did not look at. */
export function sayCheck(terminal: Terminal, checked: Checked): void {
  const { system, setup, result, seconds, coverage, order } = checked
  const { say, colours, width } = terminal
  const bug = setup.bug === undefined ? '' : ` with the planted bug ${colours.yellow(setup.bug)}`
  const { noun } = system.definition.nodes
  say(`Checked ${colours.bold(system.argument)}${bug}: ${String(setup.nodes)} ${noun}, ${faultsOf(setup)}.`)
  const { distinct, generated, moved, idle, refused, depth, unknown } = result
  say(
    table(
      [
        ['states', grouped(distinct), `distinct, ${rate(distinct, seconds)}, in ${digits(seconds)} s`],
        ['generated', grouped(generated), `in TLC's unit (moved + idle + 1), ${rate(generated, seconds)}`],
        ['moved', grouped(moved), 'steps that changed something'],
        ['idle', grouped(idle), 'steps that changed nothing'],
        ['refused', grouped(refused), 'the guard of the input was false'],
        ...orderRows(checked),
        ['depth', grouped(depth), depthOf[order]],
        ['unknown', grouped(unknown), 'states that were found and not looked at'],
        ...(result.beyond === 0 ? [] : [['beyond', grouped(result.beyond), 'steps that a ceiling left out']]),
        ...(result.takings === 0
          ? []
          : [['takings', grouped(result.takings), 'steps left out that only take something away']]),
        ...partialOrderRows(result),
        ...goalRows(result),
        [
          'run',
          grouped(result.executed),
          `steps by the cores; ${(result.memoHitRate * 100).toFixed(2)} % were remembered`,
        ],
        [
          'bytes',
          result.bytesPerState.toFixed(1),
          `a state; ${mebibytes(result.bytes)} in all, ${plural(result.wordsPerState, 'word')} a state`,
        ],
      ],
      { align: ['left', 'right'], indent: 2 },
    ),
  )
  if (result.interchangeable.length > 0)
    say(
      colours.dim(
        wrap(
          `One state stands for all that differ by the names of ${result.interchangeable.join(', ')}.`,
          width,
          2,
        ),
      ),
    )
  const worst = result.sites.filter(({ hitRate }) => hitRate < 0.5).slice(0, mostSites)
  if (worst.length > 0) {
    const named = worst.map(({ name, hitRate }) => `${name} (${(hitRate * 100).toFixed(0)} %)`).join(', ')
    say(colours.dim(wrap(`Remembered least: ${named}.`, width, 2)))
  }
  const never = [
    ...coverage.handlers.missing.map((name) => `handler ${name}`),
    ...coverage.notes.missing.map((name) => `note ${name}`),
    ...coverage.neverSeen.map((name) => `action ${name}`),
  ]
  if (never.length > 0) say(colours.yellow(wrap(`Never seen: ${never.join(', ')}.`, width, 2, 4)))
  const bounds = Object.entries(result.bounds).map(([name, value]) => `${name} ${String(value)}`)
  if (bounds.length > 0) say(colours.dim(wrap(`Bounds of the model: ${bounds.join(', ')}.`, width, 2)))
  for (const sentence of result.scenario) say(colours.dim(wrap(sentence, width, 2)))
  say(colours.dim(wrap(`Bounds of the search: ${limitWords(checked.limits)}.`, width, 2)))
  saySamples(terminal, checked.samples)
  say()
  say(wrap(verdict(terminal, checked), width))
  const judged = livenessVerdict(terminal, checked)
  if (judged !== undefined) say(wrap(judged, width))
}

function limitWords({ states, depth, seconds, memoryMiB }: Limits): string {
  const words = [
    ...(states === null ? [] : [plural(states, 'state')]),
    ...(depth === null ? [] : [plural(depth, 'step')]),
  ]
  return [...words, `${String(seconds)} s`, `${String(memoryMiB)} MiB`].join(', ')
}

function saySamples({ say, colours, width }: Terminal, samples: readonly (readonly string[])[]): void {
  if (samples.length === 0) return
  say(colours.dim('  Runs out of what was looked at, their first steps:'))
  for (const run of samples) say(colours.dim(wrap(run.join(' · '), width, 4, 6)))
}

function faultsOf({ budget }: Setup): string {
  const kinds = Object.entries(budget).filter(([, most]) => most > 0)
  if (kinds.length === 0) return 'no faults'
  return `faults up to ${kinds.map(([kind, most]) => `${kind}=${most === Infinity ? 'unlimited' : String(most)}`).join(' ')}`
}

const depthOf: Readonly<Record<SearchOrder, string>> = {
  'breadth-first': 'steps to the farthest state',
  'depth-first': 'steps of the longest way that was gone',
  random: 'steps of the longest walk',
}

const orderRows = ({ order, result }: Checked): string[][] =>
  order === 'random' ? [['walks', grouped(result.walks), 'random walks from the initial state']] : []

function partialOrderRows({ partialOrder }: CheckResult): string[][] {
  if (partialOrder === undefined) return []
  const { reduced, leftOut, restarts } = partialOrder
  return [
    ['reduced', grouped(reduced), 'states of which some orders of steps that commute were left out'],
    ['left out', grouped(leftOut), `steps there; the search began anew ${plural(restarts, 'time')}`],
  ]
}

function goalRows({ liveness }: CheckResult): string[][] {
  if (liveness === undefined) return []
  const { promised, reached, open } = liveness
  return [
    ['goal', grouped(reached), `states of the ${grouped(promised)} in which it is promised have reached it`],
    ['open', grouped(open), 'states of which a bound leaves open whether it is kept'],
  ]
}

function verdict({ colours }: Terminal, { result, ended, order, liveness }: Checked): string {
  const { unknown, historyJudged } = result
  const judged = historyJudged ? 'every property, the history of clients included' : 'every property'
  switch (ended) {
    case 'violation':
      return colours.red(colours.bold('Found a violation.'))
    case 'exhausted':
      return `${colours.green('Every schedule within these bounds keeps')} ${judged}.${liveness === undefined ? ' Liveness was not judged.' : ''}`
    default:
      if (order === 'random')
        return `${colours.yellow(`Nothing was found in ${plural(result.walks, 'random walk')}.`)} Walks sample: that is no proof.`
      return `${colours.yellow(`Cut off ${cause[ended]}: ${plural(unknown, 'state')} unknown.`)} Nothing was found in what was looked at; that is no proof.`
  }
}

const keeps: Readonly<Record<LivenessKind, string>> = {
  reachable: 'From every state in which it is promised, the goal stays reachable without further faults.',
  'weak-fairness':
    'Every run that is weakly fair comes to the goal where it is promised, once faults have ended.',
  'strong-fairness':
    'Every run that is strongly fair comes to the goal where it is promised, once faults have ended.',
}

function livenessVerdict({ colours }: Terminal, { result, ended, liveness }: Checked): string | undefined {
  if (liveness === undefined) return undefined
  const counts = result.liveness
  if (counts === undefined) {
    const { unjudged } = liveness
    const why =
      unjudged === undefined || unjudged === 'violation' || unjudged === 'exhausted'
        ? 'something else is wrong'
        : `cut off ${cause[unjudged]}`
    return colours.yellow(`Liveness was not judged: ${why}.`)
  }
  if (ended === 'violation') return undefined
  if (ended === 'exhausted') return colours.green(keeps[liveness.kind])
  return colours.yellow(
    `Whether the goal is reached is open in ${plural(counts.open, 'state')}, and unknown beyond.`,
  )
}

const cause: Readonly<Record<Exclude<Ending, 'violation' | 'exhausted'>, string>> = {
  states: 'by --states',
  depth: 'by --depth',
  walks: 'by --walks',
  seconds: 'by --seconds',
  memory: 'by --memory',
  interrupted: 'by you',
}

export function sayCounterexample(
  terminal: Terminal,
  system: LoadedSystem,
  trace: Trace,
  {
    path,
    cycle,
    isShortest,
  }: { readonly path: string; readonly cycle: number | undefined; readonly isShortest: boolean },
): void {
  const { say, colours } = terminal
  const { violation } = trace
  if (violation === undefined) return
  const words = violation.name === 'deadlock' ? 'nothing can go on' : kindWords[violation.kind]
  const steps = trace.actions.length
  const claim =
    cycle === undefined
      ? isShortest
        ? 'no shorter schedule has a violation'
        : 'as it was found; breadth-first without --por finds a shortest one, `aviary shrink` a shorter one'
      : `of which the last ${String(cycle)} can repeat for ever`
  say()
  say(
    `${colours.red('✗')} ${colours.bold(colours.red(violation.name))}  ${colours.dim(`(${words}, after ${plural(steps, 'step')}; ${claim})`)}`,
  )
  say()
  saySetup(terminal, trace)
  say()
  sayStory(terminal, system, trace, usualLast)
  say()
  say(`  Trace:  ${path}`)
  say(`  Replay: ${colours.cyan(replayCommand(path))}`)
  say(`  View:   ${colours.cyan(viewCommand(path))}`)
}
