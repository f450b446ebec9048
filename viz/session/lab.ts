/**
 * Runs that go on from a state of a branch, each judged as if it had been executed from the start: what clients saw before
 * is told to the judge.
 */
import {
  type Plan,
  Random,
  Run,
  type SwarmOptions,
  type Violation,
  demandGoal,
  derivedSeed,
  drawPlan,
  heal,
  makeScheduler,
  playOn,
} from '../../sim/index.js'
import { tellHistory } from '../../sim/shrink/client-events.js'
import { runsPerSeed } from '../../sim/explore/explore.js'
import type { Branch } from './branch.js'
import type { Estimate, Methods } from './protocol.js'
import type { Stage } from './stage.js'

/** What comes from the state that a branch has at a position. */
export class Lab {
  readonly run: Run
  readonly #branch: Branch
  readonly #at: number
  readonly #snapshot

  /** The branch must be indexed up to the position. */
  constructor(branch: Branch, at: number) {
    const { definition, setup } = branch.stage
    this.run = new Run(definition, setup)
    this.#branch = branch
    this.#at = at
    this.#snapshot = branch.stage.seek(branch, at).snapshot()
  }

  /** Back to the state; `run.log` holds what comes after it. */
  begin(): Run {
    const { run } = this
    const { index } = this.#branch
    run.world.restore(this.#snapshot)
    run.log.clear()
    tellHistory(run.judge, index.clients.events.slice(0, index.eventsUpTo(this.#at)))
    run.violation = run.judge.atStart()
    return run
  }
}

/** The pace and the latencies that a seed draws, for the setup of a stage. */
function planFor(stage: Stage, seed: number, options: SwarmOptions): Plan {
  const { bug, nodes, parameters, knobs } = stage.setup
  const plan = drawPlan(stage.definition, seed, { bug, nodes, parameters, knobs, ...options })
  return { ...plan, setup: stage.setup }
}

/** Goes on by seed. Without faults the dice never fall; repairs stay possible as the schedule has them. */
export function goOn(lab: Lab, stage: Stage, params: Methods['goOn']['params']): Run {
  const { seed, actions, scheduler, faults = true } = params
  const run = lab.begin()
  const plan = planFor(stage, seed, { scheduler })
  const never = { meanActions: Infinity, stableActions: 0 }
  const paced = faults ? plan : { ...plan, pace: never, clock: { meanNanos: Infinity, stableNanos: 0 } }
  playOn(run, makeScheduler(run.world, paced, new Random(derivedSeed(seed, 3))), actions)
  return run
}

export interface Exploration {
  readonly found: { readonly run: Run; readonly violation: Violation } | undefined
  readonly runs: number
  readonly actions: number
}

/**
 * Searches for a violation: batches of runs as `aviary explore` makes them, each from the state of the branch. A quarter of the
 * runs that violate nothing is healed, and must then reach the goal.
 */
export function* exploreFrom(
  lab: Lab,
  stage: Stage,
  { seed = 1, runs: most = 2_000, actions: length, milliseconds = 20_000 }: Methods['explore']['params'],
  now: () => number,
): Generator<{ done: number; total: number; runs: number; actions: number }, Exploration> {
  const end = now() + milliseconds
  let runs = 0
  let actions = 0
  for (let batch = seed; runs < most && now() < end; batch++) {
    const plan = planFor(stage, batch, {})
    const random = new Random(derivedSeed(batch, 3))
    const scheduler = makeScheduler(lab.run.world, plan, random)
    for (let i = 0; i < runsPerSeed && runs < most && now() < end; i++) {
      const run = lab.begin()
      // What is violated here already is no finding.
      if (run.violation !== undefined) return { found: { run, violation: run.violation }, runs, actions }
      playOn(run, scheduler, length ?? plan.actions)
      if (random.chance(livenessShare) && run.violation === undefined) demandGoal(run, random)
      const violation = run.finish()
      runs++
      actions += run.log.length
      if (violation !== undefined) return { found: { run, violation }, runs, actions }
      yield { done: runs, total: most, runs, actions }
    }
  }
  return { found: undefined, runs, actions }
}
const livenessShare = 0.25

/** Heals the state as it is. */
export function healed(lab: Lab): Run {
  const run = lab.begin()
  heal(run)
  return run
}

const estimateMethod = (runs: number): string =>
  `From each position the run was continued ${String(runs)} times: the faults end, what the protocol does not promise to survive without is repaired, and a random fair schedule goes on until the goal is reached or something is violated. The bars are the share that failed: an estimate from samples, not a proof.`

/** Continues healed from each position; the partial result is told after each. */
export function* estimate(
  branch: Branch,
  positions: readonly number[],
  runs: number,
  seed: number,
): Generator<{ done: number; total: number; partial: Estimate }, Estimate> {
  const failed = new Uint16Array(positions.length)
  const undecided = new Uint16Array(positions.length)
  const made = new Uint16Array(positions.length)
  const result = (): Estimate => ({
    at: Uint32Array.from(positions),
    runs: made.slice(),
    failed: failed.slice(),
    undecided: undecided.slice(),
    method: estimateMethod(runs),
  })
  const total = positions.length * runs
  // From the end backwards: that is where it is decided.
  for (let p = positions.length - 1; p >= 0; p--) {
    const lab = new Lab(branch, positions[p]!)
    for (let k = 0; k < runs; k++) {
      const run = lab.begin()
      const random = new Random(derivedSeed(seed * 1_000 + k, 5))
      const reached = run.violation === undefined && demandGoal(run, random)
      if (run.finish() !== undefined) failed[p]!++
      else if (!reached) undecided[p]!++
      made[p]!++
      yield { done: (positions.length - 1 - p) * runs + k + 1, total, partial: result() }
    }
  }
  return result()
}
