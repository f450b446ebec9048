/**
 * When a fault strikes in a run whose scheduler keeps no time: after a number of actions drawn from a geometric-like
 * distribution, never within a stability period after the last, and then a kind is drawn before a place, so that kinds
 * with many places (dropped messages) do not crowd out those with few (crashes).
 */
import type { Random } from '../random.js'
import { type ActionKind, actionKinds } from '../world/site.js'
import type { World } from '../world/world.js'
import { splitSites } from './scheduler.js'

export interface FaultPace {
  /** Mean number of actions between faults; Infinity for none. */
  readonly meanActions: number
  /** Actions without faults after each. */
  readonly stableActions: number
}

export class FaultDice {
  readonly #world: World
  readonly #random: Random
  readonly #pace: FaultPace
  readonly #byKind: readonly Int32Array[]
  #countdown = 0
  site = -1
  choice = 0

  constructor(world: World, random: Random, pace: FaultPace) {
    this.#world = world
    this.#random = random
    this.#pace = pace
    const { faults } = splitSites(world)
    const kinds = new Map<ActionKind, number[]>()
    for (const site of faults) {
      const { kind } = world.sites[site]!
      const list = kinds.get(kind)
      if (list === undefined) kinds.set(kind, [site])
      else list.push(site)
    }
    this.#byKind = actionKinds.flatMap((kind) => {
      const list = kinds.get(kind)
      return list === undefined ? [] : [Int32Array.from(list)]
    })
  }

  begin(): void {
    this.#countdown = this.#draw()
  }
  #draw(): number {
    const { meanActions, stableActions } = this.#pace
    if (meanActions === Infinity) return Infinity
    return stableActions + Math.floor(-Math.log(1 - this.#random.fraction()) * meanActions)
  }

  /** Whether a fault strikes now; counts the action otherwise. */
  strikes(): boolean {
    if (this.#countdown-- > 0) return false
    this.#countdown = this.#draw()
    return this.pick()
  }

  /** Draws an armed fault into `site` and `choice`; false when none is armed. */
  pick(): boolean {
    const { armed } = this.#world
    const kinds = this.#byKind
    let possible = 0
    for (let k = 0; k < kinds.length; k++) if (this.#armedIn(kinds[k]!) > 0) possible++
    if (possible === 0) return false
    let left = this.#random.below(possible)
    for (let k = 0; k < kinds.length; k++) {
      const sites = kinds[k]!
      const total = this.#armedIn(sites)
      if (total === 0 || left-- > 0) continue
      let choice = this.#random.below(total)
      for (let i = 0; i < sites.length; i++) {
        const count = armed[sites[i]!]!
        if (choice < count) {
          this.site = sites[i]!
          this.choice = choice
          return true
        }
        choice -= count
      }
    }
    return false
  }
  #armedIn(sites: Int32Array): number {
    const { armed } = this.#world
    let total = 0
    for (let i = 0; i < sites.length; i++) total += armed[sites[i]!]!
    return total
  }
}
