/** `aviary check`: looks at every schedule of a system within bounds. */
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import type { Command } from 'commander'
import { type CheckResult, Checker, SymmetryRefused } from '../../model-check/index.js'
import { checkPool } from '../check-pool.js'
import { type CheckFlags, type CheckOrder, addCheckOptions, checkOrder } from '../check-options.js'
import { checkProgress, sayCheck, sayCounterexample } from '../check-report.js'
import { type CoverageReport, addCoverage, coverageReport, kindKeys, noTotals } from '../coverage.js'
import { Exit, UsageError } from '../errors.js'
import { type Interrupt, watchInterrupts } from '../interrupt.js'
import { loadSystem } from '../load-system.js'
import { possibleFaults } from '../options.js'
import { replayCommand } from '../finding.js'
import { exitOf } from '../report.js'
import { makeTerminal } from '../terminal.js'
import { traceFileName, traceOfSchedule, writeTrace } from '../trace-file.js'

export function addCheck(program: Command): void {
  const command = program
    .command('check')
    .description('look at every schedule of a system within bounds')
    .argument('<system>', 'a name (see `aviary list`), or the path of a module (./my-protocol.ts)')
  addCheckOptions(command)
    .addHelpText('after', help)
    .action(async (system: string, flags: CheckFlags) => {
      process.exitCode = await check(system, flags)
    })
}

const help = `
It executes the code of the cores itself, in every order that the world allows: breadth-first, so that a counterexample
is a shortest one. Judged are assertions, roles, state and step invariants and, where the system has one, the history
of its clients; not liveness, but for --deadlock. A right protocol of unbounded ballots or retries has no end: bound it
by its parameters, or by --depth. States that a bound left out are unknown: they are counted, and are no pass.

A file of bounds has the same names as the flags:
  { "nodes": 3, "ops": 1, "set": { "rounds": 2 }, "faults": { "drop": 1 }, "crashes": 1, "seconds": 60 }

Examples:
  aviary check 2pc --nodes 5                             all 8 832 states
  aviary check 2pc --bug commit-on-half                  a shortest way to the violation, written as a trace
  aviary check paxos --set clients=1 --set rounds=1 --ops 1 --depth 8
  aviary check 2pc --nodes 9 --symmetry                  2 232 instead of 10 340 352 states
  aviary check rdma-register --faults crash=1,restart=1 --depth 6
  aviary check ./my-protocol.ts --bounds bounds.json --json

Exit codes: 0 nothing found, 1 violation, 2 usage or input error, 3 not deterministic, 4 deadlock, 5 crash of a core.`

/** What `--json` prints. */
interface CheckJson {
  readonly system: string
  readonly bug: string | null
  readonly nodes: number
  readonly workers: number
  /** Why the search ended: everything was looked at, a violation, a bound, or the user. */
  readonly ended: Ending
  readonly exhaustive: boolean
  readonly distinct: number
  /** In TLC's unit: moved + idle + 1. */
  readonly generated: number
  readonly moved: number
  readonly idle: number
  readonly refused: number
  readonly seconds: number
  readonly depth: number
  /** States that were found and not expanded. */
  readonly unknown: number
  readonly historyJudged: boolean
  /** Nodes whose names were not told apart. */
  readonly interchangeable: readonly string[]
  readonly violations: readonly {
    readonly name: string
    readonly kind: string
    readonly reason: string
    readonly steps: number
    readonly trace: string
    readonly replay: string
  }[]
  readonly memoHitRate: number
  readonly sites: CheckResult['sites']
  readonly bytesPerState: number
  readonly wordsPerState: number
  readonly bounds: Readonly<Record<string, number>>
  readonly coverage: Pick<CoverageReport, 'handlers' | 'notes' | 'faults' | 'neverSeen'>
}

export type Ending = 'exhausted' | 'violation' | 'states' | 'depth' | 'seconds' | 'memory' | 'interrupted'

async function check(argument: string, flags: CheckFlags): Promise<Exit> {
  // V8's own limit again: the loops of a search are long already, and inlining more only delays their compilation.
  setFlagsFromString('--max-inlined-bytecode-size-cumulative=920')
  const terminal = makeTerminal(flags)
  const system = await loadSystem(argument)
  const { definition } = system
  const order = checkOrder(definition, flags)
  const { setup } = order
  const interrupt = watchInterrupts(terminal.say)
  const workers = flags.workers ?? 1
  const begin = performance.now()
  const secondsSoFar = (): number => (performance.now() - begin) / 1000
  const checker = refusing(
    () =>
      new Checker(definition, setup, {
        states: order.states,
        depth: order.depth,
        deadlock: flags.deadlock,
        symmetry: flags.symmetry,
        shared: workers > 1,
      }),
  )
  const stopped = await search(checker, order, workers, interrupt, secondsSoFar, (line) => {
    terminal.progress.update(line)
  })
  const seconds = secondsSoFar()
  terminal.progress.end()
  const result = checker.result()
  const { finding } = result
  const ended = stopped ?? endOf(result, order)
  const coverage = coverageOf(checker, result, setup.budget)
  sayCheck(terminal, { system, setup, result, seconds, ended, coverage })
  const violations: CheckJson['violations'][number][] = []
  if (finding !== undefined) {
    const { violation, actions } = finding
    const trace = traceOfSchedule(system, setup, finding, { search: 'check', steps: actions.length })
    const path = join(flags.out, traceFileName(trace))
    writeTrace(path, trace)
    sayCounterexample(terminal, system, trace, path)
    violations.push({ ...violation, steps: actions.length, trace: path, replay: replayCommand(path) })
  }
  terminal.json(json(definition.name, order, workers, ended, seconds, result, violations, coverage))
  return finding === undefined ? Exit.nothingFound : exitOf(finding.violation.kind)
}

