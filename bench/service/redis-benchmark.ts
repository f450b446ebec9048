/** `redis-benchmark`, and an unreplicated `redis-server` to hold it against; both from the path. */
import { spawnSync } from 'node:child_process'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { freePorts } from '../../runner/free-ports.js'
import type { Scope } from '../scope.js'

export interface BenchmarkOptions {
  readonly port: number
  /** Requests that a client sends at once. */
  readonly pipeline: number
  readonly requests: number
  /** Draws keys from so many; left out: one key. */
  readonly keys?: number | undefined
}

export interface BenchmarkFigures {
  readonly perSecond: number
  /** Microseconds, as redis-benchmark counts them. */
  readonly p50: number
  readonly p99: number
}

const START_MILLIS = 10_000

/** What it counts, by test: SET and GET, over 50 connections. */
export async function redisBenchmark(
  scope: Scope,
  options: BenchmarkOptions,
): Promise<ReadonlyMap<string, BenchmarkFigures>> {
  const { port, pipeline, requests, keys } = options
  const args = ['-p', port, '-t', 'set,get', '-c', 50, '-P', pipeline, '-n', requests, '--csv']
  if (keys !== undefined) args.push('-r', keys)
  const stdout = await scope.spawn(['redis-benchmark', ...args.map(String)]).output
  const [head = [], ...rows] = stdout
    .trim()
    .split('\n')
    .map((line) => line.split(',').map((cell) => cell.replaceAll('"', '')))
  const number = (row: readonly string[], name: string): number => {
    const value = Number(row[head.indexOf(name)])
    if (!(value > 0)) throw new Error(`redis-benchmark has no ${name}:\n${stdout}`)
    return value
  }
  const figures = new Map(
    rows.map((row) => [
      row[0]!,
      {
        perSecond: number(row, 'rps'),
        p50: 1000 * number(row, 'p50_latency_ms'),
        p99: 1000 * number(row, 'p99_latency_ms'),
      },
    ]),
  )
  if (!figures.has('SET') || !figures.has('GET')) throw new Error(`redis-benchmark has said:\n${stdout}`)
  return figures
}

/** Why these cannot be run; undefined where they can. */
export function redisLack(): string | undefined {
  for (const program of ['redis-server', 'redis-benchmark'])
    if (spawnSync(program, ['--version']).status !== 0) return `${program} is not installed`
  return undefined
}

/** A server that writes nothing to a disk. Returns its port. */
export async function startRedis(scope: Scope): Promise<number> {
  const [port] = (await freePorts(1)) as [number]
  const redis = scope.spawn([
    'redis-server',
    ...['--port', String(port), '--bind', '127.0.0.1'],
    ...['--save', '', '--appendonly', 'no', '--dir', scope.folder(tmpdir())],
  ])
  const death = redis.output.then(() => {
    throw new Error('redis-server has ended')
  })
  await Promise.race([listening(port), death])
  return port
}

async function listening(port: number): Promise<void> {
  for (const end = performance.now() + START_MILLIS; performance.now() < end;) {
    const socket = connect(port, '127.0.0.1')
    const isOpen = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => {
        resolve(true)
      })
      socket.once('error', () => {
        resolve(false)
      })
    })
    socket.destroy()
    if (isOpen) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`nothing listens at port ${String(port)}`)
}
