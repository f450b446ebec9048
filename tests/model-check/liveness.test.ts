import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type CheckOptions,
  type CheckResult,
  Checker,
  type LivenessKind,
  SymmetryRefused,
  check,
  livenessKinds,
  sweepShared,
} from '../../model-check/search/index.js'
import type { SystemDefinition } from '../../protocol/index.js'
import { paxos } from '../../protocol/paxos/index.js'
import { rdmaRegister } from '../../protocol/rdma-register/index.js'
import { twoPhaseCommit } from '../../protocol/two-phase-commit/index.js'
import { resourceState } from '../../protocol/two-phase-commit/layout.js'
import { Run } from '../../sim/run/run.js'
import { type Setup, defaultSetup } from '../../sim/run/setup.js'
import { Outcome, isFaultKind } from '../../sim/world/site.js'
import type { World } from '../../sim/world/world.js'
import { courierSystem } from './courier.js'
import { naiveLiveness } from './naive-liveness.js'
import { program, setupOf, systemOf } from './random-systems.js'

const judge = (
  definition: SystemDefinition,
  setup: Setup,
  liveness: LivenessKind,
  options: CheckOptions = {},
): CheckResult => check(definition, setup, { ...options, liveness })

describe('a parcel', () => {
  const right = defaultSetup(courierSystem)
  const namesOf = (setup: Setup): (string | undefined)[] =>
    livenessKinds.map((kind) => judge(courierSystem, setup, kind).finding?.violation.name)

  test('that is handed on arrives', () => {
    expect(namesOf(right)).toEqual([undefined, undefined, undefined])
  })
  test('that a node may lose cannot arrive any more', () => {
    expect(namesOf({ ...right, bug: 'loses' })).toEqual(['goal-unreachable', 'deadlock', 'deadlock'])
    const { finding } = judge(courierSystem, { ...right, bug: 'loses' }, 'reachable')
    expect(finding!.actions).toEqual([{ site: 'input n0 lose', subject: 0 }])
  })
  test('that may be sent back always can arrive, and need not unless fairness is strong', () => {
    const bug = { ...right, bug: 'returns' }
    expect(namesOf(bug)).toEqual([undefined, 'livelock', undefined])
    const { finding } = judge(courierSystem, bug, 'weak-fairness')
    expect(finding!.actions.map(({ site }) => site)).toEqual([
      'input n0 forward',
      'deliver n0→n1',
      'input n1 back',
      'deliver n1→n0',
    ])
    expect(finding!.cycle).toBe(4)
    expect(finding!.violation.reason).toMatch(/^steps 1 to 4 lead back to the state after step 0/)
  })
  test('may be passed by on its channel for ever: fairness is asked of sites', () => {
    expect(namesOf({ ...right, bug: 'chatters' })).toEqual([undefined, 'livelock', 'livelock'])
  })
  test('that the network has lost is a violation; where a link is cut, or a node down, nothing is promised', () => {
    const dropped = { ...right, budget: { drop: 1 } }
    expect(namesOf(dropped)).toEqual(['goal-unreachable', 'deadlock', 'deadlock'])
    for (const budget of [{ cut: 1 }, { crash: 1 }, { pause: 1 }])
      expect(namesOf({ ...right, budget })).toEqual([undefined, undefined, undefined])
    // When the link works again it is promised again, and the parcel still waits.
    expect(namesOf({ ...right, budget: { cut: 1, heal: 1 } })).toEqual([undefined, undefined, undefined])
    // What was held is lost with the memory.
    expect(namesOf({ ...right, budget: { crash: 1, restart: 1 } })[0]).toBe('goal-unreachable')
  })
})

