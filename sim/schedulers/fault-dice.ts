/**
 * When a fault strikes in a run whose scheduler keeps no time: after a number of actions drawn from a geometric-like
 * distribution, never within a stability period after the last (but for repairs in brief runs), and then a kind is drawn before a place, so that kinds
 * with many places (dropped messages) do not crowd out those with few (crashes).
 *
 * Two habits, drawn anew for each run, aim at the windows in which faults hurt. *Aimed*: crashes wait for a node with an
 * unflushed tail (where a crash has more than one outcome). *Brief*: what was broken is soon repaired.
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
  /** For each kind: a repair, a crash, or another. */
  readonly #repairs: readonly boolean[]
  readonly #crashes: readonly boolean[]
  #countdown = 0
  #aimed = false
  #brief = false
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
    const present = actionKinds.filter((kind) => kinds.has(kind))
    this.#byKind = present.map((kind) => Int32Array.from(kinds.get(kind)!))
    this.#repairs = present.map((kind) => kind === 'restart' || kind === 'resume' || kind === 'heal')
    this.#crashes = present.map((kind) => kind === 'crash')
  }

  begin(): void {
    this.#aimed = this.#world.disks.length > 0 && this.#random.chance(0.5)
    this.#brief = this.#random.chance(0.5)
    this.#countdown = this.#draw()
  }
  #draw(): number {
    const { meanActions, stableActions } = this.#pace
    if (meanActions === Infinity) return Infinity
    if (this.#brief && this.#isBroken()) return this.#random.below(8)
    return stableActions + Math.floor(-Math.log(1 - this.#random.fraction()) * meanActions)
  }

  /** Whether a repair is possible. */
  #isBroken(): boolean {
    for (let k = 0; k < this.#byKind.length; k++)
      if (this.#repairs[k]! && this.#armedIn(this.#byKind[k]!) > 0) return true
    return false
  }

  /** Whether a fault strikes now; counts the action otherwise. */
  strikes(): boolean {
    // Drawn only now, when the last fault has taken effect: a brief run looks at what it broke.
    if (this.#countdown < 0) this.#countdown = this.#draw()
    if (this.#countdown-- > 0) return false
    return this.pick()
  }

  /** Draws an armed fault into `site` and `choice`; false when none is armed. */
  pick(): boolean {
    const { armed } = this.#world
    const kinds = this.#byKind
    const repair = this.#brief && this.#isBroken()
    let possible = 0
    for (let k = 0; k < kinds.length; k++) if (this.#offers(k, repair) > 0) possible++
    if (possible === 0) return false
    let left = this.#random.below(possible)
    for (let k = 0; k < kinds.length; k++) {
      const sites = kinds[k]!
      const total = this.#offers(k, repair)
      if (total === 0 || left-- > 0) continue
      let choice = this.#random.below(total)
      for (let i = 0; i < sites.length; i++) {
        const count = this.#aimed && this.#crashes[k]! && armed[sites[i]!]! < 2 ? 0 : armed[sites[i]!]!
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
  /** Choices of a kind that this run's habits allow now. */
  #offers(kind: number, repair: boolean): number {
    if (repair && !this.#repairs[kind]!) return 0
    const sites = this.#byKind[kind]!
    if (!this.#aimed || !this.#crashes[kind]!) return this.#armedIn(sites)
    let total = 0
    for (let i = 0; i < sites.length; i++)
      if (this.#world.armed[sites[i]!]! > 1) total += this.#world.armed[sites[i]!]!
    return total
  }
  #armedIn(sites: Int32Array): number {
    const { armed } = this.#world
    let total = 0
    for (let i = 0; i < sites.length; i++) total += armed[sites[i]!]!
    return total
  }
}
