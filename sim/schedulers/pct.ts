/**
 * PCT (Burckhardt, Kothari, Musuvathi, Nagarakatte: A Randomized Scheduler with Probabilistic Guarantees of Finding
 * Bugs, ASPLOS 2010), with sites in the place of threads: each site has a random priority, the highest that is armed
 * goes first, and at depth - 1 random steps the running site falls below all others.
 *
 * Deviation: protocols have timers and retries that are armed for ever, so a site that was chosen `patience` times in a
 * row falls below the others as well, and sites that only repeat something (timer, retry, expire, abandon) start low.
 */
import type { Random } from '../random.js'
import type { ActionKind, Outcome } from '../world/site.js'
import type { World } from '../world/world.js'
import type { FaultDice } from './fault-dice.js'
import { Freshness, type Scheduler, splitSites } from './scheduler.js'

const patience = 24
const repeaters: readonly ActionKind[] = ['timer', 'retry', 'expire', 'abandon']

export class Pct implements Scheduler {
  readonly name: string
  site = -1
  choice = 0
  readonly #world: World
  readonly #random: Random
  readonly #dice: FaultDice
  readonly #sites: Int32Array
  readonly #fresh: Freshness
  readonly #priority: Float64Array
  readonly #changes: Int32Array
  readonly #length: number
  #lowest = 0
  #step = 0
  #inARow = 0

  /**
   * @param depth number of ordering constraints that a bug to be found needs
   * @param length expected actions of a run, among which the change points are drawn
   */
  constructor(world: World, random: Random, dice: FaultDice, depth: number, length: number) {
    this.name = `pct(${String(depth)})`
    this.#world = world
    this.#random = random
    this.#dice = dice
    this.#sites = splitSites(world).normal
    this.#fresh = new Freshness(world)
    this.#priority = new Float64Array(world.sites.length)
    this.#changes = new Int32Array(Math.max(0, depth - 1))
    this.#length = length
  }
  begin(): void {
    this.#dice.begin()
    this.#fresh.begin()
    this.#lowest = 0
    this.#step = 0
    this.#inARow = 0
    this.site = -1
    const { sites } = this.#world
    for (let i = 0; i < this.#priority.length; i++)
      this.#priority[i] = this.#random.fraction() + (repeaters.includes(sites[i]!.kind) ? 1 : 2)
    for (let i = 0; i < this.#changes.length; i++) this.#changes[i] = this.#random.below(this.#length)
  }
  next(): boolean {
    if (this.#dice.strikes()) return this.#takeFault()
    const { armed } = this.#world
    const sites = this.#sites
    const priority = this.#priority
    let best = -1
    for (let i = 0; i < sites.length; i++) {
      const site = sites[i]!
      if (armed[site]! > 0 && (best < 0 || priority[site]! > priority[best]!) && this.#fresh.isFresh(site))
        best = site
    }
    if (best < 0) return this.#dice.pick() && this.#takeFault()
    this.#inARow = best === this.site ? this.#inARow + 1 : 0
    let fall = this.#inARow >= patience
    for (let i = 0; i < this.#changes.length; i++) if (this.#changes[i] === this.#step) fall = true
    this.#step++
    if (fall) {
      priority[best] = --this.#lowest
      this.#inARow = 0
    }
    this.site = best
    this.choice = armed[best]! > 1 ? this.#random.below(armed[best]!) : 0
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
