/**
 * Explores one seed: draws a plan, runs a batch of schedules in the world that it describes, and judges each of them. A
 * run has a safety phase, in which faults strike, and a liveness phase, in which faults have ended, a core of the
 * cluster is healed and must reach the system's goal.
 */
import { type FaultKind, type NodeId, type SystemDefinition, faultKinds } from '../../protocol/index.js'
import { Random, derivedSeed } from '../random.js'
import type { ActionLog } from '../run/action-log.js'
import { heal } from '../run/heal.js'
import type { Violation } from '../run/judge.js'
import { Run } from '../run/run.js'
import { Circles } from '../schedulers/circles.js'
import { FaultDice } from '../schedulers/fault-dice.js'
import { defaultLatency } from '../schedulers/latency.js'
import { Pct } from '../schedulers/pct.js'
import { RandomWalk } from '../schedulers/random-walk.js'
import type { Scheduler } from '../schedulers/scheduler.js'
import { Timed } from '../schedulers/timed.js'
import { UniformWalk } from '../schedulers/uniform-walk.js'
import type { Coverage } from '../world/listener.js'
import { Outcome } from '../world/site.js'
import type { Snapshot, World } from '../world/world.js'
import { Forks } from './forks.js'
import { type Plan, type SwarmOptions, drawPlan } from './swarm.js'

/** Runs per seed. */
export const runsPerSeed = 64
/** Share of runs that get a liveness phase, which costs as much as several safety phases. */
const livenessChance = 0.25
/** Share of runs that go on from a fork. */
const forkChance = 0.5
/** Actions that a healed core gets to reach the goal. */
const livenessActions = 200_000
/** Idle or refused steps in a row after which nothing more is expected. */
const quietSteps = 100
/** Actions after the goal is reached, to see what stragglers do. */
const afterGoalActions = 40

export interface SwarmFinding {
  readonly plan: Plan
  /** Which run of the seed's batch. */
  readonly run: number
  readonly violation: Violation
  readonly actions: ActionLog
}

export interface BatchResult {
  readonly plan: Plan
  readonly runs: number
  readonly moved: number
  readonly idle: number
  readonly refused: number
  readonly nanos: number
  readonly findings: readonly SwarmFinding[]
  readonly coverage: Coverage
  /** Runs whose liveness was demanded and reached. */
  readonly converged: number
  readonly unjudgedHistories: number
}

export function makeScheduler(world: World, plan: Plan, random: Random): Scheduler {
  const dice = new FaultDice(world, random, plan.pace)
  switch (plan.scheduler) {
    case 'timed':
      return new Timed(world, random, dice, plan.clock, plan.latency)
    case 'random':
      return new RandomWalk(world, random, dice)
    case 'pct':
      return new Pct(world, random, dice, plan.depth, plan.actions)
    case 'circles':
      return new Circles(world, random, dice)
    case 'uniform-walk':
      return new UniformWalk(world, random, dice)
  }
}

export interface BatchOptions {
  /** Goes on after a violation. */
  readonly keepGoing?: boolean
  /** False for runs that end with their safety phase. */
  readonly liveness?: boolean
}

/** Explores one seed. `shouldStop` is asked between runs. */
export function exploreSeed(
  definition: SystemDefinition,
  seed: number,
  options: SwarmOptions,
  shouldStop: () => boolean = () => false,
  { keepGoing = false, liveness = true }: BatchOptions = {},
): BatchResult {
  const plan = drawPlan(definition, seed, options)
  const selfTest = seed % 8 === 0
  const run = new Run(definition, plan.setup, selfTest)
  const { world } = run
  const start = world.snapshot()
  const findings: SwarmFinding[] = []
  const random = new Random(derivedSeed(seed, 3))
  const scheduler = makeScheduler(world, plan, random)
  const forks = new Forks(world, random)
  const healer = healerOf(world, random)
  let runs = 0
  let converged = 0
  let nanos = 0
  for (; runs < runsPerSeed && !shouldStop(); runs++) {
    begin(run, start)
    if (random.chance(forkChance)) forks.goOn(run)
    safetyPhase(run, scheduler, forks, plan.actions)
    const demanded = random.chance(livenessChance) && liveness
    if (demanded && run.violation === undefined && livenessPhase(run, healer, random)) converged++
    run.finish()
    nanos += world.nowNanos
    if (run.violation === undefined) continue
    const isSafety = run.violation.kind !== 'liveness'
    // A bug that stops progress often breaks safety too, which says more: so the batch goes on after a first stall.
    if (keepGoing || isSafety || findings.length === 0)
      findings.push({ plan, run: runs, violation: run.violation, actions: run.log.slice() })
    if (!keepGoing && isSafety) {
      runs++
      break
    }
  }
  const [refused, idle, moved] = outcomes(world)
  return {
    plan,
    runs,
    moved,
    idle,
    refused,
    nanos,
    findings,
    coverage: world.coverage,
    converged,
    unjudgedHistories: run.judge.unjudgedHistories,
  }
}

