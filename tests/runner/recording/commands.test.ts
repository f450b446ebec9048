/** Recordings as a user makes and reads them: real processes over shared memory. */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { RedisClientType } from 'redis'
import { beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { decodeTrace } from '../../../sim/trace/index.js'
import { aviary, folderWith, jsonOf } from '../../cli/support.js'
import { get, view } from '../../cli/viewing.js'
import { served } from '../served.js'
import { staleService } from '../wrong-services.js'

const replayJson = z.object({
  outcome: z.enum(['reproduced', 'diverged']),
  history: z.object({ verdict: z.string(), operations: z.number() }).nullable(),
  lives: z.array(
    z.object({
      file: z.string(),
      node: z.number(),
      ending: z.string(),
      inputs: z.number(),
      before: z.number(),
      effects: z.number(),
      statesCompared: z.number(),
      divergence: z
        .object({
          input: z.number(),
          given: z.string(),
          recorded: z.array(z.string()),
          here: z.array(z.string()),
        })
        .nullable(),
      failure: z.object({ message: z.string(), inHandler: z.boolean() }).nullable(),
    }),
  ),
})

const timeout = 120_000

describe.each([
  { system: 'paxos', operations: 4 },
  { system: '2pc', operations: undefined },
  { system: 'rdma-register', operations: 9 },
])('$system on three processes', ({ system, operations }) => {
  const folder = folderWith()
  beforeAll(async () => {
    const { code, stderr } = await aviary(
      folder,
      'run',
      system,
      '--local',
      '3',
      '--record',
      'out',
      '--log',
      'none',
    )
    expect(code, stderr).toBe(0)
  }, timeout)

  test('replays with the same effects and memories', { timeout }, async () => {
    const ended = await aviary(folder, 'replay', 'out', '--json')
    const { outcome, history, lives } = jsonOf(replayJson, ended)
    expect(ended.code).toBe(0)
    expect(outcome).toBe('reproduced')
    expect(history).toEqual(operations === undefined ? null : { verdict: 'linearizable', operations })
    expect(lives.map(({ node, ending, before }) => ({ node, ending, before }))).toEqual(
      [0, 1, 2].map((node) => ({ node, ending: 'whole', before: 0 })),
    )
    for (const { inputs, effects, statesCompared } of lives) {
      expect(inputs).toBeGreaterThan(1)
      expect(effects).toBeGreaterThan(1)
      expect(statesCompared).toBeGreaterThan(0)
    }
  })

  test('is told and exported in one order, causes before what they led to', { timeout }, async () => {
    const told = await aviary(folder, 'explain', 'out', '--last', '1000')
    expect(told.code).toBe(0)
    expect(told.stdout).toMatch(/○─*►|◄─*○/)
    for (const format of ['jsonl', 'perfetto', 'text'])
      expect((await aviary(folder, 'export', 'out', '--format', format)).code).toBe(0)
    const inputs = readFileSync(join(folder, 'out.jsonl'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) =>
        z
          .object({ index: z.number(), node: z.number(), input: z.number(), causes: z.array(z.number()) })
          .parse(JSON.parse(line)),
      )
    expect(inputs.some(({ causes }) => causes.length > 0)).toBe(true)
    for (const { index, causes } of inputs) for (const cause of causes) expect(cause).toBeLessThan(index)
    for (const node of [0, 1, 2]) {
      const its = inputs.filter((each) => each.node === node).map(({ input }) => input)
      expect(its).toEqual([...its].sort((a, b) => a - b))
    }
  })

  test('becomes a trace of the simulator that replays', { timeout }, async () => {
    const made = await aviary(folder, 'export', 'out', '--format', 'trace', '--out', 'world.aviary')
    // Where no schedule is found, the first input that none gives is named.
    if (made.code === 3) {
      expect(made.stderr).toMatch(
        /no schedule of the simulator was found: after \d+ of \d+ inputs, n\d was given/,
      )
      return
    }
    expect(made.code, made.stderr).toBe(0)
    const replayed = await aviary(folder, 'replay', 'world.aviary', '--twice')
    expect(replayed.code, replayed.stderr).toBe(0)
    // The browser is given the same schedule.
    const { url } = await view(folder, 'out')
    const shown = decodeTrace((await get(`${url}opened.aviary`)).bytes)
    expect(shown).toEqual(decodeTrace(readFileSync(join(folder, 'world.aviary'))))
  })
})

test('a wrong variant leaves the recording at an input, and both sides are told', { timeout }, async () => {
  const folder = folderWith()
  await aviary(folder, 'run', 'paxos', '--local', '3', '--record', 'out', '--log', 'none')
  const ended = await aviary(folder, 'replay', 'out', '--bug', 'promise-before-flush', '--json')
  const { outcome, lives } = jsonOf(replayJson, ended)
  expect(ended.code).toBe(3)
  expect(outcome).toBe('diverged')
  const { divergence } = lives.find((life) => life.divergence !== null)!
  expect(divergence!.recorded).not.toEqual(divergence!.here)
  expect(divergence!.recorded.join()).not.toContain('not recorded')
  expect(divergence!.here.join()).toMatch(/send to n\d/)
  const again = await aviary(folder, 'run', 'paxos', '--local', '3', '--record', 'out')
  expect(again.code).toBe(2)
  expect(again.stderr).toContain('recordings of another run are there')
})

/** Its core throws at the third input of the environment. */
const fragile = `
import { defineCore, defineSystem, struct, u32 } from 'aviary'
const core = defineCore({
  state: struct({ count: u32 }),
  inputs: ['tick'],
  notes: ['ticked'],
  scratchBytes: 8,
  create: ({ host, state }) => ({
    start() {},
    input() {
      state.count++
      host.note(0, state.count)
      if (state.count === 300) throw new Error('the count has come to 300')
    },
  }),
})
export const system = defineSystem({
  name: 'fragile',
  summary: 'breaks after a while',
  nodes: { minimum: 1, maximum: 3, default: 1, noun: 'nodes' },
  parameters: {},
  bugs: {},
  build: ({ nodes }) => ({
    cores: Array.from({ length: nodes }, () => core),
    atlas: { safety: {}, unavailable: 0, beyond: [] },
    spec: {
      invariants: [],
      stepInvariants: [],
      history: undefined,
      goal: { name: 'never', meaning: 'never', reached: () => false },
    },
    bounds: {},
  }),
})
`

describe('a core that throws', () => {
  test('leaves its last seconds, and a replay comes to the same end', { timeout }, async () => {
    const folder = folderWith({ 'fragile.ts': fragile })
    const ended = await aviary(
      folder,
      'run',
      './fragile.ts',
      '--local',
      '1',
      '--folder',
      'kept',
      '--log',
      'none',
    )
    expect(ended.code).toBe(5)
    const file = /aviary replay (\S+\.aviaryrec)/.exec(ended.stderr)?.[1]
    expect(file, ended.stderr).toBe(join(folder, 'kept', 'member-0', 'member-0-life-0.aviaryrec'))
    const replayed = await aviary(folder, 'replay', file!, '--json')
    const { outcome, lives } = jsonOf(replayJson, replayed)
    expect(replayed.code).toBe(0)
    expect(outcome).toBe('reproduced')
    expect(lives[0]).toMatchObject({
      inputs: 301,
      failure: { message: 'the count has come to 300', inHandler: true },
    })
  })

  test('leaves everything where it was recorded', { timeout }, async () => {
    const folder = folderWith({ 'fragile.ts': fragile })
    const ended = await aviary(
      folder,
      'run',
      './fragile.ts',
      '--local',
      '1',
      '--record',
      'out',
      '--log',
      'none',
    )
    expect(ended.code).toBe(5)
    expect(readdirSync(join(folder, 'out'))).toEqual(['member-0-life-0.aviaryrec'])
    const { lives } = jsonOf(replayJson, await aviary(folder, 'replay', 'out', '--json'))
    expect(lives[0]).toMatchObject({ inputs: 301, ending: 'whole', failure: { inHandler: true } })
  })
})

describe('callers of a service', () => {
  const work = async (client: RedisClientType): Promise<void> => {
    await client.set('a', '1')
    for (let i = 0; i < 20; i++)
      await Promise.all([
        client.incr('a'),
        client.get('a'),
        client.set(`k${String(i)}`, 'v'),
        client.mGet(['a', 'k1']),
      ])
  }
  test('are judged by what the replicas applied', { timeout }, async () => {
    const folder = folderWith()
    await served(folder, 'apus', ['--record', 'out', '--log', 'none'], work)
    const ended = await aviary(folder, 'replay', 'out', '--json')
    const { outcome, history } = jsonOf(replayJson, ended)
    expect(outcome).toBe('reproduced')
    expect(history?.verdict).toBe('linearizable')
    // Commands of one connection that come together are one operation.
    expect(history!.operations).toBeGreaterThan(20)
    expect(ended.code).toBe(0)
  })

  test('who were answered wrongly are found, with exit code 1', { timeout }, async () => {
    const folder = folderWith({ 'stale.ts': staleService })
    await served(folder, './stale.ts', ['--record', 'out', '--log', 'none'], async (client) => {
      await client.set('a', '1')
      expect(await client.get('a')).toBe(null)
    })
    const ended = await aviary(folder, 'replay', 'out')
    expect(ended.stdout).toMatch(/What clients saw in \d+ operations?: violated/)
    expect(ended.stdout).toMatch(/get a -> done nil .* was answered, and nothing that was applied explains/i)
    expect(ended.code).toBe(1)
  })
})
