import { describe, expect, test } from 'vitest'
import { enumerate } from '../../../model-check/plain.js'
import { apus } from '../../../protocol/apus/index.js'
import type { Knobs, SystemDefinition } from '../../../protocol/index.js'
import { paxos } from '../../../protocol/paxos/index.js'
import { rdmaRegister } from '../../../protocol/rdma-register/index.js'
import { twoPhaseCommit } from '../../../protocol/two-phase-commit/index.js'
import { type Violation, sameViolation } from '../../../sim/run/judge.js'
import { Run } from '../../../sim/run/run.js'
import { type Setup, defaultSetup } from '../../../sim/run/setup.js'
import { FingerprintSet } from '../../../sim/shrink/fingerprints.js'
import { Level } from '../../../sim/shrink/level.js'
import { findShortest } from '../../../sim/shrink/shortest.js'
import { defaultKnobs } from '../../../sim/world/options.js'

interface Case {
  readonly definition: SystemDefinition
  readonly setup: Partial<Setup>
  readonly wanted: Omit<Violation, 'reason'>
  readonly depth: number
}

const simplestKnobs: Knobs = { ...defaultKnobs, placement: 'in-order', visibility: 'prompt' }
const onePut = { words: 2, slots: 1, clients: 1, operations: 1, attempts: 1, integrity: 0 }
const oneRound = { clients: 2, operations: 1, rounds: 1 }
const invariant = (name: string): Omit<Violation, 'reason'> => ({ kind: 'invariant', name })

const cases: readonly Case[] = [
  {
    definition: twoPhaseCommit,
    setup: { bug: 'abort-after-commit', nodes: 2 },
    wanted: invariant('consistency'),
    depth: 9,
  },
  // Nothing is wrong with this one: all states are looked at.
  { definition: twoPhaseCommit, setup: { nodes: 2 }, wanted: invariant('consistency'), depth: 40 },
  {
    definition: paxos,
    setup: { bug: 'promise-before-flush', parameters: oneRound, budget: { crash: 1, restart: 1, drop: 1 } },
    wanted: invariant('promise-is-kept'),
    depth: 7,
  },
  {
    definition: paxos,
    setup: { bug: 'accept-any-ballot', parameters: { ...oneRound, rounds: 2 } },
    wanted: { kind: 'step', name: 'promise-never-falls' },
    depth: 9,
  },
  {
    definition: paxos,
    setup: { bug: 'lowest-ballot-value', parameters: oneRound, budget: { duplicate: 2, cut: 1 } },
    wanted: invariant('accepted-is-safe'),
    depth: 6,
  },
  {
    definition: rdmaRegister,
    setup: {
      bug: 'payload-before-header',
      nodes: 2,
      parameters: onePut,
      knobs: { ...simplestKnobs, poll: 'loads' },
    },
    wanted: invariant('integrity'),
    depth: 15,
  },
  {
    definition: rdmaRegister,
    setup: { bug: 'blank-read', nodes: 2, parameters: onePut, budget: { crash: 1, restart: 1, pause: 1 } },
    wanted: invariant('answered-is-held'),
    depth: 12,
  },
  {
    definition: rdmaRegister,
    setup: {
      bug: 'missing-checksum',
      nodes: 3,
      parameters: { ...onePut, operations: 2 },
      knobs: { ...defaultKnobs, poll: 'loads', placement: 'shuffled', fetch: 'early' },
    },
    wanted: invariant('integrity'),
    depth: 7,
  },
]

