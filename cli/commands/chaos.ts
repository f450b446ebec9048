/** `aviary chaos`: faults on purpose against a running cluster, and a judgement of what its clients saw. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import {
  type ChaosResult,
  type Cluster,
  type Harm,
  LocalCluster,
  RunError,
  Testbed,
  describeStep,
  machineHarm,
  processHarm,
  readCluster,
  runChaos,
} from '../../runner/index.js'
import { sayChaos } from '../chaos-report.js'
import { Exit, UsageError } from '../errors.js'
import { watchInterrupts } from '../interrupt.js'
import { type LoadedSystem, loadSystem } from '../load-system.js'
import { type RunOptions, localOptions } from '../local-options.js'
import { collect, integer, positive } from '../options.js'
import { onTestbed } from '../run-testbed.js'
import { type Terminal, makeTerminal } from '../terminal.js'

interface ChaosFlags {
  readonly local?: number
  readonly testbed?: string | true
  readonly nodes?: number
  readonly set?: readonly string[]
  readonly seconds: number
  readonly seed: number
  readonly clients: number
  readonly out: string
  readonly json?: boolean
}

export function addChaos(program: Command): void {
  program
    .command('chaos')
    .description('kill, stop, cut off and slow replicas that serve clients, and judge what the clients saw')
    .argument(
      '<target>',
      'a system with a service, with --local or --testbed; or the TOML file of a running cluster on this machine, or with --testbed NAME in its machines',
    )
    .option('--local <n>', 'starts a cluster of n processes on this machine for it', integer(3, 32))
    .option(
      '--testbed [name]',
      'starts a cluster in virtual machines for it, over RDMA verbs, and harms the machines: boots them, or takes those of a testbed that is up',
    )
    .option('--nodes <n>', 'with --testbed: how many members', integer(3, 9))
    .option(
      '--set <name=value>',
      'with --local or --testbed: sets a parameter of the service (repeatable)',
      collect,
    )
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

With --testbed machines are killed and booted again, paused and resumed, and cut off in one direction or both; single
processes in them are killed, too. Emulated machines are slow: give the service time before it suspects.

Examples:
  aviary chaos apus --local 5 --seconds 20
  aviary chaos apus --local 3 --set durability=1 --seed 7
  aviary chaos cluster.toml --seconds 60 --json
  aviary chaos cluster.toml --testbed default   one that \`aviary run apus --testbed default\` has started
  aviary chaos apus --testbed --seconds 60 --set beatMicros=50000 --set suspectMicros=1000000

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
  const { local, testbed, nodes } = flags
  if (local !== undefined && testbed !== undefined)
    throw new UsageError('--local and --testbed: a cluster has one place', 'leave one of them out.')
  if (target.endsWith('.toml')) return onRunning(target, flags, terminal)
  if (nodes !== undefined && testbed === undefined)
    throw new UsageError('--nodes: belongs to --testbed', 'say --local N for processes on this machine.')
  if (local === undefined && testbed === undefined)
    throw new UsageError(
      '--local is missing',
      'say how many processes: --local 5, or --testbed for virtual machines. For a cluster that runs: name its TOML file.',
    )
  const loaded = await loadSystem(target)
  serviceOf(loaded)
  if (local === undefined)
    return onTestbed(loaded, target, { ...flags, testbed: testbed! }, terminal, (options, testbed) =>
      onCluster(loaded, options, flags, terminal, () => machineHarm(testbed)),
    )
  const options = localOptions(loaded, target, { ...flags, local })
  return onCluster(loaded, options, flags, terminal, (cluster) => harmHere(cluster, terminal))
}

const harmHere = (cluster: Cluster, { say, colours }: Terminal): Harm =>
  processHarm(cluster, (text) => {
    say(colours.dim(text))
  })

/** Harms a cluster that somebody else has started. */
async function onRunning(path: string, flags: ChaosFlags, terminal: Terminal): Promise<Exit> {
  for (const name of ['local', 'nodes', 'set'] as const)
    if (flags[name] !== undefined)
      throw new UsageError(`--${name}: ${path} describes a cluster that runs already`, 'leave it out.')
  const cluster = readCluster(path)
  const loaded = await loadSystem(cluster.system)
  if (flags.testbed === undefined)
    return attack(cluster, harmHere(cluster, terminal), loaded, flags, terminal)
  if (flags.testbed === true)
    throw new UsageError('--testbed: NAME is missing', 'name the testbed in whose machines the members run.')
  const testbed = await Testbed.attach(flags.testbed)
  try {
    return await attack(cluster, machineHarm(testbed), loaded, flags, terminal)
  } finally {
    testbed.close()
  }
}

/** Starts a cluster, and harms it when it serves. */
async function onCluster(
  loaded: LoadedSystem,
  options: RunOptions,
  flags: ChaosFlags,
  terminal: Terminal,
  harmTo: (cluster: Cluster) => Harm,
): Promise<Exit> {
  const { nodes, where } = options
  terminal.say(
    `Starting ${loaded.argument} ${where === undefined ? `as ${String(nodes)} processes on this machine` : `in ${String(nodes)} ${where}`} …`,
  )
  const local = await LocalCluster.start({ ...options, clientPort: 0, restarts: true })
  try {
    await local.until(
      (statuses) =>
        statuses.every((each) => each?.state === 'running') &&
        statuses.some((each) => each?.service?.leads === true),
    )
    return await attack(local.cluster, harmTo(local.cluster), loaded, flags, terminal)
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
  harm: Harm,
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
    harm,
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
  const { patienceMillis } = harm.pace
  terminal.json({ ...summary(result, loaded, cluster, flags, model.durability, path), patienceMillis })
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
): Readonly<Record<string, unknown>> {
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
    verdict: history.verdict,
    reason: history.violation?.sentence ?? null,
    key: history.violation?.key ?? null,
    historyFile: path === undefined ? null : resolve(path),
    diverged: diverged ?? null,
    stalled: stalled ?? null,
    plan: plan.map(describeStep),
  }
}
