/** Two-phase commit against the TLA+ module TwoPhase: equal counts, and wrong variants that break what it promises. */
import { describe, expect, test } from 'vitest'
import type { FaultBudget, FaultKind, NodeId } from '../../protocol/index.js'
import { twoPhaseCommit } from '../../protocol/two-phase-commit/index.js'
import { WorldObserver } from '../../sim/world/observer.js'
import { Outcome } from '../../sim/world/site.js'
import { World } from '../../sim/world/world.js'

type Spared = Readonly<Partial<Record<FaultKind, readonly NodeId[]>>>

/** Visits every reachable state in the plainest way: restore, step, look. */
function exploreAll(nodes: number, bug?: string, budget: FaultBudget = {}, spared: Spared = {}) {
  const model = twoPhaseCommit.build({ nodes, parameters: {}, bug, draw: { between: (minimum) => minimum } })
  const world = new World(model, { budget, spared })
  const observer = new WorldObserver(world)
  const bytesOf = (): string => Buffer.from(world.memory.bytes).toString('latin1')
  const visited = new Set([bytesOf()])
  const open = [world.snapshot()]
  const broken = new Set<string>()
  let moves = 0
  let idle = 0
  for (let state = open.pop(); state !== undefined; state = open.pop()) {
    world.restore(state)
    const choices = [...world.armed]
    for (const [site, armed] of choices.entries())
      for (let choice = 0; choice < armed; choice++) {
        world.restore(state)
        const outcome = world.step(site, choice)
        if (world.failure !== undefined) throw world.failure.error
        if (outcome === Outcome.idle) idle++
        if (outcome !== Outcome.moved) continue
        moves++
        if (visited.has(bytesOf())) continue
        visited.add(bytesOf())
        open.push(world.snapshot())
        for (const invariant of model.spec.invariants)
          if (invariant.check(observer) !== undefined) broken.add(invariant.name)
      }
  }
  return { distinct: visited.size, moves, generated: moves + idle + 1, broken: [...broken] }
}

describe('the right core', () => {
  test.each([
    [3, { distinct: 288, moves: 761, generated: 1146 }],
    [5, { distinct: 8832, moves: 37345, generated: 58146 }],
  ])('has the states and steps of the TLA+ module with %i resource managers', (nodes, counts) => {
    expect(exploreAll(nodes)).toEqual({ ...counts, broken: [] })
  })

  test('stays consistent whoever crashes', () => {
    expect(exploreAll(3, undefined, { crash: 4 }).broken).toEqual([])
  })
})

describe('a committed transaction is aborted somewhere', () => {
  test.each(Object.entries(twoPhaseCommit.bugs))('when the core is %s', (name, bug) => {
    for (const nodes of [2, 3]) {
      const { broken } = exploreAll(nodes, name)
      expect(broken).toContain('consistency')
      expect([...bug.caughtBy].sort()).toEqual([...broken].sort())
    }
  })

  test('when a resource manager restarts and has forgotten its vote, which is beyond the promise', () => {
    const { atlas } = twoPhaseCommit.build({
      nodes: 3,
      parameters: {},
      bug: undefined,
      draw: { between: () => 0 },
    })
    for (const beyond of atlas.beyond) {
      const { broken } = exploreAll(3, undefined, beyond.faults, beyond.spared)
      expect([...beyond.caughtBy].sort()).toEqual(broken.sort())
    }
  })
})
