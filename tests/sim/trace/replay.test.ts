import { describe, expect, it } from 'vitest'
import { ActionLog } from '../../../sim/run/action-log.js'
import { twoPhaseCommit } from '../../../protocol/two-phase-commit/index.js'
import { defaultKnobs } from '../../../sim/world/options.js'
import { defaultSetup } from '../../../sim/run/setup.js'
import { decodeTrace, encodeTrace } from '../../../sim/trace/codec.js'
import { fromText, toText } from '../../../sim/trace/text.js'
import { Run } from '../../../sim/run/run.js'
import { TraceError } from '../../../sim/trace/errors.js'
import { Fingerprinter } from '../../../sim/trace/fingerprints.js'
import { RunRecorder, TraceRecorder } from '../../../sim/trace/recorder.js'
import { replayGuided } from '../../../sim/trace/guided.js'
import { replayStrict } from '../../../sim/trace/replay.js'
import { bareTrace, recordTrace, retrace } from '../../../sim/trace/trace.js'
import { drive, ping, pingSetup, pingSystem, plain, record, someFaults } from './support.js'

const without = (log: ActionLog, left: (index: number) => boolean): ActionLog => {
  const kept = new ActionLog()
  for (let i = 0; i < log.length; i++) if (!left(i)) kept.add(log.site(i), log.subject(i))
  return kept
}

