import { describe, expect, test } from 'vitest'
import { faultKinds } from '../../../protocol/index.js'
import { Random } from '../../../sim/random.js'
import { buildWorld, defaultSetup } from '../../../sim/run/setup.js'
import { FaultDice } from '../../../sim/schedulers/fault-dice.js'
import { Freshness } from '../../../sim/schedulers/scheduler.js'
import { type ActionKind, Outcome, isFaultKind } from '../../../sim/world/site.js'
import { defaultKnobs } from '../../../sim/world/options.js'
import type { World } from '../../../sim/world/world.js'
import { type Act, Bench, anyFaults, word } from '../world/bench.js'
import { everything } from '../world/everything.js'
import { type Taken, drive, noPace, schedulers, timedOf } from './support.js'

const repairs = ['restart', 'resume', 'heal']

function busyWorld(budget = anyFaults): World {
  return buildWorld(everything, {
    ...defaultSetup(everything),
    knobs: { ...defaultKnobs, poll: 'loads', fetch: 'early' },
    budget,
  })
}

/** An act that moves `most` times and refuses from then on. */
const times =
  (most: number, slot: number, act?: Act): Act =>
  (host, put, state) => {
    if (state.done.get(slot) === most) return host.refuse()
    state.done.set(slot, state.done.get(slot) + 1)
    act?.(host, put, state)
  }
/** What moved, by the last letter of its name. */
const moves = (taken: readonly Taken[]): string =>
  taken
    .filter(({ outcome }) => outcome === Outcome.moved)
    .map(({ site }) => site.at(-1))
    .join('')

describe('equal seeds give equal runs, other seeds give others:', () => {
  for (const [name, make] of Object.entries(schedulers))
    test(name, () => {
      const run = (seed: number): unknown[] => {
        const world = busyWorld()
        const scheduler = make(world, seed, { meanActions: 30, stableActions: 10 })
        scheduler.begin()
        const taken = drive(world, scheduler, 1500)
        expect(scheduler.name).toContain(name)
        // A run ends early when the core posts in RESET, which is an assertion.
        expect(taken.length).toBeGreaterThan(20)
        return [...taken, world.fingerprint()]
      }
      expect(run(1)).toEqual(run(1))
      expect(run(1)).not.toEqual(run(2))
    })
})

test('every scheduler takes only what is armed', () => {
  for (const make of Object.values(schedulers)) {
    const world = busyWorld()
    const scheduler = make(world, 3, { meanActions: 20, stableActions: 5 })
    scheduler.begin()
    for (let i = 0; i < 1000 && world.failure === undefined && scheduler.next(); i++) {
      expect(scheduler.choice).toBeGreaterThanOrEqual(0)
      expect(scheduler.choice).toBeLessThan(world.armed[scheduler.site]!)
      scheduler.after(world.step(scheduler.site, scheduler.choice))
    }
  }
})

describe('timed', () => {
  test('never goes back in time, and its faults keep the stability period', () => {
    const world = busyWorld()
    const scheduler = timedOf(world, 5, { meanNanos: 5_000, stableNanos: 20_000 })
    scheduler.begin()
    const taken = drive(world, scheduler, 4000)
    const instants = taken.map(({ nanos }) => nanos)
    expect(instants).toEqual(instants.toSorted((a, b) => a - b))
    const faults = taken.filter(({ kind }) => isFaultKind(kind as ActionKind)).map(({ nanos }) => nanos)
    const gaps = faults.map((nanos, i) => nanos - (faults[i - 1] ?? 0))
    expect(gaps.length).toBeGreaterThan(3)
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(20_000)
  })

  const acts: Record<string, Act> = {
    arm: times(1, 0, (host) => {
      host.setTimer(0, 100)
      host.setTimer(1, 50)
    }),
    cancel: times(1, 1, (host) => {
      host.cancelTimer(0)
    }),
    rearm: times(1, 2, (host) => {
      host.setTimer(1, 70)
    }),
  }
  /** When timers fire, after acts done before the scheduler begins and acts done just after. */
  const firings = (script: readonly (readonly string[])[]): [string, number][] => {
    const names = script.flat()
    const bench = new Bench({
      nodes: 1,
      timers: ['slow', 'fast'],
      // The scheduler must not take acts that the script leaves out.
      acts: Object.fromEntries(names.map((name) => [name, acts[name]!])),
    })
    const { world } = bench
    const scheduler = timedOf(world, 1)
    const [before = [], after = []] = script
    bench.act(0, ...before)
    scheduler.begin()
    for (const act of after) {
      bench.act(0, act)
      scheduler.after(Outcome.moved)
    }
    return drive(world, scheduler, 100)
      .filter(({ kind }) => kind === 'timer')
      .map(({ site, nanos }) => [site, nanos])
  }
  test('fires a timer at its due time', () => {
    expect(firings([['arm']])).toEqual([
      ['timer n0 fast', 50_000],
      ['timer n0 slow', 100_000],
    ])
  })
  test('drops a timer that is cancelled, and the old time of one that is armed again', () => {
    expect(firings([['arm'], ['cancel', 'rearm']])).toEqual([['timer n0 fast', 70_000]])
  })
})

