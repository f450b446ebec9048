// Sample runs are runs: each can be taken step by step in a world, by what its actions say.
import { expect, test } from 'vitest'
import { Checker, type CheckOptions } from '../../model-check/index.js'
import type { SystemDefinition } from '../../protocol/index.js'
import { rdmaRegister } from '../../protocol/rdma-register/index.js'
import { twoPhaseCommit } from '../../protocol/two-phase-commit/index.js'
import { type Setup, buildWorld, defaultSetup } from '../../sim/run/setup.js'
import { Outcome } from '../../sim/world/site.js'

function samplesOf(
  definition: SystemDefinition,
  setup: Setup,
  options: CheckOptions,
  steps: number,
): string[][] {
  const checker = new Checker(definition, setup, options)
  while (checker.advance(1000));
  return checker.sampleRuns(5, steps)
}

function expectPossible(definition: SystemDefinition, setup: Setup, run: readonly string[]): void {
  const world = buildWorld(definition, setup)
  for (const action of run) {
    const taken = world.sites.some((site) => {
      for (let choice = 0; choice < world.armed[site.index]!; choice++) {
        const words = site.describe(choice)
        if (action !== (words === '' ? site.name : `${site.name}: ${words}`)) continue
        if (world.step(site.index, choice) === Outcome.moved) return true
      }
      return false
    })
    expect(taken, action).toBe(true)
  }
}

test('they are short, different and possible, in every order and with symmetry', () => {
  const setup = { ...defaultSetup(twoPhaseCommit), nodes: 4 }
  for (const options of [
    {},
    { order: 'depth-first' },
    { order: 'random', walks: 50 },
    { symmetry: true },
  ] as const) {
    const samples = samplesOf(twoPhaseCommit, setup, options, 6)
    expect(samples).toHaveLength(5)
    expect(new Set(samples.map((run) => run.join())).size).toBe(5)
    for (const run of samples) {
      expect(run.length).toBeGreaterThan(0)
      expect(run.length).toBeLessThanOrEqual(6)
      expectPossible(twoPhaseCommit, setup, run)
    }
  }
})

test('with clients, whose history is judged', () => {
  const base = defaultSetup(rdmaRegister)
  const small = { words: 2, slots: 1, clients: 1, operations: 1, attempts: 1 }
  const setup = { ...base, nodes: 2, parameters: { ...base.parameters, ...small } }
  for (const run of samplesOf(rdmaRegister, setup, {}, 30)) expectPossible(rdmaRegister, setup, run)
})

test('there are none where nothing can happen, and few where little can', () => {
  const setup = { ...defaultSetup(twoPhaseCommit), nodes: 2 }
  expect(samplesOf(twoPhaseCommit, setup, { depth: 0 }, 6)).toEqual([])
  const few = samplesOf(twoPhaseCommit, setup, { depth: 1, states: 3 }, 6)
  expect(few.length).toBeGreaterThan(0)
  expect(few.every((run) => run.length === 1)).toBe(true)
})