describe('the protocols', () => {
  const smallRegister: Setup = {
    ...defaultSetup(rdmaRegister),
    nodes: 2,
    parameters: {
      ...defaultSetup(rdmaRegister).parameters,
      words: 2,
      slots: 1,
      clients: 1,
      operations: 1,
      attempts: 1,
    },
  }
  test.each(livenessKinds)('two-phase commit, %s', (kind) => {
    for (const [nodes, distinct] of [
      [3, 288],
      [7, 296448],
    ] as const) {
      const result = judge(twoPhaseCommit, { ...defaultSetup(twoPhaseCommit), nodes }, kind)
      expect(result).toMatchObject({ distinct, exhaustive: true, finding: undefined })
      expect(result.liveness).toMatchObject({ kind, promised: distinct, open: 0 })
    }
  })
  test.each(livenessKinds)('a small RDMA register, %s', (kind) => {
    for (const poll of ['atomic', 'loads'] as const) {
      const setup = { ...smallRegister, knobs: { ...smallRegister.knobs, poll } }
      const result = judge(rdmaRegister, setup, kind)
      expect(result).toMatchObject({ exhaustive: true, finding: undefined, liveness: { open: 0 } })
      expect(result.liveness!.reached).toBeGreaterThan(100)
    }
  })
  test.each(livenessKinds)('a small Paxos that is cut off is left open, %s', (kind) => {
    const setup = { ...defaultSetup(paxos), parameters: { clients: 1, operations: 1, rounds: 1 } }
    const result = judge(paxos, setup, kind, { depth: 7 })
    expect(result).toMatchObject({ exhaustive: false, finding: undefined })
    expect(result.liveness!.open).toBeGreaterThan(100)
    expect(result.liveness!.open + result.liveness!.reached).toBeLessThanOrEqual(result.liveness!.promised)
  })
})

describe('symmetry', () => {
  const setup = { ...defaultSetup(twoPhaseCommit), nodes: 5 }
  test('does not change whether the goal stays reachable', () => {
    const result = judge(twoPhaseCommit, setup, 'reachable', { symmetry: true })
    expect(result).toMatchObject({ distinct: 314, exhaustive: true, finding: undefined })
    expect(result.liveness).toMatchObject({ promised: 314, open: 0 })
  })
  test('is refused for cycles', () => {
    for (const kind of ['weak-fairness', 'strong-fairness'] as const)
      expect(() => judge(twoPhaseCommit, setup, kind, { symmetry: true })).toThrow(SymmetryRefused)
  })
  test('finds a goal that is out of reach as soon, and its trace replays', () => {
    const definition = withGoal(twoPhaseCommit)
    const plain = judge(definition, setup, 'reachable')
    const result = judge(definition, setup, 'reachable', { symmetry: true })
    expect(plain.finding?.violation.name).toBe('goal-unreachable')
    expect(result.finding?.actions).toHaveLength(plain.finding!.actions.length)
    expectLasso(definition, setup, result, 'reachable')
  })
})

/** Two-phase commit with the goal that all commit, which one abort puts out of reach. */
function withGoal(definition: SystemDefinition): SystemDefinition {
  return {
    ...definition,
    build(choice) {
      const model = definition.build(choice)
      return {
        ...model,
        spec: {
          ...model.spec,
          goal: {
            ...model.spec.goal,
            name: 'all-commit',
            reached(observer) {
              for (let node = 1; node < observer.nodes; node++)
                if (observer.state(node, resourceState).role !== 2) return false
              return true
            },
          },
        },
      }
    },
  }
}

/** Sites at which some choice would move to another state. */
function enabledAt(world: World): Set<number> {
  const here = world.snapshot()
  const armed = world.armed.slice()
  const found = new Set<number>()
  for (const { index, kind } of world.sites)
    for (let choice = 0; choice < armed[index]! && kind !== 'overrun' && !isFaultKind(kind); choice++) {
      const outcome = world.step(index, choice)
      if (outcome === Outcome.moved && !here.state.every((byte, i) => byte === world.memory.bytes[i]))
        found.add(index)
      world.restore(here)
    }
  return found
}

