/**
 * Clocks: each node has one, a counter of ticks in a part of its own, if the system declares them.
 *
 * Guarantees: no clock goes back, none exceeds `mostTicks`, and no two differ by more than `driftTicks`. A clock is kept
 * by a battery: it goes on while its process is paused or dead and while its machine is down, and a restart neither
 * sets nor stops it. A paused process does not see that; it reads what the clock says when it runs again.
 *
 * Without drift (rule `clocks-drift` broken, or `driftTicks: 0`) all clocks tick at one site, together.
 *
 * Sources: Gray and Cheriton, Leases (SOSP 1989), section 5, for what drift does to promises that end with time; guests
 * of one host were seen to differ by 0.7 s.
 */
import { type ClockModel, type NodeId, struct, u32 } from '../../protocol/index.js'
import type { MemoryPlan, Part } from './memory.js'
import { Outcome, single } from './site.js'
import type { World } from './world.js'

export function planClock(plan: MemoryPlan, name: string, node: NodeId, model: ClockModel): Part {
  for (const [field, value] of Object.entries(model) as [keyof ClockModel, number][])
    if (!(value >= (field === 'driftTicks' ? 0 : 1)))
      throw new RangeError(`${field} of a clock must not be ${String(value)}`)
  return plan.part(`${name} clock`, 'clock', node, struct({ ticks: u32 }))
}

export class Clocks {
  readonly parts: readonly Part[]
  readonly model: ClockModel
  /** Whether there is one time for all. */
  readonly together: boolean
  readonly #world: World
  readonly #words: Uint32Array

  constructor(world: World, parts: readonly Part[], model: ClockModel) {
    this.parts = parts
    this.model = model
    this.together = model.driftTicks === 0 || world.knobs.broken.includes('clocks-drift')
    this.#world = world
    this.#words = world.memory.words
  }

  /** Local time of a node in ticks. */
  now(node: NodeId): number {
    return this.#words[this.parts[node]!.offset / 4]!
  }
  /** Whether the clock of a node has ticks left and is not as far ahead of the slowest as it may be. */
  mayTick(node: NodeId): boolean {
    const now = this.now(node)
    const { mostTicks, driftTicks } = this.model
    if (now >= mostTicks) return false
    if (this.together) return true
    for (let other = 0; other < this.parts.length; other++)
      if (now - this.now(other) >= driftTicks) return false
    return true
  }
  tick(node: NodeId): void {
    const part = this.parts[node]!
    this.#words[part.offset / 4]!++
    this.#world.touch(part.index)
  }
}

export function clockSites(world: World, clocks: Clocks): void {
  const all = clocks.parts.map((part) => part.index)
  const shared = { ...single, kind: 'tick', from: -1, guards: all, reads: [] as number[] } as const
  if (clocks.together) {
    world.addSite({
      ...shared,
      name: 'tick all',
      node: -1,
      writes: all,
      armed: () => (clocks.mayTick(0) ? 1 : 0),
      step() {
        for (let node = 0; node < all.length; node++) clocks.tick(node)
        return Outcome.moved
      },
      describe: () => `to ${String(clocks.now(0) + 1)}`,
    })
    return
  }
  for (let node = 0; node < all.length; node++)
    world.addSite({
      ...shared,
      name: `tick ${world.nodeName(node)}`,
      node,
      writes: [all[node]!],
      armed: () => (clocks.mayTick(node) ? 1 : 0),
      step() {
        clocks.tick(node)
        return Outcome.moved
      },
      describe: () => `to ${String(clocks.now(node) + 1)}`,
    })
}
