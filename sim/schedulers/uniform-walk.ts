/**
 * Uniform walk (Zhao, Wolff, Mathur, Roychoudhury: Selectively Uniform Concurrency Testing, ASPLOS 2025), with sites in
 * the place of threads: a site is chosen with a probability proportional to the number of actions it still has to do, so
 * that interleavings, not steps, are equally likely. The numbers are those of the previous run from the same state.
 */
import type { Random } from '../random.js'
import { Outcome } from '../world/site.js'
import type { World } from '../world/world.js'
import type { FaultDice } from './fault-dice.js'
import { Freshness, type Scheduler, splitSites } from './scheduler.js'

export class UniformWalk implements Scheduler {
  readonly name = 'uniform-walk'
  site = -1
  choice = 0
  readonly #world: World
  readonly #random: Random
  readonly #dice: FaultDice
  readonly #sites: Int32Array
  readonly #fresh: Freshness
  /** Actions per site in the run that went before, and left in this one. */
  readonly #done: Float64Array
  readonly #left: Float64Array

  constructor(world: World, random: Random, dice: FaultDice) {
    this.#world = world
    this.#random = random
    this.#dice = dice
    this.#sites = splitSites(world).normal
    this.#fresh = new Freshness(world)
    this.#done = new Float64Array(world.sites.length)
    this.#left = new Float64Array(world.sites.length)
  }
  begin(): void {
    this.#dice.begin()
    this.#fresh.begin()
    this.#left.set(this.#done)
    this.#done.fill(0)
  }
  #weight(site: number): number {
    return this.#world.armed[site]! > 0 && this.#fresh.isFresh(site) ? Math.max(1, this.#left[site]!) : 0
  }
  next(): boolean {
    if (this.#dice.strikes()) return this.#takeFault()
    const sites = this.#sites
    let total = 0
    for (let i = 0; i < sites.length; i++) total += this.#weight(sites[i]!)
    if (total === 0) return this.#dice.pick() && this.#takeFault()
    let left = this.#random.fraction() * total
    let chosen = -1
    for (let i = 0; i < sites.length; i++) {
      const weight = this.#weight(sites[i]!)
      if (weight === 0) continue
      chosen = sites[i]!
      left -= weight
      if (left < 0) break
    }
    this.site = chosen
    const count = this.#world.armed[chosen]!
    this.choice = count > 1 ? this.#random.below(count) : 0
    return true
  }
  #takeFault(): boolean {
    this.site = this.#dice.site
    this.choice = this.#dice.choice
    return true
  }
  after(outcome: Outcome): void {
    this.#fresh.after(this.site, outcome)
    if (outcome !== Outcome.moved) return
    this.#done[this.site]!++
    if (this.#left[this.site]! > 0) this.#left[this.site]!--
  }
}
