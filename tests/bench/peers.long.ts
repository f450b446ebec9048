/** The peers themselves: built from their registries, and counting what we count. Needs cargo, gcc, java and Maven. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { benchCheckPeers, smallTasks } from '../../bench/check-peers.js'
import { linearizableRegister } from '../../bench/models/linearizable-register.js'
import { quorumPaxos } from '../../bench/models/quorum-paxos.js'
import { singleCopyRegister } from '../../bench/models/single-copy-register.js'
import { check } from '../../model-check/search/index.js'
import { defaultSetup } from '../../sim/run/setup.js'
import { checkout } from '../docs/support.js'

const cache = join(checkout, '.cache', 'peers')

beforeAll(() => {
  const script = join(checkout, 'bench', 'peers', 'build.mjs')
  const env = { ...process.env, AVIARY_PEERS: cache }
  const { status, stdout, stderr } = spawnSync(process.execPath, [script], { encoding: 'utf8', env })
  expect(status, stdout + stderr).toBe(0)
}, 1_800_000)

test('every peer counts what we count, on one core and on two', async () => {
  const { tools, leftOut, rows } = await benchCheckPeers({ tasks: smallTasks, runs: 1, cache })
  expect(leftOut).toEqual([])
  expect(tools.map(({ tool }) => tool)).toEqual(['aviary', 'stateright', 'spin', 'tlc'])
  for (const [model, cores, ran] of [
    ['2pc 3', 1, 4],
    ['2pc 3', 2, 4],
    ['paxos 1', 1, 2],
    ['paxos 1', 2, 2],
  ] as const)
    expect(rows.filter((row) => row.model === model && row.cores === cores)).toHaveLength(ran)
})

test.each([
  ['single-copy', singleCopyRegister],
  ['linearizable', linearizableRegister],
  ['paxos', quorumPaxos],
] as const)('Stateright itself counts what our model of %s counts', (model, definition) => {
  const built = z.object({ stateright: z.object({ program: z.string() }) })
  const { stateright } = built.parse(JSON.parse(readFileSync(join(cache, 'built.json'), 'utf8')))
  const counts = z.object({ distinct: z.number(), generated: z.number() })
  for (const clients of [1, 2]) {
    const theirs = spawnSync(stateright.program, [model, String(clients), '1', 'bfs'], { encoding: 'utf8' })
    const setup = { ...defaultSetup(definition), parameters: { clients } }
    const { distinct, generated } = check(definition, setup)
    expect(counts.parse(JSON.parse(theirs.stdout))).toEqual({ distinct, generated })
  }
})