describe('a strict replay', () => {
  it.each([1, 2, 3, 4, 5])('reproduces what was recorded, with faults (seed %i)', (seed) => {
    const trace = record(1500, { seed })
    expect(trace.actions.length).toBe(1500)
    const replay = replayStrict(ping, trace)
    expect(replay.message).toBe('Reproduced 1500 actions.')
    expect(replay.outcome).toBe('reproduced')
  })

  it('reproduces every combination of knobs', () => {
    for (const poll of ['atomic', 'loads'] as const)
      for (const placement of ['in-order', 'shuffled-in-packet', 'shuffled'] as const)
        for (const fetch of ['at-departure', 'early', 'by-word'] as const) {
          const setup = pingSetup({ knobs: { ...defaultKnobs, poll, placement, fetch }, budget: someFaults })
          const trace = record(400, { setup })
          expect(replayStrict(ping, trace, { selfTest: true }).message).toBe('Reproduced 400 actions.')
        }
  })

  it('finds the same violation at the same action', () => {
    const trace = record(400, { setup: pingSetup({ bug: 'forgets' }) })
    expect(trace.violation?.name).toBe('pongs')
    const replay = replayStrict(ping, trace)
    expect(replay).toMatchObject({ outcome: 'reproduced', violation: trace.violation })
  })

  it('has the same fingerprints whether they were taken during the run or afterwards', () => {
    const run = new Run(ping, pingSetup({ budget: someFaults }))
    const log = new RunRecorder(run)
    drive(run, 7, 500)
    const during = recordTrace(run, { provenance: {} }, log)
    expect(plain(recordTrace(run, { provenance: {} }))).toEqual(plain(during))
    expect(plain(retrace(ping, during))).toEqual(plain(during))
    // And so has a recorder of a bare world, even one that recorded something else before.
    const { world } = new Run(ping, run.setup)
    const start = world.snapshot()
    const recorder = new TraceRecorder(world)
    const follow = (actions: number): void => {
      for (let i = 0; i < actions; i++) {
        const site = run.log.site(i)
        world.step(site, world.sites[site]!.find(run.log.subject(i)))
        recorder.add(site, run.log.subject(i))
      }
    }
    follow(99)
    world.restore(start)
    recorder.clear()
    follow(500)
    expect(recorder.actions.length).toBe(500)
    expect(recorder.finish()).toEqual({
      fingerprints: during.fingerprints,
      components: during.components,
    })
    expect(during.fingerprints).toHaveLength(1 + Math.ceil(500 / 64))
  })

  it('keeps fingerprints that are those of the bytes, whatever was touched', () => {
    const run = new Run(ping, pingSetup({ budget: someFaults }))
    const followed = new Fingerprinter(run.world)
    run.onAction = () => {
      followed.afterStep()
      expect(followed.settle()).toBe(new Fingerprinter(run.world).settled)
    }
    drive(run, 3, 300)
  })

  it('says which action is not possible and what is instead', () => {
    const trace = record(300, { setup: pingSetup() })
    const tick = trace.header.sites.indexOf('timer n0 tick')
    const actions = new ActionLog()
    let second = -1
    let ticks = 0
    for (let i = 0; i < 300; i++) {
      const subject = trace.actions.subject(i)
      if (trace.actions.site(i) === tick && ++ticks === 2) second = i
      actions.add(trace.actions.site(i), second === i ? 9 : subject)
    }
    const replay = replayStrict(ping, { ...trace, actions })
    expect(replay.outcome).toBe('diverged')
    if (replay.outcome !== 'diverged' || replay.divergence.kind !== 'not-armed')
      throw new Error(replay.message)
    expect(replay.divergence).toMatchObject({ step: second, action: 'timer n0 tick 9' })
    expect(replay.divergence.armed).toContain('timer n0 tick 0')
    expect(replay.message).toMatch(
      /^At step \d+, timer n0 tick 9 is not possible\. Possible instead: .*timer n0 tick 0/,
    )
  })

  it('never takes a delivery to a node that cannot receive, though its message is there', () => {
    const run = new Run(ping, pingSetup({ budget: { crash: 1 } }))
    const take = (name: string) => run.take(run.world.siteNamed(name)!.index, 0)
    take('timer n0 tick')
    take('crash n1')
    const { header, actions } = recordTrace(run, { provenance: {} })
    actions.add(header.sites.indexOf('deliver n0→n1'), 0)
    expect(replayStrict(ping, bareTrace(header, actions))).toMatchObject({
      outcome: 'diverged',
      divergence: { kind: 'not-armed', step: 2, action: 'deliver n0→n1 0' },
    })
  })

  it('names the window, the part and the changed fields where only fingerprints are stored', () => {
    const trace = record(300, { setup: pingSetup(), about: { image: false } })
    const replay = replayStrict(pingSystem({ heardBy: 2 }), trace, { codeFingerprint: 'def' })
    expect(replay).toMatchObject({
      outcome: 'diverged',
      codeChanged: true,
      divergence: { kind: 'fingerprint', after: 0, step: 63 },
    })
    if (replay.outcome !== 'diverged' || replay.divergence.kind !== 'fingerprint') throw new Error()
    expect(replay.divergence.components.map(({ part }) => part)).toEqual(['n1 private'])
    expect(replay.divergence.components[0]!.exact).toBe(false)
    expect(replay.divergence.components[0]!.fields.map(({ path }) => path)).toContain('heard')
    expect(replay.message).toContain('n1 private differs; the replay changed there heard (0 → ')
  })

  it('names the very step in a trace with a fingerprint for each', () => {
    const trace = record(100, { setup: pingSetup(), about: { fingerprintEvery: 1 } })
    const deliver = trace.header.sites.indexOf('deliver n0→n1')
    const first = Array.from({ length: 100 }, (_, i) => i).find((i) => trace.actions.site(i) === deliver)!
    const replay = replayStrict(pingSystem({ heardBy: 5 }), trace)
    expect(replay).toMatchObject({
      outcome: 'diverged',
      divergence: {
        after: first,
        step: first,
        components: [{ part: 'n1 private', fields: [{ path: 'heard', before: 0, after: 5 }] }],
      },
    })
    expect(replay.message).toContain(`After step ${String(first)} the state became another one`)
  })

  it('names the fields exactly at the last state', () => {
    const trace = record(40, { setup: pingSetup() })
    const replay = replayStrict(pingSystem({ heardBy: 2 }), trace)
    if (replay.outcome !== 'diverged' || replay.divergence.kind !== 'fingerprint')
      throw new Error(replay.message)
    const [component] = replay.divergence.components
    expect(component).toMatchObject({ part: 'n1 private', exact: true, fields: [{ path: 'heard' }] })
    const before = Number(component!.fields[0]!.before)
    expect(component!.fields[0]!.after).toBe(2 * before)
    expect(replay.message).toContain(`heard (recorded ${String(before)}, replayed ${String(2 * before)})`)
  })

  it('tells that the initial state is another one already', () => {
    const trace = record(10, { about: { image: false } })
    const fingerprints = trace.fingerprints.map((fingerprint, p) => (p === 0 ? fingerprint ^ 1 : fingerprint))
    const replay = replayStrict(ping, { ...trace, fingerprints })
    expect(replay).toMatchObject({ outcome: 'diverged', executed: 0, divergence: { after: -1, step: -1 } })
    expect(replay.message).toBe(
      'Before the first step the state became another one; which part differs is not stored.',
    )
  })

  it('tells that the memory is laid out otherwise before it compares anything', () => {
    const trace = record(10)
    const parts = trace.header.parts.map((part) => (part.name === 'n1 board' ? { ...part, layout: 1 } : part))
    expect(replayStrict(ping, { ...trace, header: { ...trace.header, parts } })).toMatchObject({
      outcome: 'diverged',
      divergence: { kind: 'layout', parts: ['n1 board'] },
    })
  })

  it('reproduces two-phase commit through bytes and through text', () => {
    const trace = record(60, { definition: twoPhaseCommit, setup: defaultSetup(twoPhaseCommit) })
    expect(replayStrict(twoPhaseCommit, decodeTrace(encodeTrace(trace))).outcome).toBe('reproduced')
    expect(replayStrict(twoPhaseCommit, fromText(toText(trace, twoPhaseCommit))).outcome).toBe('reproduced')
  })

  it('tells another verdict apart', () => {
    const trace = record(100, { setup: pingSetup() })
    const lie = { kind: 'invariant', name: 'pongs', reason: 'So it says.', at: 50 } as const
    expect(replayStrict(ping, { ...trace, violation: lie })).toMatchObject({
      outcome: 'different-verdict',
      expected: lie,
      found: undefined,
    })
  })

  it('refuses a trace of another system or of settings that the system does not have', () => {
    const trace = record(10)
    const { setup } = trace.header
    const header = (change: object) => ({ ...trace, header: { ...trace.header, ...change } })
    expect(() => replayStrict(ping, header({ system: 'pong' }))).toThrow(TraceError)
    expect(() => replayStrict(ping, header({ setup: { ...setup, nodes: 3 } }))).toThrow(/setup\.nodes/)
    expect(() => replayStrict(ping, header({ setup: { ...setup, bug: 'toString' } }))).toThrow(/setup\.bug/)
    expect(() => replayStrict(ping, header({ setup: { ...setup, parameters: {} } }))).toThrow(/operations/)
  })
})

