/**
 * Circles: strict priorities that are drawn anew every now and then, and with them who is in touch with whom. Agreement
 * breaks when one quorum acts after another that it has not heard of, while messages of long ago are still under way. No
 * fault is needed for that, only an order in which whole groups of sites wait, then go on: chances that are tiny when
 * each action is drawn by itself.
 *
 * As in PCT the highest priority that is open goes first, but PCT only lowers single sites: here what was held back for
 * long may suddenly be the first. Between two draws (a *spell*) only nodes of one circle, often a bare majority, hear each
 * other; what would cross its border waits, and so do clients that are not part of it.
 */
import type { Random } from '../random.js'
import { type ActionKind, type Outcome, type Site, isFaultKind } from '../world/site.js'
import type { World } from '../world/world.js'
import type { FaultDice } from './fault-dice.js'
import { Walk, repeaters } from './walk.js'

// Habits, drawn anew for each run.
/** Mean actions of a spell. */
const spells: readonly number[] = [8, 20, 60]
/** Actions in a row after which a site that only repeats something falls below the others. */
const patiences: readonly number[] = [1, 2, 4]
/** Share of the repeating sites that a spell ranks among the others. */
const eagerness: readonly number[] = [0, 0.2, 0.5]
/** Actions in a row after which any other site falls. */
const patience = 24

/** Priority of a site that waits for the next spell. Sites that fall have small negative ones. */
const waiting = -1e9
/** Circles that are tried before one that holds everybody. */
const mostTries = 12

export class Circles extends Walk {
  readonly name = 'circles'
  readonly #priority = new Float64Array(this.world.sites.length)
  readonly #repeats: Uint8Array
  readonly #faults: Uint8Array
  /** The client that a site belongs to, or -1. */
  readonly #clients: Int32Array
  #meanActions = 0
  #patience = 0
  #eager = 0
  #apart = false
  #afterFaults = false
  /** Actions that are left of the spell. */
  #left = 0
  #lowest = 0
  readonly #used = new Uint8Array(this.world.sites.length)
  /** The nodes of the circle, one bit each, and whether the others make a second circle or sleep. */
  #circle = -1
  #othersToo = true
  /** The clients that take part, one bit each. */
  #guests = -1

  constructor(world: World, random: Random, dice: FaultDice) {
    super(world, random, dice)
    this.#repeats = Uint8Array.from(world.sites, (site) => (repeaters.includes(site.kind) ? 1 : 0))
    this.#faults = Uint8Array.from(world.sites, (site) => (isFaultKind(site.kind) ? 1 : 0))
    this.#clients = Int32Array.from(world.sites, clientOf)
  }

  protected beginRun(): void {
    const { random } = this
    this.#meanActions = random.pick(spells)
    this.#patience = random.pick(patiences)
    this.#eager = random.pick(eagerness)
    this.#apart = random.chance(0.9)
    this.#afterFaults = random.chance(0.5)
    this.#beginSpell(this.#apart)
  }

  #beginSpell(apart: boolean): void {
    const { random } = this
    if (apart) this.#drawCircle()
    else this.#circle = this.#guests = -1
    this.#lowest = 0
    this.#used.fill(0)
    for (let i = 0; i < this.sites.length; i++) {
      const site = this.sites[i]!
      const low = this.#repeats[site] === 1 && !random.chance(this.#eager)
      const priority = random.fraction() + (low ? 1 : 2)
      this.#priority[site] = this.#takesPart(site) ? priority : waiting
    }
    this.#left = Math.floor(-Math.log(1 - random.fraction()) * this.#meanActions)
  }
  #drawCircle(): void {
    const { random } = this
    const n = this.world.nodeCount
    let size = random.chance(0.6) ? (n >> 1) + 1 : random.between(1, n)
    this.#circle = 0
    while (size > 0) {
      const bit = 1 << random.below(n)
      if ((this.#circle & bit) !== 0) continue
      this.#circle |= bit
      size--
    }
    this.#othersToo = random.chance(0.3)
    this.#guests = random.chance(0.5) ? random.bits() : -1
  }
  #takesPart(index: number): boolean {
    const client = this.#clients[index]!
    if (client >= 0 && ((this.#guests >>> client) & 1) === 0) return false
    const { node, from } = this.world.sites[index]!
    if (node < 0) return true
    const inside = ((this.#circle >>> node) & 1) === 1
    return (inside || this.#othersToo) && (from < 0 || (((this.#circle >>> from) & 1) === 1) === inside)
  }

  override after(outcome: Outcome): void {
    super.after(outcome)
    if (this.#afterFaults && this.#faults[this.site] === 1) this.#left = 0
  }

  protected chooseSite(): number {
    if (this.#left-- <= 0) this.#beginSpell(this.#apart)
    let best = this.#best()
    for (let tries = 0; best < 0 && tries < mostTries && this.#apart; tries++) {
      this.#beginSpell(tries + 1 < mostTries)
      best = this.#best()
    }
    if (best < 0) return -1
    this.#used[best]!++
    if (this.#used[best]! >= (this.#repeats[best] === 1 ? this.#patience : patience)) {
      this.#used[best] = 0
      this.#priority[best] = this.#repeats[best] === 1 ? waiting : --this.#lowest
    }
    return best
  }
  #best(): number {
    const { sites } = this
    const priority = this.#priority
    let best = -1
    let highest = waiting
    for (let i = 0; i < sites.length; i++) {
      const site = sites[i]!
      if (priority[site]! > highest && this.isOpen(site)) {
        best = site
        highest = priority[site]!
      }
    }
    return best
  }
}

const ofClients: readonly ActionKind[] = ['invoke', 'request', 'reply', 'retry', 'abandon']

/** Sites of clients are named after them: `request c0→n1`. */
function clientOf({ kind, name }: Site): number {
  return ofClients.includes(kind) ? Number.parseInt(name.split(' c')[1]!) : -1
}