/** Takes a finding anew: the goal is not reached from its end on, and where there is a cycle it is one, and fair. */
function expectLasso(
  definition: SystemDefinition,
  setup: Setup,
  { finding }: CheckResult,
  kind: LivenessKind,
): void {
  const { actions, cycle = 0, violation } = finding!
  expect(violation.kind).toBe('liveness')
  const run = new Run(definition, setup)
  const { world } = run
  const begin = actions.length - cycle
  const enabled: Set<number>[] = []
  const taken = new Set<number>()
  let state = new Uint8Array(0)
  actions.forEach(({ site: name, subject }, i) => {
    if (i === begin) state = world.memory.bytes.slice()
    const site = world.siteNamed(name)!
    if (i >= begin) {
      expect(run.judge.goalReached()).toBe(false)
      expect(isFaultKind(site.kind)).toBe(false)
      enabled.push(enabledAt(world))
      taken.add(site.index)
    }
    run.take(site.index, site.find(subject))
  })
  expect(run.violation).toBeUndefined()
  expect(run.judge.goalReached()).toBe(false)
  if (cycle > 0) expect(world.memory.bytes).toEqual(state)
  if (kind === 'reachable') return
  if (cycle === 0) {
    expect(enabledAt(world)).toEqual(new Set())
    return
  }
  for (const { index, name } of world.sites) {
    const times = enabled.filter((sites) => sites.has(index)).length
    const isDue = kind === 'strong-fairness' ? times > 0 : times === enabled.length
    if (isDue) expect(taken, name).toContain(index)
  }
}

test('threads that are cut off in the middle of a level leave more open, and find nothing that is not there', () => {
  const setup = { ...defaultSetup(paxos), parameters: { clients: 1, operations: 1, rounds: 1 } }
  const open: number[] = []
  for (let states = 100; states < 2_000; states += 100) {
    const checker = new Checker(paxos, setup, { states, liveness: 'reachable', shared: true })
    const rounds = checker.rounds(2, 1)
    for (;;) {
      let round = rounds.begin()
      if (round === undefined && !checker.advance(1)) break
      while (round !== undefined) round = rounds.end([sweepShared(round)])
    }
    while (checker.judgeLiveness(100));
    const { finding, liveness, unknown } = checker.result()
    expect(finding).toBeUndefined()
    expect(unknown).toBeGreaterThan(0)
    const alone = judge(paxos, setup, 'reachable', { states: checker.counts().distinct })
    expect(liveness!.promised).toBe(checker.counts().distinct)
    open.push(liveness!.open - alone.liveness!.open)
  }
  expect(Math.max(...open)).toBeGreaterThan(0)
})

test(
  'random systems: verdict, counts and distance are those of the naive computation',
  { timeout: 600_000 },
  () => {
    const seen = { findings: 0, cycles: 0, clean: 0, open: 0 }
    fc.assert(
      fc.property(program, (random) => {
        const definition = systemOf({ ...random, invariant: false, stepInvariant: false })
        const setup = { ...setupOf(random, definition), without: ['linearizable'] }
        const probe = check(definition, setup, { states: 120 })
        if (probe.finding !== undefined) return
        const depth = probe.exhaustive ? Infinity : Math.max(1, probe.depth - 1)
        for (const kind of livenessKinds) {
          const ours = judge(definition, setup, kind, { depth })
          if (ours.finding !== undefined && ours.finding.violation.kind !== 'liveness') return
          const naive = naiveLiveness(definition, setup, kind, { states: 5_000, depth })
          const { distinct, liveness, finding } = ours
          expect(distinct).toBe(naive.graph.states.length)
          const { promised, reached, open, nearest } = naive
          expect(liveness).toEqual({ kind, promised, reached, open })
          const stem = finding === undefined ? undefined : finding.actions.length - (finding.cycle ?? 0)
          expect(stem).toBe(nearest)
          if (finding === undefined) seen.clean++
          else expectLasso(definition, setup, ours, kind)
          if (finding !== undefined) seen.findings++
          if (finding?.cycle !== undefined) seen.cycles++
          if (open > 0) seen.open++
        }
      }),
      { numRuns: 120, seed: 3, endOnFailure: true },
    )
    // That the comparison means something.
    expect(seen.findings).toBeGreaterThan(40)
    expect(seen.cycles).toBeGreaterThan(1)
    expect(seen.clean).toBeGreaterThan(50)
    expect(seen.open).toBeGreaterThan(50)
  },
)
