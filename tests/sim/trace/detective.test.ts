import { describe, expect, it } from 'vitest'
import { twoPhaseCommit } from '../../../protocol/two-phase-commit/index.js'
import { type Run } from '../../../sim/run/run.js'
import { defaultSetup } from '../../../sim/run/setup.js'
import { investigate } from '../../../sim/trace/detective.js'
import { drive, ping, pingSetup, pingSystem, someFaults } from './support.js'

const driven =
  (seed: number, steps: number) =>
  (run: Run): void =>
    drive(run, seed, steps)

describe('the determinism detective', () => {
  it('finds nothing in a system that is deterministic', () => {
    for (const seed of [1, 2, 3])
      expect(
        investigate({
          definition: ping,
          setup: pingSetup({ budget: someFaults }),
          schedule: driven(seed, 500),
        }),
      ).toMatchObject({ verdict: 'deterministic', steps: 500 })
    const finding = investigate({
      definition: twoPhaseCommit,
      setup: defaultSetup(twoPhaseCommit),
      schedule: driven(1, 30),
    })
    expect(finding.verdict).toBe('deterministic')
  })

  it('names step, part and field of a core that counts outside its bytes', () => {
    let ticks = 0
    const definition = pingSystem({ tick: () => ++ticks })
    const finding = investigate({ definition, setup: pingSetup(), schedule: driven(1, 200), selfTest: false })
    if (finding.verdict !== 'different') throw new Error(finding.message)
    expect(finding.action).toBe('timer n0 tick 0')
    expect(finding.what).toMatchObject({ kind: 'field', part: 'n0 private', field: 'sum' })
    if (finding.what.kind !== 'field') throw new Error(finding.message)
    expect(finding.what.second).toBe(Number(finding.what.first) + 1)
    expect(finding.message).toMatch(
      /^Step \d+ \(timer n0 tick 0\): n0 private differs in sum: \d+ in the first execution, \d+ in the second\.$/,
    )
  })

  it('catches hidden state that two worlds share step by step, by running each handler twice', () => {
    // Every world has a core of its own that counts alike, so side by side nothing shows.
    const counters = new Map<object, number>()
    let build = 0
    const definition = pingSystem()
    const hidden = {
      ...definition,
      build(choice: Parameters<typeof definition.build>[0]) {
        const key = { build: build++ }
        return pingSystem({
          tick: () => {
            counters.set(key, (counters.get(key) ?? 0) + 1)
            return counters.get(key)!
          },
        }).build(choice)
      },
    }
    const look = (selfTest: boolean) =>
      investigate({ definition: hidden, setup: pingSetup(), schedule: driven(1, 200), selfTest })
    expect(look(false).verdict).toBe('deterministic')
    expect(look(true)).toMatchObject({ verdict: 'different', action: 'timer n0 tick 0' })
  })

  it('names where a change of code first shows', () => {
    const finding = investigate({
      definition: ping,
      other: pingSystem({ heardBy: 3 }),
      setup: pingSetup(),
      schedule: driven(1, 200),
    })
    expect(finding).toMatchObject({
      verdict: 'different',
      what: { kind: 'field', part: 'n1 private', field: 'heard', first: 1, second: 3 },
    })
    if (finding.verdict === 'different') expect(finding.action).toMatch(/^deliver n0→n1 \d+$/)
  })

  it('says when only one of the two can take a step', () => {
    const finding = investigate({
      definition: ping,
      other: ping,
      setup: pingSetup(),
      schedule: (run) => {
        drive(run, 1, 20)
        run.log.add(run.world.siteNamed('timer n0 tick')!.index, 999)
      },
    })
    expect(finding).toMatchObject({
      verdict: 'different',
      step: 20,
      what: { kind: 'outcome', first: 'not possible' },
    })
  })
})