function begin(run: Run, start: Snapshot): void {
  run.world.restore(start)
  run.log.clear()
  run.judge.reset()
  run.violation = run.judge.atStart()
}

/**
 * Goes on from the state that a run is in, for at most so many actions: until something is violated, nothing more is
 * expected, or soon after the goal is reached.
 */
export function playOn(run: Run, scheduler: Scheduler, most: number): void {
  safetyPhase(run, scheduler, undefined, most)
}

function safetyPhase(run: Run, scheduler: Scheduler, forks: Forks | undefined, most: number): void {
  scheduler.begin()
  let left = most
  let quiet = 0
  while (run.violation === undefined && left > 0 && quiet < quietSteps && scheduler.next()) {
    const { site, choice } = scheduler
    const situation = forks?.isFault(site) === true ? forks.situation(site, choice) : -1
    const outcome = run.take(site, choice)
    scheduler.after(outcome)
    if (situation >= 0 && outcome === Outcome.moved) forks?.keep(situation, run.log)
    quiet = outcome === Outcome.moved ? 0 : quiet + 1
    if (quiet === 0) left--
    if (left > afterGoalActions && run.judge.clientsDone() && run.judge.goalReached()) left = afterGoalActions
  }
}

/** Timed, without faults. */
function healerOf(world: World, random: Random): Scheduler {
  const never = { meanActions: Infinity, stableActions: 0 }
  const dice = new FaultDice(world, random, never)
  return new Timed(world, random, dice, { meanNanos: Infinity, stableNanos: 0 }, defaultLatency)
}

/** Ends a run as `explore` ends one that has violated nothing: see {@link livenessPhase}. */
export function demandGoal(run: Run, random: Random): boolean {
  return livenessPhase(run, healerOf(run.world, random), random)
}

/**
 * Ends the faults and demands the goal of a healed core. Nodes that are down stay down as far as the promise allows, so
 * that a core, not the whole cluster, must do. Returns whether the goal was demanded and reached.
 */
function livenessPhase(run: Run, healer: Scheduler, random: Random): boolean {
  const { world } = run
  const { atlas } = world.model
  const down: NodeId[] = []
  for (const node of world.nodes) if (world.isOut(node.index)) down.push(node.index)
  const stay = down.filter(() => random.chance(0.5)).slice(0, atlas.unavailable)
  const mayRestart = (node: NodeId): boolean =>
    (atlas.safety.restart ?? 0) > 0 && atlas.spared?.restart?.includes(node) !== true
  heal(run, [...stay, ...down.filter((node) => !mayRestart(node))])
  const unavailable = world.nodes.filter((node) => world.isOut(node.index)).length
  if (unavailable > atlas.unavailable || isBeyond(run)) return false
  healer.begin()
  for (let left = livenessActions; run.violation === undefined && left > 0; left--) {
    if (run.judge.goalReached()) return true
    if (!healer.next()) break
    healer.after(run.take(healer.site, healer.choice))
  }
  if (run.violation !== undefined || run.judge.goalReached()) return run.violation === undefined
  const { goal } = world.model.spec
  run.violation = {
    kind: 'liveness',
    name: goal.name,
    reason: `The faults have ended and a core of the cluster is healed, but it did not reach: ${goal.meaning.replace(/\.$/, '')}.`,
  }
  return false
}

/** Whether the run's budget goes beyond what the protocol promises to survive. */
function isBeyond(run: Run): boolean {
  const { safety } = run.world.model.atlas
  return faultKinds.some((kind: FaultKind) => (run.setup.budget[kind] ?? 0) > (safety[kind] ?? 0))
}

function outcomes(world: World): [number, number, number] {
  const totals: [number, number, number] = [0, 0, 0]
  world.coverage.steps.forEach((count, i) => {
    totals[(i % 3) as 0 | 1 | 2] += count
  })
  return totals
}
