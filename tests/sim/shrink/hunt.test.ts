/** Violations that are hunted anew in smaller setups, where no change of the story that was found leads. */
import { describe, expect, test } from 'vitest'
import { paxos } from '../../../protocol/paxos/index.js'
import { exploreSeed } from '../../../sim/explore/explore.js'
import { Run } from '../../../sim/run/run.js'
import { type Setup, buildWorld, defaultSetup } from '../../../sim/run/setup.js'
import type { Violation } from '../../../sim/run/judge.js'
import { type Hunted, Hunter } from '../../../sim/shrink/hunt.js'
import { namesOf, shrink } from '../../../sim/shrink/index.js'
import { findShortest } from '../../../sim/shrink/shortest.js'

const wanted: Violation = { kind: 'invariant', name: 'accepted-is-safe', reason: '' }

describe('a finding in which five nodes take part is retold with three:', () => {
  for (const { bug, most } of [
    { bug: 'forget-accepted-value', most: 14 },
    { bug: 'lowest-ballot-value', most: 24 },
  ])
    test(bug, { timeout: 240_000 }, () => {
      const [finding] = exploreSeed(paxos, 1_007, { bug }).findings
      const { setup } = finding!.plan
      expect(setup.nodes).toBe(5)
      const names = namesOf(buildWorld(paxos, setup), finding!.actions)
      const without = shrink(paxos, setup, names, finding!.violation, { exhaustiveStates: 0, huntActions: 0 })
      expect(without.setup.nodes).toBe(5)
      const small = shrink(paxos, setup, names, finding!.violation)
      expect(small.setup.nodes).toBe(3)
      expect(small.actions.length).toBeLessThanOrEqual(most)
      const depth = Math.ceil(small.actions.length / 2) - 1
      const { length, noneUpTo } = findShortest(paxos, small.setup, small.violation, {
        depth,
        states: 2_000_000,
      })
      expect(length).toBeUndefined()
      expect(noneUpTo, 'cut off').toBe(depth)
    })
})

describe('a hunt', () => {
  const given: Setup = {
    ...defaultSetup(paxos),
    bug: 'forget-accepted-value',
    nodes: 5,
    parameters: { clients: 3, operations: 1, rounds: 2 },
    budget: { crash: 1, restart: 1 },
    spared: { crash: [1], restart: [1] },
    without: ['agreement'],
  }
  const setup: Setup = {
    ...given,
    nodes: 4,
    parameters: { clients: 2, operations: 1, rounds: 1 },
    budget: {},
  }
  const hunted = (actions: number): Hunted[] => [
    ...new Hunter(paxos, given, wanted, actions, () => false).hunt(setup),
  ]

  test('draws nothing that lies beyond the finding, and ends in the same violation', () => {
    const all = hunted(100_000)
    expect(all.length).toBeGreaterThan(3)
    for (const { setup: drawn, actions } of all) {
      expect(drawn.nodes).toBeLessThanOrEqual(setup.nodes)
      expect(drawn.parameters.clients).toBeLessThanOrEqual(3)
      expect(drawn.parameters.operations).toBe(1)
      expect(drawn.parameters.rounds).toBeLessThanOrEqual(2)
      expect(drawn).toMatchObject({
        bug: given.bug,
        budget: {},
        spared: given.spared,
        without: given.without,
      })
      const run = new Run(paxos, drawn)
      for (const { site: name, subject } of actions) {
        const site = run.world.siteNamed(name)!
        run.take(site.index, site.find(subject))
      }
      expect(run.violation).toMatchObject({ kind: wanted.kind, name: wanted.name })
    }
    expect(all.some((one) => one.setup.nodes === 3)).toBe(true)
  })

  test('is the same each time', () => {
    expect(hunted(30_000)).toEqual(hunted(30_000))
  })

  test('takes no liveness phases: each may last longer than all hunts', () => {
    const converged = (liveness: boolean): number =>
      exploreSeed(paxos, 1, {}, () => false, { liveness }).converged
    expect(converged(true)).toBeGreaterThan(0)
    expect(converged(false)).toBe(0)
  })

  test('ends when its actions are used up, or when it shall stop', () => {
    expect(hunted(0)).toEqual([])
    expect([...new Hunter(paxos, given, wanted, 1e9, () => true).hunt(setup)]).toEqual([])
    const nobody = new Hunter(paxos, { ...given, bug: undefined }, wanted, 50_000, () => false)
    expect([...nobody.hunt({ ...setup, bug: undefined })]).toEqual([])
  })
})
