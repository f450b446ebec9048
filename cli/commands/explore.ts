/** `aviary explore`: hunts a system under faults for some time, and explains what it finds. */
import { availableParallelism } from 'node:os'
import type { Command } from 'commander'
import { coverageReport, idleOf } from '../coverage.js'
import { Exit } from '../errors.js'
import { type Finding, type FindingJson, findingJson, sayFinding, workUp } from '../finding.js'
import { type HuntResult, hunt } from '../hunt.js'
import { watchInterrupts } from '../interrupt.js'
import { loadSystem } from '../load-system.js'
import { type SwarmFlags, addSwarmOptions, integer, mostSeed, positive, swarmOptions } from '../options.js'
import { exitOfAll, progressLine, sayHunt } from '../report.js'
import { makeTerminal, plural } from '../terminal.js'

interface ExploreFlags extends SwarmFlags {
  readonly seed?: number
  readonly seeds?: number
  readonly seconds?: number
  readonly workers?: number
  readonly keepGoing?: boolean
  readonly shrink: boolean
  readonly shrinkSeconds: number
  readonly out: string
  readonly json?: boolean
}

const usualSeconds = 10
const mostWorkers = 256

export function addExplore(program: Command): void {
  const command = program
    .command('explore')
    .description('hunt a system under faults; shrink and explain what is found')
    .argument('<system>', 'a name (see `aviary list`), or the path of a module (./my-protocol.ts)')
    .option(
      '--seconds <s>',
      `explores that long (default: ${String(usualSeconds)}, unless --seeds is given)`,
      positive(1e6),
    )
    .option('--seeds <n>', 'explores that many seeds', integer(1, 2 ** 31 - 1))
    .option('--seed <n>', 'the first seed; random unless given, and always printed', integer(0, mostSeed))
    .option('--workers <n>', 'worker threads (default: one a processor)', integer(1, mostWorkers))
  addSwarmOptions(command)
    .option('--keep-going', 'goes on after the first finding, and groups findings by cause')
    .option('--no-shrink', 'leaves a finding as long as it is')
    .option('--shrink-seconds <s>', 'time for shrinking one finding', positive(1e5), 20)
    .option('--out <dir>', 'where traces are written', 'aviary-out')
    .option('--json', 'one JSON object as the last line on standard output; words go to standard error')
    .addHelpText('after', help)
    .action(async (system: string, flags: ExploreFlags) => {
      process.exitCode = await explore(system, flags)
    })
}

const help = `
One seed decides everything about a batch of runs: cluster size, workload, knobs, faults, latencies and scheduler.
What you fix by an option is no longer drawn. The same seed and options give the same runs again.

Faults:
  promised        whatever the protocol promises to survive (\`aviary list\` shows it)
  none            a quiet world
  beyond:NAME     one step beyond the promise; must produce a violation
  crash=1,drop=3  budgets of your own: crash restart wipe pause resume cut heal drop duplicate, up to a number or
                  "unlimited"

Examples:
  aviary explore paxos                                    ten seconds on all processors
  aviary explore paxos --bug no-such-bug                  an unknown name lists the known ones
  aviary explore rdma-register --bug missing-checksum     find a planted bug, shrink and explain it
  aviary explore rdma-register --faults beyond:writer-restart
  aviary explore 2pc --nodes 5 --seeds 1000 --seed 1      the same thousand seeds every time
  aviary explore ./my-protocol.ts --seconds 60 --json     in a script

Exit codes: 0 nothing found, 1 violation, 2 usage or input error, 3 not deterministic, 4 liveness, 5 crash of a core.`

