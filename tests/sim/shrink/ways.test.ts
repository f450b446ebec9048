/** Schedules from which nothing can be dropped, though a shorter way is near. */
import { expect, test } from 'vitest'
import type { Knobs, SystemDefinition } from '../../../protocol/index.js'
import { paxos } from '../../../protocol/paxos/index.js'
import { rdmaRegister } from '../../../protocol/rdma-register/index.js'
import type { Violation } from '../../../sim/run/judge.js'
import { type Setup, defaultSetup } from '../../../sim/run/setup.js'
import { type Shrunk, shrink } from '../../../sim/shrink/index.js'
import { defaultKnobs } from '../../../sim/world/options.js'

const simplestKnobs: Knobs = { ...defaultKnobs, placement: 'in-order', visibility: 'prompt' }

/** Minimises a schedule that is given by its sites, one to a step, without any exhaustive search or hunt. */
function minimise(
  definition: SystemDefinition,
  changes: Partial<Setup>,
  broken: string,
  sites: readonly string[],
): Shrunk {
  const setup = { ...defaultSetup(definition), knobs: simplestKnobs, ...changes }
  const violation: Violation = { kind: 'invariant', name: broken, reason: '' }
  const actions = sites.map((site) => ({ site, subject: 0 }))
  const small = shrink(definition, setup, actions, violation, {
    exhaustiveStates: 0,
    huntActions: 0,
  })
  expect(small.reproduced).toBe(true)
  expect(small.sizesBefore.actions).toBe(sites.length)
  return small
}

test('another node that takes the same part may be asked sooner', () => {
  const { actions } = minimise(
    paxos,
    { bug: 'forget-accepted-value', parameters: { clients: 2, operations: 1, rounds: 1 } },
    'accepted-is-safe',
    [
      ...['invoke c1', 'retry c1', 'invoke c0', 'request c0→n0', 'flush n0'],
      ...['deliver n0→n1', 'flush n1', 'deliver n1→n0', 'deliver n0→n1', 'flush n1'],
      ...['request c1→n2', 'flush n2', 'deliver n2→n1', 'flush n1', 'deliver n1→n2'],
    ],
  )
  expect(actions.length).toBeLessThanOrEqual(14)
})

test('two nodes fewer make majorities smaller', () => {
  const { actions, setup } = minimise(
    paxos,
    { bug: 'forget-accepted-value', nodes: 5, parameters: { clients: 2, operations: 1, rounds: 1 } },
    'accepted-is-safe',
    [
      ...['invoke c0', 'request c0→n0', 'flush n0', 'deliver n0→n2', 'flush n2', 'deliver n0→n4', 'flush n4'],
      ...['deliver n2→n0', 'deliver n4→n0', 'deliver n0→n2', 'deliver n0→n4', 'flush n4'],
      ...['invoke c1', 'request c1→n1', 'flush n1', 'deliver n1→n4', 'flush n4', 'deliver n1→n3', 'flush n3'],
      ...['deliver n3→n1', 'deliver n4→n1'],
    ],
  )
  expect(setup.nodes).toBe(3)
  expect(actions.length).toBeLessThanOrEqual(14)
})

test('of five nodes three may do, in another order, and of four clients one', () => {
  const { actions, setup } = minimise(
    paxos,
    { bug: 'minority-quorum', nodes: 5, parameters: { clients: 4, operations: 1, rounds: 1 } },
    'quorum-is-a-majority',
    [
      ...['invoke c3', 'request c3→n3', 'flush n3', 'deliver n3→n0', 'flush n0', 'deliver n0→n3'],
      ...['deliver n3→n1', 'flush n1', 'deliver n1→n3', 'flush n3'],
    ],
  )
  expect(setup.nodes).toBe(3)
  expect(setup.parameters.clients).toBe(1)
  expect(actions.map(({ site }) => site)).toEqual(['invoke c0', 'request c0→n0', 'flush n0'])
})

test('a client may ask another node first, so that there need not be so many of them', () => {
  const { actions, setup } = minimise(
    paxos,
    { bug: 'count-duplicates', nodes: 4, parameters: { clients: 4, operations: 1, rounds: 1 } },
    'promise-is-kept',
    [
      ...['invoke c3', 'request c3→n3', 'flush n3', 'timer n3 retry', 'deliver n3→n2', 'flush n2'],
      ...['deliver n3→n2', 'deliver n2→n3', 'deliver n2→n3'],
    ],
  )
  expect(setup.parameters.clients).toBe(1)
  expect(actions).toHaveLength(9)
})

test('an action more may save others: an operation given up need not be answered', () => {
  const place = ['arrive n0→n1', 'place n0→n1', 'place n0→n1', 'place n0→n1', 'place n0→n1']
  const acknowledge = ['poll n1', 'arrive n1→n0', 'place n1→n0', 'poll n0']
  const { actions } = minimise(
    rdmaRegister,
    {
      bug: 'republish-oldest-first',
      nodes: 2,
      parameters: { words: 2, slots: 4, clients: 1, operations: 2, attempts: 1, integrity: 0 },
      budget: { crash: 1, restart: 1 },
      spared: { crash: [0], restart: [0] },
    },
    'answered-is-held',
    [
      ...['invoke c0', 'request c0→n0', ...place, ...acknowledge, 'complete n1→n0', 'reply c0'],
      ...['invoke c0', 'request c0→n0', ...place, ...acknowledge],
      ...['crash n1', 'restart n1', 'deliver n1→n0', 'deliver n0→n1', 'control n1→n0', 'control n1→n0'],
      ...['deliver n1→n0', 'control n0→n1', 'control n0→n1', ...place, 'poll n1'],
    ],
  )
  expect(actions.length).toBeLessThanOrEqual(34)
})
