/**
 * Hunts a violation anew in smaller setups. A story that needs five nodes as it happened may have a shorter one on three,
 * of other messages in another order: no change of the first leads to the second. But most mistakes show soon in a small
 * cluster where nothing is drawn that the violation does not need, so runs are drawn there as any others are.
 *
 * Deterministic: the seeds are the same each time, and what is spent is counted in actions.
 */
import type { SystemDefinition } from '../../protocol/index.js'
import { type BatchResult, exploreSeed } from '../explore/explore.js'
import type { SwarmOptions } from '../explore/swarm.js'
import { Random, derivedSeed } from '../random.js'
import type { NamedAction } from '../run/action-log.js'
import { type Violation, sameViolation } from '../run/judge.js'
import { type Setup, buildWorld } from '../run/setup.js'
import { namesOf } from './schedule.js'

export interface Hunted {
  readonly setup: Setup
  readonly actions: readonly NamedAction[]
}

/** Chance that a cluster of the least size is drawn, where it could be larger. */
const leastNodesChance = 0.75
/** Chance that no faults are drawn: the violation may not need those of the smallest schedule so far. */
const quietChance = 0.25
const purpose = 4
/** To reach a goal takes as many actions as several hunts, and what is hunted breaks safety. */
const safetyOnly = { keepGoing: true, liveness: false }
/** A system may refuse all that is drawn. */
const seedsMost = 2_000

export class Hunter {
  readonly #definition: SystemDefinition
  readonly #given: Setup
  readonly #wanted: Violation
  readonly #shouldStop: () => boolean
  #seed = 0
  #actionsLeft: number

  /**
   * `given` is the setup in which the violation was found at first: nothing is drawn that lies beyond it. `actions` are
   * the most to take in all hunts together.
   */
  constructor(
    definition: SystemDefinition,
    given: Setup,
    wanted: Violation,
    actions: number,
    shouldStop: () => boolean,
  ) {
    this.#definition = definition
    this.#given = given
    this.#wanted = wanted
    this.#actionsLeft = actions
    this.#shouldStop = shouldStop
  }

  /** Runs in setups no larger than this one that end in the violation, the shortest of each seed. */
  *hunt(setup: Setup): Generator<Hunted> {
    while (this.#actionsLeft > 0 && this.#seed < seedsMost && !this.#shouldStop()) {
      const hunted = this.#exploreNext(setup)
      if (hunted !== undefined) yield hunted
    }
  }

  #exploreNext(setup: Setup): Hunted | undefined {
    const definition = this.#definition
    const seed = ++this.#seed
    const options = this.#drawOptions(setup, new Random(derivedSeed(seed, purpose)))
    let batch: BatchResult
    try {
      batch = exploreSeed(definition, seed, options, this.#shouldStop, safetyOnly)
    } catch {
      return undefined // A setup that the system does not accept.
    }
    this.#actionsLeft -= batch.moved + batch.idle + batch.refused
    const [shortest] = batch.findings
      .filter(({ violation }) => sameViolation(violation, this.#wanted))
      .sort((a, b) => a.actions.length - b.actions.length)
    if (shortest === undefined) return undefined
    const world = buildWorld(definition, batch.plan.setup)
    return { setup: batch.plan.setup, actions: namesOf(world, shortest.actions) }
  }

  /** No larger than a setup, but for one step of a parameter back towards the one that was given. */
  #drawOptions(setup: Setup, random: Random): SwarmOptions {
    const { minimum } = this.#definition.nodes
    const nodes = random.chance(leastNodesChance) ? minimum : random.between(minimum, setup.nodes)
    const parameters: Record<string, number> = {}
    for (const [name, parameter] of Object.entries(this.#definition.parameters)) {
      const value = setup.parameters[name] ?? parameter.default
      const most = Math.min(value + 1, this.#given.parameters[name] ?? parameter.default)
      parameters[name] = random.between(parameter.minimum, most)
    }
    const { bug, knobs, budget, spared, without } = setup
    const faults = { budget: random.chance(quietChance) ? {} : budget, spared }
    return { bug, nodes, parameters, knobs, faults, without }
  }
}
