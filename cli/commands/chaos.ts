/** `aviary chaos`: faults on purpose against a running cluster, and a judgement of what its clients saw. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import {
  type ChaosResult,
  type Cluster,
  LocalCluster,
  RunError,
  chaosPatienceMillis,
  describeStep,
  readCluster,
  runChaos,
} from '../../runner/index.js'
import { sayChaos } from '../chaos-report.js'
import { Exit, UsageError } from '../errors.js'
import { watchInterrupts } from '../interrupt.js'
import { type LoadedSystem, loadSystem } from '../load-system.js'
import { localOptions } from '../local-options.js'
import { collect, integer, positive } from '../options.js'
import { type Terminal, makeTerminal } from '../terminal.js'

interface ChaosFlags {
  readonly local?: number
  readonly set?: readonly string[]
  readonly seconds: number
  readonly seed: number
  readonly clients: number
  readonly out: string
  readonly json?: boolean
}

const readyMillis = 60_000

export function addChaos(program: Command): void {
  program
    .command('chaos')
    .description('kill, stop, cut off and slow replicas that serve clients, and judge what the clients saw')
    .argument(
      '<target>',
      'a system with a service, with --local; or the TOML file of a running cluster on this machine',
    )
    .option('--local <n>', 'starts a cluster of n processes on this machine for it', integer(3, 32))
    .option('--set <name=value>', 'with --local: sets a parameter of the service (repeatable)', collect)
    .option('--seconds <s>', 'how long faults go on', positive(1e6), 30)
    .option('--seed <n>', 'draws faults and load', integer(0, 2 ** 31), 1)
    .option('--clients <n>', 'clients, each with one operation at a time', integer(1, 64), 8)
    .option('--out <dir>', 'where the history of a key is written that cannot be explained', '.')
    .option('--json', 'one JSON object on standard output, at the end')
    .addHelpText(
      'after',
      `
Faults stay within what the service promises: at most a minority is unavailable at a time, and where acknowledgements
stand in memories, a member is killed only when the one killed before is a member again. With durability=1 a majority or
all are killed at once, too. The members of a configured cluster must be restarted by whoever started them, when they
die; \`aviary run --local\` does. Keys that begin with "chaos:" are written.

Examples:
  aviary chaos apus --local 5 --seconds 20
  aviary chaos apus --local 3 --set durability=1 --seed 7
  aviary chaos cluster.toml --seconds 60 --json

Exit codes: 0 all well; 1 not linearizable, lost, diverged, or not decided; 2 usage or input error; 4 something did not
go on.`,
    )
    .action(async (target: string, flags: ChaosFlags) => {
      try {
        process.exitCode = await chaos(target, flags)
      } catch (error) {
        if (error instanceof RunError) throw new UsageError(error.message, error.mend)
        throw error
      }
    })
}

async function chaos(target: string, flags: ChaosFlags): Promise<Exit> {
  const terminal = makeTerminal(flags)
  if (target.endsWith('.toml')) {
    if (flags.local !== undefined || flags.set !== undefined)
      throw new UsageError(
        `--${flags.local === undefined ? 'set' : 'local'}: ${target} describes a cluster that runs already`,
        'leave it out.',
      )
    const cluster = readCluster(target)
    return attack(cluster, await loadSystem(cluster.system), flags, terminal)
  }
  if (flags.local === undefined)
    throw new UsageError(
      '--local is missing',
      'say how many processes: --local 5. For a cluster that runs: name its TOML file.',
    )
  const loaded = await loadSystem(target)
  serviceOf(loaded)
  const options = localOptions(loaded, target, { ...flags, local: flags.local })
  terminal.say(`Starting ${loaded.argument} as ${String(flags.local)} processes on this machine …`)
  const local = await LocalCluster.start({ ...options, clientPort: 0, restarts: true })
  try {
    await local.until(
      (statuses) =>
        statuses.every((each) => each?.state === 'running') &&
        statuses.some((each) => each?.service?.leads === true),
      readyMillis,
    )
    return await attack(local.cluster, loaded, flags, terminal)
  } finally {
    await local.stop()
    local.remove()
  }
}

function serviceOf({
  definition,
  argument,
}: LoadedSystem): NonNullable<LoadedSystem['definition']['service']> {
  if (definition.service === undefined)
    throw new UsageError(
      `SYSTEM ${argument}: has no service that clients could ask`,
      '`aviary run` runs and judges it; `aviary explore` looks for faults.',
    )
  return definition.service
}

async function attack(
  cluster: Cluster,
  loaded: LoadedSystem,
  flags: ChaosFlags,
  terminal: Terminal,
): Promise<Exit> {
  const { say, colours, progress } = terminal
  const nodes = cluster.members.length
  const model = serviceOf(loaded).build({ nodes, parameters: cluster.parameters })
  const isDurable = model.disk !== undefined
  say(
    `Acknowledged means: ${model.durability}. ${String(flags.clients)} clients, ${String(flags.seconds)} s of faults from seed ${String(flags.seed)}.\n`,
  )
  const interrupt = watchInterrupts(say)
  const result = await runChaos({
    cluster,
    isDurable,
    seed: flags.seed,
    seconds: flags.seconds,
    clients: flags.clients,
    told: (text, millis) => {
      say(colours.dim(`${(millis / 1000).toFixed(3).padStart(8)} s  ${text}`))
    },
    progress: (line) => {
      progress.update(line)
    },
    isStopped: () => interrupt.stopped,
  })
  progress.end()
  const { violation } = result.history
  const path =
    violation === undefined ? undefined : join(flags.out, `chaos-${String(flags.seed)}.history.txt`)
  if (path !== undefined) {
    mkdirSync(flags.out, { recursive: true })
    writeFileSync(path, violation!.story)
  }
  sayChaos(terminal, result, { mode: model.durability, seed: flags.seed, path })
  terminal.json(summary(result, loaded, cluster, flags, model.durability, path))
  return exitOf(result)
}

const exitOf = ({ history, diverged, stalled }: ChaosResult): Exit =>
  history.verdict !== 'linearizable' || diverged !== undefined
    ? Exit.violation
    : stalled !== undefined
      ? Exit.liveness
      : Exit.nothingFound

function summary(
  result: ChaosResult,
  { definition }: LoadedSystem,
  cluster: Cluster,
  flags: ChaosFlags,
  mode: string,
  path: string | undefined,
): unknown {
  const { plan, deeds, history, diverged, stalled, silences, ...counts } = result
  return {
    system: definition.name,
    nodes: cluster.members.length,
    parameters: cluster.parameters,
    mode,
    seed: flags.seed,
    seconds: flags.seconds,
    clients: flags.clients,
    ...counts,
    faults: deeds.length,
    silences,
    patienceMillis: chaosPatienceMillis,
    verdict: history.verdict,
    reason: history.violation?.sentence ?? null,
    key: history.violation?.key ?? null,
    historyFile: path === undefined ? null : resolve(path),
    diverged: diverged ?? null,
    stalled: stalled ?? null,
    plan: plan.map(describeStep),
  }
}
