// Rounds without threads: each round is worked off by several sweeps, one after the other. What threads do to each other
// is tested with the command (tests/cli/check.test.ts).
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  type CheckOptions,
  type CheckResult,
  Checker,
  check,
  sweepShared,
} from '../../model-check/search/index.js'
import type { SystemDefinition } from '../../protocol/index.js'
import { paxos } from '../../protocol/paxos/index.js'
import { twoPhaseCommit } from '../../protocol/two-phase-commit/index.js'
import { type Setup, defaultSetup } from '../../sim/run/setup.js'
import { program, scenario, setupOf, systemOf } from './random-systems.js'
import { countsOf, expectReplay } from './twins.js'

/** How many rounds there were, and what came of them. */
function checkInRounds(
  definition: SystemDefinition,
  setup: Setup,
  options: CheckOptions = {},
  leastLevel = 1,
): { result: CheckResult; rounds: number } {
  const checker = new Checker(definition, setup, { ...options, shared: true })
  const rounds = checker.rounds(2, leastLevel)
  let count = 0
  for (;;) {
    let round = rounds.begin()
    if (round === undefined && !checker.advance(64)) return { result: checker.result(), rounds: count }
    for (; round !== undefined; count++) round = rounds.end([sweepShared(round), sweepShared(round)])
  }
}

test.each([2, 3])('two-phase commit in %i words: the counts of one thread', (leastWords) => {
  const setup = { ...defaultSetup(twoPhaseCommit), nodes: 6 }
  const alone = check(twoPhaseCommit, setup)
  for (const leastLevel of [1, 1000]) {
    const { result, rounds } = checkInRounds(twoPhaseCommit, setup, { leastWords }, leastLevel)
    expect(countsOf(result)).toEqual(countsOf(alone))
    expect(result).toMatchObject({ exhaustive: true, wordsPerState: leastWords })
    expect(rounds).toBeGreaterThan(5)
  }
})

test('steps that must be judged, histories and bounds', () => {
  const base = defaultSetup(paxos)
  const setup = { ...base, parameters: { clients: 1, operations: 1, rounds: 2 }, budget: { crash: 1 } }
  const alone = check(paxos, setup, { depth: 7 })
  const { result } = checkInRounds(paxos, setup, { depth: 7 }, 50)
  expect(countsOf(result)).toEqual(countsOf(alone))
  expect(result).toMatchObject({ unknown: alone.unknown, exhaustive: false, historyJudged: true })
  const few = checkInRounds(paxos, setup, { states: 500 }, 50).result
  expect(few.distinct).toBeGreaterThanOrEqual(500)
  expect(few.unknown).toBeGreaterThan(0)
  expect(few.exhaustive).toBe(false)
})

test('random systems: the verdicts and counts of one thread', () => {
  const seen = { violations: 0, deadlocks: 0 }
  fc.assert(
    fc.property(program, fc.boolean(), (random, deadlock) => {
      const definition = systemOf(random)
      const setup = setupOf(random, definition)
      const options = { depth: 6, deadlock }
      const alone = check(definition, setup, options)
      const { result } = checkInRounds(definition, setup, options)
      expect(result.finding === undefined).toBe(alone.finding === undefined)
      if (alone.finding === undefined) {
        expect(countsOf(result)).toEqual(countsOf(alone))
        return
      }
      expect(result.finding!.actions).toHaveLength(alone.finding.actions.length)
      expectReplay(definition, setup, result)
      seen.violations++
      if (alone.finding.violation.name === 'deadlock') seen.deadlocks++
    }),
    { numRuns: 300, seed: 3, endOnFailure: true },
  )
  expect(seen.violations).toBeGreaterThan(50)
  expect(seen.deadlocks).toBeGreaterThan(0)
})

test('random systems within scenarios: the verdicts and counts of one thread', () => {
  const seen = { violations: 0, whole: 0 }
  fc.assert(
    fc.property(program, scenario, (random, bounds) => {
      const definition = systemOf(random)
      const setup = setupOf(random, definition)
      const options = { depth: 6, ...bounds }
      const alone = check(definition, setup, options)
      const { result } = checkInRounds(definition, setup, options)
      expect(result.finding === undefined).toBe(alone.finding === undefined)
      if (alone.finding === undefined) {
        expect(countsOf(result)).toEqual(countsOf(alone))
        seen.whole++
        return
      }
      expect(result.finding!.actions).toHaveLength(alone.finding.actions.length)
      expectReplay(definition, setup, result)
      seen.violations++
    }),
    { numRuns: 200, seed: 4, endOnFailure: true },
  )
  expect(seen.violations).toBeGreaterThan(20)
  expect(seen.whole).toBeGreaterThan(50)
})
