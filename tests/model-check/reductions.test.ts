/** Scenarios and reductions against searches without them. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { enumerate } from '../../model-check/plain.js'
import type { Scenario } from '../../model-check/scenario.js'
import {
  Checker,
  ScenarioRefused,
  ReductionRefused,
  SymmetryRefused,
  check,
} from '../../model-check/search/index.js'
import { Search } from '../../model-check/search/search.js'
import type { SystemDefinition } from '../../protocol/index.js'
import { paxos } from '../../protocol/paxos/index.js'
import { rdmaRegister } from '../../protocol/rdma-register/index.js'
import { twoPhaseCommit } from '../../protocol/two-phase-commit/index.js'
import { type Setup, buildWorld, defaultSetup } from '../../sim/run/setup.js'
import type { Limits } from '../../sim/world/limits.js'
import type { Part } from '../../sim/world/memory.js'
import { timersAt } from '../../sim/world/node-parts.js'
import { type Program, program, quietProgram, scenario, setupOf, systemOf } from './random-systems.js'
import { expectReplay, expectTwins } from './twins.js'

/** A depth at which the plain search is done in a moment. */
function depthFor(definition: SystemDefinition, setup: Setup, bounds: Scenario): number {
  const probe = enumerate(definition, setup, { states: 300, ...bounds })
  return probe.complete || probe.finding !== undefined ? Infinity : Math.max(1, probe.coveredDepth)
}

describe('scenarios', () => {
  test('of random systems: what the plain enumerator says', { timeout: 300_000 }, () => {
    const seen = { violations: 0, exhausted: 0, beyond: 0 }
    fc.assert(
      fc.property(program, scenario, (random, bounds) => {
        const definition = systemOf(random)
        const setup = setupOf(random, definition)
        const depth = depthFor(definition, setup, bounds)
        const result = expectTwins(definition, setup, depth, bounds)
        const long = check(definition, setup, { depth, leastWords: 4, ...bounds })
        expect(long.finding).toEqual(result.finding)
        if (result.finding !== undefined) seen.violations++
        if (result.exhaustive) seen.exhausted++
        seen.beyond += result.beyond
      }),
      { numRuns: 400, seed: 2, endOnFailure: true },
    )
    expect(seen.violations).toBeGreaterThan(40)
    expect(seen.exhausted).toBeGreaterThan(40)
    expect(seen.beyond).toBeGreaterThan(500)
  })

  test('a limit on what nobody does, and a ceiling over what there is not, are refused by name', () => {
    const setup = defaultSetup(twoPhaseCommit)
    expect(() => check(twoPhaseCommit, setup, { limits: { 'timer.election': 1 } })).toThrow(
      'there is nothing to limit by the name timer.election',
    )
    expect(() => check(twoPhaseCommit, setup, { ceilings: { ballot: 1 } })).toThrow(
      'no node has a number ballot in its private memory',
    )
  })

  test('that name nodes do not go with symmetry', () => {
    const setup = defaultSetup(twoPhaseCommit)
    for (const bounds of [{ limits: { 'input.prepare@1': 0 } }, { prompt: ['complete'] as const }])
      expect(() => check(twoPhaseCommit, setup, { symmetry: true, ...bounds })).toThrow(SymmetryRefused)
  })

  test('that leave steps out do not go with deadlock', () => {
    const setup = defaultSetup(twoPhaseCommit)
    for (const bounds of [{ limits: { input: 1 } }, { ceilings: { role: 1 } }])
      expect(() => check(twoPhaseCommit, setup, { deadlock: true, ...bounds })).toThrow(ScenarioRefused)
  })

  test('without an input nothing happens that needs it', () => {
    const setup = { ...defaultSetup(twoPhaseCommit), nodes: 3 }
    const limits = { input: 1 }
    const limited = check(twoPhaseCommit, setup, { limits })
    expect(limited.exhaustive).toBe(true)
    expect(limited.distinct).toBeLessThan(288)
    expect(limited.scenario).toEqual([
      'These happen at most so often, in all nodes together or at the node named: input 1.',
    ])
  })
})

