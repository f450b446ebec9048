// Partial-order reduction against searches without it: verdicts, deadlocks, final states; and what comes of heeding less.
import { readFileSync, readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parseLitmus } from '../../model-check/litmus/index.js'
import { type CheckOptions, Checker, ReductionRefused, check } from '../../model-check/search/index.js'
import { type Heeds, heedsAll } from '../../model-check/search/partial-order.js'
import type { SystemDefinition } from '../../protocol/index.js'
import { paxos } from '../../protocol/paxos/index.js'
import { rdmaRegister } from '../../protocol/rdma-register/index.js'
import { twoPhaseCommit } from '../../protocol/two-phase-commit/index.js'
import { type Setup, defaultSetup } from '../../sim/run/setup.js'
import { finalsOf } from './final-states.js'
import { circler, racers, setupFor, writers } from './independent.js'
import { compareRandomScripts, compareRandomSystems, expectMeaning } from './partial-order.js'
import { expectReplay } from './twins.js'

describe('verdicts', () => {
  test(
    'of four hundred random systems, in both orders of search, are those without it',
    { timeout: 600_000 },
    () => {
      expectMeaning(compareRandomSystems(400, 11), 400)
    },
  )

  test(
    'of random one-sided operations: the same final states, and the same sights',
    { timeout: 600_000 },
    () => {
      const seen = compareRandomScripts(300, 5)
      expect(seen.compared).toBeGreaterThan(270)
      expect(seen.smaller).toBeGreaterThan(150)
      expect(seen.sights).toBeGreaterThan(600)
      expect(seen.left).toBeLessThan(0.8 * seen.all)
    },
  )

  const small = (definition: SystemDefinition, parameters: Record<string, number>, nodes: number): Setup => {
    const base = defaultSetup(definition)
    return { ...base, nodes, parameters: { ...base.parameters, ...parameters } }
  }
  const oneOperation = { clients: 1, operations: 1 }
  const registered = { words: 2, slots: 1, clients: 1, operations: 2, attempts: 1 }
  test.each<[SystemDefinition, Setup, CheckOptions, number]>([
    [twoPhaseCommit, small(twoPhaseCommit, {}, 3), {}, 5],
    [
      paxos,
      { ...small(paxos, { ...oneOperation, rounds: 2 }, 3), budget: { crash: 1, restart: 1 } },
      { limits: { timer: 2, retry: 0 } },
      4,
    ],
    [rdmaRegister, small(rdmaRegister, registered, 2), { limits: { timer: 1, retry: 0 } }, 6],
  ])(
    'of wrong variants of $name: what is found without it is found with it',
    (definition, right, options, least) => {
      let found = 0
      for (const bug of Object.keys(definition.bugs)) {
        const setup = { ...right, bug }
        const whole = check(definition, setup, { ...options, states: 20_000 })
        if (whole.finding === undefined) continue
        const reduced = check(definition, setup, { ...options, states: 80_000, por: true })
        expect(reduced.finding, bug).toBeDefined()
        expectReplay(definition, setup, reduced)
        found++
      }
      expect(found).toBeGreaterThanOrEqual(least)
    },
  )
})

describe('litmus programs', () => {
  const folder = new URL('../../model-check/litmus/programs/', import.meta.url)
  const files = readdirSync(folder).filter((name) => name.endsWith('.litmus'))
  const compare = (heeds: Heeds) => {
    const seen = { programs: 0, different: [] as string[], smaller: 0, all: 0, left: 0 }
    for (const file of files) {
      const program = parseLitmus(file, readFileSync(new URL(file, folder), 'utf8'))
      const whole = finalsOf(program, undefined)
      const reduced = finalsOf(program, heeds)
      seen.programs++
      seen.all += whole.states
      seen.left += reduced.states
      if (reduced.states < whole.states) seen.smaller++
      const isSame = equal(reduced.finals, whole.finals) && equal(reduced.outcomes, whole.outcomes)
      if (!isSame) seen.different.push(file)
    }
    return seen
  }

  test(
    'have the same final states, whichever faults are left, and so the same outcomes',
    { timeout: 300_000 },
    () => {
      const seen = compare(heedsAll)
      expect(seen.different).toEqual([])
      expect(seen.programs).toBeGreaterThan(290)
      expect(seen.smaller).toBeGreaterThan(150)
      expect(seen.left).toBeLessThan(seen.all)
    },
  )

  test(
    'lose outcomes when stores to memory that peers may read are taken for nothing',
    { timeout: 300_000 },
    () => {
      expect(compare({ ...heedsAll, stores: false }).different.length).toBeGreaterThan(10)
    },
  )
})

