/** Checks in words and tables. */
import type { CheckCounts, CheckResult } from '../model-check/index.js'
import type { Setup } from '../sim/index.js'
import type { Trace } from '../sim/trace/index.js'
import type { Ending } from './commands/check.js'
import type { CoverageReport } from './coverage.js'
import { replayCommand, usualLast } from './finding.js'
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
    `frontier ${compact(counts.unknown)}`,
    `depth ${String(counts.depth)}`,
    mebibytes(counts.bytes),
  ].join('  ')

export interface Checked {
  readonly system: LoadedSystem
  readonly setup: Setup
  readonly result: CheckResult
  readonly seconds: number
  readonly ended: Ending
  readonly coverage: CoverageReport
}

/** How many sites are named that were remembered least. */
const mostSites = 3

/** Everything that a check looked at, and everything that it did not look at. */
export function sayCheck(
  terminal: Terminal,
  { system, setup, result, seconds, ended, coverage }: Checked,
): void {
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
        ['depth', grouped(depth), 'steps to the farthest state'],
        ['unknown', grouped(unknown), 'states that were found and not looked at'],
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
  say()
  say(wrap(verdict(terminal, result, ended), width))
}

function faultsOf({ budget }: Setup): string {
  const kinds = Object.entries(budget).filter(([, most]) => most > 0)
  if (kinds.length === 0) return 'no faults'
  return `faults up to ${kinds.map(([kind, most]) => `${kind}=${most === Infinity ? 'unlimited' : String(most)}`).join(' ')}`
}

function verdict({ colours }: Terminal, { unknown, historyJudged }: CheckResult, ended: Ending): string {
  const judged = historyJudged ? 'every property, the history of clients included' : 'every property'
  switch (ended) {
    case 'violation':
      return colours.red(colours.bold('Found a violation.'))
    case 'exhausted':
      return `${colours.green('Every schedule within these bounds keeps')} ${judged}. Liveness was not judged.`
    default:
      return `${colours.yellow(`Cut off ${cause[ended]}: ${plural(unknown, 'state')} unknown.`)} Nothing was found in what was looked at; that is no proof.`
  }
}

const cause: Readonly<Record<Exclude<Ending, 'violation' | 'exhausted'>, string>> = {
  states: 'by --states',
  depth: 'by --depth',
  seconds: 'by --seconds',
  memory: 'by --memory',
  interrupted: 'by you',
}

export function sayCounterexample(
  terminal: Terminal,
  system: LoadedSystem,
  trace: Trace,
  path: string,
): void {
  const { say, colours } = terminal
  const { violation } = trace
  if (violation === undefined) return
  const words = violation.name === 'deadlock' ? 'nothing can go on' : kindWords[violation.kind]
  say()
  say(
    `${colours.red('✗')} ${colours.bold(colours.red(violation.name))}  ${colours.dim(`(${words}, after ${plural(trace.actions.length, 'step')}; no shorter schedule has a violation)`)}`,
  )
  say()
  saySetup(terminal, trace)
  say()
  sayStory(terminal, system, trace, usualLast)
  say()
  say(`  Trace:  ${path}`)
  say(`  Replay: ${colours.cyan(replayCommand(path))}`)
}
