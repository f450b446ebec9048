/**
 * The campaign in virtual machines: `aviary chaos apus --testbed` for ten minutes in each mode, in one boot of three
 * machines. What clients saw must be linearizable, all members must agree in the end, and every kind of fault must have
 * been met. The results are written beside this file, to be committed.
 */
import { writeFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { aviary, folderWith, jsonOf } from '../cli/support.js'
import { BOOT_MILLIS, SLOW_HOST, bootTestbed, chaosJson } from './support.js'

vi.setConfig({ testTimeout: 4 * 3_600_000, hookTimeout: BOOT_MILLIS })

/** A snapshot copies the whole store: a megabyte keeps the one processor of an emulated machine for seconds. */
const SMALL_STORE = ['--set', 'storeBytes=131072', '--set', 'keys=1024']
const seconds = Number(process.env['AVIARY_CAMPAIGN_SECONDS'] ?? 600)
const rows: object[] = []

let name: string
let close: () => void

beforeAll(async () => {
  const { name: its, testbed } = await bootTestbed(3)
  name = its
  close = () => {
    testbed.close()
  }
})

afterAll(async () => {
  const results = { seconds, replicas: 3, rows }
  writeFileSync(new URL('chaos.results.json', import.meta.url), `${JSON.stringify(results, null, 2)}\n`)
  close()
  await aviary(folderWith(), 'testbed', 'down', '--name', name)
})

describe('nothing is found in APUS as it runs over RDMA in machines that are harmed', () => {
  // The first steps of these plans have every kind: a slow host comes no further than to some dozens.
  for (const [durability, seed, kinds] of [
    [0, 30_012, ['kill', 'kill machine', 'stop', 'cut', 'slow']],
    [1, 30_054, ['kill', 'kill machine', 'stop', 'cut', 'slow', 'kill all']],
  ] as const)
    it(`durability ${String(durability)}`, async () => {
      const place = [
        '--testbed',
        name,
        ...SLOW_HOST,
        ...SMALL_STORE,
        '--set',
        `durability=${String(durability)}`,
      ]
      const time = ['--seconds', String(seconds), '--seed', String(seed)]
      const ended = await aviary(folderWith(), 'chaos', 'apus', ...place, ...time, '--json')
      const row = jsonOf(chaosJson, ended)
      rows.push({ durability, seed, loadAverage: loadavg()[0], ...row })
      expect(row, ended.stderr).toMatchObject({ verdict: 'linearizable', diverged: null, stalled: null })
      expect(ended.code).toBe(0)
      expect(row.silences.map(({ kind }) => kind)).toEqual(kinds)
    })
})
