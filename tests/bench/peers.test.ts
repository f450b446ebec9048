import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { agree, goalsOf } from '../../bench/check-peers.js'
import type { PeerRow } from '../../cli/peer-report.js'
import { aviary, folderWith, jsonOf } from '../cli/support.js'

const figures = z.object({
  tools: z.array(z.object({ tool: z.string(), version: z.string(), manner: z.string() })),
  leftOut: z.array(z.object({ tool: z.string(), reason: z.string() })),
  rows: z.array(
    z.object({
      model: z.string(),
      tool: z.string(),
      cores: z.number(),
      runs: z.number(),
      seconds: z.number().positive(),
      cpuSeconds: z.number().positive(),
      distinct: z.number(),
      generated: z.number(),
      moved: z.number(),
    }),
  ),
  goals: z.array(z.unknown()),
})

/** Each comparison starts a handful of processes. */
const slow = { timeout: 180_000 }

let before: string | undefined
beforeEach(() => {
  before = process.env['AVIARY_PEERS']
})
afterEach(() => {
  if (before === undefined) delete process.env['AVIARY_PEERS']
  else process.env['AVIARY_PEERS'] = before
})

/** The small comparison, with this in the folder of built peers. */
function compare(built: Readonly<Record<string, string>>, ...more: string[]) {
  const folder = folderWith(built)
  process.env['AVIARY_PEERS'] = folder
  return aviary(folder, 'bench', 'check', '--peers', '--small', ...more)
}

test('peers that have not been built are skipped by name, and we are measured', slow, async () => {
  const { tools, leftOut, rows, goals } = jsonOf(figures, await compare({}, '--json'))
  expect(tools.map(({ tool }) => tool)).toEqual(['aviary'])
  expect(leftOut.map(({ tool }) => tool)).toEqual(['stateright', 'spin', 'tlc'])
  for (const { reason } of leftOut) expect(reason).toContain('node bench/peers/build.mjs')
  // Stateright and TLC count the same: 288 of 1,146, and 265 of 482.
  for (const cores of [1, 2]) {
    const at = { tool: 'aviary', cores, runs: 1 }
    expect(rows).toContainEqual(
      expect.objectContaining({ ...at, model: '2pc 3', distinct: 288, generated: 1146, moved: 761 }),
    )
    expect(rows).toContainEqual(
      expect.objectContaining({ ...at, model: 'paxos 1', distinct: 265, generated: 482, moved: 481 }),
    )
  }
  // Nothing is wanted of models that are done before a process has begun.
  expect(goals).toEqual([])
})

test('why a peer could not be built, and that it is gone, is said to people', slow, async () => {
  const gone = { version: '1', program: join('/', 'nowhere', 'pan') }
  const built = { stateright: { reason: 'cargo is not installed' }, spin: gone, tlc: gone }
  const { code, stdout } = await compare({ 'built.json': JSON.stringify(built) })
  expect(code).toBe(0)
  expect(stdout).toMatch(/stateright +skipped: cargo is not installed/)
  expect(stdout).toMatch(/spin +skipped: .* is gone/)
  expect(stdout).toMatch(/2pc 3 +1 +aviary +\d+\.\d\d/)
})

test('a peer that counts otherwise is no peer', () => {
  const task = { model: '2pc', size: 3 } as const
  const ours = new Map([[{ name: 'aviary' }, { distinct: 288, generated: 1146 }]])
  agree(task, { name: 'spin' }, { distinct: 288, generated: 1146 }, ours)
  expect(() => {
    agree(task, { name: 'spin' }, { distinct: 288, generated: 1145 }, ours)
  }).toThrow(/2pc 3: spin has counted 288 distinct states of 1145 .*aviary 288 of 1146/)
  // One that prints eight digits is held to these.
  const nine = { model: '2pc', size: 9 } as const
  const exact = new Map([[{ name: 'aviary' }, { distinct: 10_340_352, generated: 123_558_402 }]])
  const rounding = { name: 'spin', digits: 8 }
  agree(nine, rounding, { distinct: 10_340_352, generated: 1.235584e8 }, exact)
  expect(() => {
    agree(nine, rounding, { distinct: 10_340_352, generated: 1.235585e8 }, exact)
  }).toThrow('they do not check the same model')
})

test('goals stand beside what was reached, and only where it was measured', () => {
  const row = (tool: string, cores: number, seconds: number, cpuSeconds = seconds): PeerRow => ({
    model: '2pc 8',
    tool,
    cores,
    runs: 1,
    seconds,
    medianSeconds: seconds,
    cpuSeconds,
    distinct: 1,
    generated: 24e6,
    generatedPerSecond: 24e6 / seconds,
    distinctPerSecond: 1 / seconds,
    ...(tool === 'aviary' ? { searchSeconds: seconds / 2, bytesPerState: 41 } : {}),
  })
  const goals = goalsOf([
    row('aviary', 1, 2),
    row('aviary', 2, 1),
    // Something else was in its way: by processor time it is no slower than that.
    row('stateright', 1, 20, 4),
    row('spin', 1, 3),
    row('tlc', 1, 50),
  ])
  expect(goals.map(({ goal, reached, isMet }) => [goal.split(',')[0], reached, isMet])).toEqual([
    ['2pc 8: generated states a second of search', 24e6, true],
    ['2pc 8: bytes a state', 41, false],
    ['2pc 8: times as fast as stateright', 10, false],
    ['2pc 8: times as fast as spin', 1.5, false],
    ['2pc 8: times as fast as tlc', 25, true],
    ['2pc 8: two workers on two cores', 2, true],
  ])
})

test('flags that have no meaning are refused', async () => {
  for (const [args, message] of [
    [['sim', '--peers'], /--peers/],
    [['check', '--small'], /--small/],
  ] as const) {
    const { code, stderr } = await aviary(folderWith(), 'bench', ...args)
    expect(code).toBe(2)
    expect(stderr).toMatch(message)
  }
})
