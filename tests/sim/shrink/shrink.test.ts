import { describe, expect, test } from 'vitest'
import type { SystemDefinition } from '../../../protocol/index.js'
import { paxos } from '../../../protocol/paxos/index.js'
import { rdmaRegister } from '../../../protocol/rdma-register/index.js'
import { twoPhaseCommit } from '../../../protocol/two-phase-commit/index.js'
import { type SwarmFinding, exploreSeed } from '../../../sim/explore/explore.js'
import type { SwarmOptions } from '../../../sim/explore/swarm.js'
import { sameViolation } from '../../../sim/run/judge.js'
import { Run } from '../../../sim/run/run.js'
import { buildWorld } from '../../../sim/run/setup.js'
import { type Shrunk, namesOf, shrink } from '../../../sim/shrink/index.js'
import { findShortest } from '../../../sim/shrink/shortest.js'
import { smallVariants } from '../../systems/hunt.js'

/** The first finding of a safety violation. */
function hunt(definition: SystemDefinition, options: SwarmOptions): SwarmFinding {
  for (let seed = 1; seed <= 400; seed++) {
    const finding = exploreSeed(definition, seed, options).findings[0]
    if (finding !== undefined && finding.violation.kind !== 'liveness') return finding
  }
  throw new Error(`nothing found of ${JSON.stringify(options)}`)
}

function shrinkFinding(definition: SystemDefinition, finding: SwarmFinding): Shrunk {
  const { setup } = finding.plan
  return shrink(definition, setup, namesOf(buildWorld(definition, setup), finding.actions), finding.violation)
}

/** Replays strictly: every action must be possible, and only the last one may violate. */
function replay(definition: SystemDefinition, { setup, actions }: Shrunk): Run {
  const run = new Run(definition, setup)
  for (const [i, action] of actions.entries()) {
    expect(run.violation, `before action ${String(i)}`).toBeUndefined()
    const site = run.world.siteNamed(action.site)!
    const choice = site.find(action.subject)
    expect(choice, `${action.site} ${String(action.subject)}`).toBeGreaterThanOrEqual(0)
    run.take(site.index, choice)
  }
  run.finish()
  return run
}

describe('a minimised schedule is at most twice as long as the shortest, as exhaustive enumeration proves:', () => {
  for (const { definition, bug } of smallVariants)
    test(`${definition.name} ${bug}`, { timeout: 240_000 }, () => {
      const finding = hunt(definition, { bug })
      const small = shrinkFinding(definition, finding)
      expect(small.reproduced).toBe(true)
      expect(sameViolation(small.violation, finding.violation)).toBe(true)
      expect(small.actions.length).toBeLessThanOrEqual(finding.actions.length)
      const run = replay(definition, small)
      expect(run.violation !== undefined && sameViolation(run.violation, finding.violation)).toBe(true)
      const depth = Math.ceil(small.actions.length / 2) - 1
      const { length, noneUpTo } = findShortest(definition, small.setup, small.violation, {
        depth,
        states: 2_000_000,
      })
      expect(length, `shorter than half of ${String(small.actions.length)}`).toBeUndefined()
      expect(noneUpTo, 'cut off').toBe(depth)
      expect(small.noneUpTo).toBeLessThan(small.actions.length)
    })
})

describe('the minimiser', () => {
  test('gives the same result for the same finding', () => {
    const finding = hunt(paxos, { bug: 'promise-before-flush' })
    expect(shrinkFinding(paxos, finding)).toEqual(shrinkFinding(paxos, finding))
  })

  test('shortens a long Paxos run to a story that fits a page, replayed strictly', () => {
    const finding = hunt(paxos, { bug: 'accept-any-ballot' })
    const small = shrinkFinding(paxos, finding)
    expect(small.actions.length).toBeLessThanOrEqual(15)
    expect(replay(paxos, small).violation).toMatchObject({ name: finding.violation.name })
  })

  test('keeps a violation of what clients saw', () => {
    const without = ['integrity', 'slot-not-reused-early', 'staged-until-fetched', 'answered-is-held']
    const others = ['one-sequence-per-put', 'accepted-never-goes-back', 'role']
    const bug = 'completion-is-acknowledgement'
    const finding = hunt(rdmaRegister, { bug, without: [...without, ...others] })
    expect(finding.violation.kind).toBe('history')
    const small = shrinkFinding(rdmaRegister, finding)
    expect(replay(rdmaRegister, small).violation).toMatchObject({ kind: 'history' })
    // Two operations that contradict each other, and what they need.
    expect(small.actions.length).toBeLessThanOrEqual(20)
  })

  test('returns a schedule that shows nothing as it was', () => {
    const finding = hunt(twoPhaseCommit, { bug: 'commit-on-half' })
    const { setup } = finding.plan
    const actions = namesOf(buildWorld(twoPhaseCommit, setup), finding.actions)
    const other = { kind: 'invariant', name: 'no such', reason: '' } as const
    const result = shrink(twoPhaseCommit, setup, actions, other)
    expect(result.reproduced).toBe(false)
    expect(result.actions).toHaveLength(actions.length)
  })

  test('judges what comes after the schedule, where that is what broke', () => {
    const finding = hunt(twoPhaseCommit, { bug: 'commit-on-half' })
    const { setup } = finding.plan
    const actions = namesOf(buildWorld(twoPhaseCommit, { ...setup, bug: undefined }), finding.actions)
    const violation = { kind: 'liveness', name: 'everybody-votes', reason: 'somebody has not voted' } as const
    const result = shrink(twoPhaseCommit, { ...setup, bug: undefined }, actions, violation, {
      judgeEnd: (world) => (world.nodes.length > 2 ? violation : undefined),
    })
    expect(result.reproduced).toBe(true)
    expect(result.actions).toHaveLength(0)
  })
})
