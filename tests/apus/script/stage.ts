/**
 * The stage of a story: a run, virtual time without chance in which everything takes as long as it takes, and a script
 * that steps in. What is held does not happen by itself before it is released; faults happen only when they are called.
 *
 * It knows nothing of the protocol. Order and pace come from the simulator's own scheduler, told that nothing is ever slower
 * or faster than its latency says; so a story depends on the table of latencies, and on nothing drawn.
 */
import { Random } from '../../../sim/random.js'
import { heal } from '../../../sim/run/heal.js'
import { Run } from '../../../sim/run/run.js'
import type { Setup } from '../../../sim/run/setup.js'
import { FaultDice } from '../../../sim/schedulers/fault-dice.js'
import { Timed } from '../../../sim/schedulers/timed.js'
import { Outcome, type Site } from '../../../sim/world/site.js'
import type { World } from '../../../sim/world/world.js'
import type { SystemDefinition } from '../../../protocol/index.js'

/** What a step did, for whoever writes it down. */
export interface Action {
  readonly site: Site
  /** What it was about to do. */
  readonly words: string
  /** Whether the script called for it by name. */
  readonly isCalled: boolean
}

/** More actions than any step of a story takes. */
const MOST_ACTIONS = 100_000

export class Stage {
  readonly run: Run
  readonly world: World
  /** Called after each action that moved something. */
  onAction: ((action: Action) => void) | undefined
  readonly #timed: Timed
  readonly #holds = new Map<string, RegExp>()

  constructor(definition: SystemDefinition, setup: Setup) {
    // A wrong variant may break a promise to the host as well; here it is what it does to others that counts.
    this.run = new Run(definition, setup, setup.bug === undefined)
    this.world = this.run.world
    const random = new Random(1)
    const dice = new FaultDice(this.world, random, { meanActions: Infinity, stableActions: 0 })
    const never = { meanNanos: Infinity, stableNanos: 0 }
    this.#timed = new Timed(this.world, random, dice, never, { jitter: 0, slowChance: 0, slowFactor: 1 })
    this.#timed.begin()
  }

  get nowMicros(): number {
    return this.world.nowNanos / 1000
  }

  // ---- what is held

  /** Holds every action whose name has this pattern; false when there is none. */
  hold(pattern: string): boolean {
    const matches = patternOf(pattern)
    this.#holds.set(pattern, matches)
    return this.world.sites.some((site) => matches.test(plainName(site.name)))
  }
  /** Releases what one `hold` holds; false when there was none with this pattern. */
  release(pattern: string): boolean {
    if (!this.#holds.delete(pattern)) return false
    this.#wakeAll()
    return true
  }
  releaseAll(): void {
    this.#holds.clear()
    this.#wakeAll()
  }
  #isHeld(site: Site): boolean {
    // Clients begin when the script says so.
    if (site.kind === 'invoke') return true
    const name = plainName(site.name)
    for (const pattern of this.#holds.values()) if (pattern.test(name)) return true
    return false
  }
  /** Whatever was passed over while it was held gets a time again. */
  #wakeAll(): void {
    for (const site of this.world.sites) if (this.world.armed[site.index]! > 0) this.world.wake(site.index)
    this.#timed.after(Outcome.moved)
  }

  // ---- what happens

  /** Lets things happen until the condition holds; false when time runs out or nothing is left to happen. */
  runUntil(condition: () => boolean, mostMicros: number): boolean {
    const end = this.world.nowNanos + mostMicros * 1000
    for (let actions = 0; actions < MOST_ACTIONS; actions++) {
      if (condition()) return true
      if (this.run.violation !== undefined) return false
      if (this.world.nowNanos > end || !this.#timed.next()) return false
      const site = this.world.sites[this.#timed.site]!
      if (!this.#isHeld(site)) this.#take(site, this.#timed.choice, false)
    }
    return false
  }

  /** Lets things happen for a while. */
  runFor(micros: number): void {
    const end = this.world.nowNanos + micros * 1000
    this.runUntil(() => this.world.nowNanos >= end, micros)
  }

  /** The site that a script means: `deliver n0->n1`, `place n0->n1`, `crash n0`. */
  siteNamed(name: string): Site | undefined {
    return this.world.sites.find((site) => plainName(site.name) === name)
  }

  /** The choice of a site whose words have these in them, or -1. */
  choiceOf(site: Site, words: string): number {
    const count = this.world.armed[site.index]!
    const wanted = words === '' ? '' : ` ${words} `
    for (let choice = 0; choice < count; choice++)
      if (` ${plain(site.describe(choice)).replace(/[,:]/g, '')} `.includes(wanted)) return choice
    return -1
  }

  /** Takes the choice that the script calls for; false when it comes to nothing. */
  call(site: Site, choice: number): boolean {
    return this.#take(site, choice, true)
  }

  #take(site: Site, choice: number, isCalled: boolean): boolean {
    const words = plain(site.describe(choice))
    const outcome = this.run.take(site.index, choice)
    this.#timed.after(outcome)
    if (outcome !== Outcome.moved) return false
    this.onAction?.({ site, words, isCalled })
    return true
  }

  /** The faults end, and nothing is held any more. */
  heal(): void {
    const before = this.run.onAction
    this.run.onAction = (_index, site) => {
      this.onAction?.({ site: this.world.sites[site]!, words: '', isCalled: false })
      this.#timed.after(Outcome.moved)
    }
    heal(this.run)
    this.run.onAction = before
    this.releaseAll()
  }
}

/** Text without what is hard to type. */
export const plain = (text: string): string => text.replaceAll('→', '->')

/** The name of a site as scripts write it: there is one queue pair between two nodes, and it needs no number. */
function plainName(name: string): string {
  return plain(name).replace(/ #0$/, '')
}

/** `place n0->n1`, with `*` for anything; without a kind everything on that way. */
function patternOf(pattern: string): RegExp {
  const text = pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')
  return pattern.includes(' ') ? new RegExp(`^${text}$`) : new RegExp(` ${text}$`)
}
