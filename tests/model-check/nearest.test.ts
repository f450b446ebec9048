// The checker's counterexamples are no longer than what the minimiser has made of the same wrong variants.
import { describe, expect, test } from 'vitest'
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

test('every wrong variant of the small systems has bounds', () => {
  expect(hunts.map(({ definition, bug }) => `${definition.name} ${bug}`)).toEqual(
    smallVariants.map(({ definition, bug }) => `${definition.name} ${bug}`),
  )
  expect(hunts.every(({ minimised }) => minimised > 0 && minimised < 40)).toBe(true)
})
