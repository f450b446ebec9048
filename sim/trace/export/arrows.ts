/**
 * Which action caused which: a message from the handler that sent it to its delivery, a work request from its post over
 * its pieces to its completion, a client's request and the reply to it.
 *
 * Contract. Watches a run step by step through the ordinals that the world keeps beside its bytes; never changes it. An
 * arrow has a number of its own, counted from 1. What joins another message that is in flight (an equal message in a
 * bag) shares its arrow. An arrow without an end is one whose message was lost or is still on its way.
 */
import type { Site } from '../../world/site.js'
import type { World } from '../../world/world.js'
import type { Flow } from '../../world/fabric/flow.js'
import { ordinalOf } from '../../world/fabric/sites.js'

export interface ArrowEnds {
  /** Arrows that begin at or pass through the action. */
  readonly through: readonly number[]
  /** Arrows that end at it. */
  readonly ends: readonly number[]
}

/** What a wire joins. */
export type WireEnds =
  | { readonly kind: 'message'; readonly from: number; readonly to: number }
  | { readonly kind: 'operation'; readonly flow: Flow }
  /** From a client, or to it. */
  | { readonly kind: 'request' | 'reply'; readonly client: number }

/** Told of arrows as they come and go, while the world is in the state after the step. */
export interface ArrowWatcher {
  begins(arrow: number, wire: WireEnds, ordinal: number): void
  /** Nothing of it is on the wire any more: it was taken at its end, given up, or lost. */
  isGone(arrow: number): void
}

/** A wire: something that numbers what travels on it. */
interface Wire {
  readonly joins: WireEnds
  /** The ordinals that are in flight, in any order. */
  inFlight(): readonly number[]
  /** Arrows by ordinal. */
  readonly arrows: Map<number, number>
  /** Whether what is left of a pile of equal messages gets a new number when one is taken off. */
  readonly renumbers: boolean
}

export class Arrows {
  readonly #world: World
  /** By the part whose change tells that something was put on a wire or taken off. */
  readonly #wires = new Map<number, Wire>()
  /** What a site takes from a wire: the wire, the ordinal of a subject, and whether the arrow ends there. */
  readonly #takes = new Map<string, { wire: Wire; ordinalOf: (subject: number) => number; ends: boolean }>()
  readonly #watcher: ArrowWatcher | undefined
  #last = 0
  #taken: { wire: Wire; ordinal: number; arrow: number; ends: boolean } | undefined

