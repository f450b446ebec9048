/** Drives a world with a scheduler and writes down what it takes. */
import { Random } from '../../../sim/random.js'
import { FaultDice, type FaultPace } from '../../../sim/schedulers/fault-dice.js'
import { defaultLatency } from '../../../sim/schedulers/latency.js'
import { Pct } from '../../../sim/schedulers/pct.js'
import { RandomWalk } from '../../../sim/schedulers/random-walk.js'
import type { Scheduler } from '../../../sim/schedulers/scheduler.js'
import { type FaultClock, Timed } from '../../../sim/schedulers/timed.js'
import { Circles } from '../../../sim/schedulers/circles.js'
import { UniformWalk } from '../../../sim/schedulers/uniform-walk.js'
import { Outcome } from '../../../sim/world/site.js'
import type { World } from '../../../sim/world/world.js'

export interface Taken {
  readonly site: string
  readonly kind: string
  readonly choice: number
  readonly nanos: number
  readonly outcome: Outcome
}

export const noPace: FaultPace = { meanActions: Infinity, stableActions: 0 }
const noClock: FaultClock = { meanNanos: Infinity, stableNanos: 0 }

export function timedOf(world: World, seed: number, clock = noClock): Timed {
  const random = new Random(seed)
  return new Timed(world, random, new FaultDice(world, random, noPace), clock, defaultLatency)
}

/** The schedulers by name. */
export const schedulers = {
  timed: (world: World, seed: number, { meanActions, stableActions }: FaultPace) =>
    timedOf(world, seed, { meanNanos: meanActions * 1000, stableNanos: stableActions * 1000 }),
  random(world: World, seed: number, pace: FaultPace) {
    const random = new Random(seed)
    return new RandomWalk(world, random, new FaultDice(world, random, pace))
  },
  pct(world: World, seed: number, pace: FaultPace, depth = 3, length = 200) {
    const random = new Random(seed)
    return new Pct(world, random, new FaultDice(world, random, pace), depth, length)
  },
  'uniform-walk'(world: World, seed: number, pace: FaultPace) {
    const random = new Random(seed)
    return new UniformWalk(world, random, new FaultDice(world, random, pace))
  },
  circles(world: World, seed: number, pace: FaultPace) {
    const random = new Random(seed)
    return new Circles(world, random, new FaultDice(world, random, pace))
  },
}

/** Takes at most `steps` steps, or until the scheduler finds none or the run fails. */
export function drive(world: World, scheduler: Scheduler, steps: number): Taken[] {
  const taken: Taken[] = []
  while (taken.length < steps && world.failure === undefined && scheduler.next()) {
    const { site, choice } = scheduler
    const { name, kind } = world.sites[site]!
    const outcome = world.step(site, choice)
    taken.push({ site: name, kind, choice, nanos: world.nowNanos, outcome })
    scheduler.after(outcome)
  }
  return taken
}
