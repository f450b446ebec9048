import { expect, test } from 'vitest'
import { benchLayout } from '../../../bench/layout.js'

test('a field access allocates nothing and costs a small multiple of a raw one', () => {
  const figures = benchLayout(200_000)
  // Far from the goal on purpose: the machine that runs the tests may be busy, and coverage slows code down.
  expect(figures.bytesAllocatedPerAccess).toBeLessThan(1)
  expect(figures.ratioToRawDataView).toBeLessThan(60)
})