describe('pct', () => {
  const acts = { a: times(3, 0), b: times(3, 1), c: times(3, 2) }
  const runs = (depth: number): string[] =>
    Array.from({ length: 40 }, (_, seed) => {
      const { world } = new Bench({ nodes: 1, acts, budget: {} })
      const scheduler = schedulers.pct(world, seed, noPace, depth, 12)
      scheduler.begin()
      return moves(drive(world, scheduler, 100))
    })
  /** Stretches of one site. */
  const stretches = (run: string): number => run.match(/(.)\1*/g)!.length

  test('of depth 1 takes sites in the order of their priorities, and all orders occur', () => {
    expect(new Set(runs(1))).toEqual(
      new Set(['aaabbbccc', 'aaacccbbb', 'bbbaaaccc', 'bbbcccaaa', 'cccaaabbb', 'cccbbbaaa']),
    )
  })
  test('of depth d changes its mind at no more than d - 1 steps', () => {
    for (const depth of [2, 3]) {
      const counts = runs(depth).map(stretches)
      expect(Math.max(...counts)).toBeGreaterThan(3)
      expect(Math.max(...counts)).toBeLessThanOrEqual(3 + depth - 1)
    }
  })
  test('does not let a site that is armed for ever starve the others', () => {
    const { world } = new Bench({ nodes: 1, acts: { a: times(1000, 0), b: times(1, 1) }, budget: {} })
    for (let seed = 0; seed < 8; seed++) {
      const scheduler = schedulers.pct(world, seed, noPace, 1, 12)
      const start = world.snapshot()
      scheduler.begin()
      expect(moves(drive(world, scheduler, 60))).toContain('b')
      world.restore(start)
    }
  })
})

test('a uniform walk makes interleavings equally likely once it knows how long they are', () => {
  const { world } = new Bench({ nodes: 1, acts: { a: times(3, 0), b: times(1, 1) }, budget: {} })
  const start = world.snapshot()
  const scheduler = schedulers['uniform-walk'](world, 1, noPace)
  const counts = new Map<string, number>()
  for (let i = 0; i < 2000; i++) {
    world.restore(start)
    scheduler.begin()
    const run = moves(drive(world, scheduler, 50))
    counts.set(run, (counts.get(run) ?? 0) + 1)
  }
  expect([...counts.keys()].sort()).toEqual(['aaab', 'aaba', 'abaa', 'baaa'])
  // 500 of each, give or take five standard deviations.
  for (const count of counts.values()) expect(Math.abs(count - 500)).toBeLessThan(97)
})

describe.each(['atomic', 'loads'] as const)('freshness with %s polls', (poll) => {
  test('passes over an idle poll until its region changes', () => {
    const bench = new Bench({
      acts: {
        write(host, put) {
          put(1)
          host.write(1, word(0), 0, 8, 1, 3)
        },
      },
      polls: true,
      knobs: { poll },
    })
    const { world } = bench
    const freshness = new Freshness(world)
    freshness.begin()
    const take = (name: string): void => {
      freshness.after(bench.site(name).index, bench.step(name))
    }
    const isFresh = (): boolean => freshness.isFresh(bench.site('poll n1').index)
    const look = (): void => {
      take('poll n1')
      if (poll === 'loads') take('poll n1')
    }
    look()
    expect(isFresh()).toBe(false)
    take('input n0 write')
    expect(isFresh()).toBe(false)
    take('arrive n0→n1')
    expect(isFresh()).toBe(false)
    take('place n0→n1')
    expect(isFresh()).toBe(true)
    look()
    expect([isFresh(), bench.heard(1)]).toEqual([true, ['polled 1 0']])
    look()
    expect(isFresh()).toBe(false)
  })
})

describe('fault dice', () => {
  /** Faults with the number of actions before each. */
  const strikes = (seed: number, stableActions: number): [string, number][] => {
    const world = busyWorld()
    const dice = new FaultDice(world, new Random(seed), { meanActions: 8, stableActions })
    dice.begin()
    const struck: [string, number][] = []
    let since = 0
    for (let i = 0; i < 400; i++) {
      if (!dice.strikes()) {
        since++
        continue
      }
      struck.push([world.sites[dice.site]!.kind, since])
      world.step(dice.site, dice.choice)
      since = 0
    }
    return struck
  }
  const all = Array.from({ length: 20 }, (_, seed) => strikes(seed, 25)).flat()

  test('never strike within the stability period, but may repair in it', () => {
    const gaps = (repair: boolean): number[] =>
      all.filter(([kind]) => repairs.includes(kind) === repair).map(([, gap]) => gap)
    expect(gaps(false).length).toBeGreaterThan(50)
    expect(Math.min(...gaps(false))).toBeGreaterThanOrEqual(25)
    expect(Math.min(...gaps(true))).toBeLessThan(8)
  })

  test('draw all kinds that are armed', () => {
    const kinds = new Set(all.map(([kind]) => kind))
    // Nothing was sent, posted or appended, so these have nothing to strike.
    const idle = ['drop', 'duplicate', 'wipe', 'retransmit', 'fail-flush', 'rot', 'misdirect']
    expect([...kinds].sort()).toEqual(faultKinds.filter((kind) => !idle.includes(kind)).toSorted())
  })

  test('strike nothing when the budget is spent, or there is no pace', () => {
    const world = busyWorld({ pause: 1 })
    const dice = new FaultDice(world, new Random(1), { meanActions: 1, stableActions: 0 })
    dice.begin()
    let struck = 0
    for (let i = 0; i < 100; i++)
      if (dice.strikes()) {
        struck++
        world.step(dice.site, dice.choice)
      }
    expect(struck).toBe(1)
    const idle = new FaultDice(busyWorld(), new Random(1), noPace)
    idle.begin()
    expect(Array.from({ length: 1000 }, () => idle.strikes())).not.toContain(true)
  })
})
