/**
 * What a history property still needs to know, as a component of the state. A residue stands for all histories after
 * which the same future histories are linearizable: it is the set of ways in which the operations so far can be ordered,
 * each way as the state of the sequential model and the operations that may still take effect. Its size is bounded by
 * the operations that are open, not by the length of the run.
 *
 * An operation is given its place only when a return needs it: at a return, operations that are open are placed in any
 * order until the one that returns is (just-in-time linearization: Lowe, "Testing for linearizability", 2017). One that
 * is placed before it returns keeps the state it met, so that its answer can be checked when it comes. One whose client
 * gave up stays open for ever.
 *
 * Each partition of the model is kept apart (locality).
 */
import { type HistoryProperty, type Key, refused } from '../../protocol/index.js'
import { type ClientEvent, ClientEvents } from '../../sim/shrink/client-events.js'
import type { World } from '../../sim/world/world.js'

/** Number of an operation: client and position in its script. */
type OperationId = number
const operationId = (client: number, position: number): OperationId => client * 0x10000 + position

interface Way {
  readonly state: unknown
  /** Operations that have no place, in ascending order. */
  readonly open: readonly OperationId[]
  /** Operations that have a place and have not returned, in ascending order, with the state that each met. */
  readonly placed: readonly { readonly operation: OperationId; readonly met: unknown }[]
}

interface Residue {
  /** Operations that have been called and have neither returned nor been given up. */
  readonly pending: readonly OperationId[]
  /** By the key of a partition, in ascending order. A partition that is not here has seen nothing. */
  readonly partitions: ReadonlyMap<Key, readonly Way[]>
}

const whole: readonly Key[] = ['']

export class HistoryResidues {
  /** Position of the residue in the tuple of a state. */
  readonly slot: number
  /** Listens to the world; whoever steps it empties this first. */
  readonly seen = new ClientEvents()
  readonly #property: HistoryProperty
  readonly #scripts: readonly (readonly Uint8Array[])[]
  readonly #residues: Residue[] = []
  readonly #idByContent = new Map<string, number>()
  readonly #advanced = new Map<string, number>()
  readonly #inputs = new Map<OperationId, unknown>()

  constructor(world: World, property: HistoryProperty) {
    this.slot = world.memory.parts.length
    this.#property = property
    this.#scripts = world.clients?.workload.clients.map(({ script }) => script) ?? []
    this.#intern({ pending: [], partitions: new Map() })
  }

  get count(): number {
    return this.#residues.length
  }

  /** The residue after what was just seen, or -1 when no order of the operations explains it. */
  advance(residue: number): number {
    let id = residue
    for (const event of this.seen.events) if (id >= 0) id = this.#after(id, event)
    return id
  }

  #after(id: number, event: ClientEvent): number {
    const key = [id, event.kind, event.client, event.position, ...event.content].join(' ')
    const known = this.#advanced.get(key)
    if (known !== undefined) return known
    const next = this.#step(this.#residues[id]!, event)
    const nextId = next === undefined ? -1 : this.#intern(next)
    this.#advanced.set(key, nextId)
    return nextId
  }

  #step({ pending, partitions }: Residue, event: ClientEvent): Residue | undefined {
    const operation = operationId(event.client, event.position)
    const changed = new Map(partitions)
    const change = (to: (ways: readonly Way[]) => readonly Way[]): boolean => {
      for (const key of this.#partitionsOf(operation)) {
        const ways = to(changed.get(key) ?? [{ state: this.#property.model.initial, open: [], placed: [] }])
        if (ways.length === 0) return false
        changed.set(key, ways)
      }
      return true
    }
    if (event.kind === 'call') {
      change((ways) => ways.map((way) => ({ ...way, open: ascending([...way.open, operation]) })))
      return { pending: ascending([...pending, operation]), partitions: changed }
    }
    const still = pending.filter((each) => each !== operation)
    if (event.kind === 'abandon') {
      change((ways) => this.#different(ways.map((way) => without(way, operation))))
      return { pending: still, partitions: changed }
    }
    const { content } = event
    const view = new DataView(content.buffer, content.byteOffset, content.byteLength)
    const output = this.#property.decodeReply(view, 0, content.byteLength)
    const isExplained = change((ways) =>
      this.#different(ways.flatMap((way) => this.#returned(way, operation, output, pending))),
    )
    return isExplained ? { pending: still, partitions: changed } : undefined
  }

  /** The ways that one way can go on when an operation returns with this output. */
  #returned(way: Way, operation: OperationId, output: unknown, pending: readonly OperationId[]): Way[] {
    const { model } = this.#property
    const input = this.#inputOf(operation)
    const placed = way.placed.find((each) => each.operation === operation)
    if (placed !== undefined)
      return model.step(placed.met, input, output) === refused ? [] : [without(way, operation)]
    const results: Way[] = []
    const seen = new Set<string>()
    const explore = (at: Way): void => {
      const content = this.#describe(at)
      if (seen.has(content)) return
      seen.add(content)
      const state = model.step(at.state, input, output)
      if (state !== refused)
        results.push({ ...at, state, open: at.open.filter((each) => each !== operation) })
      for (const other of at.open) {
        if (other === operation) continue
        const next = model.step(at.state, this.#inputOf(other), undefined)
        if (next === refused) continue
        const isAwaited = pending.includes(other)
        explore({
          state: next,
          open: at.open.filter((each) => each !== other),
          placed: isAwaited
            ? [...at.placed, { operation: other, met: at.state }].sort((a, b) => a.operation - b.operation)
            : at.placed,
        })
      }
    }
    explore(way)
    return results
  }

  #partitionsOf(operation: OperationId): readonly Key[] {
    return this.#property.model.partition?.(this.#inputOf(operation)) ?? whole
  }

  #inputOf(operation: OperationId): unknown {
    const known = this.#inputs.get(operation)
    if (known !== undefined) return known
    const client = Math.floor(operation / 0x10000)
    const input = this.#property.decodeRequest(this.#scripts[client]![operation % 0x10000]!, client)
    this.#inputs.set(operation, input)
    return input
  }

  #different(ways: readonly Way[]): readonly Way[] {
    const byContent = new Map<string, Way>()
    for (const way of ways) byContent.set(this.#describe(way), way)
    return [...byContent].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, way]) => way)
  }

  /** Equal for ways that explain the same futures. */
  #describe({ state, open, placed }: Way): string {
    const { model } = this.#property
    return JSON.stringify([
      model.key(state),
      open,
      placed.map(({ operation, met }) => [operation, model.key(met)]),
    ])
  }

  #intern(residue: Residue): number {
    const partitions = [...residue.partitions].sort(([a], [b]) => (String(a) < String(b) ? -1 : 1))
    const content = JSON.stringify([
      residue.pending,
      partitions.map(([key, ways]) => [typeof key, key, ways.map((way) => this.#describe(way))]),
    ])
    const known = this.#idByContent.get(content)
    if (known !== undefined) return known
    this.#idByContent.set(content, this.#residues.length)
    return this.#residues.push({ pending: residue.pending, partitions: new Map(partitions) }) - 1
  }
}

const ascending = (operations: OperationId[]): OperationId[] => operations.sort((a, b) => a - b)

/** The way after an operation has returned, or is no longer awaited: a place that it has is no longer remembered. */
function without(way: Way, operation: OperationId): Way {
  return { ...way, placed: way.placed.filter((each) => each.operation !== operation) }
}
