/**
 * PCT (Burckhardt, Kothari, Musuvathi, Nagarakatte: A Randomized Scheduler with Probabilistic Guarantees of Finding
 * Bugs, ASPLOS 2010), with sites in the place of threads: each site has a random priority, the highest that is armed
 * goes first, and at depth - 1 random steps the running site falls below all others.
 *
 * Deviation: protocols have timers and retries that are armed for ever, so a site that was chosen `patience` times in a
 * row falls below the others as well, and sites that only repeat something (timer, retry, expire, abandon) start low.
 */
import type { Random } from '../random.js'
import type { World } from '../world/world.js'
import type { FaultDice } from './fault-dice.js'
import { Walk, repeaters } from './walk.js'

const patience = 24

export class Pct extends Walk {
  readonly name: string
  readonly #priority: Float64Array
  readonly #changes: Int32Array
  /** Actions among which the change points are drawn: those of the run before, since runs of one setup are alike. */
  #length: number
  #lowest = 0
  #step = 0
  #last = -1
  #inARow = 0

  /**
   * @param depth number of ordering constraints that a bug to be found needs
   * @param length expected actions of the first run
   */
  constructor(world: World, random: Random, dice: FaultDice, depth: number, length: number) {
    super(world, random, dice)
    this.name = `pct(${String(depth)})`
    this.#priority = new Float64Array(world.sites.length)
    this.#changes = new Int32Array(Math.max(0, depth - 1))
    this.#length = length
  }

  protected beginRun(): void {
    if (this.#step > 0) this.#length = this.#step
    this.#lowest = 0
    this.#step = 0
    this.#last = -1
    this.#inARow = 0
    for (const site of this.sites)
      this.#priority[site] =
        this.random.fraction() + (repeaters.includes(this.world.sites[site]!.kind) ? 1 : 2)
    for (let i = 0; i < this.#changes.length; i++) this.#changes[i] = this.random.below(this.#length)
  }

  protected chooseSite(): number {
    const { sites } = this
    const priority = this.#priority
    let best = -1
    for (let i = 0; i < sites.length; i++) {
      const site = sites[i]!
      if ((best < 0 || priority[site]! > priority[best]!) && this.isOpen(site)) best = site
    }
    if (best < 0) return -1
    this.#inARow = best === this.#last ? this.#inARow + 1 : 0
    this.#last = best
    let fall = this.#inARow >= patience
    for (let i = 0; i < this.#changes.length; i++) if (this.#changes[i] === this.#step) fall = true
    this.#step++
    if (fall) {
      priority[best] = --this.#lowest
      this.#inARow = 0
    }
    return best
  }
}
