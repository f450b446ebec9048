/** What specs see of a world: views of its bytes, made once and reused. */
import type { NodeId, Observer, StructLayout, ViewOf } from '../../protocol/index.js'
import { NodeStatus } from './node-parts.js'
import type { World } from './world.js'

/** View slots of a node: its private memory, then its regions (a remote address has 8 bits for a region). */
const regionSlots = 1 + 256

export class WorldObserver implements Observer {
  readonly nodes: number
  /** Nodes as bits: see `hasChanged`. */
  changed = -1
  readonly #world: World
  /** For each node the layout that its private memory was last looked at with, and the view. */
  readonly #stateLayouts: (StructLayout | undefined)[] = []
  readonly #states: unknown[] = []
  readonly #views = new Map<StructLayout, unknown[]>()

  constructor(world: World) {
    this.#world = world
    this.nodes = world.nodeCount
  }
  hasChanged(node: NodeId): boolean {
    return ((this.changed >>> node) & 1) === 1
  }
  isUp(node: NodeId): boolean {
    return this.#world.nodes[node]!.status() === NodeStatus.up
  }
  isPaused(node: NodeId): boolean {
    return this.#world.nodes[node]!.status() === NodeStatus.paused
  }
  incarnation(node: NodeId): number {
    return this.#world.nodes[node]!.incarnation()
  }
  state<L extends StructLayout>(node: NodeId, layout: L): ViewOf<L> {
    // A spec asks for the same few views after every step.
    if (this.#stateLayouts[node] === layout) return this.#states[node] as ViewOf<L>
    const view = this.#stateView(node, layout)
    this.#stateLayouts[node] = layout
    this.#states[node] = view
    return view
  }
  #stateView<L extends StructLayout>(node: NodeId, layout: L): ViewOf<L> {
    return this.#view(node * regionSlots, layout, this.#world.nodes[node]!.parts.state.offset)
  }
  region<L extends StructLayout>(node: NodeId, region: number, layout: L): ViewOf<L> {
    return this.#view(
      node * regionSlots + 1 + region,
      layout,
      this.#world.nodes[node]!.parts.regions[region]!.offset,
    )
  }
  #view<L extends StructLayout>(slot: number, layout: L, offset: number): ViewOf<L> {
    let views = this.#views.get(layout)
    if (views === undefined) {
      views = []
      this.#views.set(layout, views)
    }
    const known = views[slot]
    if (known !== undefined) return known as ViewOf<L>
    const view = layout.view(this.#world.memory.view, offset)
    views[slot] = view
    return view as ViewOf<L>
  }
  get clientsBusy(): number {
    return this.#world.clients?.busy() ?? 0
  }
}
