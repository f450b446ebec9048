/**
 * Timed: virtual time. Each action takes as long as its latency says from the moment it became possible, and the
 * earliest goes first. Faults come from a clock of their own. This is the simulator proper: what happens here is what a
 * cluster with these latencies would do.
 *
 * The clock of a node runs at a rate of its own, drawn for each run, and its timers with it; without a clock model all
 * run true. A disk that stalls is a flush with a slow latency.
 *
 * An action gets its time when its site turns dirty while it is armed and has none yet. An action that is no longer
 * armed when its time comes is dropped.
 */
import type { Random } from '../random.js'
import { type ActionKind, type Outcome, type Site, isFaultKind, single } from '../world/site.js'
import type { World } from '../world/world.js'
import type { Flow } from '../world/fabric/flow.js'
import { ordinalOf, pieceOf } from '../world/fabric/sites.js'
import type { FaultDice } from './fault-dice.js'
import { EventHeap } from './heap.js'
import {
  type Latency,
  type LatencyModel,
  type LatencyProfile,
  drawNanos,
  latencyOf,
  rackLatencies,
} from './latency.js'
import { Processors, runsHandler } from './processors.js'
import type { Scheduler } from './scheduler.js'

export interface FaultClock {
  /** Mean virtual time between faults in nanoseconds; Infinity for none. */
  readonly meanNanos: number
  /** Stability period after each fault. */
  readonly stableNanos: number
}

const faultSite = -1
/** Most choices of a site that have a time at once; more wait until one of them is taken. */
const mostPending = 16
/** How many times faster than need be clocks use up their drift. */
const haste: readonly number[] = [1, 1, 4, 16]

/** How the delay of a site's actions is found. */
const Rule = { table: 0, timer: 1, client: 2, place: 3, never: 4, travel: 5, tick: 6 } as const

export class Timed implements Scheduler {
  readonly name = 'timed'
  site = -1
  choice = 0
  readonly #world: World
  readonly #random: Random
  readonly #dice: FaultDice
  readonly #clock: FaultClock
  readonly #profile: LatencyProfile
  readonly #heap = new EventHeap()
  readonly #pending: Float64Array
  readonly #pendingCount: Int32Array
  readonly #rules: Uint8Array
  /** Sites that offer one thing at a time: their one subject is 0. Spares calls. */
  readonly #isSingle: Uint8Array
  readonly #latencies: readonly Latency[]
  /** For timers: node and timer; for clients: the client. */
  readonly #owners: Int32Array
  readonly #timers: Int32Array
  /** For packets and completions: the flow. */
  readonly #flows: readonly (Flow | undefined)[]
  /** Length of a second of each node's clock, in true seconds; 1 in a system without clocks. */
  readonly #slowness: Float64Array
  readonly #nextWordNanos: number
  /** Where handlers take time. */
  readonly #processors: Processors | undefined
  /** Sites whose actions wait until the one thread of their node is free. */
  readonly #waits: Uint8Array
  #faultWait = 1

