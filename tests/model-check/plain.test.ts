import { describe, expect, test } from 'vitest'
import { enumerate } from '../../model-check/plain.js'
import { twoPhaseCommit } from '../../protocol/two-phase-commit/index.js'
import { defaultSetup } from '../../sim/run/setup.js'

const setup = (nodes: number) => ({ ...defaultSetup(twoPhaseCommit), nodes })

describe('the plain enumerator', () => {
  test('counts two-phase commit as TLC does', () => {
    const three = enumerate(twoPhaseCommit, setup(3))
    expect(three).toMatchObject({ distinct: 288, moved: 761, generated: 1146, complete: true })
    const five = enumerate(twoPhaseCommit, setup(5))
    expect(five).toMatchObject({ distinct: 8832, moved: 37345, generated: 58146, complete: true })
  })
})
