import { expect, test } from 'vitest'
import { check } from '../../model-check/search/index.js'
import { twoPhaseCommit } from '../../protocol/two-phase-commit/index.js'
import { defaultSetup } from '../../sim/run/setup.js'

test('two-phase commit with nine resource managers', () => {
  const result = check(twoPhaseCommit, { ...defaultSetup(twoPhaseCommit), nodes: 9 })
  expect(result).toMatchObject({
    distinct: 10_340_352,
    moved: 77_616_641,
    generated: 123_558_402,
    exhaustive: true,
  })
  expect(result.bytesPerState).toBeLessThan(40)
})
