/** etcd itself, built from its registries, measured at both boundaries. Needs go, and apt-get or an installed etcd. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { aviary, folderWith, jsonOf } from '../cli/support.js'
import { checkout } from '../docs/support.js'

const figures = z.object({
  leftOut: z.array(z.unknown()),
  rows: z.array(
    z.object({
      boundary: z.string(),
      durability: z.string(),
      system: z.string(),
      window: z.number(),
      commits: z.number(),
    }),
  ),
  ratios: z.array(z.unknown()),
})

const cache = join(checkout, '.cache', 'peers')

beforeAll(() => {
  const args = [join(checkout, 'bench', 'peers', 'build.mjs'), 'etcd', 'etcd-server']
  const env = { ...process.env, AVIARY_PEERS: cache }
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', env })
  expect(status, stdout + stderr).toBe(0)
}, 1_800_000)

test('etcd commits wherever we do, and every figure of ours has one beside it', async () => {
  process.env['AVIARY_PEERS'] = cache
  const ended = await aviary(folderWith(), 'bench', 'service', '--small', '--json')
  const { rows, ratios, leftOut } = jsonOf(figures, ended)
  expect(leftOut).toEqual([])
  const ofSystem = (system: string) =>
    rows
      .filter((row) => row.system === system && row.commits > 0)
      .map(({ boundary, durability, window }) => ({ boundary, durability, window }))
  expect(ofSystem('aviary')).toHaveLength(8)
  expect(ofSystem('etcd')).toEqual(ofSystem('aviary'))
  expect(ratios).toHaveLength(8)
})
