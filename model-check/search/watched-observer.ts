/** An observer that notes which slots of a state a property looks at, in the order of its first looks. */
import type { Observer, StructLayout, ViewOf } from '../../protocol/index.js'
import { WorldObserver } from '../../sim/world/observer.js'
import type { World } from '../../sim/world/world.js'

export class WatchedObserver implements Observer {
  readonly nodes: number
  /** Slots looked at since `begin`, each once. */
  readonly looked: number[] = []
  readonly #world: World
  readonly #observer: WorldObserver
  readonly #isLooked: Uint8Array

  constructor(world: World) {
    this.nodes = world.nodeCount
    this.#world = world
    this.#observer = new WorldObserver(world)
    this.#isLooked = new Uint8Array(world.memory.parts.length)
  }

  begin(): void {
    for (const slot of this.looked) this.#isLooked[slot] = 0
    this.looked.length = 0
  }

  #look(slot: number): void {
    if (this.#isLooked[slot] === 1) return
    this.#isLooked[slot] = 1
    this.looked.push(slot)
  }

  /** What is learnt here holds for all states that look alike, so everything is looked at. */
  hasChanged(): boolean {
    return true
  }
  isUp(node: number): boolean {
    this.#look(this.#world.nodes[node]!.parts.status.index)
    return this.#observer.isUp(node)
  }
  isPaused(node: number): boolean {
    this.#look(this.#world.nodes[node]!.parts.status.index)
    return this.#observer.isPaused(node)
  }
  incarnation(node: number): number {
    this.#look(this.#world.nodes[node]!.parts.status.index)
    return this.#observer.incarnation(node)
  }
  state<L extends StructLayout>(node: number, layout: L): ViewOf<L> {
    this.#look(this.#world.nodes[node]!.parts.state.index)
    return this.#observer.state(node, layout)
  }
  region<L extends StructLayout>(node: number, region: number, layout: L): ViewOf<L> {
    this.#look(this.#world.nodes[node]!.parts.regions[region]!.index)
    return this.#observer.region(node, region, layout)
  }
  get clientsBusy(): number {
    for (const { client } of this.#world.clients?.parts ?? []) this.#look(client.index)
    return this.#observer.clientsBusy
  }
}
