/** Random: every armed action is equally likely; faults come at their own pace. */
import type { Random } from '../random.js'
import type { Outcome } from '../world/site.js'
import type { World } from '../world/world.js'
import type { FaultDice } from './fault-dice.js'
import { Freshness, type Scheduler, splitSites } from './scheduler.js'

export class RandomWalk implements Scheduler {
  readonly name = 'random'
  site = -1
  choice = 0
  readonly #world: World
  readonly #random: Random
  readonly #dice: FaultDice
  readonly #sites: Int32Array
  readonly #fresh: Freshness

  constructor(world: World, random: Random, dice: FaultDice) {
    this.#world = world
    this.#random = random
    this.#dice = dice
    this.#sites = splitSites(world).normal
    this.#fresh = new Freshness(world)
  }
  begin(): void {
    this.#dice.begin()
    this.#fresh.begin()
  }
  next(): boolean {
    if (this.#dice.strikes()) return this.#takeFault()
    const { armed } = this.#world
    const sites = this.#sites
    let total = 0
    for (let i = 0; i < sites.length; i++) if (this.#fresh.isFresh(sites[i]!)) total += armed[sites[i]!]!
    if (total === 0) return this.#dice.pick() && this.#takeFault()
    let left = this.#random.below(total)
    for (let i = 0; i < sites.length; i++) {
      const site = sites[i]!
      if (!this.#fresh.isFresh(site)) continue
      const count = armed[site]!
      if (left < count) {
        this.site = site
        this.choice = left
        return true
      }
      left -= count
    }
    return false
  }
  #takeFault(): boolean {
    this.site = this.#dice.site
    this.choice = this.#dice.choice
    return true
  }
  after(outcome: Outcome): void {
    this.#fresh.after(this.site, outcome)
  }
}
