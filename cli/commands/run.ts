/** `aviary run`: a system as real processes. */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { type Command, Option } from 'commander'
import {
  type Cluster,
  Member,
  type MemberReport,
  RunError,
  readCluster,
  recordingsIn,
  thisMachine,
} from '../../runner/index.js'
import { coreThreadUrl } from '../core-thread-url.js'
import { Exit, UsageError } from '../errors.js'
import { type LoadedSystem, loadSystem, readPackage } from '../load-system.js'
import { CROWDED_SPIN_MICROS, type RunOptions, localOptions, runnable } from '../local-options.js'
import { collect, integer, parametersOf } from '../options.js'
import { makeLog } from '../run-log.js'
import { runScripts } from '../run-scripts.js'
import { runService } from '../run-service.js'
import { runOnTestbed } from '../run-testbed.js'

export interface RunFlags {
  readonly local?: number
  readonly cluster?: string
  readonly testbed?: string | true
  readonly nodes?: number
  readonly id?: number
  readonly port?: number | 'none'
  readonly set?: readonly string[]
  readonly seed?: number
  readonly folder?: string
  readonly spin?: number
  readonly restart: boolean
  readonly pin?: boolean
  readonly record?: string
  readonly fabric?: 'shm' | 'verbs'
  readonly log: 'human' | 'json' | 'none'
  readonly json?: boolean
}

export function addRun(program: Command): void {
  program
    .command('run')
    .description('run a system as real processes: all of a cluster on this machine, or one member of it')
    .argument('[system]', 'a name, or the path of a module; not with --cluster')
    .option('--local <n>', 'starts a cluster of n processes on this machine', integer(1, 32))
    .option('--cluster <file>', 'runs one member of the cluster that this TOML file describes')
    .option(
      '--testbed [name]',
      'runs each member in a virtual machine, over RDMA verbs: boots machines for this run, or takes those of a testbed that is up',
    )
    .option('--nodes <n>', 'with --testbed: how many members', integer(1, 9))
    .option('--id <k>', 'with --cluster: which member, from 0', integer(0, 31))
    .option(
      '--port <p>',
      'with --local or --testbed: where the first member of a service serves clients, the others at the ports behind it; none, or 0 for any (default: 6379)',
      (text: string) => (text === 'none' ? ('none' as const) : integer(0, 65_000)(text)),
    )
    .option('--set <name=value>', 'sets a parameter (repeatable); a wrong name lists them', collect)
    .option('--seed <n>', 'draws the scripts of systems that have clients of their own', integer(0, 2 ** 31))
    .option(
      '--folder <dir>',
      'with --local: keeps configuration and logs there (default: a temporary folder)',
    )
    .option(
      '--spin <micros>',
      'how long a core looks in vain before it sleeps (default: 200, or 0 with fewer processors than replicas)',
      integer(0, 1_000_000),
    )
    .option('--pin', 'with --local: binds each member to one processor (needs taskset)')
    .option('--no-restart', 'with --local: leaves members down that have died')
    .option(
      '--record <dir>',
      'writes down what every core was given, for aviary replay; without it the last seconds are kept in memory, and written when a core fails',
    )
    .addOption(
      new Option(
        '--fabric <which>',
        'with --local: over shared memory, or over the RDMA device of this machine (default: shm)',
      ).choices(['shm', 'verbs']),
    )
    .addOption(
      new Option('--log <how>', 'what members log to standard error')
        .choices(['human', 'json', 'none'])
        .default('human'),
    )
    .option('--json', 'one JSON object on standard output, at the end')
    .addHelpText(
      'after',
      `
A system that has a service (apus) serves clients until it is stopped by Ctrl-C; a member that dies is started again and
rejoins. A system with clients of its own runs their scripts and judges what they saw, and the memories of all
replicas in the end.

Examples:
  aviary run apus --local 3                    then: redis-cli -p 6379 set greeting hello
  aviary run apus --local 3 --set durability=1 an acknowledgement means: flushed by a majority
  aviary run paxos --local 5                   its own clients, judged
  aviary run ./my-protocol.ts --local 3        your own system
  aviary run paxos --local 3 --record out      then: aviary replay out
  aviary run apus --testbed                    in three virtual machines, over RDMA verbs
  aviary run --cluster cluster.toml --id 0     one member, as configured

Exit codes: 0 all well, 1 a violation, 2 usage or input error, 4 the goal was not reached, 5 crash of a core.`,
    )
    .action(async (system: string | undefined, flags: RunFlags) => {
      try {
        process.exitCode = await run(system, flags)
      } catch (error) {
        if (error instanceof RunError) throw new UsageError(error.message, error.mend)
        throw error
      }
    })
}

/** Milliseconds; where members on one machine meet over verbs, it is likely to be a virtual one, which shares processors. */
const slowReadyMillis = 180_000

async function run(system: string | undefined, flags: RunFlags): Promise<Exit> {
  if (flags.cluster !== undefined) return runMember(system, flags, flags.cluster)
  if (system === undefined)
    throw new UsageError(
      'SYSTEM is missing',
      'name one (`aviary list` shows them), or give --cluster FILE --id K.',
    )
  checkPlace(flags)
  const loaded = await loadSystem(system)
  const recordFolder = freshFolder(flags.record)
  const work = (options: RunOptions): Promise<Exit> =>
    (loaded.definition.service === undefined ? runScripts : runService)(loaded, options, flags)
  if (flags.local === undefined) return runOnTestbed(loaded, system, flags, recordFolder, work)
  const options = {
    ...localOptions(loaded, system, {
      ...flags,
      local: flags.local,
      folder: flags.folder === undefined ? undefined : resolve(flags.folder),
    }),
    place: thisMachine(flags.pin === true, flags.fabric === 'verbs' ? slowReadyMillis : undefined),
    fabric: flags.fabric,
    recordFolder,
  }
  if (!options.isTemporary) checkFolder(loaded, options)
  return work(options)
}

