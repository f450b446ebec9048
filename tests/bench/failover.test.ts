/** `aviary bench failover`: leaders are killed, and nothing that was acknowledged is lost or doubled. */
import { expect, it } from 'vitest'
import { z } from 'zod'
import { aviary, folderWith, jsonOf } from '../cli/support.js'

const figures = z.object({
  nodes: z.number(),
  kills: z.number(),
  p50: z.number().positive(),
  p90: z.number(),
  p99: z.number(),
  most: z.number(),
  operations: z.number(),
  verdict: z.string(),
})

it('measures how long clients wait, and judges what they saw', { timeout: 120_000 }, async () => {
  const ended = await aviary(folderWith(), 'bench', 'failover', '--kills', '3', '--json')
  const result = jsonOf(figures, ended)
  expect(result, ended.stderr).toMatchObject({ nodes: 3, kills: 3, verdict: 'linearizable' })
  expect(result.operations).toBeGreaterThan(100)
  expect([result.p50, result.p90, result.p99]).toEqual(
    [result.p50, result.p90, result.p99].sort((a, b) => a - b),
  )
  expect(result.most).toBeGreaterThanOrEqual(result.p99)
})

it('its flags are no flags of others', async () => {
  const ended = await aviary(folderWith(), 'bench', 'layout', '--kills', '3')
  expect(ended.stderr).toMatch(/--kills, --set: only failover has them/)
  expect(ended.code).toBe(2)
})
