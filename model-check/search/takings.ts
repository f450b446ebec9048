/**
 * A reduction: steps that only take something away are left out. A message that a node ignores, a reply that comes too
 * late, a timer that does nothing but go off, a fault that only loses a message: after such a step less can happen than
 * before it, and nothing else is different.
 *
 * Why this is harmless. Say that one state is below another when it is the same but for messages, requests and replies
 * in flight, timers armed, and what is left of budgets and limits, of all of which it has no more. Whatever can happen
 * in the lower state can happen in the upper one, and leads to a state above: what is there and is not in the lower one
 * need not be used. No property looks at any of these. So a state that comes from another one by taking alone leads to
 * no violation that the other one does not lead to, in fewer steps. No step of a crash, of memory, a NIC or a disk is
 * ever left out, nor one after which anybody could see a difference.
 *
 * Where it is not: a network that keeps an order (what is taken uncovers what comes behind), deadlock (nothing would
 * end), timers that wait for everything else. And what is in flight must not fill its wire: then less in flight is more.
 * That is seen when it happens (`Takings.filled`), and the search is given up.
 */
import { timersAt } from '../../sim/world/node-parts.js'
import type { Part, PartKind } from '../../sim/world/memory.js'
import type { ActionKind, Site } from '../../sim/world/site.js'
import type { World } from '../../sim/world/world.js'
import type { Components } from './components.js'

/** By kind of action which kinds of parts it takes from. */
const takenFrom: Readonly<Partial<Record<ActionKind, readonly PartKind[]>>> = {
  deliver: ['channel'],
  drop: ['channel', 'client', 'replies', 'budgets'],
  request: ['client'],
  reply: ['replies'],
  timer: ['control', 'budgets'],
}

export class Takings {
  /** A wire was full: something was lost that would not have been lost with less in flight. */
  filled = false
  readonly #world: World
  readonly #components: Components
  readonly #isOrdered: boolean
  #lost: number

  constructor(world: World, components: Components) {
    this.#world = world
    this.#components = components
    this.#isOrdered = world.model.network?.kind === 'ordered'
    this.#lost = world.coverage.lostToFullChannels
  }

  /** Whether a step of a site that led from a tuple of ids to what the parts hold now only took something away. */
  onlyTakes(site: Site, from: Int32Array, changes: Int32Array, start: number, end: number): boolean {
    const kinds = takenFrom[site.kind]
    if (kinds === undefined) return false
    const { parts } = this.#world.memory
    for (let change = start; change < end; change += 2) {
      const part = parts[changes[change]!]
      // The residue of a history is no part: something was called or has returned.
      if (part === undefined || !kinds.includes(part.kind)) return false
      if (part.kind === 'channel' && !this.#isTakenFrom(site, part)) return false
      if (part.kind === 'control' && !this.#onlyDisarms(part.index, from[part.index]!, changes[change + 1]!))
        return false
    }
    return true
  }

  /** Whether a channel is that of the site, which has one message less now: what a handler sends goes to others. */
  #isTakenFrom(site: Site, part: Part): boolean {
    if (this.#isOrdered) return false
    const { channels, nodeCount } = this.#world
    return channels[site.from * nodeCount + site.node]?.part === part
  }

  #onlyDisarms(part: number, from: number, to: number): boolean {
    const before = this.#components.content(part, from)
    const after = this.#components.content(part, to)
    return before.every((word, i) => (i === timersAt ? (after[i]! & ~word) === 0 : word === after[i]))
  }

  /** To be called after every step that code was run for. */
  noteLosses(): void {
    const { lostToFullChannels } = this.#world.coverage
    if (lostToFullChannels > this.#lost) this.filled = true
    this.#lost = lostToFullChannels
  }
}
