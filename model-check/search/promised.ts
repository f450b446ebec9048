/** In which states of a search the system promises to come to its goal once faults have ended. */
import { NodeStatus, statusAt } from '../../sim/world/node-parts.js'
import type { Search } from './search.js'

export class Promised {
  readonly #search: Search
  readonly #mostOut: number
  readonly #statuses: readonly number[]
  readonly #links: number
  /** By slot and id: 0 not looked at yet, 1 no, 2 yes. */
  readonly #known = new Map<number, number[]>()

  constructor(search: Search) {
    const { world } = search
    this.#search = search
    this.#mostOut = world.model.atlas.unavailable
    this.#statuses = world.nodes.map(({ parts }) => parts.status.index)
    this.#links = world.links.index
  }

  /** Whether every link works and no more nodes are out than the atlas allows. */
  in(state: number): boolean {
    if (!this.#holds(this.#links, state, isWhole)) return false
    let out = 0
    for (const status of this.#statuses) if (!this.#holds(status, state, isRunning)) out++
    return out <= this.#mostOut
  }

  #holds(slot: number, state: number, test: (content: Uint32Array) => boolean): boolean {
    const { packing, states, components } = this.#search
    const id = packing.idAt(slot, states.states, state * states.words)
    let known = this.#known.get(slot)
    if (known === undefined) this.#known.set(slot, (known = []))
    return (known[id] ??= test(components.content(slot, id)) ? 2 : 1) === 2
  }
}

/** Bits of links that are cut, and of queue pairs that are severed. */
const isWhole = (content: Uint32Array): boolean => content.every((word) => word === 0)
const isRunning = (content: Uint32Array): boolean => content[statusAt] === NodeStatus.up