  constructor(world: World, watcher?: ArrowWatcher) {
    this.#world = world
    this.#watcher = watcher
    const wire = (
      part: number,
      joins: WireEnds,
      renumbers: boolean,
      inFlight: () => readonly number[],
    ): Wire => {
      const made = { joins, inFlight, arrows: new Map<number, number>(), renumbers }
      this.#wires.set(part, made)
      return made
    }
    const same = (subject: number): number => subject
    const { memory, clients, fabric } = world
    const takes = (name: string, from: Wire, ends: boolean, ordinalOf = same): void => {
      this.#takes.set(name, { wire: from, ordinalOf, ends })
    }
    const keeps = world.model.network?.kind === 'set'
    for (const channel of world.channels) {
      if (channel === undefined) continue
      const { from, to } = channel
      const made = wire(channel.part.index, { kind: 'message', from, to }, true, () =>
        slice(memory.side, channel.side + 1, memory.words[channel.part.offset / 4]!),
      )
      const path = `${world.nodeName(channel.from)}→${world.nodeName(channel.to)}`
      takes(`deliver ${path}`, made, !keeps)
      takes(`duplicate ${path}`, made, false)
      takes(`drop ${path}`, made, true)
    }
    for (const flow of fabric?.flows ?? []) {
      const made = wire(flow.queue.index, { kind: 'operation', flow }, false, () => fabric!.ordinals(flow))
      const pair = fabric!.model.pairsPerPeer > 1 ? `#${String(flow.pair)}` : ''
      const path = `${world.nodeName(flow.from)}→${world.nodeName(flow.to)}${pair}`
      takes(`fetch ${path}`, made, false, ordinalOf)
      takes(`arrive ${path}`, made, false)
      takes(`place ${path}`, made, false, ordinalOf)
      takes(`answer ${path}`, made, false, ordinalOf)
      takes(`expire ${path}`, made, false)
      // Not always the end: some of a WRITE may be placed afterwards.
      takes(`complete ${path}`, made, false)
    }
    clients?.parts.forEach((parts, client) => {
      const requests = wire(parts.client.index, { kind: 'request', client }, true, () =>
        world.nodes.flatMap(({ index }) =>
          Array.from({ length: clients.requestsTo(client, index) }, (__, n) =>
            clients.requestOrdinal(client, clients.requestAt(client, index, n)),
          ),
        ),
      )
      const name = `c${String(client)}`
      for (const { index } of world.nodes) {
        takes(`request ${name}→${world.nodeName(index)}`, requests, true)
        takes(`duplicate ${name}→${world.nodeName(index)}`, requests, false)
        takes(`drop request ${name}→${world.nodeName(index)}`, requests, true)
      }
      const replies = wire(parts.replies.index, { kind: 'reply', client }, false, () =>
        Array.from({ length: clients.replyCount(client) }, (__, i) => clients.replyOrdinal(client, i)),
      )
      takes(`reply ${name}`, replies, true)
      takes(`drop reply ${name}`, replies, true)
    })
    for (const each of this.#wires.values())
      for (const ordinal of each.inFlight()) each.arrows.set(ordinal, this.#begin(each, ordinal))
  }

  #begin(wire: Wire, ordinal: number): number {
    this.#last++
    this.#watcher?.begins(this.#last, wire.joins, ordinal)
    return this.#last
  }
  #forget(wire: Wire, ordinal: number): void {
    const arrow = wire.arrows.get(ordinal)!
    wire.arrows.delete(ordinal)
    if (this.#watcher === undefined || [...wire.arrows.values()].includes(arrow)) return
    this.#watcher.isGone(arrow)
  }

  /** To be called before a step. */
  before(site: Site, subject: number): void {
    const takes = this.#takes.get(site.name)
    this.#taken = undefined
    if (takes === undefined) return
    const ordinal = takes.ordinalOf(subject)
    const arrow = takes.wire.arrows.get(ordinal)
    if (arrow !== undefined) this.#taken = { wire: takes.wire, ordinal, arrow, ends: takes.ends }
  }

  /** To be called after it: which arrows the step touches. */
  after(): ArrowEnds {
    const through: number[] = []
    const taken = this.#taken
    const world = this.#world
    for (let i = 0; i < world.touchedCount; i++) {
      const wire = this.#wires.get(world.touchedPart(i))
      if (wire === undefined) continue
      const ordinals = wire.inFlight()
      for (const ordinal of ordinals) {
        if (wire.arrows.has(ordinal)) continue
        // What is taken off a pile of equal messages leaves the others under a new number: still the same arrow.
        const arrow = wire.renumbers && taken?.wire === wire ? taken.arrow : this.#begin(wire, ordinal)
        wire.arrows.set(ordinal, arrow)
        if (arrow !== taken?.arrow) through.push(arrow)
      }
      if (wire.arrows.size > ordinals.length)
        for (const ordinal of [...wire.arrows.keys()])
          if (!ordinals.includes(ordinal)) this.#forget(wire, ordinal)
    }
    if (taken === undefined) return { through, ends: [] }
    // The arrow goes on while the rest of the pile is in flight.
    const over = taken.ends && ![...taken.wire.arrows.values()].includes(taken.arrow)
    return over ? { through, ends: [taken.arrow] } : { through: [...through, taken.arrow], ends: [] }
  }
}

const slice = (side: Float64Array, from: number, count: number): readonly number[] =>
  Array.from({ length: count }, (_, i) => side[from + i]!)