describe('independent writers of one region', () => {
  const setup = (nodes: number, bug?: string): Setup => {
    const base = setupFor(writers, nodes, bug)
    return { ...base, knobs: { ...base.knobs, placement: 'shuffled' } }
  }
  // A writer has 18 states by itself; words that nobody looks at are placed in one order, and one writer after another.
  test.each([
    [1, 18, 11],
    [2, 324, 21],
    [3, 5832, 31],
    [4, 104976, 41],
  ])('%i of them: %i states, and %i are enough', (count, whole, reduced) => {
    expect(check(writers, setup(count + 1))).toMatchObject({ distinct: whole, exhaustive: true })
    for (const order of ['breadth-first', 'depth-first'] as const)
      expect(check(writers, setup(count + 1), { por: true, order })).toMatchObject({
        distinct: reduced,
        exhaustive: true,
      })
  })

  test('are seen half done by a node that looks', () => {
    for (const nodes of [2, 3, 4]) {
      const reduced = check(writers, setup(nodes, 'looks'), { por: true })
      expect(reduced.finding?.violation.name).toBe('whole')
      expectReplay(writers, setup(nodes, 'looks'), reduced)
    }
    const blind = check(writers, setup(2, 'looks'), { por: true, heeds: { ...heedsAll, stores: false } })
    expect(blind.finding).toBeUndefined()
  })

  test('depend on a crash for as long as there may be one', () => {
    const crash = { ...setup(3), budget: { crash: 1 } }
    const whole = check(writers, crash)
    const reduced = check(writers, crash, { por: true })
    expect(reduced.distinct).toBeLessThan(whole.distinct)
    // Every state in which nobody has crashed is there.
    const healthy = check(writers, setup(3)).distinct
    expect(healthy).toBe(324)
    expect(reduced.distinct).toBeGreaterThan(healthy)
  })
})

describe('what is heeded', () => {
  test('a node that circles does not put another one off for ever', () => {
    const setup = setupFor(circler, 2)
    for (const order of ['breadth-first', 'depth-first'] as const) {
      expect(check(circler, setup, { por: true, order }).finding?.violation.name).toBe('apart')
      const careless = check(circler, setup, { por: true, order, heeds: { ...heedsAll, proviso: false } })
      expect(careless).toMatchObject({ finding: undefined, unknown: 0 })
    }
  })

  test('of steps that a property looks at every order is taken', () => {
    const setup = setupFor(racers, 2)
    expect(check(racers, setup, { por: true }).finding?.violation.name).toBe('apart')
    const careless = check(racers, setup, { por: true, heeds: { ...heedsAll, visibility: false } })
    expect(careless).toMatchObject({ finding: undefined, unknown: 0 })
  })
})

test('is refused where it is not known to be harmless', () => {
  const setup = setupFor(racers, 2)
  const options: CheckOptions[] = [
    { liveness: 'reachable' },
    { symmetry: true },
    { order: 'random' },
    { prompt: ['complete'] },
    { timers: 'quiescent' },
  ]
  for (const each of options)
    expect(() => new Checker(racers, setup, { por: true, ...each })).toThrow(ReductionRefused)
})

const equal = (a: ReadonlySet<string>, b: ReadonlySet<string>): boolean =>
  a.size === b.size && [...a].every((each) => b.has(each))
