import { expect, test } from 'vitest'
import { enumerate } from '../../model-check/plain.js'
import { twoPhaseCommit } from '../../protocol/two-phase-commit/index.js'
import { defaultSetup } from '../../sim/run/setup.js'

test('the plain enumerator counts two-phase commit of seven as TLC does', () => {
  const result = enumerate(twoPhaseCommit, { ...defaultSetup(twoPhaseCommit), nodes: 7 })
  expect(result).toMatchObject({ distinct: 296_448, moved: 1_735_809, generated: 2_744_706, complete: true })
})
