/** `aviary bench`: measures this installation. The benchmarks are in a checkout, not in the package. */
import { existsSync } from 'node:fs'
import { type Command, Option } from 'commander'
import { type SystemDefinition, systems } from '../../protocol/index.js'
import { RunError, type Testbed } from '../../runner/index.js'
import { Exit, UsageError, unknownName } from '../errors.js'
import { importModule } from '../system-source.js'
import { type CommitBench, sayCommits } from '../commit-report.js'
import { watchInterrupts } from '../interrupt.js'
import { loadSystem } from '../load-system.js'
import { type VerbsBench, sayVerbs } from '../verbs-report.js'
import { runnable } from '../local-options.js'
import { collect, integer, parametersOf, positive } from '../options.js'
import { type PeerBench, sayPeers } from '../peer-report.js'
import { type TestbedOptions, onTestbed } from '../run-testbed.js'
import { type ServiceBench, sayService } from '../service-report.js'
import { type Terminal, grouped, makeTerminal, table } from '../terminal.js'

const subjects = ['sim', 'check', 'layout', 'commit', 'failover', 'service', 'viz'] as const
type Subject = Exclude<(typeof subjects)[number], 'commit' | 'failover' | 'service'>

interface BenchFlags {
  readonly system?: readonly string[]
  readonly seconds?: number
  readonly peers?: true
  readonly small?: true
  readonly fabric?: 'shm' | 'verbs'
  readonly nodes?: number
  readonly size?: number
  readonly kills?: number
  readonly testbed?: string | true
  readonly actions?: number
  readonly set?: readonly string[]
  readonly json?: boolean
}

/** What this command calls in `bench/`, which may be missing. */
interface Benches {
  readonly sim: (options: {
    readonly systems?: readonly SystemDefinition[] | undefined
    readonly seconds?: number | undefined
    readonly onProgress?: ((system: string) => void) | undefined
  }) => Promise<unknown>
  readonly check: (options: {
    readonly onProgress?: ((model: string) => void) | undefined
  }) => Promise<unknown>
  readonly layout: () => unknown
  readonly viz: (options: {
    readonly actions?: number | undefined
    readonly onProgress?: ((what: string) => void) | undefined
  }) => Promise<unknown>
}
interface FailoverBench {
  readonly benchFailover: (options: {
    readonly kills?: number | undefined
    readonly parameters?: Readonly<Record<string, number>> | undefined
    readonly inMachines?: { readonly testbed: Testbed; readonly cluster: TestbedOptions }
    readonly isStopped?: () => boolean
    readonly onProgress?: ((what: string) => void) | undefined
  }) => Promise<unknown>
}
/** Emulated machines get their processors only every now and then; what `--set` says goes before it. */
const slowHost = ['beatMicros=50000', 'suspectMicros=1000000']
const functionNames = {
  sim: 'benchSim',
  check: 'benchCheck',
  layout: 'benchLayout',
  viz: 'benchViz',
} as const

