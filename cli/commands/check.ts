/** `aviary check`: looks at every schedule of a system within bounds. */
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import type { Command } from 'commander'
import {
  type CheckResult,
  Checker,
  ReductionRefused,
  ScenarioRefused,
  type SearchOrder,
  SymmetryRefused,
  UnknownField,
} from '../../model-check/index.js'
import { checkPool } from '../check-pool.js'
import { type CheckJson, type Ending, checkJson, limitsOf } from '../check-json.js'
import { type CheckFlags, type CheckOrder, addCheckOptions, checkOrder } from '../check-options.js'
import {
  type Checked,
  checkProgress,
  livenessProgress,
  sayCheck,
  sayCounterexample,
} from '../check-report.js'
import { type CoverageReport, addCoverage, coverageReport, kindKeys, noTotals } from '../coverage.js'
import { Exit, UsageError } from '../errors.js'
import { type Interrupt, watchInterrupts } from '../interrupt.js'
import { UnknownLimit } from '../../sim/index.js'
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
is a shortest one; --order depth-first goes deep at once, and --order random takes random walks, which only sample. Judged are assertions, roles, state and step invariants and, where the system has one, the history
of its clients. A right protocol of unbounded ballots or retries has no end: bound it by its parameters, or by --depth.
States that a bound left out are unknown: they are counted, and are no pass.

Liveness is judged where it is asked for, once faults have ended and where no more is broken than the system can bear:
  --deadlock                   a state that nothing leaves has reached the goal
  --liveness reachable         from every state there is a way to the goal
  --liveness weak-fairness     every run comes to the goal in which whatever could go on all the time does so some time
  --liveness strong-fairness   the same, for whatever could go on again and again

A file of bounds has the same names as the flags:
  { "nodes": 3, "ops": 1, "set": { "rounds": 2 }, "faults": { "drop": 1 }, "crashes": 1, "seconds": 60 }

Examples:
  aviary check 2pc --nodes 5                             all 8 832 states
  aviary check 2pc --bug commit-on-half                  a shortest way to the violation, written as a trace
  aviary check paxos --set clients=1 --set rounds=1 --ops 1 --depth 8
  aviary check 2pc --nodes 9 --symmetry                  2 232 instead of 10 340 352 states
  aviary check 2pc --liveness weak-fairness --faults crash=1
  aviary check paxos --bug accept-before-flush --faults crash=1,restart=1 --order random --seconds 20
  aviary check rdma-register --faults crash=1,restart=1 --depth 6
  aviary check rdma-register --ops 1 --set clients=1 --set words=2 --set slots=1 --set attempts=1 --limit timer=0 --por
  aviary check paxos --ops 1 --limit timer=2 --limit retry=1 --reduce takings --depth 12
  aviary check ./my-protocol.ts --bounds bounds.json --json

