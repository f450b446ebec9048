// The checker's counterexamples are no longer than what the minimiser has made of the same wrong variants.
import { describe, expect, test } from 'vitest'
import { check, neighbourhoodOf } from '../../model-check/index.js'
import { buildWorld, exploreSeed, namesOf, shrink } from '../../sim/index.js'
import results from '../campaigns/shortest.results.json' with { type: 'json' }
import { smallVariants } from '../systems/hunt.js'
import { farHunts, huntSetup, hunts, nearest } from './nearest.js'
import { expectReplay } from './twins.js'

const mostStates = 2_000_000

describe('with these bounds the checker finds, by a schedule no longer than the minimised one,', () => {
  test.each(hunts.filter(({ bug }) => !farHunts.includes(bug)))(
    '$definition.name $bug ($minimised)',
    (hunt) => {
      const result = nearest(hunt, mostStates)
      expect(result.finding, `nothing in ${String(result.distinct)} states`).toBeDefined()
      expect(result.finding!.actions.length).toBeLessThanOrEqual(hunt.minimised)
      expectReplay(hunt.definition, huntSetup(hunt), result)
    },
  )
})

describe(
  'where bounds leave too much to look at, it is found along the minimised schedule:',
  { timeout: 300_000 },
  () => {
    test.each(hunts.filter(({ bug }) => farHunts.includes(bug)))(
      '$definition.name $bug ($minimised)',
      ({ definition, bug, minimised }) => {
        const { seed } = results.rows.find((row) => row.bug === bug && row.actionsMinimised === minimised)!
        const { plan, actions, violation } = exploreSeed(definition, seed, { bug }).findings.find(
          (finding) => finding.violation.kind !== 'liveness',
        )!
        const names = namesOf(buildWorld(definition, plan.setup), actions)
        const small = shrink(definition, plan.setup, names, violation)
        expect(small.actions).toHaveLength(minimised)
        const sites = small.actions.map(({ site }) => site)
        const { setup, scenario, depth } = neighbourhoodOf(definition, small.setup, sites, 'counted')
        const result = check(definition, setup, { ...scenario, depth, states: mostStates })
        expect(result.finding, `nothing in ${String(result.distinct)} states`).toBeDefined()
        expect(result.finding!.actions.length).toBeLessThanOrEqual(minimised)
        expectReplay(definition, setup, result)
      },
    )
  },
)

test('every wrong variant of the small systems has bounds', () => {
  expect(hunts.map(({ definition, bug }) => `${definition.name} ${bug}`)).toEqual(
    smallVariants.map(({ definition, bug }) => `${definition.name} ${bug}`),
  )
  expect(hunts.every(({ minimised }) => minimised > 0 && minimised < 40)).toBe(true)
})
