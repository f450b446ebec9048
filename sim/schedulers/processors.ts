/** The processors of the nodes, where handlers take time: when each request was really posted, and when a node is free. */
import type { NodeId } from '../../protocol/index.js'
import type { Labour } from '../world/labour.js'
import type { ActionKind } from '../world/site.js'
import type { World } from '../world/world.js'
import type { Work } from './latency.js'

const handlerKinds: ReadonlySet<ActionKind> = new Set([
  'poll',
  'observe',
  'timer',
  'input',
  'deliver',
  'complete',
  'receive',
  'control',
  'flush',
  'request',
] satisfies ActionKind[])

/** Whether the actions of a kind run a handler of their site's node. */
export function runsHandler(kind: ActionKind): boolean {
  return handlerKinds.has(kind)
}

type Clocked = Pick<World, 'nowNanos' | 'nodeCount'>

export class Processors implements Labour {
  readonly #world: Clocked
  readonly #work: Work
  /** Up to when each node, or the thread that has published last, is at work. */
  readonly #until: Float64Array
  /** When the handler ran to which that work belongs. */
  readonly #since: Float64Array

  constructor(world: Clocked, work: Work) {
    this.#world = world
    this.#work = work
    this.#until = new Float64Array(world.nodeCount)
    this.#since = new Float64Array(world.nodeCount)
  }

  begin(): void {
    this.#until.fill(0)
    this.#since.fill(-1)
  }
  /** When the one thread of a node is free. */
  freeAt(node: NodeId): number {
    return this.#until[node]!
  }

  published(node: NodeId): void {
    if (this.#work.threads === 'many') this.#since[node] = -1
    this.#spend(node, this.#work.publishNanos)
  }
  posted(node: NodeId): number {
    return this.#spend(node, this.#work.postNanos)
  }

  #spend(node: NodeId, nanos: number): number {
    const now = this.#world.nowNanos
    const goesOn = this.#work.threads === 'one' ? this.#until[node]! > now : this.#since[node] === now
    const until = (goesOn ? this.#until[node]! : now) + nanos
    this.#since[node] = now
    this.#until[node] = until
    return until
  }
}
