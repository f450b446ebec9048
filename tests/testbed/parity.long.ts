/** Every litmus program that hardware can run, over real queue pairs in virtual machines, in many orders. */
import { expect, test, vi } from 'vitest'
import { aviary, folderWith } from '../cli/support.js'
import { complaintsAbout, runnable, seenInMachines } from './parity.js'
import { bootTestbed } from './support.js'

vi.setConfig({ testTimeout: 3_600_000 })

const SEEDS = 20

test('outcomes are those of the simulator, and deviations that are listed by name', async () => {
  const { name, testbed } = await bootTestbed(2)
  try {
    const names = runnable.map((program) => program.name)
    const seen = await seenInMachines(testbed, [0, 1], names, SEEDS)
    expect(seen.flatMap(complaintsAbout)).toEqual([])
  } finally {
    testbed.close()
    await aviary(folderWith(), 'testbed', 'down', '--name', name)
  }
})