describe('a guided replay', () => {
  it('follows the same code to the last action', () => {
    const trace = record(500)
    const replay = replayGuided(ping, trace)
    expect(replay).toMatchObject({ executed: 500, approximated: 0, skipped: 0, followed: 500, healed: false })
  })

  it('follows a story that was cut, and says what it took instead and what it skipped', () => {
    const trace = record(500, { setup: pingSetup() })
    const tick = trace.header.sites.indexOf('timer n0 tick')
    const ticks = Array.from({ length: 500 }, (_, i) => i).filter((i) => trace.actions.site(i) === tick)
    const lost = ticks.slice(0, 3)
    const cut = bareTrace(
      trace.header,
      without(trace.actions, (i) => lost.includes(i)),
    )
    const replay = replayGuided(ping, cut)
    expect(replay.executed + replay.approximated + replay.skipped).toBe(497)
    expect(replay.executed).toBeGreaterThan(0)
    // Later pings have other numbers now.
    expect(replay.approximated).toBeGreaterThan(0)
    expect(replay.skipped).toBeGreaterThan(0)
    expect(replay.approximations[0]!.reason).toMatch(/^taken with subject \d+$/)
    // The result is a run like any other: its own trace replays strictly.
    expect(replayStrict(ping, recordTrace(replay.run, { provenance: {} })).outcome).toBe('reproduced')
  })

  it('follows a trace whose parameters are not all those of today', () => {
    const trace = record(50)
    const setup = { ...trace.header.setup, parameters: { gone: 3 } }
    const replay = replayGuided(ping, { ...trace, header: { ...trace.header, setup } })
    expect(replay.run.setup.parameters).toEqual({ operations: 20 })
    expect(replay.executed).toBe(50)
  })

  it('meets a violation of another variant', () => {
    const trace = record(400, { setup: pingSetup() })
    const replay = replayGuided(ping, trace, { setup: { bug: 'forgets' } })
    expect(replay.violation?.name).toBe('pongs')
    expect(replay.followed).toBeLessThan(400)
  })

  it('ends the faults when asked', () => {
    const setup = pingSetup({ budget: { pause: 1, crash: 1, cut: 1 } })
    const run = new Run(ping, setup)
    for (const name of ['pause n0', 'crash n1', 'cut n0→n1']) run.take(run.world.siteNamed(name)!.index, 0)
    const replay = replayGuided(ping, recordTrace(run, { provenance: {} }), { heal: true })
    const { observer } = replay.run.judge
    expect(replay.healed).toBe(true)
    expect([observer.isUp(0), observer.isUp(1), replay.run.world.isCut(0, 1)]).toEqual([true, true, false])
    expect(replayStrict(ping, recordTrace(replay.run, { provenance: {} })).outcome).toBe('reproduced')
  })
})
