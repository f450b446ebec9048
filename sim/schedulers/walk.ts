/**
 * What the schedulers without a clock have in common: faults come at the pace of the dice, a choice that was idle is not
 * taken again until its inputs change, and when nothing else is possible a fault is.
 */
import type { Random } from '../random.js'
import type { ActionKind, Outcome } from '../world/site.js'
import type { World } from '../world/world.js'
import type { FaultDice } from './fault-dice.js'
import { Freshness, type Scheduler, splitSites } from './scheduler.js'

/** Kinds that only repeat something and are armed for ever. */
export const repeaters: readonly ActionKind[] = ['timer', 'tick', 'retry', 'expire', 'abandon']

export abstract class Walk implements Scheduler {
  abstract readonly name: string
  site = -1
  choice = 0
  protected readonly world: World
  protected readonly random: Random
  /** The sites that are no faults. */
  protected readonly sites: Int32Array
  readonly #dice: FaultDice
  readonly #fresh: Freshness

  constructor(world: World, random: Random, dice: FaultDice) {
    this.world = world
    this.random = random
    this.sites = splitSites(world).normal
    this.#dice = dice
    this.#fresh = new Freshness(world)
  }

  begin(): void {
    this.#dice.begin()
    this.#fresh.begin()
    this.site = -1
    this.beginRun()
  }
  next(): boolean {
    if (this.#dice.strikes()) return this.#takeFault()
    const site = this.chooseSite()
    if (site < 0) return this.#dice.pick() && this.#takeFault()
    this.site = site
    const armed = this.world.armed[site]!
    this.choice = armed > 1 ? this.random.below(armed) : 0
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

  protected abstract beginRun(): void
  /** A site that `isOpen`, or -1 when there is none. */
  protected abstract chooseSite(): number

  /** Whether a site offers something that is not known to be idle. */
  protected isOpen(site: number): boolean {
    return this.world.armed[site]! > 0 && this.#fresh.isFresh(site)
  }
  /** Draws an open site with a probability proportional to its weight. */
  protected drawByWeight(weightOf: (site: number) => number): number {
    const { sites } = this
    let total = 0
    for (let i = 0; i < sites.length; i++) if (this.isOpen(sites[i]!)) total += weightOf(sites[i]!)
    let left = this.random.fraction() * total
    let chosen = -1
    for (let i = 0; i < sites.length; i++) {
      if (!this.isOpen(sites[i]!)) continue
      chosen = sites[i]!
      left -= weightOf(chosen)
      if (left < 0) break
    }
    return chosen
  }
}
