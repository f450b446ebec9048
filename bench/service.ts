/**
 * `aviary bench service`: the replicated store beside etcd, and beside an unreplicated Redis.
 *
 * Beside etcd there are two boundaries, and two durabilities; a figure is divided by another of the same boundary, the
 * same durability and as many writes under way, and by no other. In memory mode all that etcd writes is in a file system in
 * memory, and it calls fsync not even there; in disk mode both write to the same file system. One cluster runs at a
 * time; the contenders take turns, round by round, so that what else goes on strikes all alike.
 */
import { existsSync, mkdirSync, statfsSync } from 'node:fs'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readPackage } from '../cli/load-system.js'
import type { Goal } from '../cli/peer-report.js'
import type { RedisRow, ServiceFigures, ServiceRatio, ServiceRow } from '../cli/service-report.js'
import { median } from './median.js'
import { scoped } from './scope.js'
import type { Boundary, Contender, LeftOut, Measured, Setting } from './service/contender.js'
import { etcd } from './service/etcd.js'
import { ours, startCluster } from './service/ours.js'
import { type BenchmarkFigures, redisBenchmark, redisLack, startRedis } from './service/redis-benchmark.js'

interface ServiceOptions {
  /** For each load, after as long again to warm up. Default: 2, small 0.2. */
  readonly seconds?: number | undefined
  /** As small as tests can do often: one round. */
  readonly isSmall?: boolean | undefined
  /** Where `bench/peers/build.mjs` has put what it built; default: where AVIARY_PEERS says, or `.cache/peers`. */
  readonly cache?: string | undefined
  readonly onProgress?: ((what: string) => void) | undefined
}

const NODES = 3
const SIZE_BYTES = 64
/** Writes under way. */
const WINDOWS: Readonly<Record<Boundary, readonly number[]>> = { program: [1, 16], protocol: [1, 50] }
/** Latency of etcd over ours, one write at a time; stated by the project before anything was measured. */
const WANTED = { program: 86, protocol: 5 } as const
const MEMORY_FOLDER = '/dev/shm'
/** Of `statfs`. */
const fileSystems: Readonly<Record<number, string>> = {
  0x01021994: 'tmpfs',
  0xef53: 'ext4',
  0x9123683e: 'btrfs',
  0x58465342: 'xfs',
  0x794c7630: 'overlayfs',
}

export async function benchService(options: ServiceOptions = {}): Promise<ServiceFigures> {
  const { isSmall = false, seconds = isSmall ? 0.2 : 2, onProgress = () => undefined } = options
  const checkout = checkoutFolder()
  const cache = options.cache ?? process.env['AVIARY_PEERS'] ?? join(checkout, '.cache', 'peers')
  const rounds = isSmall ? 1 : 3
  const [before] = loadavg() as [number]
  const peers = etcd(cache)
  const contenders = [...ours(readPackage().version), ...peers.contenders]
  const leftOut: LeftOut[] = [...peers.leftOut]
  const rows: ServiceRow[] = []
  // A checkout is on a disk more often than the folder for temporary files.
  const diskFolder = join(checkout, '.cache')
  mkdirSync(diskFolder, { recursive: true })
  for (const [durability, folder] of [
    ['memory', existsSync(MEMORY_FOLDER) ? MEMORY_FOLDER : tmpdir()],
    ['disk', diskFolder],
  ] as const) {
    const isInMemory = fileSystemOf(folder) === 'tmpfs'
    for (const boundary of ['program', 'protocol'] as const) {
      const racing = contenders.filter((each) => each.boundary === boundary)
      const fit = racing.filter(
        ({ system }) => system === 'aviary' || isInMemory === (durability === 'memory'),
      )
      for (const { system } of racing.filter((each) => !fit.includes(each)))
        leftOut.push({
          part: `${system}, ${boundary}, ${durability}`,
          reason: `${folder} is ${isInMemory ? 'in memory' : 'not in memory'}`,
        })
      const loads = WINDOWS[boundary].map((window) => ({
        window,
        sizeBytes: SIZE_BYTES,
        warmUpMillis: 1000 * seconds,
        millis: 1000 * seconds,
      }))
      const setting = { boundary, durability, folder, nodes: NODES, loads }
      rows.push(...(await race(fit, setting, rounds, onProgress)))
    }
  }
  const redis = await besideRedis(isSmall, rounds, leftOut, onProgress)
  const ratios = ratiosOf(rows)
  const processors = availableParallelism()
  return {
    nodes: NODES,
    sizeBytes: SIZE_BYTES,
    processors,
    isUncrowded: processors >= NODES,
    loadAverage: [before, loadavg()[0]!],
    fileSystem: fileSystemOf(diskFolder),
    tools: contenders.map(({ system, version, manner }) => ({ tool: system, version, manner })),
    leftOut,
    rows,
    ratios,
    redis,
    goals: isSmall ? [] : goalsOf(ratios),
  }
}

