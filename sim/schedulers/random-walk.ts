/**
 * Random: armed actions are taken at random; faults come at their own pace. Each run draws a weight for each site, so
 * that in one run a channel, a disk or a node is slow against all others, and repetitions (timers, retries) are rare or
 * frequent; with `even` weights every armed action is equally likely.
 */
import type { Random } from '../random.js'
import { type ActionKind, type Outcome } from '../world/site.js'
import type { World } from '../world/world.js'
import type { FaultDice } from './fault-dice.js'
import { Freshness, type Scheduler, splitSites } from './scheduler.js'

/** Weights that sites draw from in a run: all alike, some slow, some very slow. */
const skews: readonly (readonly number[])[] = [[1], [1, 1, 1, 0.1], [1, 1, 0.1, 0.01], [1, 0.001]]
/** Weight of repetitions. */
const repetitions: readonly number[] = [1, 0.1, 0.01]
const repeaters: readonly ActionKind[] = ['timer', 'retry', 'expire', 'abandon']

export class RandomWalk implements Scheduler {
  readonly name = 'random'
  site = -1
  choice = 0
  readonly #world: World
  readonly #random: Random
  readonly #dice: FaultDice
  readonly #sites: Int32Array
  readonly #fresh: Freshness
  readonly #weights: Float64Array
  readonly #even: boolean

  constructor(world: World, random: Random, dice: FaultDice, even = false) {
    this.#world = world
    this.#random = random
    this.#dice = dice
    this.#sites = splitSites(world).normal
    this.#fresh = new Freshness(world)
    this.#weights = new Float64Array(world.sites.length).fill(1)
    this.#even = even
  }
  begin(): void {
    this.#dice.begin()
    this.#fresh.begin()
    if (this.#even) return
    const random = this.#random
    const skew = random.pick(skews)
    const repetition = random.pick(repetitions)
    for (const site of this.#sites)
      this.#weights[site] =
        random.pick(skew) * (repeaters.includes(this.#world.sites[site]!.kind) ? repetition : 1)
  }
  #weight(site: number): number {
    const armed = this.#world.armed[site]!
    return armed > 0 && this.#fresh.isFresh(site) ? armed * this.#weights[site]! : 0
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
    const armed = this.#world.armed[chosen]!
    this.choice = armed > 1 ? this.#random.below(armed) : 0
    return true
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