async function explore(argument: string, flags: ExploreFlags): Promise<Exit> {
  const terminal = makeTerminal(flags)
  const { say, colours, progress } = terminal
  const system = await loadSystem(argument)
  const swarm = swarmOptions(system.definition, flags)
  const seconds = flags.seconds ?? (flags.seeds === undefined ? usualSeconds : undefined)
  const firstSeed = flags.seed ?? Math.floor(Math.random() * 2 ** 31)
  const workers = flags.workers ?? Math.min(availableParallelism(), mostWorkers)
  const interrupt = watchInterrupts(say)
  const target = `${colours.bold(system.argument)}${swarm.bug === undefined ? '' : ` with the planted bug ${colours.yellow(swarm.bug)}`}`
  const until = [
    seconds === undefined ? [] : [`${String(seconds)} s`],
    flags.seeds === undefined ? [] : [plural(flags.seeds, 'seed')],
  ].flat()
  say(
    `Exploring ${target} for ${until.join(' or ')} on ${plural(workers, 'worker')}, from seed ${colours.bold(String(firstSeed))}.`,
  )
  const result = await hunt({
    system,
    swarm,
    firstSeed,
    seeds: flags.seeds,
    seconds,
    workers,
    keepGoing: flags.keepGoing ?? false,
    interrupt,
    onProgress: (state) => {
      progress.update(progressLine(state))
    },
  })
  progress.end()
  sayOutcome(result)
  sayHunt(terminal, result, { tables: result.findings.length === 0 || flags.keepGoing === true })
  const findings = await workUp(result.findings, {
    system,
    swarm,
    shrinkSeconds: flags.shrink ? flags.shrinkSeconds : undefined,
    out: flags.out,
    counts: flags.keepGoing === true ? result.totals.violations : undefined,
    interrupt,
    progress,
  })
  for (const finding of findings) sayFinding(terminal, finding)
  const exit = exitOfAll(findings.map(({ violation }) => violation.kind))
  if (findings.length === 0) sayNothing(result)
  terminal.json(json(argument, system.definition.name, swarm.bug, firstSeed, workers, result, findings))
  return exit

  function sayOutcome({ interrupted, findings: found }: HuntResult): void {
    if (interrupted) say(colours.yellow('Stopped before the end; these are the results so far.'))
    if (found.length > 0) say(colours.red(colours.bold('Found a violation.')))
  }
  function sayNothing({ totals }: HuntResult): void {
    const word = totals.runs === 0 ? colours.yellow('Nothing was run.') : colours.green('Nothing found.')
    say(
      `\n${word} That is no proof: it says that ${plural(totals.runs, 'run')} within the bounds above kept every property.`,
    )
  }
}

/** What `--json` prints. */
interface ExploreJson {
  readonly system: string
  readonly module: string | undefined
  readonly bug: string | null
  readonly firstSeed: number
  readonly workers: number
  readonly interrupted: boolean
  readonly seconds: number
  readonly seeds: number
  readonly runs: number
  readonly actions: number
  readonly actionsPerSecond: number
  readonly idlePolls: number
  readonly idle: number
  readonly refused: number
  readonly virtualSeconds: number
  readonly converged: number
  readonly unjudgedHistories: number
  readonly lostToFullChannels: number
  readonly bounds: Readonly<Record<string, readonly [number, number]>>
  readonly violations: readonly FindingJson[]
  readonly coverage: ReturnType<typeof coverageReport>
}

function json(
  argument: string,
  name: string,
  bug: string | undefined,
  firstSeed: number,
  workers: number,
  { totals, seconds, interrupted }: HuntResult,
  findings: readonly Finding[],
): ExploreJson {
  return {
    system: name,
    module: argument === name ? undefined : argument,
    bug: bug ?? null,
    firstSeed,
    workers,
    interrupted,
    seconds: Math.round(seconds * 1000) / 1000,
    seeds: totals.seeds,
    runs: totals.runs,
    actions: totals.moved,
    actionsPerSecond: Math.round(totals.moved / Math.max(seconds, 0.001)),
    idlePolls: idleOf(totals, 'poll'),
    idle: totals.idle,
    refused: totals.refused,
    virtualSeconds: totals.virtualNanos / 1e9,
    converged: totals.converged,
    unjudgedHistories: totals.unjudgedHistories,
    lostToFullChannels: totals.lostToFullChannels,
    bounds: totals.bounds,
    violations: findings.map(findingJson),
    coverage: coverageReport(totals),
  }
}
