import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { enumerate } from '../../model-check/plain.js'
import { check } from '../../model-check/search/index.js'
import type { SystemDefinition } from '../../protocol/index.js'
import { paxos } from '../../protocol/paxos/index.js'
import { rdmaRegister } from '../../protocol/rdma-register/index.js'
import { twoPhaseCommit } from '../../protocol/two-phase-commit/index.js'
import { type Setup, defaultSetup } from '../../sim/run/setup.js'
import { everything } from '../sim/world/everything.js'
import { program, setupOf, systemOf } from './random-systems.js'
import { countsOf, expectReplay, expectTwins } from './twins.js'

const twoPhase = (nodes: number): Setup => ({ ...defaultSetup(twoPhaseCommit), nodes })

/** As the definition says, with these parameters; histories are not judged. */
function withoutHistory(definition: SystemDefinition, parameters: Record<string, number>): Setup {
  const base = defaultSetup(definition)
  return { ...base, parameters: { ...base.parameters, ...parameters }, without: ['linearizable'] }
}

describe('counts of two-phase commit', () => {
  test.each([
    [3, { distinct: 288, moved: 761, generated: 1146, refused: 3528 - 1145, depth: 10 }],
    [5, { distinct: 8832, moved: 37345, generated: 58146, refused: 173664 - 58145, depth: 16 }],
    [7, { distinct: 296448, moved: 1735809, generated: 2744706, refused: 8068224 - 2744705, depth: 22 }],
    [8, { distinct: 1745408, moved: 11657217, generated: 18507778, refused: 54078464 - 18507777, depth: 25 }],
  ])('with %i resource managers', (nodes, expected) => {
    const result = check(twoPhaseCommit, twoPhase(nodes))
    expect(result).toMatchObject({ ...expected, unknown: 0, exhaustive: true, finding: undefined })
    expect(result.memoHitRate).toBeGreaterThan(0.95)
    if (nodes === 8) expect(result.bytesPerState).toBeLessThan(40)
  })
})

describe('against the plain enumerator', () => {
  test('two-phase commit with faults', () => {
    for (const budget of [{ crash: 1 }, { pause: 1, resume: 1 }, { cut: 1, heal: 1 }])
      expect(expectTwins(twoPhaseCommit, { ...twoPhase(3), budget }, Infinity).exhaustive).toBe(true)
  })

  test.each(Object.keys(twoPhaseCommit.bugs))('two-phase commit with the bug %s', (bug) => {
    expect(expectTwins(twoPhaseCommit, { ...twoPhase(3), bug }, Infinity).finding).toBeDefined()
  })

  test.each(['atomic', 'loads'] as const)('a small RDMA register, polls %s', (poll) => {
    const setup = withoutHistory(rdmaRegister, { words: 2, slots: 1, clients: 1, operations: 1, attempts: 1 })
    const { knobs } = setup
    expectTwins(rdmaRegister, { ...setup, nodes: 2, knobs: { ...knobs, poll }, budget: { crash: 1 } }, 11)
  })

  test('a small Paxos', () => {
    const setup = withoutHistory(paxos, { clients: 1, operations: 1, rounds: 2 })
    expectTwins(paxos, { ...setup, budget: { crash: 1, restart: 1, drop: 1 } }, 7)
  })

  test('a system that does everything', { timeout: 300_000 }, () => {
    for (const variant of [0, 1, 2])
      for (const poll of ['atomic', 'loads'] as const) {
        const setup = { ...defaultSetup(everything), nodes: 2, parameters: { variant } }
        const { knobs } = setup
        const budget = { crash: 1, restart: 1, kill: 1, retransmit: 1, corrupt: 1 }
        expectTwins(everything, { ...setup, budget, knobs: { ...knobs, poll, fetch: 'by-word' } }, 3)
      }
  })

  test('a thousand random systems', { timeout: 600_000 }, () => {
    const seen = { violations: 0, states: 0, exhausted: 0, histories: 0 }
    fc.assert(
      fc.property(program, (random) => {
        const definition = systemOf(random)
        const setup = setupOf(random, definition)
        const probe = enumerate(definition, setup, { states: 400 })
        const isSmall = probe.complete || probe.finding !== undefined
        const depth = isSmall ? Infinity : Math.max(1, probe.coveredDepth)
        const result = expectTwins(definition, setup, depth)
        seen.states += result.distinct
        // Both inner loops, and orders of expansion, give the same.
        const long = check(definition, setup, { depth, leastWords: 4 })
        expect(long.wordsPerState).toBe(4)
        expect(long.finding).toEqual(result.finding)
        if (result.finding === undefined) expect(countsOf(long)).toEqual(countsOf(result))
        if (result.finding !== undefined) seen.violations++
        if (result.exhaustive) seen.exhausted++
        if (result.finding?.violation.kind === 'history') seen.histories++
        if (result.historyJudged && result.finding === undefined)
          expectTwins(definition, { ...setup, without: ['linearizable'] }, depth)
      }),
      { numRuns: 1000, seed: 1, endOnFailure: true },
    )
    // That the comparison means something.
    expect(seen.states).toBeGreaterThan(50_000)
    expect(seen.violations).toBeGreaterThan(100)
    expect(seen.exhausted).toBeGreaterThan(100)
    expect(seen.histories).toBeGreaterThan(10)
  })
})

describe('what is not looked at', () => {
  test('is unknown when a bound on states cuts it off', () => {
    const result = check(twoPhaseCommit, twoPhase(5), { states: 1000 })
    expect(result.exhaustive).toBe(false)
    expect(result.distinct).toBeGreaterThanOrEqual(1000)
    expect(result.unknown).toBeGreaterThan(0)
  })

  test('is unknown when a bound on depth cuts it off, and the counts are those of the plain search', () => {
    const result = check(twoPhaseCommit, twoPhase(3), { depth: 4 })
    expect(countsOf(result)).toEqual(countsOf(enumerate(twoPhaseCommit, twoPhase(3), { depth: 4 })))
    expect(result.exhaustive).toBe(false)
    expect(result.unknown).toBeGreaterThan(0)
  })
})

describe('deadlock', () => {
  test('is a state without steps that has not reached the goal', () => {
    const random = systemOf(stuck)
    const setup = setupOf(stuck, random)
    expect(check(random, setup).exhaustive).toBe(true)
    const result = check(random, setup, { deadlock: true })
    expect(result.finding?.violation).toMatchObject({ kind: 'liveness', name: 'deadlock' })
    expect(result.finding?.actions).toHaveLength(2)
    expectReplay(random, setup, result)
  })
  test('is not where everybody has decided', () => {
    expect(check(twoPhaseCommit, twoPhase(3), { deadlock: true }).exhaustive).toBe(true)
  })
})

/** One input each brings the nodes to role 1, from where nothing goes on. */
const stuck: Parameters<typeof systemOf>[0] = {
  nodes: 2,
  entries: Array.from({ length: 24 }, (_, i) => ({ refuses: i % 3 > 0, role: 1, count: 0, effects: [] })),
  network: 'unordered',
  fabric: false,
  disk: false,
  clients: [],
  attempts: 1,
  knobs: { poll: 'atomic', placement: 'in-order', fetch: 'at-departure', visibility: 'prompt' },
  faults: {},
  invariant: false,
  stepInvariant: false,
  goalRole: 0,
}
