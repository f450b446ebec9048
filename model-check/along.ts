/**
 * The neighbourhood of a schedule: what the same steps come to in every other order, and when some of them are left out.
 * A search of it says whether a schedule that somebody found has a shorter one within it; it is small enough to be
 * searched where the system as a whole is not.
 */
import type { FaultBudget, SystemDefinition } from '../protocol/index.js'
import { type Setup, buildWorld } from '../sim/run/setup.js'
import { limitedKinds } from '../sim/world/limits.js'
import { type ActionKind, isFaultKind } from '../sim/world/site.js'
import type { Scenario } from './scenario.js'

/**
 * How often a site may act that the schedule uses. `any`: as often as it can; only what the environment does of its own
 * accord, and faults, happen at most as often as in the schedule. `counted`: nothing happens more often than in the
 * schedule. That is less to look at in one way, and more in another: what is left of each count is part of the state.
 */
export type Repetition = 'any' | 'counted'

export interface Neighbourhood {
  readonly setup: Setup
  readonly scenario: Scenario
  /** Steps of the schedule: no search needs to go deeper. */
  readonly depth: number
}

/** `schedule`: the name of the site of each step. */
export function neighbourhoodOf(
  definition: SystemDefinition,
  setup: Setup,
  schedule: readonly string[],
  repetition: Repetition,
): Neighbourhood {
  const world = buildWorld(definition, setup)
  const ofSite = new Map<string, number>()
  const ofKind = new Map<ActionKind, number>()
  for (const name of schedule) {
    const { kind } = world.siteNamed(name)!
    ofSite.set(name, (ofSite.get(name) ?? 0) + 1)
    ofKind.set(kind, (ofKind.get(kind) ?? 0) + 1)
  }
  const limits = world.sites.flatMap(({ name, kind }): [string, number][] => {
    const count = ofSite.get(name) ?? 0
    const isCounted = repetition === 'counted' || limitedKinds.includes(kind)
    return count === 0 || (isCounted && !isFaultKind(kind)) ? [[name, count]] : []
  })
  const budget = Object.entries(setup.budget).map(([fault, most]) => [
    fault,
    Math.min(most, ofKind.get(fault as ActionKind) ?? 0),
  ])
  return {
    setup: { ...setup, budget: Object.fromEntries(budget) as FaultBudget },
    scenario: { limits: Object.fromEntries(limits) },
    depth: schedule.length,
  }
}
