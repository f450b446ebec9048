/**
 * `aviary bench commit --fabric verbs`: what a commit of APUS takes over RDMA verbs in virtual machines, beside a WRITE
 * alone in the same boot.
 *
 * Three places. *One machine*: all replicas on one device and two virtual processors. *A machine for each*. *Counted*: one
 * machine whose clock goes by the instructions of its one processor, so that neither this computer's load nor what an
 * emulator is slow at has a part in the figures. In each: a WRITE alone, `ib_write_lat`, commits proposed in the leader's
 * process, the same over shared memory where all are in one machine (what is not the device's), and SETs of a Redis client
 * through the gateway of `aviary run apus`, but in counted time.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundle, bundleProgram } from '../cli/bundle-program.js'
import type { VerbsFigures, VerbsGoal, VerbsLoad, VerbsPlace } from '../cli/verbs-report.js'
import { LocalCluster, type MemberStatus, RunError } from '../runner/index.js'
import { Testbed, USUAL_MEMORY_MIB, demandPerftest, testbedPlace } from '../runner/testbed/index.js'
import type { Load } from './commit/load.js'
import { runTasks, runWriteLat } from './verbs/machines.js'
import type { RawWrite, ReplicaTask } from './verbs/task.js'

export interface VerbsOptions {
  readonly nodes?: number | undefined
  readonly sizeBytes?: number | undefined
  /** For each load. */
  readonly seconds?: number | undefined
  /** One that is up; default: machines are booted for this. */
  readonly testbed?: string | undefined
  /** One short round, with a machine for each if there are so many: does everything work? */
  readonly isSmall?: boolean | undefined
  readonly onProgress?: ((what: string) => void) | undefined
}

const PROCESSORS = 2
const MEMORY_MIB = 2 * USUAL_MEMORY_MIB
const WRITE_BYTES = 64
const TRIPS = { full: 3000, small: 200 }
/** Commits under way, and connections of Redis clients. */
const WINDOWS = { full: [1, 8], small: [1] }
/** An emulated processor compiles JavaScript for so long before it is as fast as it gets. */
const WARM_UP_MILLIS = 10_000
/** No failover is measured here: a leader must not be suspected because it had no processor for a moment. */
const PACE = { beatMicros: 100_000, suspectMicros: 10_000_000 }
const EMBEDDED = { ...PACE, sessions: 64, window: 256 }
const READY_MILLIS = 240_000

interface Bench {
  readonly testbed: Testbed
  readonly place: VerbsPlace['place']
  readonly nodes: number
  readonly machineOf: (node: number) => number
  readonly hasPerftest: boolean
  readonly isSmall: boolean
  readonly loads: readonly Load[]
  readonly tell: (what: string) => void
  readonly leaveOut: (part: string, reason: string) => void
}

export async function benchVerbs(options: VerbsOptions = {}): Promise<VerbsFigures> {
  const { nodes = 3, sizeBytes = 64, isSmall = false, seconds = isSmall ? 0.2 : 4, testbed: named } = options
  let said = ''
  // A testbed that boots says the same again and again.
  const tell = (what: string): void => {
    if (what !== said) options.onProgress?.(what)
    said = what
  }
  const before = loadavg()[0]!
  const leftOut: { part: string; reason: string }[] = []
  const hasPerftest = await demandPerftest(tell).then(
    () => true,
    (error: unknown) => {
      if (!(error instanceof RunError)) throw error
      leftOut.push({ part: 'ib_write_lat', reason: error.message })
      return false
    },
  )
  const loads = WINDOWS[isSmall ? 'small' : 'full'].map((window, k) => {
    const millis = 1000 * seconds
    const warmUpMillis = isSmall ? 0 : k === 0 ? WARM_UP_MILLIS : millis
    return { window, sizeBytes, warmUpMillis, millis }
  })
  const common = { nodes, hasPerftest, isSmall, loads }
  const places: VerbsPlace[] = []
  let accelerator: string
  const measure = (testbed: Testbed, place: VerbsPlace['place']): Promise<void> =>
    measured({
      ...{ ...common, testbed, place },
      machineOf: place === 'a machine for each' ? (node) => node : () => 0,
      tell: (what) => {
        tell(`${place}: ${what}`)
      },
      leaveOut: (part, reason) => leftOut.push({ part: `${place}: ${part}`, reason }),
    }).then((figures) => void places.push(figures))

  const testbed =
    named === undefined
      ? await Testbed.up(
          { name: `bench-${String(process.pid)}`, nodes, memoryMiB: MEMORY_MIB, processors: PROCESSORS },
          tell,
        )
      : await Testbed.attach(named)
  try {
    const status = await testbed.status()
    accelerator = status.accelerator
    const isEnough = status.machines.length >= nodes
    if (!isSmall || !isEnough) await measure(testbed, 'one machine')
    else leftOut.push({ part: 'one machine', reason: 'a small round is with a machine for each' })
    if (isEnough) await measure(testbed, 'a machine for each')
    else
      leftOut.push({
        part: 'a machine for each',
        reason: `the testbed has ${String(status.machines.length)} machines, and ${String(nodes)} are needed`,
      })
  } finally {
    if (named === undefined) await testbed.down()
    else testbed.close()
  }
  if (named !== undefined || isSmall)
    leftOut.push({ part: 'counted', reason: 'takes a machine of its own: leave --testbed and --small out' })
  else {
    const counted = await Testbed.up(
      {
        name: `bench-${String(process.pid)}`,
        nodes: 1,
        memoryMiB: MEMORY_MIB,
        processors: 1,
        isCounted: true,
      },
      tell,
    )
    try {
      await measure(counted, 'counted')
    } finally {
      await counted.down()
    }
  }
  return {
    nodes,
    sizeBytes,
    accelerator,
    hostProcessors: availableParallelism(),
    loadAverage: [before, loadavg()[0]!],
    places,
    leftOut,
    goals: isSmall ? [] : goalsOf(places),
  }
}

