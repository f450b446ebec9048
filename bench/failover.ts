/**
 * `aviary bench failover`: how long clients of a replicated store wait when its leader is killed.
 *
 * A cluster of processes on this machine serves clients over the Redis protocol. Its leader is killed by SIGKILL, again
 * and again, each time when all members are there. Measured is the time from the kill until an operation is acknowledged
 * that was asked for after the kill, by any client: nothing that the dead leader had still answered counts. In the end
 * everything that clients saw is judged: what was acknowledged must be there, once.
 *
 * On a testbed it is the leader's machine that is killed, and the time begins before that is asked for. There the queue
 * pairs wait longer for an answer than a failover may take: until the next commit nobody has heard of a dead peer by them.
 */
import { mkdtempSync } from 'node:fs'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  type Harm,
  Load,
  LocalCluster,
  type LocalOptions,
  type MemberStatus,
  RunError,
  type Testbed,
  clockMillis,
  judgeLoad,
  machineHarm,
  processHarm,
  quantile,
} from '../runner/index.js'

export interface FailoverOptions {
  readonly kills?: number | undefined
  readonly nodes?: number | undefined
  /** Parameters of the service. */
  readonly parameters?: Readonly<Record<string, number>> | undefined
  /** How members are started in machines of a testbed; default: processes on this machine. */
  readonly inMachines?: { readonly testbed: Testbed; readonly cluster: ClusterOptions } | undefined
  /** True once somebody wants it to end with what it has. */
  readonly isStopped?: (() => boolean) | undefined
  readonly onProgress?: ((what: string) => void) | undefined
}

type ClusterOptions = Omit<LocalOptions, 'clientPort' | 'restarts'>

export interface FailoverResult {
  readonly nodes: number
  readonly processors: number
  /** Mean number of runnable processes in the last minute, at the beginning and at the end. */
  readonly loadBefore: number
  readonly loadAfter: number
  readonly kills: number
  /** What was killed. */
  readonly killed: 'process' | 'machine'
  readonly clients: number
  readonly parameters: Readonly<Record<string, number>>
  /** Milliseconds that queue pairs waited for a dead peer at least; absent where members share memory. */
  readonly queuePairMillis?: number
  /** Milliseconds from the kill to the next acknowledged operation: each, and what they come to. */
  readonly waits: readonly number[]
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly most: number
  readonly operations: number
  readonly unknown: number
  readonly verdict: 'linearizable' | 'violated' | 'unknown'
  /** Where it is not linearizable, or not decided. */
  readonly reason?: string
}

/** Those of members in machines have the same processors, which boot machines meanwhile. */
const CLIENTS = { process: 8, machine: 4 }
const THINK_MILLIS = { process: 0.5, machine: 20 }
/** All members are there for so long before the next kill. */
const CALM_MILLIS = 200
/** Clients of members in machines rest until a killed one is back, and are at work for so long before the next kill. */
const WORK_MILLIS = 2000
const FLAGS_SPIN = { uncrowded: 200, crowded: 20 }
/**
 * In machines: 7 attempts of 4.096 µs times 2 to the 18th. Both survivors must have suspected their leader, and elected
 * another, before that.
 */
const RETRY_MICROS = 7_500_000