/** What a property can see of a part, and what decides what a node does next: all but what may be there and not be used. */
function visibleWords({ kind, sizeBytes }: Part): readonly number[] {
  const all = Array.from({ length: sizeBytes / 4 }, (_, i) => i)
  if (kind === 'channel' || kind === 'replies' || kind === 'budgets') return []
  if (kind === 'client') return all.slice(0, 3)
  return kind === 'control' ? all.filter((i) => i !== timersAt) : all
}

/** Everything that is visible in some state of a search, which may be left out in another one only if it is there too. */
function visible(
  definition: SystemDefinition,
  setup: Setup,
  depth: number,
  skipsTakings: boolean,
  limits: Limits = {},
) {
  const world = buildWorld(definition, setup, true, limits)
  const search = new Search(world, {
    without: setup.without,
    mostStates: Infinity,
    mostDepth: depth,
    findsDeadlock: false,
    leastWords: 2,
    symmetry: undefined,
    prompt: [],
    timers: 'eager',
    partialOrder: undefined,
    skipsTakings,
    ceilings: {},
    isShared: false,
  })
  while (!search.isDone) search.advance(1 << 16)
  const { states, packing, components } = search
  const { parts } = world.memory
  const words = parts.map(visibleWords)
  const seen = new Set<string>()
  const ids = new Int32Array(packing.slots)
  for (let state = 0; state < states.count; state++) {
    packing.unpack(states.states, state * states.words, ids)
    const pieces = parts.map((part) => {
      const content = components.content(part.index, ids[part.index]!)
      return words[part.index]!.map((i) => content[i]).join()
    })
    seen.add(pieces.join(';'))
  }
  return { search, seen, distinct: states.count }
}

