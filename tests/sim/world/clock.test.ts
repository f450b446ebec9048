/** Clocks that drift, and what leases make of them. */
import { describe, expect, test } from 'vitest'
import {
  type Knobs,
  type SystemDefinition,
  boolean,
  defineCore,
  defineSystem,
  struct,
  u32,
} from '../../../protocol/index.js'
import { type PlainResult, enumerate } from '../../../model-check/plain.js'
import { Random } from '../../../sim/random.js'
import { buildWorld, defaultSetup } from '../../../sim/run/setup.js'
import { FaultDice } from '../../../sim/schedulers/fault-dice.js'
import { defaultLatency } from '../../../sim/schedulers/latency.js'
import { RandomWalk } from '../../../sim/schedulers/random-walk.js'
import { Timed } from '../../../sim/schedulers/timed.js'
import { WorldObserver } from '../../../sim/world/observer.js'
import { defaultKnobs } from '../../../sim/world/options.js'
import type { World } from '../../../sim/world/world.js'

/** The lease that node 0 has from the start ends when its clock says so. */
const leaseTicks = 3
const holderState = struct({
  /** Changes with each act under the lease. */
  act: boolean,
  /** What an earlier look at the clock has found. */
  looked: boolean,
})
const successorState = struct({ owns: boolean })

/** @param remembers whether the holder acts on what an earlier handler has read from the clock */
const holder = (remembers: boolean) =>
  defineCore({
    state: holderState,
    inputs: ['look', 'act'],
    scratchBytes: 8,
    create: ({ host, state }) => ({
      start() {
        state.looked = false
      },
      input(kind) {
        if (kind === 0) state.looked = host.clock < leaseTicks
        else if (remembers ? state.looked : host.clock < leaseTicks) state.act = !state.act
      },
    }),
  })
const successor = (guardTicks: number) =>
  defineCore({
    state: successorState,
    inputs: ['take over'],
    scratchBytes: 8,
    create: ({ host, state }) => ({
      start() {
        state.owns = false
      },
      input() {
        if (host.clock >= leaseTicks + guardTicks) state.owns = true
      },
    }),
  })

const lease: SystemDefinition = defineSystem({
  name: 'lease',
  summary: 'Node 0 acts while its lease lasts; node 1 takes over when it must have ended',
  nodes: { minimum: 2, maximum: 2, default: 2, noun: 'nodes' },
  parameters: {
    guard: { minimum: 0, maximum: 4, default: 2, meaning: 'ticks that the successor waits beyond the lease' },
    drift: { minimum: 0, maximum: 4, default: 2, meaning: 'most ticks between two clocks' },
  },
  bugs: {
    remembered: { story: 'The holder trusts a clock it has read before.', fix: 'Look.', caughtBy: [] },
  },
  build({ parameters, bug }) {
    const { guard = 0, drift = 0 } = parameters
    return {
      cores: [holder(bug === 'remembered'), successor(guard)],
      clock: { tickMicros: 10, mostTicks: 10, driftTicks: drift },
      atlas: { safety: { pause: Infinity, resume: Infinity }, unavailable: 0, beyond: [] },
      spec: {
        invariants: [],
        stepInvariants: [
          {
            name: 'one-owner',
            meaning: 'Nobody acts under a lease that another has taken over.',
            residue: 2,
            remember(observer, into) {
              into[0] = observer.state(0, holderState).act ? 1 : 0
              into[1] = observer.state(1, successorState).owns ? 1 : 0
            },
            check: (before, after) =>
              before[1] === 1 && before[0] !== after[0]
                ? 'node 0 acts though node 1 has taken over'
                : undefined,
          },
        ],
        history: undefined,
        goal: { name: 'none', meaning: 'none', reached: () => true },
      },
      bounds: { guard, drift },
    }
  },
})

function search(guard: number, drift: number, bug?: string, knobs: Partial<Knobs> = {}): PlainResult {
  return enumerate(lease, {
    ...defaultSetup(lease),
    bug,
    parameters: { guard, drift },
    knobs: { ...defaultKnobs, ...knobs },
    budget: { pause: Infinity, resume: Infinity },
  })
}