describe('the search for a shortest schedule agrees with the plain enumerator:', () => {
  for (const { definition, setup, wanted, depth } of cases)
    test(`${definition.name} ${setup.bug ?? ''} ${wanted.name}`, () => {
      const whole: Setup = { ...defaultSetup(definition), knobs: simplestKnobs, ...setup }
      const violation = { ...wanted, reason: '' }
      const others = propertiesBut(definition, whole, wanted.name)
      const plain = enumerate(
        definition,
        { ...whole, without: others },
        {
          depth,
          wanted: (found) => sameViolation(found, violation),
        },
      )
      const search = findShortest(definition, whole, violation, { depth })
      expect(search.length).toBe(plain.finding?.actions.length)
      if (search.length === undefined) {
        expect(search.noneUpTo).toBe(depth)
        // In the last step states are judged and not kept.
        const further = findShortest(definition, whole, violation, { depth: depth + 1 })
        if (further.length === undefined) expect(further.states).toBe(plain.distinct)
        return
      }
      expect(search.noneUpTo).toBe(search.length - 1)
      const run = new Run(definition, { ...whole, without: others })
      for (const { site: name, subject } of search.actions) {
        expect(run.violation).toBeUndefined()
        const site = run.world.siteNamed(name)!
        run.take(site.index, site.find(subject))
      }
      expect(run.violation).toMatchObject(wanted)
    })
})

function propertiesBut(definition: SystemDefinition, setup: Setup, name: string): string[] {
  const { spec } = new Run(definition, setup).world.model
  const all = [...spec.invariants, ...spec.stepInvariants].map((property) => property.name)
  return [...all, 'role'].filter((other) => other !== name)
}

describe('what the search keeps', () => {
  test('a cut off search says how far it got', () => {
    const setup: Setup = { ...defaultSetup(paxos), bug: 'minority-quorum' }
    const wanted: Violation = { kind: 'invariant', name: 'agreement', reason: '' }
    const few = findShortest(paxos, setup, wanted, { depth: 20, states: 500 })
    expect(few.length).toBeUndefined()
    expect(few.noneUpTo).toBeGreaterThan(1)
    expect(few.noneUpTo).toBeLessThan(8)
    expect(findShortest(paxos, setup, wanted, { depth: 20, shouldStop: () => true }).noneUpTo).toBe(0)
  })

  test('a level gives back what was put in, over many chunks', () => {
    const initial = Uint32Array.from({ length: 500 }, (_, i) => i % 3)
    const level = new Level(initial)
    const states = Array.from({ length: 2_000 }, (_, n) => {
      const words = initial.slice()
      for (let i = 0; i < 500; i += 1 + (n % 7)) words[i] = n % 2 === 0 ? n : 0xffff_ffff - n
      return { words, fingerprint: Uint32Array.of(n, 1, 2, 3) }
    })
    const words = initial.slice()
    const fingerprint = new Uint32Array(4)
    for (let time = 0; time < 2; time++) {
      level.clear()
      for (const state of states) level.add(state.words, state.fingerprint)
      expect(level.count).toBe(states.length)
      const wrong = states.filter((state) => {
        level.read(words, fingerprint)
        return words.join() !== state.words.join() || fingerprint.join() !== state.fingerprint.join()
      })
      expect(wrong).toHaveLength(0)
    }
  })

  test('a set of fingerprints knows what it was given, also when it grows', () => {
    const set = new FingerprintSet()
    // Only high bits differ in the word that the places are taken from, so all collide.
    const fingerprint = (n: number): Uint32Array => Uint32Array.of((n % 512) << 20, n, 0, 1)
    const countNew = (): number => {
      let count = 0
      for (let n = 0; n < 20_000; n++) if (set.add(fingerprint(n))) count++
      return count
    }
    expect(countNew()).toBe(20_000)
    expect(countNew()).toBe(0)
    expect(set.count).toBe(20_000)
  })

  test('states that are too large are not searched, and nothing is claimed of them', () => {
    const setup: Setup = {
      ...defaultSetup(apus),
      nodes: 9,
      parameters: { durability: 1, clients: 3, window: 3, retained: 4 },
      knobs: { ...defaultKnobs, poll: 'loads' },
    }
    const wanted: Violation = { kind: 'invariant', name: 'agreement', reason: '' }
    expect(findShortest(apus, setup, wanted, { depth: 2 })).toMatchObject({ length: undefined, noneUpTo: 0 })
  })
})