export function addBench(program: Command): void {
  program
    .command('bench')
    .description('measure this installation (in a checkout only)')
    .argument(
      '<what>',
      'sim: actions per second of the simulator; check: states per second of the model checker; layout: cost of a field access; commit: latency and cost of a commit of APUS over shared memory; failover: how long clients wait when the leader is killed; service: the replicated store beside etcd and Redis; viz: the browser workbench with a long trace, in a headless Chromium',
    )
    .argument('[system...]', 'sim: only these systems')
    .addOption(
      new Option('--system <name>', 'sim: this system too (repeatable)').argParser(
        (value: string, before: readonly string[] | undefined) => [...(before ?? []), value],
      ),
    )
    .option(
      '--seconds <s>',
      'sim: seconds for each system; commit, service: for each load (default: 2)',
      positive(1e5),
    )
    .addOption(
      new Option(
        '--fabric <which>',
        'commit: shared memory, or RDMA verbs in virtual machines (default: shm)',
      ).choices(['shm', 'verbs']),
    )
    .option('--nodes <n>', 'commit: replicas (default: 3)', integer(3, 9))
    .option('--size <bytes>', 'commit: bytes of the value (default: 64)', integer(1, 3000))
    .option('--peers', 'check: beside Stateright, SPIN and TLC, as far as they have been built')
    .option(
      '--small',
      'check --peers: models that take no time, once: does everything work, and count the same? service, commit --fabric verbs: one short round',
    )
    .option('--kills <n>', 'failover: how often the leader is killed (default: 100)', integer(1, 100_000))
    .option('--actions <n>', 'viz: actions of the trace (default: a million)', integer(1_000, 1e7))
    .option(
      '--testbed [name]',
      'failover: kills machines in which members run over RDMA verbs; commit --fabric verbs: in the machines of a testbed that is up',
    )
    .option('--set <name=value>', 'failover: sets a parameter of the service (repeatable)', collect)
    .option('--json', 'one JSON object as the last line on standard output')
    .addHelpText(
      'after',
      `
An action counts only if it changed something. Numbers are of this machine, as it is loaded now.
Peers are built by \`node bench/peers/build.mjs\`; those that are not there are named. Where two tools count differently,
nothing is reported.

Examples:
  aviary bench sim
  aviary bench sim apus
  aviary bench sim --system rdma-register --seconds 20 --json
  aviary bench check
  aviary bench check --peers                             takes half an hour, most of it TLC's
  aviary bench layout
  aviary bench commit --fabric shm --nodes 3 --size 64   in the thread of the core; a minute
  aviary bench commit --fabric verbs                     beside a WRITE alone, in virtual machines; ten minutes
  aviary bench failover --kills 20
  aviary bench failover --testbed --kills 20             kills virtual machines; some ten minutes
  aviary bench viz                                       a million actions in a headless Chromium
  aviary bench service                                   beside etcd and Redis; some five minutes`,
    )
    .action(async (what: string, named: readonly string[], flags: BenchFlags) => {
      if (!(subjects as readonly string[]).includes(what))
        throw unknownName('WHAT: there is nothing to measure called', what, subjects)
      if (flags.peers === true && what !== 'check')
        throw new UsageError(`--peers: ${what} has no peers`, 'leave it out, or measure check.')
      const isVerbs = what === 'commit' && flags.fabric === 'verbs'
      if ((flags.kills ?? flags.set) !== undefined && what !== 'failover')
        throw new UsageError('--kills, --set: only failover has them', 'leave them out, or measure failover.')
      if (flags.testbed !== undefined && what !== 'failover' && !isVerbs)
        throw new UsageError(
          '--testbed: only failover, and commits over verbs, are measured in virtual machines',
          'leave it out, or add --fabric verbs to commit.',
        )
      if (flags.actions !== undefined && what !== 'viz')
        throw new UsageError(`--actions: ${what} has none`, 'leave it out, or measure viz.')
      if (flags.small === true && flags.peers !== true && what !== 'service' && !isVerbs)
        throw new UsageError(
          '--small: only comparisons with others have a small size',
          'add --peers to check, --fabric verbs to commit, or measure service.',
        )
      for (const name of ['fabric', 'nodes', 'size'] as const)
        if (flags[name] !== undefined && what !== 'commit')
          throw new UsageError(`--${name}: ${what} has none`, 'leave it out, or measure commit.')
      if (isVerbs) await benchVerbsCommits(flags)
      else if (what === 'commit') await benchCommits(flags)
      else if (what === 'service') await benchServices(flags)
      else if (what === 'failover') await benchFailovers(flags)
      else if (flags.peers === true) await benchPeers(flags)
      else await bench(what as Subject, [...named, ...(flags.system ?? [])], flags)
    })
}

async function benchPeers(flags: BenchFlags): Promise<void> {
  const terminal = makeTerminal(flags)
  const module = (await benchModule('check-peers')) as unknown as PeerBench
  const { benchCheckPeers, smallTasks } = module
  const figures = await benchCheckPeers({
    ...(flags.small === true ? { tasks: smallTasks, runs: 1 } : {}),
    onProgress,
  })
  sayPeers(terminal, figures)
  terminal.json(figures)
}

async function benchCommits(flags: BenchFlags): Promise<void> {
  const terminal = makeTerminal(flags)
  const { benchCommit } = (await benchModule('commit')) as unknown as CommitBench
  const figures = await benchCommit({
    nodes: flags.nodes,
    sizeBytes: flags.size,
    seconds: flags.seconds,
    onProgress,
  })
  sayCommits(terminal, figures)
  terminal.json(figures)
}

async function benchVerbsCommits(flags: BenchFlags): Promise<void> {
  const terminal = makeTerminal(flags)
  const { benchVerbs } = (await benchModule('verbs')) as unknown as VerbsBench
  try {
    const figures = await benchVerbs({
      ...{
        nodes: flags.nodes,
        sizeBytes: flags.size,
        seconds: flags.seconds,
        testbed: flags.testbed === true ? undefined : flags.testbed,
      },
      isSmall: flags.small === true,
      onProgress,
    })
    sayVerbs(terminal, figures)
    terminal.json(figures)
  } catch (error) {
    if (error instanceof RunError) throw new UsageError(error.message, error.mend)
    throw error
  }
}