describe('a lease', () => {
  test.each([0, 1, 2, 3])('has one owner if the guard is no less than the drift of %i', (drift) => {
    for (const guard of [drift, drift + 1]) {
      const { finding, complete } = search(guard, drift)
      expect({ finding, complete }).toEqual({ finding: undefined, complete: true })
    }
  })

  test.each([1, 2, 3])('has two if the guard is less than the drift of %i', (drift) => {
    const { finding } = search(drift - 1, drift)
    expect(finding?.violation.name).toBe('one-owner')
  })

  test('needs no guard when all read one clock', () => {
    expect(search(0, 3, undefined, { broken: ['clocks-drift'] }).finding).toBeUndefined()
  })

  test('has two owners when its holder is stopped between the look at its clock and the act', () => {
    const { finding } = search(2, 2, 'remembered')
    expect(finding?.violation.name).toBe('one-owner')
    // No guard helps: that it was not even stopped, only slow, is shorter.
    expect(search(4, 1, 'remembered').finding?.violation.name).toBe('one-owner')
  })
})

describe('a clock', () => {
  const world = (drift: number, budget = {}): World =>
    buildWorld(lease, { ...defaultSetup(lease), parameters: { guard: 0, drift }, budget }, true)
  const step = (one: World, name: string): void => {
    const { index } = one.siteNamed(name)!
    if (one.armed[index] === 0) throw new RangeError(`'${name}' is not armed`)
    one.step(index, 0)
  }
  const armed = (one: World, name: string): number => one.armed[one.siteNamed(name)!.index]!

  test('is read as it is when the handler begins, and goes on while the process is stopped', () => {
    const one = world(3, { pause: 1, resume: 1 })
    const observer = new WorldObserver(one)
    step(one, 'input n0 look')
    expect(observer.state(0, holderState).looked).toBe(true)
    step(one, 'pause n0')
    for (let tick = 0; tick < leaseTicks; tick++) step(one, 'tick n0')
    step(one, 'resume n0')
    step(one, 'input n0 look')
    expect(observer.state(0, holderState).looked).toBe(false)
  })

  test('goes on while its machine is down, and a restart does not set it', () => {
    const one = world(3, { crash: 1, restart: 1 })
    step(one, 'tick n0')
    step(one, 'crash n0')
    step(one, 'tick n0')
    step(one, 'restart n0')
    expect(one.clocks!.now(0)).toBe(2)
  })

  test('waits when it is as far ahead of the slowest as the system allows, and at the horizon', () => {
    const one = world(2)
    step(one, 'tick n0')
    step(one, 'tick n0')
    expect([armed(one, 'tick n0'), armed(one, 'tick n1')]).toEqual([0, 1])
    step(one, 'tick n1')
    expect([armed(one, 'tick n0'), armed(one, 'tick n1')]).toEqual([1, 1])
    while (armed(one, 'tick n0') + armed(one, 'tick n1') > 0)
      step(one, armed(one, 'tick n0') > 0 ? 'tick n0' : 'tick n1')
    expect([one.clocks!.now(0), one.clocks!.now(1)]).toEqual([10, 10])
  })

  test('is one for all without drift', () => {
    const one = world(0)
    step(one, 'tick all')
    expect([one.clocks!.now(0), one.clocks!.now(1)]).toEqual([1, 1])
    expect(one.siteNamed('tick n0')).toBeUndefined()
  })

  test('is refused when its model makes no sense', () => {
    expect(() => world(-1)).toThrow(/driftTicks/)
  })
})

