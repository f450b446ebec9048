import { describe, expect, test } from 'vitest'
import { SymmetryRefused, check } from '../../model-check/search/index.js'
import type { SystemDefinition, SystemModel } from '../../protocol/index.js'
import { paxos } from '../../protocol/paxos/index.js'
import { rdmaRegister } from '../../protocol/rdma-register/index.js'
import { twoPhaseCommit } from '../../protocol/two-phase-commit/index.js'
import { type Setup, defaultSetup } from '../../sim/run/setup.js'
import { expectReplay } from './twins.js'

const setup = (nodes: number): Setup => ({ ...defaultSetup(twoPhaseCommit), nodes })
const symmetry = true

describe('orbits of two-phase commit', () => {
  test.each([
    [5, 314],
    [6, 553],
    [7, 920],
    [8, 1461],
  ])('with %i resource managers', (nodes, distinct) => {
    const result = check(twoPhaseCommit, setup(nodes), { symmetry })
    expect(result).toMatchObject({ distinct, exhaustive: true, finding: undefined })
    // A path to a farthest state is as long as ever.
    expect(result.depth).toBe(3 * nodes + 1)
    expect(result.interchangeable).toHaveLength(nodes)
  })

  test('have at most as many states as there are renamings, also when one of them may crash', () => {
    const all = check(twoPhaseCommit, setup(3)).distinct
    const orbits = check(twoPhaseCommit, setup(3), { symmetry }).distinct
    expect(orbits).toBeLessThan(all)
    expect(orbits * 6).toBeGreaterThanOrEqual(all)
    const budget = { crash: 1 }
    const crashing = check(twoPhaseCommit, { ...setup(3), budget }, { symmetry }).distinct
    expect(crashing).toBeGreaterThan(orbits)
    expect(crashing * 6).toBeGreaterThanOrEqual(check(twoPhaseCommit, { ...setup(3), budget }).distinct)
  })
})

describe('verdicts with symmetry', () => {
  const renameable = Object.keys(twoPhaseCommit.bugs).filter((bug) => bug !== 'commit-counts-messages')
  test.each(renameable)('the bug %s is found as soon, and its trace replays', (bug) => {
    const buggy = { ...setup(4), bug }
    const plain = check(twoPhaseCommit, buggy)
    const result = check(twoPhaseCommit, buggy, { symmetry })
    expect(result.finding?.actions).toHaveLength(plain.finding!.actions.length)
    expectReplay(twoPhaseCommit, buggy, result)
  })

  test('a fault that may strike any of them, and what it breaks', () => {
    const beyond: Setup = {
      ...setup(3),
      budget: { crash: 1, restart: 1 },
      spared: { crash: [0], restart: [0] },
    }
    const plain = check(twoPhaseCommit, beyond)
    const result = check(twoPhaseCommit, beyond, { symmetry })
    expect(plain.finding).toBeDefined()
    expect(result.finding?.actions).toHaveLength(plain.finding!.actions.length)
    expectReplay(twoPhaseCommit, beyond, result)
  })
})

describe('symmetry is refused', () => {
  /** Two-phase commit with something else in its model. */
  const changed = (change: (model: SystemModel) => Partial<SystemModel>): SystemDefinition => ({
    ...twoPhaseCommit,
    build(choice) {
      const model = twoPhaseCommit.build(choice)
      return { ...model, ...change(model) }
    },
  })
  const why = (definition: SystemDefinition, at: Setup): string => {
    try {
      check(definition, at, { symmetry })
    } catch (error) {
      if (error instanceof SymmetryRefused) return error.message
      throw error
    }
    return 'not refused'
  }

  test('where a step depends on numbers of nodes', () => {
    // It takes a vote for that of the first manager which has not voted.
    expect(why(twoPhaseCommit, { ...setup(4), bug: 'commit-counts-messages' })).toContain(
      'changed their names',
    )
  })

  test('where a property depends on numbers of nodes', () => {
    const definition = changed(({ spec }) => ({
      spec: {
        ...spec,
        invariants: [
          {
            name: 'first-is-up',
            meaning: 'Node 1 is up.',
            check: (observer) => (observer.isUp(1) ? undefined : 'it is down'),
          },
        ],
      },
    }))
    expect(why(definition, { ...setup(3), budget: { crash: 1 } })).toContain('changed their names')
  })

  test('where bytes may hide numbers of nodes', () => {
    expect(why(paxos, defaultSetup(paxos))).toContain('clients')
    expect(why(rdmaRegister, defaultSetup(rdmaRegister))).toContain('clients')
    const silent = changed(({ network }) => ({ network: { ...network!, layout: undefined } }))
    expect(why(silent, setup(3))).toContain('does not declare the layout')
    expect(why(twoPhaseCommit, { ...setup(3), budget: { cut: 1 } })).toContain('links')
  })

  test('where no two nodes are alike', () => {
    const definition = changed(({ cores }) => ({ cores: cores.map((core) => ({ ...core })) }))
    expect(why(definition, setup(3))).toContain('no two nodes')
    // A fault that strikes one manager only tells it apart; the other two are alike still.
    const spared = { crash: [0, 2, 3] }
    const result = check(twoPhaseCommit, { ...setup(3), budget: { crash: 1 }, spared }, { symmetry })
    expect(result.interchangeable).toEqual(['n2', 'n3'])
  })
})
