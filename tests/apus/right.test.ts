/**
 * The right protocol under the full swarm: two minutes of processor time, three and five replicas, both durability modes.
 * The long campaign is `tests/campaigns/apus.long.ts`.
 */
import { describe, expect, it } from 'vitest'
import { apus } from '../../protocol/apus/index.js'
import { hunt } from '../systems/hunt.js'

const cpuSeconds = 30

describe('nothing is found in the right protocol', () => {
  for (const nodes of [3, 5])
    for (const [mode, durability] of Object.entries({ memory: 0, disk: 1 }))
      it(`${String(nodes)} replicas, ${mode} mode`, () => {
        const { finding, runs } = hunt(apus, { nodes, parameters: { durability } }, 1_000 * nodes, {
          cpuSeconds,
        })
        expect(finding?.violation).toBeUndefined()
        expect(runs).toBeGreaterThan(100)
      }, 300_000)
})