/** Nodes whose timer is set for so many ticks of their own clock, again and again; they count how often it rings. */
const timerTicks = 4
const ringerState = struct({ rings: u32, clockAtRing: u32 })
const ringer = defineCore({
  state: ringerState,
  timers: ['ring'],
  scratchBytes: 8,
  create: ({ host, state }) => ({
    start() {
      host.setTimer(0, timerTicks * 10)
    },
    timer() {
      state.rings = state.rings + 1
      state.clockAtRing = host.clock
      host.setTimer(0, timerTicks * 10)
    },
  }),
})
const ringers = defineSystem({
  ...lease,
  name: 'ringers',
  nodes: { ...lease.nodes, maximum: 4 },
  build: (choice) => ({
    ...lease.build({ ...choice, nodes: 2 }),
    cores: Array.from({ length: choice.nodes }, () => ringer),
    clock: { tickMicros: 10, mostTicks: 200, driftTicks: choice.parameters['drift']! },
    spec: { ...lease.build({ ...choice, nodes: 2 }).spec, stepInvariants: [] },
  }),
})

describe('with virtual time', () => {
  const never = { meanActions: Infinity, stableActions: 0 }
  function run(drift: number, seed: number) {
    const setup = { ...defaultSetup(ringers), nodes: 3, parameters: { guard: 0, drift } }
    const world = buildWorld(ringers, setup)
    const observer = new WorldObserver(world)
    const random = new Random(seed)
    const dice = new FaultDice(world, random, never)
    const clock = { meanNanos: Infinity, stableNanos: 0 }
    const scheduler = new Timed(world, random, dice, clock, defaultLatency)
    scheduler.begin()
    const ticks = (): number[] => [0, 1, 2].map((node) => world.clocks!.now(node))
    let apart = 0
    const late: number[] = []
    while (Math.min(...ticks()) < 200 && scheduler.next()) {
      const { node, kind } = world.sites[scheduler.site]!
      scheduler.after(world.step(scheduler.site, scheduler.choice))
      apart = Math.max(apart, Math.max(...ticks()) - Math.min(...ticks()))
      if (kind !== 'timer') continue
      const { rings, clockAtRing } = observer.state(node, ringerState)
      // At the horizon the clock stands still and the timer goes on.
      if (clockAtRing < 200) late.push(clockAtRing - rings * timerTicks)
    }
    return { nanos: world.nowNanos, apart, late, ticks: ticks() }
  }

  test('clocks run at rates of their own, no further apart than they may', () => {
    const aparts = Array.from({ length: 20 }, (_, seed) => {
      const { apart, ticks, nanos } = run(40, seed)
      expect(ticks).toEqual([200, 200, 200])
      expect(nanos).toBeGreaterThanOrEqual(200 * 10_000)
      expect(nanos).toBeLessThanOrEqual(2 * 200 * 10_000)
      return apart
    })
    expect(Math.max(...aparts)).toBeLessThanOrEqual(40)
    expect(Math.max(...aparts)).toBeGreaterThan(20)
    expect(new Set(aparts).size).toBeGreaterThan(5)
  })

  test('timers run at the rate of the clock of their node', () => {
    // Where the bound is not met a timer rings with the tick for which it is set, or right beside it.
    const runs = [1, 2, 3, 4].map((seed) => run(200, seed))
    expect(Math.max(...runs.map(({ apart }) => apart))).toBeGreaterThan(50)
    for (const { late } of runs) {
      expect(late.length).toBeGreaterThan(100)
      expect(late.every((ticks) => Math.abs(ticks) <= 1)).toBe(true)
    }
  })

  test('all clocks tick on the beat when there is no drift', () => {
    const { nanos, apart } = run(0, 1)
    expect({ nanos, apart }).toEqual({ nanos: 200 * 10_000, apart: 0 })
  })
})

test('a random walk keeps to the bound', () => {
  const world = buildWorld(ringers, {
    ...defaultSetup(ringers),
    nodes: 4,
    parameters: { guard: 0, drift: 3 },
  })
  const random = new Random(2)
  const dice = new FaultDice(world, random, { meanActions: Infinity, stableActions: 0 })
  const scheduler = new RandomWalk(world, random, dice)
  scheduler.begin()
  let apart = 0
  for (let i = 0; i < 2000 && scheduler.next(); i++) {
    scheduler.after(world.step(scheduler.site, scheduler.choice))
    const ticks = [0, 1, 2, 3].map((node) => world.clocks!.now(node))
    apart = Math.max(apart, Math.max(...ticks) - Math.min(...ticks))
  }
  expect(apart).toBe(3)
})
