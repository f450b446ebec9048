/** The small rungs of the ladder of APUS; the required one is in `apus-ladder.long.ts`. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { huntAlong, huntingGrounds } from '../../bench/apus-hunting-grounds.js'
import { climb, required, rungs, setupOf } from '../../bench/apus-ladder.js'
import { check } from '../../model-check/index.js'
import { apus } from '../../protocol/apus/index.js'
import docs from '../../docs/check-apus.json' with { type: 'json' }
import { decodeTrace } from '../../sim/trace/index.js'
import { expectReplay } from '../model-check/twins.js'

const most = { seconds: 600, mebibytes: 2048 }
const rungOf = (name: string) => rungs.find((rung) => rung.name === name)!

describe('the right APUS', { timeout: 240_000 }, () => {
  test.each([
    ['normal case', { distinct: 203_879, moved: 1_468_944, depth: 46 }],
    ['crash', { distinct: 77_622, moved: 395_261, depth: 47 }],
  ])('keeps every property on the rung %s, in every schedule', (name, counts) => {
    const { result, cutOffBy } = climb(rungOf(name), most)
    expect(cutOffBy).toBeUndefined()
    expect(result).toMatchObject({ ...counts, exhaustive: true, historyJudged: true, finding: undefined })
  })

  test('gives the same verdict where nothing is left out by a reduction', () => {
    const rung = rungOf('crash')
    const parameters = { ...rung.parameters, operations: 1 }
    const whole = climb({ ...rung, parameters, reduce: [] }, most).result
    const reduced = climb({ ...rung, parameters }, most).result
    expect(whole.exhaustive && reduced.exhaustive).toBe(true)
    expect(reduced.distinct).toBeLessThan(whole.distinct)
  })
})

describe('a wrong APUS', { timeout: 240_000 }, () => {
  test.each([
    ['completion-is-acknowledgement', 0, 'committed-is-stored', 4],
    ['acknowledged-before-stored', 0, 'stored-before-acknowledged', 14],
    ['flush-not-awaited', 0, 'stored-before-acknowledged', 17],
    ['votes-for-anyone', 1, 'linearizable', 63],
    ['confirmation-remembered', 0, 'confirmed-in-this-round', 29],
    ['vote-from-amnesia', 0, 'votes-are-remembered', 16],
    ['votes-before-caught-up', 0, 'members-hold-enough', 11],
    ['recovered-from-anyone', 0, 'members-hold-enough', 7],
    ['failed-flush-retried', 0, 'stored-before-acknowledged', 17],
    ['view-not-flushed', 0, 'votes-are-remembered', 16],
  ])(
    'with %s is found where it is said to be, by a schedule of the system itself',
    (bug, ground, name, steps) => {
      const rung = huntingGrounds(bug)[ground]!
      const { result } = climb(rung, most, bug)
      expect(result.finding?.violation.name).toBe(name)
      expect(result.finding?.actions).toHaveLength(steps)
      expectReplay(apus, setupOf(rung, bug), result)
    },
  )
})

/** What a quick test looks at of the neighbourhoods of the kept traces; the others are in docs/check-apus.json only. */
const quickStates = 20_000
const quick = docs.variants.flatMap(({ bug, along, minimised }) =>
  along?.steps !== undefined && along.states < quickStates ? [{ bug, along, minimised }] : [],
)

describe('in the neighbourhood of its kept trace', () => {
  test.each(quick)('$bug is found by a schedule that is no longer', ({ bug, along, minimised }) => {
    const trace = decodeTrace(readFileSync(new URL(`../apus/traces/${bug}.aviary`, import.meta.url)))
    const { result } = huntAlong(trace, most)
    expect(trace.actions.length).toBe(minimised)
    expect(result.finding?.violation.name).toBe(along.by)
    expect(result.finding?.actions).toHaveLength(along.steps)
    expect(along.steps).toBeLessThanOrEqual(trace.actions.length)
    expectReplay(apus, trace.header.setup, result)
  })

  test('most variants are quick to find', () => {
    expect(quick.length).toBeGreaterThan(15)
  })
})

test('the required rung bounds what it says it bounds', () => {
  expect(required.faults).toEqual({ crash: 1 })
  expect(required.parameters).toMatchObject({ operations: 2, clients: 1 })
  const begun = check(apus, setupOf(required), { ...required.scenario, depth: 12 })
  expect(begun.scenario.join(' ')).toContain('timer.suspect@1 1')
  expect(begun.unknown).toBeGreaterThan(0)
})
