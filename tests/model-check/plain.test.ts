import { describe, expect, test } from 'vitest'
import { enumerate } from '../../model-check/plain.js'
import { rdmaRegister } from '../../protocol/rdma-register/index.js'
import { twoPhaseCommit } from '../../protocol/two-phase-commit/index.js'
import type { Violation } from '../../sim/run/judge.js'
import { type Setup, defaultSetup } from '../../sim/run/setup.js'
import type { Site } from '../../sim/world/site.js'

const setup = (nodes: number) => ({ ...defaultSetup(twoPhaseCommit), nodes })

describe('the plain enumerator', () => {
  test('counts two-phase commit as TLC does', () => {
    const three = enumerate(twoPhaseCommit, setup(3))
    expect(three).toMatchObject({ distinct: 288, moved: 761, generated: 1146, complete: true })
    const five = enumerate(twoPhaseCommit, setup(5))
    expect(five).toMatchObject({ distinct: 8832, moved: 37345, generated: 58146, complete: true })
  })

  test('takes every armed choice, refused ones too', () => {
    const { moved, idle, refused } = enumerate(twoPhaseCommit, setup(3))
    expect(moved + idle + refused).toBe(3528)
  })

  test('finds a shortest schedule of a violation', () => {
    const wanted = (violation: Violation) => violation.name === 'consistency'
    const { finding } = enumerate(twoPhaseCommit, { ...setup(2), bug: 'commit-on-silence' }, { wanted })
    // One prepares and commits by itself, the other one aborts.
    expect(finding?.actions).toHaveLength(3)
    expect(finding?.violation.reason).toContain('has aborted')
  })

  test('says that it is not complete when it was cut off', () => {
    expect(enumerate(twoPhaseCommit, setup(3), { states: 100 }).complete).toBe(false)
    expect(enumerate(twoPhaseCommit, setup(3), { depth: 4 })).toMatchObject({ complete: false, depth: 4 })
    expect(enumerate(twoPhaseCommit, setup(3), { shouldStop: () => true }).complete).toBe(false)
    const allowed = (site: Site) => site.kind !== 'input'
    expect(enumerate(twoPhaseCommit, setup(3), { allowed })).toMatchObject({ distinct: 1, complete: false })
  })

  test('judges histories where they are kept', () => {
    const base = defaultSetup(rdmaRegister)
    const without = rdmaRegister
      .build({ nodes: 2, parameters: base.parameters, bug: undefined, draw: { between: (least) => least } })
      .spec.invariants.map(({ name }) => name)
    const small: Setup = {
      ...base,
      nodes: 2,
      bug: 'completion-is-acknowledgement',
      parameters: { ...base.parameters, words: 2, slots: 1, clients: 1, operations: 1, attempts: 1 },
      knobs: { ...base.knobs, placement: 'in-order' },
      without,
    }
    const ignored = enumerate(rdmaRegister, small, { depth: 12 })
    expect(ignored).toMatchObject({ historyJudged: false, finding: undefined })
    const kept = enumerate(rdmaRegister, small, { depth: 12, history: 'kept' })
    expect(kept.finding?.violation).toMatchObject({ kind: 'history', name: 'linearizable' })
  })
})
