import { expect, test } from 'vitest'
import { compareRandomScripts, compareRandomSystems, expectMeaning } from './partial-order.js'

test('partial-order reduction changes no verdict of two thousand random systems', () => {
  expectMeaning(compareRandomSystems(2000, 12), 2000)
})

test('partial-order reduction keeps all final states and sights of two thousand random scripts', () => {
  const seen = compareRandomScripts(2000, 13)
  expect(seen.compared).toBeGreaterThan(1800)
  expect(seen.smaller).toBeGreaterThan(1000)
  expect(seen.left).toBeLessThan(0.8 * seen.all)
})