Exit codes: 0 nothing found, 1 violation, 2 usage or input error, 3 not deterministic, 4 deadlock or another miss of the goal,
5 crash of a core.`

const sampleCount = 3
const sampleSteps = 8

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
        order: flags.order,
        seed: setup.workloadSeed,
        walks: flags.walks,
        ...order.scenario,
        deadlock: flags.deadlock,
        liveness: flags.liveness,
        symmetry: flags.symmetry,
        shared: workers > 1,
      }),
  )
  const tell = (line: string): void => {
    terminal.progress.update(line)
  }
  const stopped = await search(checker, order, workers, interrupt, secondsSoFar, tell)
  const unjudged = stopped ?? (await judgeLiveness(checker, order, interrupt, secondsSoFar, tell))
  const seconds = secondsSoFar()
  terminal.progress.end()
  const result = checker.result()
  const { finding } = result
  const ended = stopped ?? endOf(result, order, flags.order)
  const coverage = coverageOf(checker, result, setup.budget)
  const samples = finding === undefined ? checker.sampleRuns(sampleCount, sampleSteps) : []
  const liveness = flags.liveness === undefined ? undefined : { kind: flags.liveness, unjudged }
  const checked: Checked = {
    system,
    setup,
    result,
    seconds,
    ended,
    coverage,
    liveness,
    order: flags.order,
    workers,
    samples,
    limits: limitsOf(order),
  }
  sayCheck(terminal, checked)
  const violations: CheckJson['violations'][number][] = []
  if (finding !== undefined) {
    const { violation, actions, cycle } = finding
    const provenance = { search: 'check', steps: actions.length, ...(cycle === undefined ? {} : { cycle }) }
    const trace = traceOfSchedule(system, setup, finding, provenance)
    const path = join(flags.out, traceFileName(trace))
    writeTrace(path, trace)
    const isShortest = flags.order === 'breadth-first' && !order.scenario.por
    sayCounterexample(terminal, system, trace, { path, cycle, isShortest })
    violations.push({
      ...violation,
      steps: actions.length,
      cycle: cycle ?? null,
      trace: path,
      replay: replayCommand(path),
    })
  }
  terminal.json(checkJson(checked, violations))
  return finding === undefined ? Exit.nothingFound : exitOf(finding.violation.kind)
}

/** A reduction is refused where it is not known to be harmless: the user may leave it out. */
function refusing<T>(act: () => T): T {
  try {
    return act()
  } catch (error) {
    if (error instanceof SymmetryRefused)
      throw new UsageError(`--symmetry: cannot be used: ${error.message}`, 'leave it out.')
    if (error instanceof ReductionRefused)
      throw new UsageError(`--${error.asked}: cannot be used: ${error.message}`, 'leave it out.')
    if (error instanceof ScenarioRefused)
      throw new UsageError(`--${error.asked}: ${error.message}`, 'leave one of them out.')
    if (error instanceof UnknownLimit)
      throw new UsageError(
        `--limit ${error.limit}: names nothing that can be limited`,
        `there is ${error.known.join(', ')}, and each site by its name in traces.`,
      )
    if (error instanceof UnknownField)
      throw new UsageError(
        `--most ${error.field}: ${error.message}`,
        'name a number of the private memory of a node.',
      )
    throw error
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
  if (workers === 1) return inSlices((states) => refusing(() => checker.advance(states)), stopFor)
  const pool = checkPool(workers)
  try {
    const rounds = checker.rounds(workers)
    for (;;) {
      let round = rounds.begin()
      if (round === undefined && !refusing(() => checker.advance(soloStates))) return undefined
      while (round !== undefined) {
        const reports = await pool.run(round)
        round = refusing(() => rounds.end(reports))
        const stop = stopFor()
        if (stop !== undefined) return stop
      }
      await setImmediate()
    }
  } finally {
    await pool.end()
  }
}

/** Judges liveness of what was searched, if that was asked for; says what cut it off. */
async function judgeLiveness(
  checker: Checker,
  order: CheckOrder,
  interrupt: Interrupt,
  secondsSoFar: () => number,
  tell: (line: string) => void,
): Promise<Ending | undefined> {
  const { bytes, distinct } = checker.counts()
  if (bytes + checker.livenessBytes >= order.memoryMiB * 2 ** 20) return 'memory'
  return inSlices(
    (states) => checker.judgeLiveness(states),
    () => {
      const now = secondsSoFar()
      tell(livenessProgress(checker.livenessDone, distinct, now))
      if (now >= order.seconds) return 'seconds'
      return interrupt.stopped ? 'interrupted' : undefined
    },
  )
}

/** States that are expanded without the other threads, between two looks whether these are wanted. */
const soloStates = 256

/** Works in slices of so many states that the clock and the user are heard. */
async function inSlices(
  advance: (states: number) => boolean,
  stopFor: () => Ending | undefined,
): Promise<Ending | undefined> {
  let slice = 256
  for (;;) {
    const begin = performance.now()
    if (!advance(slice)) return undefined
    const millis = performance.now() - begin
    if (millis < shortMillis) slice *= 2
    else if (millis > longMillis && slice > 1) slice = Math.ceil(slice / 2)
    const stop = stopFor()
    if (stop !== undefined) return stop
    await setImmediate()
  }
}

function endOf(
  { finding, unknown, distinct }: CheckResult,
  { states }: CheckOrder,
  searchOrder: SearchOrder,
): Ending {
  if (finding !== undefined) return 'violation'
  if (unknown === 0) return 'exhausted'
  if (states !== undefined && distinct >= states) return 'states'
  return searchOrder === 'random' ? 'walks' : 'depth'
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