export async function benchFailover(options: FailoverOptions = {}): Promise<FailoverResult> {
  const { kills = 100, nodes = 3, parameters = {}, inMachines, isStopped, onProgress } = options
  const processors = availableParallelism()
  const loadBefore = loadavg()[0]!
  const cluster: ClusterOptions =
    inMachines === undefined
      ? here(nodes, parameters, processors)
      : { ...inMachines.cluster, retryMicros: RETRY_MICROS }
  const local = await LocalCluster.start({ ...cluster, clientPort: 0, restarts: true })
  const harm =
    inMachines === undefined
      ? processHarm(local.cluster, (text) => onProgress?.(text))
      : machineHarm(inMachines.testbed)
  const killed = inMachines === undefined ? 'process' : 'machine'
  const addresses = local.cluster.members.map(({ clients }) => clients!)
  const load = new Load({
    ...{ addresses, clients: CLIENTS[killed], seed: 1, thinkMillis: THINK_MILLIS[killed] },
    patienceMillis: harm.pace.clientMillis,
  })
  const waits: number[] = []
  try {
    await local.until(isReady)
    load.start()
    for (let kill = 0; kill < kills && isStopped?.() !== true; kill++) {
      await calm(local)
      if (killed === 'machine') await work(load)
      waits.push(await failOver(local, load, harm, killed))
      onProgress?.(`${String(kill + 1)} of ${String(kills)} kills, the last ${waits.at(-1)!.toFixed(1)} ms`)
    }
    await calm(local)
    load.isResting = false
  } finally {
    await load.stop()
    await local.stop()
    local.remove()
  }
  const { verdict, violation } = judgeLoad(load)
  return {
    nodes: cluster.nodes,
    processors,
    loadBefore,
    loadAfter: loadavg()[0]!,
    kills: waits.length,
    killed,
    clients: CLIENTS[killed],
    parameters: cluster.parameters,
    ...(cluster.retryMicros === undefined ? {} : { queuePairMillis: cluster.retryMicros / 1000 }),
    waits,
    p50: quantile(waits, 0.5),
    p90: quantile(waits, 0.9),
    p99: quantile(waits, 0.99),
    most: quantile(waits, 1),
    operations: load.operations,
    unknown: load.unknown,
    verdict,
    ...(violation === undefined ? {} : { reason: violation.sentence }),
  }
}

const here = (
  nodes: number,
  parameters: Readonly<Record<string, number>>,
  processors: number,
): ClusterOptions => ({
  name: `failover-${String(process.pid)}`,
  system: 'apus',
  nodes,
  parameters,
  seed: 1,
  spinMicros: processors > nodes ? FLAGS_SPIN.uncrowded : FLAGS_SPIN.crowded,
  folder: mkdtempSync(join(tmpdir(), 'aviary-failover-')),
  command: [process.execPath, fileURLToPath(new URL('../cli/main.js', import.meta.url)), 'run'],
})

type Statuses = readonly (MemberStatus | undefined)[]

const isReady = (statuses: Statuses): boolean =>
  statuses.every((each) => each?.state === 'running' && each.service?.isMember === true) &&
  statuses.filter((each) => each?.service?.leads === true).length === 1

/** Waits until every member is there and has applied what was committed, for a while. */
async function calm(local: LocalCluster): Promise<void> {
  const isCaughtUp = (statuses: Statuses): boolean => {
    const newest = Math.max(...statuses.map((each) => each?.service?.commit ?? 0))
    return isReady(statuses) && statuses.every((each) => newest - each!.service!.applied < 64)
  }
  await local.until(isCaughtUp)
  await pause(CALM_MILLIS)
  await local.until(isCaughtUp)
}

async function work(load: Load): Promise<void> {
  load.isResting = false
  await load.expectAcknowledgement()
  await pause(WORK_MILLIS)
}

/** Kills the leader, and has it come back; milliseconds until something is acknowledged that was asked for afterwards. */
async function failOver(
  local: LocalCluster,
  load: Load,
  { kill, bringBack, pace }: Harm,
  what: 'process' | 'machine',
): Promise<number> {
  let statuses: Statuses = []
  await local.until((now) => {
    statuses = now
    return isReady(now)
  })
  const leader = statuses.findIndex((each) => each?.service?.leads === true)
  const next = load.expectAcknowledgement()
  const at = clockMillis()
  await kill([{ member: leader, pid: statuses[leader]!.pid }], what)
  const acknowledged = await Promise.race([next, pause(pace.patienceMillis)])
  if (acknowledged === undefined)
    throw new RunError(
      `nothing was acknowledged for ${String(pace.patienceMillis / 1000)} s after member ${String(leader)} was killed`,
      '`aviary chaos` shows more.',
    )
  load.isResting = what === 'machine'
  await bringBack([leader])
  return acknowledged - at
}

const pause = (millis: number): Promise<undefined> =>
  new Promise((resolve) => {
    setTimeout(() => {
      resolve(undefined)
    }, millis)
  })