describe('leaving out what only takes something away', () => {
  test('changes no verdict of six hundred random systems, and hides nothing', { timeout: 600_000 }, () => {
    const seen = { violations: 0, exhausted: 0, smaller: 0, full: 0, projections: 0 }
    fc.assert(
      fc.property(fc.oneof(program, quietProgram, quietProgram), (random) => {
        const definition = systemOf(random)
        const setup = setupOf(random, definition)
        const depth = depthFor(definition, setup, {})
        const all = check(definition, setup, { depth })
        const checker = new Checker(definition, setup, { depth, reduce: ['takings'] })
        try {
          while (checker.advance(1 << 16));
        } catch (error) {
          if (!(error instanceof ReductionRefused)) throw error
          seen.full++
          return
        }
        const reduced = checker.result()
        expect(reduced.finding?.violation.kind).toBe(all.finding?.violation.kind)
        if (all.finding !== undefined) {
          seen.violations++
          expect(reduced.finding!.actions).toHaveLength(all.finding.actions.length)
          expectReplay(definition, setup, reduced)
          return
        }
        if (all.exhaustive) seen.exhausted++
        if (reduced.distinct < all.distinct) seen.smaller++
        expect(reduced.distinct).toBeLessThanOrEqual(all.distinct)
        const whole = visible(definition, setup, depth, false)
        const part = visible(definition, setup, depth, true)
        seen.projections += whole.seen.size
        expect(part.seen).toEqual(whole.seen)
      }),
      { numRuns: 600, seed: 3, endOnFailure: true },
    )
    expect(seen.violations).toBeGreaterThan(80)
    expect(seen.exhausted).toBeGreaterThan(60)
    expect(seen.smaller).toBeGreaterThan(30)
    expect(seen.projections).toBeGreaterThan(3000)
    expect(seen.full).toBeGreaterThan(0)
    expect(seen.full).toBeLessThan(500)
  })

  /** What each handler does in a role, where it does something; elsewhere it keeps its role and asks for nothing. */
  const tableOf = (acts: Partial<Record<string, Partial<Program['entries'][number]>>>): Program['entries'] =>
    ['message', 'input', 'timer', 'poll', 'completion', 'stored', 'observed', 'request'].flatMap((handler) =>
      [0, 1, 2].map((role) => ({
        refuses: false,
        role,
        count: 0,
        effects: [],
        ...acts[`${handler} ${String(role)}`],
      })),
    )
  const bare: Omit<Program, 'entries' | 'nodes' | 'network'> = {
    fabric: false,
    disk: false,
    clients: [],
    attempts: 1,
    knobs: { poll: 'atomic', placement: 'in-order', fetch: 'at-departure', visibility: 'prompt' },
    faults: {},
    invariant: false,
    stepInvariant: false,
    goalRole: 0,
  }
  const relay: Program = {
    ...bare,
    nodes: 3,
    network: 'unordered',
    entries: tableOf({
      'input 0': { role: 1, effects: [{ kind: 'send', value: 0 }] },
      'message 0': { effects: [{ kind: 'send', value: 0 }] },
      'message 1': { role: 2 },
    }),
  }
  const queue: Program = {
    ...bare,
    nodes: 2,
    network: 'ordered',
    entries: tableOf({
      'input 0': {
        role: 2,
        effects: [
          { kind: 'send', value: 0 },
          { kind: 'send', value: 3 },
        ],
      },
    }),
  }
  const glance: Program = {
    ...bare,
    nodes: 2,
    network: 'unordered',
    entries: tableOf({
      'input 0': {
        role: 1,
        effects: [
          { kind: 'publish', value: 1 },
          { kind: 'set timer', value: 0 },
        ],
      },
      'timer 1': { effects: [{ kind: 'watch', value: 1 }] },
      'poll 1': { role: 2 },
    }),
  }
  test.each([
    ['a message that is passed on', relay],
    ['a message with another one behind it', queue],
    ['a timer after which a node looks elsewhere', glance],
  ])('takes %s, though its receiver remembers nothing of it', (_what, random) => {
    const definition = systemOf(random)
    const setup = setupOf(random, definition)
    const limits = { input: 1 }
    const whole = visible(definition, setup, Infinity, false, limits)
    const part = visible(definition, setup, Infinity, true, limits)
    expect(whole.seen.size).toBeGreaterThan(2)
    expect(part.seen).toEqual(whole.seen)
    expect(part.search.isSpoiled).toBe(false)
  })

  test('keeps every verdict of the wrong variants of two-phase commit and Paxos, with fewer states', () => {
    const small = { ...defaultSetup(paxos), parameters: { ...defaultSetup(paxos).parameters, rounds: 1 } }
    const setup = { ...small, parameters: { ...small.parameters, clients: 1, operations: 1 } }
    const limits = { retry: 1, timer: 2 }
    const whole = check(paxos, setup, { depth: 14, limits })
    const part = check(paxos, setup, { depth: 14, limits, reduce: ['takings'] })
    expect(part.finding).toBeUndefined()
    expect(part.takings).toBeGreaterThan(0)
    expect(part.distinct).toBeLessThan(whole.distinct)
    for (const bug of Object.keys(twoPhaseCommit.bugs)) {
      const wrong = { ...defaultSetup(twoPhaseCommit), nodes: 3, bug }
      const plain = enumerate(twoPhaseCommit, wrong)
      const reduced = check(twoPhaseCommit, wrong, { reduce: ['takings'] })
      expect(reduced.finding!.actions).toHaveLength(plain.finding!.actions.length)
    }
  })

  test('keeps the verdict of a register whose reader trusts a canary', () => {
    const base = defaultSetup(rdmaRegister)
    const parameters = { ...base.parameters, words: 2, slots: 1, clients: 1, operations: 1, attempts: 1 }
    for (const bug of [undefined, ...Object.keys(rdmaRegister.bugs)]) {
      const setup = { ...base, nodes: 2, parameters, bug }
      const options = { depth: 13, limits: { timer: 1, retry: 0 } }
      const whole = check(rdmaRegister, setup, options)
      const part = check(rdmaRegister, setup, { ...options, reduce: ['takings'] })
      expect(part.finding?.violation.name).toBe(whole.finding?.violation.name)
      expect(part.finding?.actions.length).toBe(whole.finding?.actions.length)
      expect(part.distinct).toBeLessThanOrEqual(whole.distinct)
    }
  })

  test('is refused where deadlock is judged, where timers wait for everything, and where a wire is full', () => {
    const setup = defaultSetup(twoPhaseCommit)
    for (const options of [{ deadlock: true }, { timers: 'quiescent' as const }])
      expect(() => new Checker(twoPhaseCommit, setup, { reduce: ['takings'], ...options })).toThrow(
        ReductionRefused,
      )
  })
})