async function race(
  contenders: readonly Contender[],
  setting: Setting,
  rounds: number,
  onProgress: (what: string) => void,
): Promise<readonly ServiceRow[]> {
  const { boundary, durability, loads } = setting
  const measured = new Map<Contender, Measured[][]>(contenders.map((each) => [each, []]))
  for (let round = 0; round < rounds; round++)
    for (const contender of contenders) {
      onProgress(
        `${contender.system}, ${boundary === 'program' ? 'called from a program' : 'client protocol'}, ${durability}, round ${String(round + 1)} of ${String(rounds)}`,
      )
      const results = await scoped((scope) => contender.measure(scope, setting))
      measured.get(contender)!.push([...results])
    }
  return loads.flatMap(({ window }, k) =>
    [...measured].map(([{ system }, all]) =>
      rowOf(
        { boundary, durability, system, window },
        all.map((results) => results[k]!),
      ),
    ),
  )
}

function rowOf(
  which: Pick<ServiceRow, 'boundary' | 'durability' | 'system' | 'window'>,
  rounds: readonly Measured[],
): ServiceRow {
  const of = (field: 'p50' | 'p90' | 'p99'): readonly number[] => rounds.map((round) => round[field])
  return {
    ...which,
    rounds: rounds.length,
    commits: rounds.reduce((sum, { commits }) => sum + commits, 0),
    p50: median(of('p50')),
    p90: median(of('p90')),
    p99: median(of('p99')),
    p50Least: Math.min(...of('p50')),
    p50Most: Math.max(...of('p50')),
    perSecond: median(rounds.map(({ commits, millis }) => (1000 * commits) / millis)),
  }
}

/** Of rows that differ in the system only. */
export function ratiosOf(rows: readonly ServiceRow[]): readonly ServiceRatio[] {
  return rows
    .filter(({ system }) => system === 'aviary')
    .flatMap((own) => {
      const { boundary, durability, window } = own
      const other = rows.find(
        (row) =>
          row.system === 'etcd' &&
          row.boundary === boundary &&
          row.durability === durability &&
          row.window === window,
      )
      if (other === undefined) return []
      return [
        {
          boundary,
          durability,
          window,
          latency: other.p50 / own.p50,
          tail: other.p99 / own.p99,
          throughput: own.perSecond / other.perSecond,
        },
      ]
    })
}

/** One write at a time; called from a program, in memory mode only. */
export function goalsOf(ratios: readonly ServiceRatio[]): readonly Goal[] {
  const names: Readonly<Record<Boundary, string>> = {
    program: 'called from a program',
    protocol: 'through the client protocol',
  }
  return ratios
    .filter(
      ({ boundary, durability, window }) =>
        window === 1 && (boundary === 'protocol' || durability === 'memory'),
    )
    .map(({ boundary, durability, latency }) => {
      const wanted = WANTED[boundary]
      return {
        goal: `${names[boundary]}, ${durability} mode: latency of etcd over ours, p50`,
        wanted,
        reached: latency,
        isMet: latency >= wanted,
      }
    })
}

async function besideRedis(
  isSmall: boolean,
  rounds: number,
  leftOut: LeftOut[],
  onProgress: (what: string) => void,
): Promise<readonly RedisRow[]> {
  const lack = redisLack()
  if (lack !== undefined) {
    leftOut.push({ part: 'redis-benchmark', reason: lack })
    return []
  }
  const rows: RedisRow[] = []
  await scoped(async (scope) => {
    onProgress('redis-benchmark: starting both')
    const servers = [
      ['aviary', (await startCluster(scope, { nodes: NODES, durability: 'memory', folder: tmpdir() })).port],
      ['redis', await startRedis(scope)],
    ] as const
    for (const pipeline of [1, 16]) {
      const measured = new Map<string, (BenchmarkFigures & Pick<RedisRow, 'server' | 'test'>)[]>()
      for (let round = 0; round < rounds; round++)
        for (const [server, port] of servers) {
          onProgress(`redis-benchmark -P ${String(pipeline)}, ${server}, round ${String(round + 1)}`)
          const requests = isSmall ? 2_000 : pipeline === 1 ? 100_000 : 400_000
          for (const [test, figures] of await redisBenchmark(scope, { port, pipeline, requests })) {
            const key = `${test} ${server}`
            measured.set(key, [...(measured.get(key) ?? []), { ...figures, server, test }])
          }
        }
      for (const all of measured.values()) {
        const rates = all.map(({ perSecond }) => perSecond)
        const { server, test } = all[0]!
        rows.push({
          server,
          test,
          pipeline,
          rounds,
          perSecond: median(rates),
          perSecondLeast: Math.min(...rates),
          perSecondMost: Math.max(...rates),
          p50: median(all.map(({ p50 }) => p50)),
          p99: median(all.map(({ p99 }) => p99)),
        })
      }
    }
  })
  return rows
}

function fileSystemOf(folder: string): string {
  const { type } = statfsSync(folder)
  return fileSystems[type] ?? `of type 0x${type.toString(16)}`
}

/** This module is `bench/service` in a checkout, or in its `dist`. */
function checkoutFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder)
  return folder
}