/** Symmetry is refused where it is not known to be harmless: the user may leave it out. */
function refusing<T>(act: () => T): T {
  try {
    return act()
  } catch (error) {
    if (!(error instanceof SymmetryRefused)) throw error
    throw new UsageError(`--symmetry: cannot be used: ${error.message}`, 'leave it out.')
  }
}

/** A slice takes some tens of milliseconds, so that somebody who interrupts is heard. */
const shortMillis = 30
const longMillis = 120

async function search(
  checker: Checker,
  order: CheckOrder,
  workers: number,
  interrupt: Interrupt,
  secondsSoFar: () => number,
  tell: (line: string) => void,
): Promise<Ending | undefined> {
  const stopFor = (): Ending | undefined => {
    const now = secondsSoFar()
    const counts = checker.counts()
    tell(checkProgress(counts, now))
    if (now >= order.seconds) return 'seconds'
    if (counts.bytes >= order.memoryMiB * 2 ** 20) return 'memory'
    return interrupt.stopped ? 'interrupted' : undefined
  }
  if (workers === 1) return searchAlone(checker, stopFor)
  const pool = checkPool(workers)
  try {
    const rounds = checker.rounds(workers)
    for (;;) {
      let round = rounds.begin()
      if (round === undefined && !refusing(() => checker.advance(soloStates))) return undefined
      while (round !== undefined) {
        round = rounds.end(await pool.run(round))
        const stop = stopFor()
        if (stop !== undefined) return stop
      }
      await setImmediate()
    }
  } finally {
    await pool.end()
  }
}

/** States that are expanded without the other threads, between two looks whether these are wanted. */
const soloStates = 256

async function searchAlone(checker: Checker, stopFor: () => Ending | undefined): Promise<Ending | undefined> {
  let slice = 256
  for (;;) {
    const begin = performance.now()
    if (!refusing(() => checker.advance(slice))) return undefined
    const millis = performance.now() - begin
    if (millis < shortMillis) slice *= 2
    else if (millis > longMillis && slice > 1) slice = Math.ceil(slice / 2)
    const stop = stopFor()
    if (stop !== undefined) return stop
    await setImmediate()
  }
}

function endOf({ finding, unknown, distinct }: CheckResult, { states }: CheckOrder): Ending {
  if (finding !== undefined) return 'violation'
  if (unknown === 0) return 'exhausted'
  return states !== undefined && distinct >= states ? 'states' : 'depth'
}

function coverageOf(
  checker: Checker,
  { bounds }: CheckResult,
  budget: CheckOrder['setup']['budget'],
): CoverageReport {
  const { world } = checker
  const totals = noTotals()
  for (const [name, value] of Object.entries(bounds)) totals.bounds[name] = [value, value]
  addCoverage(
    totals,
    world.coverage,
    kindKeys(world.model),
    possibleFaults(world.model, { budget }),
    () => world,
  )
  return coverageReport(totals)
}

function json(
  system: string,
  { setup }: CheckOrder,
  workers: number,
  ended: Ending,
  seconds: number,
  result: CheckResult,
  violations: CheckJson['violations'],
  { handlers, notes, faults, neverSeen }: CoverageReport,
): CheckJson {
  const { distinct, generated, moved, idle, refused, depth, unknown } = result
  return {
    system,
    bug: setup.bug ?? null,
    nodes: setup.nodes,
    workers,
    ended,
    exhaustive: result.exhaustive,
    distinct,
    generated,
    moved,
    idle,
    refused,
    seconds: Math.round(seconds * 1000) / 1000,
    depth,
    unknown,
    historyJudged: result.historyJudged,
    interchangeable: result.interchangeable,
    violations,
    memoHitRate: result.memoHitRate,
    sites: result.sites,
    bytesPerState: result.bytesPerState,
    wordsPerState: result.wordsPerState,
    bounds: result.bounds,
    coverage: { handlers, notes, faults, neverSeen },
  }
}
