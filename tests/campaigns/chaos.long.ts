/**
 * The campaign of the running system: `aviary chaos apus` with 5 replicas for ten minutes in each mode. What clients saw
 * must be linearizable, all members must agree in the end, and every kind of fault must have been met. The results are
 * written beside this file, to be committed.
 */
import { writeFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import { afterAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { aviary, folderWith, jsonOf } from '../cli/support.js'

const seconds = Number(process.env['AVIARY_CAMPAIGN_SECONDS'] ?? 600)
const seed = 20_000
const rows: object[] = []

const result = z.object({
  mode: z.string(),
  operations: z.number(),
  unknown: z.number(),
  refused: z.number(),
  keys: z.number(),
  faults: z.number(),
  silences: z.array(
    z.object({
      kind: z.string(),
      count: z.number(),
      ofLeader: z.number(),
      p50: z.number(),
      p99: z.number(),
      most: z.number(),
    }),
  ),
  verdict: z.string(),
  reason: z.string().nullable(),
  diverged: z.string().nullable(),
  stalled: z.string().nullable(),
})

afterAll(() => {
  const results = { seed, seconds, replicas: 5, rows }
  writeFileSync(new URL('chaos.results.json', import.meta.url), `${JSON.stringify(results, null, 2)}\n`)
})

describe('nothing is found in APUS as it runs', () => {
  for (const [durability, kinds] of [
    [0, ['kill', 'stop', 'cut', 'slow']],
    [1, ['kill', 'stop', 'cut', 'slow', 'kill all']],
  ] as const)
    it(`durability ${String(durability)}`, async () => {
      const args = ['--local', '5', '--set', `durability=${String(durability)}`]
      const time = ['--seconds', String(seconds), '--seed', String(seed + durability)]
      const ended = await aviary(folderWith(), 'chaos', 'apus', ...args, ...time, '--json')
      const row = jsonOf(result, ended)
      rows.push({ durability, loadAverage: loadavg()[0], ...row })
      expect(row, ended.stderr).toMatchObject({ verdict: 'linearizable', diverged: null, stalled: null })
      expect(ended.code).toBe(0)
      expect(row.silences.map(({ kind }) => kind)).toEqual(kinds)
    })
})
