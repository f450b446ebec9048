/**
 * `aviary bench failover`: how long clients of a replicated store wait when its leader is killed.
 *
 * A cluster of processes on this machine serves clients over the Redis protocol. Its leader is killed by SIGKILL, again
 * and again, each time when all members are there. Measured is the time from the kill until an operation is acknowledged
 * that was asked for after the kill, by any client: nothing that the dead leader had still answered counts. In the end
 * everything that clients saw is judged: what was acknowledged must be there, once.
 */
import { mkdtempSync } from 'node:fs'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  Load,
  LocalCluster,
  type MemberStatus,
  RunError,
  clockMillis,
  judgeLoad,
  quantile,
  signalMember,
} from '../runner/index.js'

export interface FailoverOptions {
  readonly kills?: number | undefined
  readonly nodes?: number | undefined
  /** Parameters of the service. */
  readonly parameters?: Readonly<Record<string, number>> | undefined
  readonly onProgress?: ((what: string) => void) | undefined
}

export interface FailoverResult {
  readonly nodes: number
  readonly processors: number
  /** Mean number of runnable processes in the last minute, at the beginning and at the end. */
  readonly loadBefore: number
  readonly loadAfter: number
  readonly kills: number
  /** Milliseconds from the kill to the next acknowledged operation. */
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

const CLIENTS = 8
const READY_MILLIS = 60_000
/** Within which somebody must have answered. */
const PATIENCE_MILLIS = 10_000
/** All members are there for so long before the next kill. */
const CALM_MILLIS = 200
const FLAGS_SPIN = { uncrowded: 200, crowded: 20 }

export async function benchFailover(options: FailoverOptions = {}): Promise<FailoverResult> {
  const { kills = 100, nodes = 3, parameters = {}, onProgress } = options
  const processors = availableParallelism()
  const loadBefore = loadavg()[0]!
  const local = await LocalCluster.start({
    name: `failover-${String(process.pid)}`,
    system: 'apus',
    nodes,
    parameters,
    seed: 1,
    clientPort: 0,
    spinMicros: processors > nodes ? FLAGS_SPIN.uncrowded : FLAGS_SPIN.crowded,
    folder: mkdtempSync(join(tmpdir(), 'aviary-failover-')),
    command: [process.execPath, fileURLToPath(new URL('../cli/main.js', import.meta.url)), 'run'],
    restarts: true,
  })
  const addresses = local.cluster.members.map(({ clients }) => clients!)
  const load = new Load({ addresses, clients: CLIENTS, seed: 1, thinkMillis: 0.5 })
  const waits: number[] = []
  try {
    await local.until(isReady, READY_MILLIS)
    load.start()
    for (let kill = 0; kill < kills; kill++) {
      const statuses = await calm(local)
      waits.push(await failOver(load, statuses))
      onProgress?.(`${String(kill + 1)} of ${String(kills)} kills, the last ${waits.at(-1)!.toFixed(1)} ms`)
    }
    await calm(local)
  } finally {
    await load.stop()
    await local.stop()
    local.remove()
  }
  const { verdict, violation } = judgeLoad(load)
  return {
    nodes,
    processors,
    loadBefore,
    loadAfter: loadavg()[0]!,
    kills,
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

type Statuses = readonly (MemberStatus | undefined)[]

const isReady = (statuses: Statuses): boolean =>
  statuses.every((each) => each?.state === 'running' && each.service?.isMember === true) &&
  statuses.filter((each) => each?.service?.leads === true).length === 1

/** Waits until every member is there and has applied what was committed, for a while. */
async function calm(local: LocalCluster): Promise<Statuses> {
  let last: Statuses = []
  const isCaughtUp = (statuses: Statuses): boolean => {
    last = statuses
    const newest = Math.max(...statuses.map((each) => each?.service?.commit ?? 0))
    return isReady(statuses) && statuses.every((each) => newest - each!.service!.applied < 64)
  }
  await local.until(isCaughtUp, READY_MILLIS)
  await pause(CALM_MILLIS)
  await local.until(isCaughtUp, READY_MILLIS)
  return last
}

/** Kills the leader; milliseconds until something is acknowledged that was asked for afterwards. */
async function failOver(load: Load, statuses: Statuses): Promise<number> {
  const leader = statuses.findIndex((each) => each?.service?.leads === true)
  const killed = load.expectAcknowledgement()
  const at = clockMillis()
  signalMember(leader, statuses[leader]!.pid, 'SIGKILL')
  const acknowledged = await Promise.race([killed, pause(PATIENCE_MILLIS)])
  if (acknowledged === undefined)
    throw new RunError(
      `nothing was acknowledged for ${String(PATIENCE_MILLIS / 1000)} s after member ${String(leader)} was killed`,
      '`aviary chaos` shows more.',
    )
  return acknowledged - at
}

const pause = (millis: number): Promise<undefined> =>
  new Promise((resolve) => {
    setTimeout(() => {
      resolve(undefined)
    }, millis)
  })