/** The goals of a commit and of a SET, at the places that they are about. */
export function goalsOf(places: readonly VerbsPlace[]): readonly VerbsGoal[] {
  return places.flatMap(({ place, ratio, sets }) => {
    const make = (goal: string, wanted: number, reached: number): VerbsGoal => ({
      ...{ goal, place, wanted, reached },
      isMet: reached <= wanted,
    })
    const set = sets.find(({ window }) => window === 1)
    return [
      make('a commit, in WRITEs (p50)', 2.5, ratio),
      ...(place === 'one machine' && set !== undefined
        ? [make('a Redis SET, in milliseconds (p50)', 2, set.p50 / 1000)]
        : []),
    ]
  })
}

async function measured(bench: Bench): Promise<VerbsPlace> {
  const { testbed, place, hasPerftest, isSmall, tell, machineOf } = bench
  const folder = join(testbed.share, `bench-${String(process.pid)}-${place.replaceAll(' ', '-')}`)
  const inMachine = fileURLToPath(new URL('./verbs/in-machine.js', import.meta.url))
  await bundle(folder, [inMachine])
  const program = join(folder, 'in-machine.js')
  const trips = TRIPS[isSmall ? 'small' : 'full']
  const [first, second] = [machineOf(0), machineOf(1)]
  tell('a WRITE alone')
  const { stdout } = await testbed.exec(first, ['nproc'])
  const probe = (await runTasks(testbed, program, [[first, { kind: 'probe', trips }]])) as RawWrite
  const rawWrite =
    first === second
      ? probe
      : ((await runTasks(testbed, program, [
          [first, { kind: 'write', self: 0, trips }],
          [second, { kind: 'write', self: 1, trips }],
        ])) as RawWrite)
  // Both of its ends look in vain for the other one; on one processor they measure the scheduler's slices.
  const hasWriteLat = hasPerftest && place !== 'counted'
  if (hasWriteLat) tell('ib_write_lat')
  const writeLat = hasWriteLat
    ? await runWriteLat(testbed, [first, second], { bytes: WRITE_BYTES, trips, gidIndex: probe.gidIndex! })
    : undefined
  tell('commits')
  const commits = await committed(bench, program, 'verbs')
  if (first === second && !isSmall) tell('commits over shared memory')
  const withoutDevice = first === second && !isSmall ? await committed(bench, program, 'shm') : []
  const sets: VerbsLoad[] = []
  // In counted time the control threads of three members, and the client, would share one processor with their cores.
  if (place !== 'counted') {
    tell('SETs of a Redis client')
    // A cluster that does not come up on a machine too busy takes no other figure with it.
    await setThroughGateway(bench, program).then(
      (results) => sets.push(...results),
      (error: unknown) => {
        bench.leaveOut('SETs of a Redis client', (error as Error).message)
      },
    )
  }
  return {
    ...{ place, processors: Number(stdout), writeLat, commits, withoutDevice, sets },
    rawWrite: { p50: rawWrite.p50, p99: rawWrite.p99 },
    ratio: commits[0]!.p50 / rawWrite.p50,
  }
}

const plain = ({ window, commits, millis, p50, p99 }: VerbsLoad): VerbsLoad => ({
  ...{ window, commits, millis, p50, p99 },
})

async function committed(
  { testbed, nodes, machineOf, loads }: Bench,
  program: string,
  fabric: 'verbs' | 'shm',
): Promise<readonly VerbsLoad[]> {
  const tasks = Array.from({ length: nodes }, (_, self): [number, ReplicaTask] => [
    machineOf(self),
    {
      kind: 'replica',
      ...{ fabric, self, nodes },
      cluster: `bench-${String(process.pid)}`,
      parameters: EMBEDDED,
      loads: self === 0 ? loads : [],
    },
  ])
  return ((await runTasks(testbed, program, tasks)) as VerbsLoad[]).map(plain)
}

async function setThroughGateway(
  { testbed, nodes, machineOf, loads, place: name }: Bench,
  program: string,
): Promise<readonly VerbsLoad[]> {
  const folder = mkdtempSync(join(tmpdir(), 'aviary-bench-'))
  const place = testbedPlace(testbed, machineOf)
  const complaints: string[] = []
  try {
    const members = await bundleProgram(join(place.folder, 'program'), false)
    const local = await LocalCluster.start({
      name: `bench-${String(process.pid)}-${name.replaceAll(' ', '-')}`,
      system: 'apus',
      ...{ nodes, folder, place, parameters: PACE },
      seed: 1,
      clientPort: 0,
      spinMicros: 0,
      fabric: 'verbs',
      command: [process.execPath, members, 'run'],
      restarts: false,
      died: (member, how) => complaints.push(`member ${String(member)} has died (${how})`),
    })
    try {
      let last: readonly (MemberStatus | undefined)[] = []
      await local
        .until((statuses) => {
          last = statuses
          return (
            statuses.every((each) => each?.state === 'running') &&
            statuses.some((each) => each?.service?.leads === true)
          )
        }, READY_MILLIS)
        .catch((error: unknown) => {
          throw new Error([(error as Error).message, ...complaints].join('; '))
        })
      const leader = last.findIndex((each) => each?.service?.leads === true)
      const task = { kind: 'set', ...place.clientsInside(leader), loads } as const
      const results = await runTasks(testbed, program, [[machineOf(leader), task]])
      return (results as VerbsLoad[]).map(plain)
    } finally {
      await local.stop()
    }
  } finally {
    place.close()
    rmSync(folder, { recursive: true, force: true })
  }
}
