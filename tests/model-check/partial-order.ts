/** Random systems judged with and without partial-order reduction. */
import * as fc from 'fast-check'
import { expect } from 'vitest'
import { type CheckResult, ReductionRefused, check } from '../../model-check/search/index.js'
import { heedsAll } from '../../model-check/search/partial-order.js'
import type { SystemDefinition } from '../../protocol/index.js'
import { type Setup, buildWorld } from '../../sim/run/setup.js'
import type { Limits } from '../../sim/world/limits.js'
import type { World } from '../../sim/world/world.js'
import { finalStates, searched, sights } from './final-states.js'
import { type Program, program, quietProgram, setupOf, systemOf } from './random-systems.js'
import { scripts, setupOfScripts, systemOfScripts } from './random-scripts.js'
import { expectReplay } from './twins.js'

/** Only systems are compared that have no more states, or a violation nearer than that. */
const mostStates = 1500
const mostScriptStates = 10_000
/** Where there is a violation, the search for it in another order is given up beyond so many times that. */
const patience = 4

/** Programs without faults in which nodes write to each other, and little is judged: steps are more often independent. */
const calmProgram = program.map((random): Program => ({
  ...random,
  faults: {},
  fabric: true,
  clients: random.clients.slice(0, 1),
  stepInvariant: false,
  invariant: random.invariant && random.goalRole > 0,
}))

/** How often what was seen. */
const nothing = {
  compared: 0,
  violations: 0,
  deadlocks: 0,
  /** Searches in which some steps were left out, and those that have fewer states for it. */
  reduced: 0,
  smaller: 0,
  /** States of the searches that found nothing. */
  all: 0,
  left: 0,
  restarts: 0,
  /** What properties have seen in them. */
  sights: 0,
  /** Searches for a violation that were given up: such a system may have no end. */
  open: 0,
  /** Searches with both reductions of steps. */
  together: 0,
}

export function compareRandomSystems(runs: number, seed: number): typeof nothing {
  const seen = { ...nothing }
  fc.assert(
    fc.property(fc.oneof(program, quietProgram, calmProgram, calmProgram), (random) => {
      compare(random, seen)
    }),
    { numRuns: runs, seed, endOnFailure: true },
  )
  return seen
}

/** With bounds on inputs and timers, and without but with a look at deadlocks. */
function compare(random: Program, seen: typeof nothing): void {
  const definition = systemOf(random)
  const setup = setupOf(random, definition)
  for (const asked of [{ limits: { input: 2, timer: 1 } }, { deadlock: true }] as const) {
    const whole = check(definition, setup, { states: mostStates, ...asked })
    if (whole.unknown > 0 && whole.finding === undefined) continue
    for (const order of ['breadth-first', 'depth-first'] as const) {
      const states = patience * mostStates
      const reduced = check(definition, setup, { states, ...asked, order, por: true })
      if (whole.finding !== undefined && reduced.finding === undefined && reduced.unknown > 0) {
        seen.open++
        continue
      }
      expect(reduced.finding === undefined, order).toBe(whole.finding === undefined)
      if (reduced.finding !== undefined) expectReplay(definition, setup, reduced)
      else {
        expect(reduced.exhaustive).toBe(true)
        expect(reduced.distinct).toBeLessThanOrEqual(whole.distinct)
      }
      if (order === 'breadth-first' && 'limits' in asked && whole.finding === undefined)
        compareStates(definition, setup, asked.limits, seen)
      count(whole, reduced, seen)
    }
    // Together with the other reduction of steps, where that one is possible.
    if ('limits' in asked) {
      const both = unlessRefused(() =>
        check(definition, setup, { states: patience * mostStates, ...asked, por: true, reduce: ['takings'] }),
      )
      if (both === undefined) continue
      if (whole.finding !== undefined && both.finding === undefined && both.unknown > 0) continue
      expect(both.finding === undefined, 'with takings').toBe(whole.finding === undefined)
      if (both.finding !== undefined) expectReplay(definition, setup, both)
      seen.together++
    }
  }
}

function unlessRefused<T>(run: () => T): T | undefined {
  try {
    return run()
  } catch (error) {
    if (error instanceof ReductionRefused) return undefined
    throw error
  }
}

/** Scripts of one-sided operations: the same final states, and the same that a property has seen. */
export function compareRandomScripts(runs: number, seed: number): typeof nothing {
  const seen = { ...nothing }
  fc.assert(
    fc.property(scripts, (random) => {
      const definition = systemOfScripts(random)
      const setup = setupOfScripts(random, definition)
      const probe = check(definition, setup, { states: mostScriptStates })
      if (probe.finding !== undefined || probe.unknown > 0) return
      compareStates(definition, setup, {}, seen)
    }),
    { numRuns: runs, seed, endOnFailure: true },
  )
  return seen
}

/** The same final states, and the same that properties have seen. */
function compareStates(
  definition: SystemDefinition,
  setup: Setup,
  limits: Limits,
  seen: typeof nothing,
): void {
  const world = (): World => buildWorld(definition, setup, true, limits)
  const whole = searched(world(), undefined, setup.without)
  const reduced = searched(world(), heedsAll, setup.without)
  expect(finalStates(reduced)).toEqual(finalStates(whole))
  seen.compared++
  seen.all += whole.states.count
  seen.left += reduced.states.count
  if (reduced.states.count < whole.states.count) seen.smaller++
  const parts = [...reduced.lookedSlots]
  const all = sights(whole, parts)
  expect(sights(reduced, parts)).toEqual(all)
  seen.sights += all.size
}

function count(whole: CheckResult, reduced: CheckResult, seen: typeof nothing): void {
  const { partialOrder, distinct } = reduced
  seen.compared++
  if (whole.finding === undefined) {
    if (distinct < whole.distinct) seen.smaller++
  } else if (whole.finding.violation.name === 'deadlock') seen.deadlocks++
  else seen.violations++
  if (partialOrder!.reduced > 0) seen.reduced++
  seen.restarts += partialOrder!.restarts
}

/** That the comparison of so many systems means something. */
export function expectMeaning(seen: typeof nothing, runs: number): void {
  expect(seen.compared).toBeGreaterThan(2.5 * runs)
  expect(seen.violations).toBeGreaterThan(runs / 2)
  expect(seen.deadlocks).toBeGreaterThan(runs / 4)
  expect(seen.reduced).toBeGreaterThan(runs / 2)
  expect(seen.smaller).toBeGreaterThan(runs / 20)
  expect(seen.restarts).toBeGreaterThan(runs)
  expect(seen.open).toBeLessThan(seen.compared / 20)
  expect(seen.together).toBeGreaterThan(runs / 2)
}