  constructor(
    world: World,
    random: Random,
    dice: FaultDice,
    clock: FaultClock,
    profile: LatencyProfile,
    model: LatencyModel = rackLatencies,
  ) {
    this.#world = world
    this.#random = random
    this.#dice = dice
    this.#clock = clock
    this.#profile = profile
    const count = world.sites.length
    this.#pending = new Float64Array(count * mostPending)
    this.#pendingCount = new Int32Array(count)
    this.#latencies = world.sites.map((site) => latencyOf(site, profile, model))
    this.#nextWordNanos = model.nextWordNanos
    this.#processors = model.work === undefined ? undefined : new Processors(world, model.work)
    this.#waits = Uint8Array.from(world.sites, ({ kind }) =>
      model.work?.threads === 'one' && runsHandler(kind) ? 1 : 0,
    )
    this.#rules = Uint8Array.from(world.sites, (site) => ruleOf(site.kind))
    this.#isSingle = Uint8Array.from(world.sites, (site) =>
      site.find === single.find && ruleOf(site.kind) !== Rule.timer ? 1 : 0,
    )
    this.#owners = new Int32Array(count)
    this.#timers = new Int32Array(count)
    this.#slowness = new Float64Array(world.nodeCount).fill(1)
    this.#flows = world.sites.map((site) => world.fabric?.flowOfSite.get(site.index))
    for (const node of world.nodes)
      node.timerSites.forEach((site, timer) => {
        this.#owners[site] = node.index
        this.#timers[site] = timer
      })
    for (const site of world.sites)
      if (this.#rules[site.index] === Rule.client) this.#owners[site.index] = Number(site.name.split(' c')[1])
  }

  begin(): void {
    this.#heap.clear()
    this.#pendingCount.fill(0)
    this.#faultWait = 1
    this.#processors?.begin()
    this.#world.labour = this.#processors
    this.#drawClocks()
    this.#scheduleFault()
    for (let site = 0; site < this.#rules.length; site++) this.#schedule(site)
  }

  /**
   * Clocks are true or slow: in most runs by no more than what keeps them within the bound on their drift until they
   * stand still, in some by more, so that the bound is reached early and the fast ones wait there for the slow.
   */
  #drawClocks(): void {
    const { clocks } = this.#world
    if (clocks === undefined || clocks.together) return
    const { driftTicks, mostTicks } = clocks.model
    const most = Math.min(1, (driftTicks / mostTicks) * this.#random.pick(haste))
    for (let node = 0; node < this.#slowness.length; node++)
      this.#slowness[node] = 1 + most * this.#random.fraction()
  }

  #scheduleFault(): void {
    const { meanNanos, stableNanos } = this.#clock
    if (meanNanos === Infinity) return
    const wait = stableNanos - Math.log(1 - this.#random.fraction()) * meanNanos * this.#faultWait
    this.#heap.push(this.#world.nowNanos + Math.round(wait), faultSite, 0)
  }

  next(): boolean {
    const world = this.#world
    const heap = this.#heap
    while (heap.pop()) {
      const { site, subject } = heap
      if (site === faultSite) {
        world.nowNanos = heap.time
        const others = heap.size > 0
        const struck = this.#dice.pick()
        // While no fault is possible the clock looks ever more rarely.
        this.#faultWait = struck ? 1 : this.#faultWait * 2
        this.#scheduleFault()
        if (!struck) {
          if (others) continue
          return false
        }
        this.site = this.#dice.site
        this.choice = this.#dice.choice
        return true
      }
      if (this.#waits[site] === 1) {
        const free = this.#processors!.freeAt(world.sites[site]!.node)
        if (free > heap.time) {
          heap.push(free, site, subject)
          continue
        }
      }
      this.#forget(site, subject)
      if (world.armed[site] === 0) continue
      const choice = this.#find(site, subject)
      if (choice < 0) {
        this.#schedule(site)
        continue
      }
      world.nowNanos = heap.time
      this.site = site
      this.choice = choice
      return true
    }
    return false
  }

  after(_outcome: Outcome): void {
    const world = this.#world
    for (let i = 0; i < world.dirtyCount; i++) {
      const site = world.dirty[i]!
      const armed = world.armed[site]!
      // Where enough times are pending some may be stale; the next stale one to come looks again.
      if (
        (armed > this.#pendingCount[site]! || (armed > 0 && this.#rules[site] === Rule.timer)) &&
        site !== world.settled
      )
        this.#schedule(site)
    }
  }

  /**
   * What a pending time belongs to: a choice's subject, or for a timer its generation, so that a timer that is set
   * again gets a new time and the old one is stale.
   */
  #identity(site: Site, choice: number): number {
    if (this.#isSingle[site.index] === 1) return 0
    return this.#rules[site.index] === Rule.timer ? this.#generation(site.index) : site.subject(choice)
  }
  /** The choice of an armed site to which a time belongs, or -1. */
  #find(site: number, identity: number): number {
    if (this.#isSingle[site] === 1) return 0
    if (this.#rules[site] === Rule.timer) return this.#generation(site) === identity ? 0 : -1
    return this.#world.sites[site]!.find(identity)
  }
  #generation(site: number): number {
    return this.#world.nodes[this.#owners[site]!]!.timerGeneration(this.#timers[site]!)
  }

  #forget(site: number, subject: number): void {
    const first = site * mostPending
    const count = this.#pendingCount[site]!
    for (let i = 0; i < count; i++)
      if (this.#pending[first + i] === subject) {
        this.#pending[first + i] = this.#pending[first + count - 1]!
        this.#pendingCount[site] = count - 1
        return
      }
  }

  /** Gives a time to each armed choice of a site that has none. */
  #schedule(index: number): void {
    if (this.#rules[index] === Rule.never) return
    const world = this.#world
    const armed = world.armed[index]!
    const site = world.sites[index]!
    const first = index * mostPending
    for (let choice = 0; choice < armed; choice++) {
      const subject = this.#identity(site, choice)
      const count = this.#pendingCount[index]!
      let known = count === mostPending
      for (let i = 0; i < count && !known; i++) known = this.#pending[first + i] === subject
      if (known) continue
      this.#pending[first + count] = subject
      this.#pendingCount[index] = count + 1
      this.#heap.push(this.#due(index, subject), index, subject)
    }
  }

  #timerMicros(site: number): number {
    return this.#world.nodes[this.#owners[site]!]!.timerMicros(this.#timers[site]!)
  }
  #slownessAt(site: number): number {
    const { node } = this.#world.sites[site]!
    return node < 0 ? 1 : this.#slowness[node]!
  }

  #due(site: number, subject: number): number {
    const world = this.#world
    const now = world.nowNanos
    switch (this.#rules[site]) {
      case Rule.timer:
        return now + Math.round(this.#timerMicros(site) * 1000 * this.#slowness[this.#owners[site]!]!)
      case Rule.tick:
        return now + Math.round(world.clocks!.model.tickMicros * 1000 * this.#slownessAt(site))
      case Rule.client:
        return now + world.clients!.workload.clients[this.#owners[site]!]!.timeoutMicros * 1000
      case Rule.place:
        // The first word of a request takes its time; in order, the others follow at line rate.
        if (world.knobs.placement === 'in-order' && pieceOf(subject) !== 0) return now + this.#nextWordNanos
        return now + drawNanos(this.#latencies[site]!, this.#profile, this.#random)
      case Rule.travel: {
        // Requests of one queue pair are under way together: each counts from its own post, or from its arrival.
        const flow = this.#flows[site]!
        const ordinal = world.sites[site]!.kind === 'answer' ? ordinalOf(subject) : subject
        const due =
          world.fabric!.instant(flow, ordinal) +
          drawNanos(this.#latencies[site]!, this.#profile, this.#random)
        return due > now ? due : now + this.#nextWordNanos
      }
      default:
        return now + drawNanos(this.#latencies[site]!, this.#profile, this.#random)
    }
  }
}

function ruleOf(kind: ActionKind): number {
  if (isFaultKind(kind)) return Rule.never
  if (kind === 'timer') return Rule.timer
  if (kind === 'tick') return Rule.tick
  if (kind === 'retry' || kind === 'abandon') return Rule.client
  if (kind === 'arrive' || kind === 'answer' || kind === 'complete') return Rule.travel
  return kind === 'place' ? Rule.place : Rule.table
}
