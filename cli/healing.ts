/**
 * What comes after the faults: they end, what is broken is repaired, and the system runs until it has reached its goal.
 * The same every time, so that a shrunk liveness violation shows again.
 */
import { Random, type Judge, type Outcome, type World } from '../sim/index.js'
import { FaultDice } from '../sim/schedulers/fault-dice.js'
import { defaultLatency } from '../sim/schedulers/latency.js'
import { Timed } from '../sim/schedulers/timed.js'

/** Whoever steps a world: a run, which records, or a rehearsal, which does not. */
export interface Stepper {
  readonly world: World
  readonly judge: Judge
  take(site: number, choice: number): Outcome
  /** Whether something went wrong on the way. */
  mustStop(): boolean
}

/** Ends the faults. Nodes that are down come back where the protocol lets them, unless they are to stay down. */
export function endFaults(stepper: Stepper, stayDown: boolean): void {
  const { world } = stepper
  const calm = world.siteNamed('calm')
  if (calm !== undefined) stepper.take(calm.index, calm.find(0))
  const { atlas } = world.model
  for (const site of world.sites) {
    const isRepair = site.kind === 'heal' || site.kind === 'resume' || (site.kind === 'restart' && !stayDown)
    if (!isRepair || stepper.mustStop() || world.armed[site.index]! === 0) continue
    const mayRestart = (atlas.safety.restart ?? 0) > 0 && atlas.spared?.restart?.includes(site.node) !== true
    if (site.kind !== 'restart' || mayRestart) stepper.take(site.index, 0)
  }
}

/** Whether so few nodes are down that the system promises to go on. */
export function mustServe(world: World): boolean {
  const down = world.nodes.filter(({ index }) => world.isDown(index)).length
  return down <= world.model.atlas.unavailable
}

/** Runs without faults until the goal is reached, nothing can happen any more, or for `most` actions. Whether it is. */
export function runToGoal(stepper: Stepper, most: number): boolean {
  const { world, judge } = stepper
  const random = new Random(1)
  const dice = new FaultDice(world, random, { meanActions: Infinity, stableActions: 0 })
  const healer = new Timed(world, random, dice, { meanNanos: Infinity, stableNanos: 0 }, defaultLatency)
  healer.begin()
  for (let left = most; left > 0 && !stepper.mustStop() && !judge.goalReached(); left--) {
    if (!healer.next()) break
    healer.after(stepper.take(healer.site, healer.choice))
  }
  return judge.goalReached()
}