async function benchServices(flags: BenchFlags): Promise<void> {
  const terminal = makeTerminal(flags)
  const { benchService } = (await benchModule('service')) as unknown as ServiceBench
  const figures = await benchService({
    seconds: flags.seconds,
    isSmall: flags.small === true,
    onProgress,
  })
  sayService(terminal, figures)
  terminal.json(figures)
}

async function benchFailovers({ kills, set = [], testbed, ...flags }: BenchFlags): Promise<void> {
  const terminal = makeTerminal(flags)
  const { benchFailover } = (await benchModule('failover')) as unknown as FailoverBench
  const loaded = await loadSystem('apus')
  const parameters = parametersOf(runnable(loaded.definition), set)
  const interrupt = watchInterrupts(terminal.say)
  const isStopped = (): boolean => interrupt.stopped
  const result =
    testbed === undefined
      ? await benchFailover({ kills, parameters, isStopped, onProgress })
      : await onTestbed(
          loaded,
          'apus',
          { testbed, set: [...slowHost, ...set] },
          terminal,
          (cluster, testbed) =>
            benchFailover({ kills, inMachines: { testbed, cluster }, isStopped, onProgress }),
        ).catch((error: unknown) => {
          throw error instanceof RunError ? new UsageError(error.message, error.mend) : error
        })
  sayFigures(terminal, result)
  terminal.json(result)
  // What clients saw cannot be explained.
  if (isRow(result) && result['verdict'] !== 'linearizable') process.exitCode = Exit.violation
}

async function benchModule(name: string): Promise<Readonly<Record<string, unknown>>> {
  const file = new URL(`../../bench/${name}.js`, import.meta.url)
  if (!existsSync(file))
    throw new UsageError(
      `bench ${name}: this installation has no benchmarks (they are not part of the package)`,
      'run it in a checkout of Aviary.',
    )
  return importModule(file.href)
}

const onProgress = (what: string): boolean => process.stderr.write(`measuring ${what} …\n`)

async function bench(subject: Subject, wanted: readonly string[], flags: BenchFlags): Promise<void> {
  const terminal = makeTerminal(flags)
  const module = await benchModule(subject)
  const names = systems.map(({ name }) => name)
  for (const name of wanted)
    if (!names.includes(name))
      throw unknownName('SYSTEM: among those that come with Aviary there is no', name, names)
  const run = module[functionNames[subject]]
  if (typeof run !== 'function')
    throw new UsageError(
      `bench ${subject}: ${functionNames[subject]} is missing in this build`,
      'build again: npm run build',
    )
  const result =
    subject === 'layout'
      ? (run as Benches['layout'])()
      : subject === 'check'
        ? await (run as Benches['check'])({ onProgress })
        : subject === 'viz'
          ? await (run as Benches['viz'])({ actions: flags.actions, onProgress })
          : await (run as Benches['sim'])({
              ...(wanted.length === 0
                ? {}
                : { systems: systems.filter(({ name }) => wanted.includes(name)) }),
              ...(flags.seconds === undefined ? {} : { seconds: flags.seconds }),
              onProgress,
            })
  sayFigures(terminal, result)
  terminal.json(result)
}

type Row = Readonly<Record<string, unknown>>
const isRow = (value: unknown): value is Row =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Figures as a table: a list of rows has one column each, the rest stands above. */
function sayFigures({ say, colours }: Terminal, result: unknown): void {
  if (!isRow(result)) return
  const plain = Object.entries(result).filter(([, value]) => !Array.isArray(value))
  if (plain.length > 0)
    say(
      table(
        plain.map(([name, value]) => [words(name), shown(value)]),
        { align: ['left', 'right'] },
      ),
    )
  for (const [, list] of Object.entries(result)) {
    const rows = Array.isArray(list) ? list.filter(isRow) : []
    const [first] = rows
    if (first === undefined) continue
    const fields = Object.keys(first)
    const [label, ...figures] = fields
    say(
      table(
        [
          ['', ...rows.map((row) => colours.bold(shown(row[label!])))],
          ...figures.map((field) => [words(field), ...rows.map((row) => shown(row[field]))]),
        ],
        { align: ['left', ...rows.map(() => 'right' as const)] },
      ),
    )
  }
}

/** "actionsPerSecond" as "actions per second". */
const words = (name: string): string => name.replace(/([A-Z])/g, (letter) => ` ${letter.toLowerCase()}`)

function shown(value: unknown): string {
  if (typeof value === 'number') {
    return Math.abs(value) >= 100
      ? grouped(value)
      : Number.isInteger(value)
        ? String(value)
        : value.toPrecision(3)
  }
  return typeof value === 'string' ? value : JSON.stringify(value)
}