function checkPlace({ local, testbed, nodes }: RunFlags): void {
  if (local !== undefined && testbed !== undefined)
    throw new UsageError('--local and --testbed: a cluster has one place', 'leave one of them out.')
  if (nodes !== undefined && testbed === undefined)
    throw new UsageError('--nodes: belongs to --testbed', 'say --local N for processes on this machine.')
  if (local === undefined && testbed === undefined)
    throw new UsageError(
      '--local is missing',
      'say how many processes: --local 3, or --testbed for virtual machines. For a member of a configured cluster: --cluster FILE --id K.',
    )
}

/** A folder for recordings of one run. */
function freshFolder(folder: string | undefined): string | undefined {
  if (folder === undefined) return undefined
  const path = resolve(folder)
  if (existsSync(path) && recordingsIn(path).length > 0)
    throw new UsageError(`--record ${folder}: recordings of another run are there`, 'name another folder.')
  return path
}

/** A folder in which a cluster was run before: its disks go on where they were, memories are gone. */
function checkFolder(
  { definition }: LoadedSystem,
  options: {
    readonly folder: string
    readonly nodes: number
    readonly system: string
    readonly parameters: Readonly<Record<string, number>>
  },
): void {
  const { folder, nodes, system, parameters } = options
  const path = join(folder, 'cluster.toml')
  if (!existsSync(path)) return
  const before = readCluster(path)
  const isSame =
    before.system === system &&
    before.members.length === nodes &&
    isDeepStrictEqual({ ...before.parameters }, { ...parameters })
  if (!isSame)
    throw new UsageError(
      `--folder ${folder}: another cluster was run there (${String(before.members.length)} of ${before.system}, ${JSON.stringify(before.parameters)})`,
      'give the same system, number and --set, or another folder.',
    )
  if (definition.service === undefined)
    throw new UsageError(`--folder ${folder}: a run was made there`, 'delete the folder, or choose another.')
  if (definition.service.build({ nodes, parameters }).disk === undefined)
    throw new UsageError(
      `--folder ${folder}: a cluster was run there whose memory is gone, so it could only refuse service`,
      'delete the folder, or choose another; with a disk (apus: --set durability=1) it would go on.',
    )
}

// ---- one member

async function runMember(system: string | undefined, flags: RunFlags, path: string): Promise<Exit> {
  if (system !== undefined)
    throw new UsageError('SYSTEM is named twice', 'leave it out: the file of --cluster names it.')
  const cluster = readCluster(path)
  const { id } = flags
  if (id === undefined || id >= cluster.members.length)
    throw new UsageError(
      id === undefined ? '--id is missing' : `--id ${String(id)}: there is no such member`,
      `say which member this is: 0 to ${String(cluster.members.length - 1)}.`,
    )
  const loaded = await loadSystem(cluster.system)
  checkCluster(cluster, loaded, path)
  const log = makeLog(flags.log, id)
  const send = (report: MemberReport): void => {
    process.send?.(report)
  }
  const member = new Member({
    cluster,
    self: id,
    definition: loaded.definition,
    version: readPackage().version,
    source: loaded.source,
    thread: coreThreadUrl,
    spinMicros: cluster.spinMicros ?? flags.spin ?? CROWDED_SPIN_MICROS,
    recording: {
      folder: flags.record === undefined ? undefined : resolve(flags.record),
      modulePath: loaded.modulePath === undefined ? undefined : loaded.argument,
      codeFingerprint: loaded.codeFingerprint,
    },
    log,
    reported: (report) => {
      send({ kind: 'core', report })
      if (report.kind === 'started') send({ kind: 'state', state: member.state, reason: undefined })
    },
  })
  const leave = (): void => {
    void member.stop()
  }
  process.on('SIGTERM', leave)
  process.on('SIGINT', leave)
  if (process.send !== undefined) {
    process.on('message', (command) => {
      member.command(command as never)
    })
    // Who has started this process is gone: nobody would ever end it.
    process.on('disconnect', leave)
  }
  await member.open()
  await member.ended()
  if (member.state === 'failed') {
    send({ kind: 'state', state: 'failed', reason: member.reason })
    throw new UsageError(
      `member ${String(id)} has failed: ${member.reason ?? ''}`,
      'see what it logged.',
      Exit.crash,
    )
  }
  process.disconnect?.()
  return Exit.nothingFound
}

function checkCluster(cluster: Cluster, { definition }: LoadedSystem, path: string): void {
  const { minimum, maximum, noun } = definition.nodes
  const count = cluster.members.length
  if (count < minimum || count > maximum)
    throw new UsageError(
      `${path}: member: ${definition.name} has ${String(minimum)} to ${String(maximum)} ${noun}, not ${String(count)}`,
      'list that many members.',
    )
  parametersOf(
    runnable(definition),
    Object.entries(cluster.parameters).map(([name, value]) => `${name}=${String(value)}`),
  )
}
