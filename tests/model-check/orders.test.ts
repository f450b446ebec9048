// Other orders than breadth-first: the same states and verdict depth-first, and random walks that stay within them.
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type CheckResult, check } from '../../model-check/search/index.js'
import { paxos } from '../../protocol/paxos/index.js'
import { twoPhaseCommit } from '../../protocol/two-phase-commit/index.js'
import { type Setup, defaultSetup } from '../../sim/run/setup.js'
import { courierSystem } from './courier.js'
import { program, setupOf, systemOf } from './random-systems.js'
import { countsOf, expectReplay } from './twins.js'

const twoPhase = (nodes: number): Setup => ({ ...defaultSetup(twoPhaseCommit), nodes })
const smallPaxos: Setup = {
  ...defaultSetup(paxos),
  parameters: { clients: 1, operations: 1, rounds: 1 },
}
const countsBut = (result: CheckResult) => ({ ...countsOf(result), depth: undefined })

describe('depth-first', () => {
  const order = 'depth-first'
  test.each([
    [3, 2],
    [7, 2],
    [7, 3],
  ])('the counts of two-phase commit with %i, in %i words', (nodes, leastWords) => {
    const all = check(twoPhaseCommit, twoPhase(nodes))
    const deep = check(twoPhaseCommit, twoPhase(nodes), { order, leastWords })
    expect(countsBut(deep)).toEqual(countsBut(all))
    expect(deep).toMatchObject({ exhaustive: true, unknown: 0, finding: undefined })
    expect(deep.depth).toBeGreaterThanOrEqual(all.depth)
  })

  test('with symmetry, deadlock and liveness, as breadth-first', () => {
    const orbits = check(twoPhaseCommit, twoPhase(6), { order, symmetry: true, liveness: 'reachable' })
    expect(orbits).toMatchObject({ distinct: 553, exhaustive: true, liveness: { promised: 553, open: 0 } })
    for (const bug of ['loses', 'returns']) {
      const setup = { ...defaultSetup(courierSystem), bug }
      for (const options of [
        { deadlock: true },
        { liveness: 'weak-fairness' },
        { liveness: 'reachable' },
      ] as const) {
        const all = check(courierSystem, setup, options)
        const deep = check(courierSystem, setup, { ...options, order })
        expect(deep.finding?.violation.name).toBe(all.finding?.violation.name)
        expect(deep.liveness).toEqual(all.liveness)
      }
    }
  })

  test('what a bound cuts off is unknown', () => {
    const byDepth = check(twoPhaseCommit, twoPhase(5), { order, depth: 6 })
    expect(byDepth).toMatchObject({ exhaustive: false, depth: 6 })
    expect(byDepth.unknown).toBeGreaterThan(0)
    const byStates = check(twoPhaseCommit, twoPhase(5), { order, states: 500, liveness: 'reachable' })
    expect(byStates.exhaustive).toBe(false)
    expect(byStates.distinct).toBeGreaterThanOrEqual(500)
    expect(byStates.unknown).toBeGreaterThan(0)
    expect(byStates.liveness!.open).toBeGreaterThan(0)
    expect(check(twoPhaseCommit, twoPhase(3), { order, depth: 0 })).toMatchObject({ distinct: 1, unknown: 1 })
  })

  test('random systems: the states and the verdict of breadth-first', { timeout: 120_000 }, () => {
    const seen = { violations: 0, exhausted: 0 }
    fc.assert(
      fc.property(program, (random) => {
        const definition = systemOf(random)
        const setup = setupOf(random, definition)
        const all = check(definition, setup, { states: 3_000 })
        if (!all.exhaustive && all.finding === undefined) return
        const deep = check(definition, setup, { order, states: 20_000 })
        if (all.finding === undefined) {
          seen.exhausted++
          expect(countsBut(deep)).toEqual(countsBut(all))
        } else if (deep.finding !== undefined) {
          seen.violations++
          expectReplay(definition, setup, deep)
        } else expect(deep.unknown).toBeGreaterThan(0)
      }),
      { numRuns: 300, seed: 5, endOnFailure: true },
    )
    expect(seen.violations).toBeGreaterThan(20)
    expect(seen.exhausted).toBeGreaterThan(20)
  })
})

describe('random walks', () => {
  const order = 'random'
  test('meet all states of a small system in the end, and claim nothing', () => {
    const result = check(twoPhaseCommit, twoPhase(3), { order, walks: 20_000 })
    expect(result).toMatchObject({ distinct: 288, walks: 20_000, exhaustive: false, unknown: 288, idle: 0 })
    expect(result.depth).toBe(10)
    expect(result.memoHitRate).toBeGreaterThan(0.99)
  })

  test('equal seeds walk the same ways, others other ones', () => {
    const run = (seed: number) => check(twoPhaseCommit, twoPhase(8), { order, seed, walks: 200 })
    expect(countsOf(run(1))).toEqual(countsOf(run(1)))
    expect(countsOf(run(1))).not.toEqual(countsOf(run(2)))
    const orbits = check(twoPhaseCommit, twoPhase(8), { order, symmetry: true, walks: 200 })
    expect(orbits.distinct).toBeLessThanOrEqual(1461)
  })

  test('keep within their bounds', () => {
    expect(check(paxos, smallPaxos, { order, walks: 20, depth: 7 })).toMatchObject({ depth: 7, walks: 20 })
    const byStates = check(paxos, smallPaxos, { order, states: 300 })
    expect(byStates.distinct).toBe(300)
  })

  test.each(Object.keys(twoPhaseCommit.bugs))('find the bug %s, with a way that replays', (bug) => {
    const setup = { ...twoPhase(3), bug }
    const result = check(twoPhaseCommit, setup, { order, walks: 10_000 })
    expectReplay(twoPhaseCommit, setup, result)
    const shortest = check(twoPhaseCommit, setup).finding!.actions.length
    expect(result.finding!.actions.length).toBeGreaterThanOrEqual(shortest)
  })

  test('find a deadlock where that is asked for', () => {
    const setup = { ...defaultSetup(courierSystem), bug: 'loses' }
    const result = check(courierSystem, setup, { order, walks: 1_000, deadlock: true })
    expect(result.finding?.violation.name).toBe('deadlock')
  })

  test('random systems: only states that there are, and violations that replay', { timeout: 120_000 }, () => {
    const seen = { violations: 0, histories: 0, clean: 0 }
    fc.assert(
      fc.property(program, (random) => {
        const definition = systemOf(random)
        const setup = setupOf(random, definition)
        const all = check(definition, setup, { states: 2_000 })
        const result = check(definition, setup, { order, walks: 100, depth: 30 })
        if (all.exhaustive) {
          seen.clean++
          expect(result.finding).toBeUndefined()
          expect(result.distinct).toBeLessThanOrEqual(all.distinct)
        }
        if (result.finding === undefined) return
        seen.violations++
        if (result.finding.violation.kind === 'history') seen.histories++
        expectReplay(definition, setup, result)
        if (all.finding !== undefined)
          expect(result.finding.actions.length).toBeGreaterThanOrEqual(all.finding.actions.length)
      }),
      { numRuns: 300, seed: 6, endOnFailure: true },
    )
    expect(seen.violations).toBeGreaterThan(20)
    expect(seen.clean).toBeGreaterThan(20)
  })
})
