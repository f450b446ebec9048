/**
 * Stateright's published counts as an oracle: the unique states that the tests of its examples expect, and the states that
 * its checker generates, which it counts as TLC does. The models say what stands for what; nothing is merged and nothing
 * is split, so the counts are equal.
 */
import { describe, expect, test } from 'vitest'
import { linearizableRegister } from '../../bench/models/linearizable-register.js'
import { quorumPaxos } from '../../bench/models/quorum-paxos.js'
import { singleCopyRegister } from '../../bench/models/single-copy-register.js'
import { enumerate } from '../../model-check/plain.js'
import { check } from '../../model-check/search/index.js'
import type { SystemDefinition } from '../../protocol/index.js'
import { type Setup, defaultSetup } from '../../sim/run/setup.js'
import { countsOf, expectReplay, expectTwins } from './twins.js'

const setupOf = (definition: SystemDefinition, nodes: number, clients: number): Setup => ({
  ...defaultSetup(definition),
  nodes,
  parameters: { clients },
})

describe('counts of Stateright', () => {
  // The depth is in steps; Stateright counts the states on the way, one more.
  test.each([
    ['a single copy', singleCopyRegister, 1, { distinct: 93, generated: 121, depth: 8 }],
    ['a register on two servers', linearizableRegister, 2, { distinct: 544, generated: 875, depth: 24 }],
    ['Paxos on three servers', quorumPaxos, 3, { distinct: 16_668, generated: 32_971, depth: 20 }],
  ])('with two clients: %s', (_, definition, servers, expected) => {
    const setup = setupOf(definition, servers, 2)
    const result = expectTwins(definition, setup, Infinity)
    expect(result).toMatchObject({ ...expected, idle: 0, unknown: 0, exhaustive: true, finding: undefined })
  })

  test('everybody is answered in the end, and of Paxos somebody', () => {
    for (const definition of [singleCopyRegister, linearizableRegister, quorumPaxos]) {
      const setup = setupOf(definition, definition.nodes.default, 2)
      expect(check(definition, setup, { deadlock: true })).toMatchObject({
        exhaustive: true,
        finding: undefined,
      })
    }
    // Were everybody promised an answer, who loses the race of Paxos would be found to have none.
    const promising: SystemDefinition = {
      ...quorumPaxos,
      build(choice) {
        const model = quorumPaxos.build(choice)
        const { goal } = linearizableRegister.build(choice).spec
        return { ...model, spec: { ...model.spec, goal } }
      },
    }
    const { finding } = check(promising, setupOf(quorumPaxos, 3, 2), { deadlock: true })
    expect(finding?.violation).toMatchObject({ kind: 'liveness', name: 'deadlock' })
  })

  test('two single copies are not linearizable: four deliveries show it', () => {
    const setup = setupOf(singleCopyRegister, 2, 2)
    const result = check(singleCopyRegister, setup)
    expect(result.finding?.violation).toMatchObject({ kind: 'invariant', name: 'linearizable' })
    expect(result.finding?.actions).toHaveLength(4)
    expectReplay(singleCopyRegister, setup, result)
  })
})

test('a network that keeps what is refused differs from one that does not by just that', () => {
  const setup = setupOf(quorumPaxos, 3, 1)
  const forgetful: SystemDefinition = {
    ...quorumPaxos,
    build(choice) {
      const model = quorumPaxos.build(choice)
      return { ...model, network: { ...model.network!, keepsRefused: false } }
    },
  }
  const keeping = enumerate(quorumPaxos, setup)
  const forgetting = enumerate(forgetful, setup)
  // Nothing is refused for good when it is taken away by its refusal: each such step moves.
  expect(keeping.refused).toBeGreaterThan(0)
  expect(forgetting.refused).toBe(0)
  expect(forgetting.distinct).toBeGreaterThan(keeping.distinct)
  expect(countsOf(check(forgetful, setup))).toEqual(countsOf(forgetting))
})
