/** Commits over RDMA verbs in machines that are booted for it, in all three places. */
import { expect, test } from 'vitest'
import { z } from 'zod'
import { aviary, folderWith, jsonOf } from '../cli/support.js'

const load = z.object({ window: z.number(), commits: z.int().positive(), p50: z.number(), p99: z.number() })
const figures = z.object({
  places: z.array(
    z.object({
      place: z.string(),
      commits: z.array(load),
      withoutDevice: z.array(load),
      sets: z.array(load),
      ratio: z.number(),
    }),
  ),
  goals: z.array(z.unknown()),
})

test('a commit is measured in one machine, across three, and in counted time', async () => {
  const ended = await aviary(folderWith(), 'bench', 'commit', '--fabric', 'verbs', '--json')
  expect(ended.code, ended.stderr).toBe(0)
  const { places, goals } = jsonOf(figures, ended)
  expect(places.map(({ place }) => place)).toEqual(['one machine', 'a machine for each', 'counted'])
  expect(goals).toHaveLength(4)
  const [commit] = places[2]!.commits
  const [withoutDevice] = places[2]!.withoutDevice
  expect(commit!.p50).toBeGreaterThan(withoutDevice!.p50)
})

test('one short round has a machine for each, and every figure', async () => {
  const ended = await aviary(folderWith(), 'bench', 'commit', '--fabric', 'verbs', '--small', '--json')
  expect(ended.code, ended.stderr).toBe(0)
  const { places } = jsonOf(figures, ended)
  expect(places.map(({ place }) => place)).toEqual(['a machine for each'])
  expect([places[0]!.commits.length, places[0]!.sets.length]).toEqual([1, 1])
  // A commit waits for a WRITE there and one back, and for a processor each time.
  expect(places[0]!.ratio).toBeGreaterThan(1)
})
