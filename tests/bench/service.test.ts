import { mkdirSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { goalsOf, ratiosOf } from '../../bench/service.js'
import type { ServiceRow } from '../../cli/service-report.js'
import { aviary, folderWith, jsonOf, start } from '../cli/support.js'
import { checkout } from '../docs/support.js'

const row = z.object({
  boundary: z.enum(['program', 'protocol']),
  durability: z.enum(['memory', 'disk']),
  system: z.enum(['aviary', 'etcd']),
  window: z.number(),
  rounds: z.literal(1),
  commits: z.number().int().positive(),
  p50: z.number().positive(),
  p90: z.number().positive(),
  p99: z.number().positive(),
  perSecond: z.number().positive(),
})
const figures = z.object({
  nodes: z.literal(3),
  sizeBytes: z.literal(64),
  processors: z.number(),
  isUncrowded: z.boolean(),
  loadAverage: z.tuple([z.number(), z.number()]),
  leftOut: z.array(z.object({ part: z.string(), reason: z.string() })),
  rows: z.array(row),
  ratios: z.array(z.unknown()),
  redis: z.array(
    z.object({
      server: z.enum(['aviary', 'redis']),
      test: z.enum(['SET', 'GET']),
      pipeline: z.number(),
      perSecond: z.number().positive(),
    }),
  ),
  goals: z.array(z.unknown()),
})

/** Some ten clusters are started, one after the other. */
const slow = { timeout: 300_000 }

let before: string | undefined
beforeEach(() => {
  before = process.env['AVIARY_PEERS']
})
afterEach(() => {
  if (before === undefined) delete process.env['AVIARY_PEERS']
  else process.env['AVIARY_PEERS'] = before
})

const settings = (['memory', 'disk'] as const).flatMap((durability) =>
  (['program', 'protocol'] as const).flatMap((boundary) =>
    [1, boundary === 'program' ? 16 : 50].map((window) => ({ boundary, durability, window })),
  ),
)

test(
  'we commit at every boundary, and what cannot be measured is skipped by name and reason',
  slow,
  async () => {
    const folder = folderWith({
      'built.json': JSON.stringify({ etcd: { reason: 'go is not installed' } }),
    })
    process.env['AVIARY_PEERS'] = folder
    const { rows, leftOut, ratios, redis, goals, processors, isUncrowded } = jsonOf(
      figures,
      await aviary(folder, 'bench', 'service', '--small', '--json'),
    )
    expect(rows.map(({ boundary, durability, window }) => ({ boundary, durability, window }))).toEqual(
      settings,
    )
    expect(new Set(rows.map(({ system }) => system))).toEqual(new Set(['aviary']))
    expect(isUncrowded).toBe(processors >= 3)
    expect(leftOut).toContainEqual({ part: 'etcd, called from a program', reason: 'go is not installed' })
    expect(leftOut).toContainEqual({
      part: 'etcd, through its client protocol',
      reason: expect.stringContaining('node bench/peers/build.mjs etcd-server') as string,
    })
    // Nothing to divide by, and nothing is wanted of rounds so short.
    expect(ratios).toEqual([])
    expect(goals).toEqual([])
    const skipped = leftOut.find(({ part }) => part === 'redis-benchmark')
    if (skipped === undefined)
      expect(
        redis.map(({ server, test: name, pipeline }) => `${server} ${name} ${String(pipeline)}`).sort(),
      ).toEqual(
        ['aviary', 'redis'].flatMap((server) =>
          ['GET', 'SET'].flatMap((name) => ['1', '16'].map((pipeline) => `${server} ${name} ${pipeline}`)),
        ),
      )
    else {
      expect(skipped.reason).toMatch(/^redis-(server|benchmark) is not installed$/)
      expect(redis).toEqual([])
    }
  },
)

test('Ctrl-C ends every process that was started, and removes what they kept', slow, async () => {
  const cwd = folderWith()
  process.env['AVIARY_PEERS'] = cwd
  mkdirSync(join(checkout, '.cache'), { recursive: true })
  const { child, ended } = start(cwd, ['bench', 'service', '--small', '--seconds', '1'])
  const benches = (): readonly string[] =>
    readdirSync(join(checkout, '.cache')).filter((name) => name.startsWith('aviary-bench-'))
  const others = new Set(benches())
  const own = (): readonly string[] => benches().filter((name) => !others.has(name))
  let children: readonly number[] = []
  // Three replicas that keep logs; they would go on for seconds.
  for (const end = performance.now() + 120_000; performance.now() < end;) {
    await new Promise((resolve) => setTimeout(resolve, 50))
    children = childrenOf(child.pid!)
    if (children.length >= 3 && own().length > 0) break
  }
  expect(own()).toHaveLength(1)
  expect(children.length).toBeGreaterThanOrEqual(3)
  child.kill('SIGINT')
  const { code } = await ended
  expect(code).toBe(130)
  for (const pid of children) expect(isRunning(pid), `process ${String(pid)}`).toBe(false)
  expect(own()).toEqual([])
})

function childrenOf(parent: number): readonly number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && statOf(pid)?.parent === parent)
}

const isRunning = (pid: number): boolean => (statOf(pid)?.state ?? 'Z') !== 'Z'

/** Undefined when there is no such process. */
function statOf(pid: number): { readonly state: string; readonly parent: number } | undefined {
  try {
    const stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8')
    // The name before may hold anything.
    const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return { state: state!, parent: Number(parent) }
  } catch {
    return undefined
  }
}

const figureOf = (
  boundary: ServiceRow['boundary'],
  durability: ServiceRow['durability'],
  system: ServiceRow['system'],
  p50: number,
  perSecond: number,
  window = 1,
): ServiceRow => ({
  boundary,
  durability,
  system,
  window,
  rounds: 3,
  commits: 10,
  p50,
  p90: 2 * p50,
  p99: 4 * p50,
  p50Least: p50,
  p50Most: p50,
  perSecond,
})

test('only figures of one boundary, one durability and as many writes under way are divided', () => {
  const ratios = ratiosOf([
    figureOf('program', 'memory', 'aviary', 1, 1000),
    figureOf('program', 'memory', 'etcd', 90, 10),
    figureOf('program', 'memory', 'aviary', 2, 1000, 16),
    figureOf('program', 'disk', 'aviary', 3, 1000),
    figureOf('protocol', 'disk', 'etcd', 300, 100),
    figureOf('protocol', 'memory', 'aviary', 50, 1000),
    figureOf('protocol', 'memory', 'etcd', 200, 500),
  ])
  expect(ratios).toEqual([
    { boundary: 'program', durability: 'memory', window: 1, latency: 90, tail: 90, throughput: 100 },
    { boundary: 'protocol', durability: 'memory', window: 1, latency: 4, tail: 4, throughput: 2 },
  ])
  expect(goalsOf(ratios).map(({ wanted, reached, isMet }) => [wanted, reached, isMet])).toEqual([
    [86, 90, true],
    [5, 4, false],
  ])
})
