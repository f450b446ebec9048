/**
 * The arrows of a run, with their pieces. Arrows are numbered from 1 as they begin; pieces are kept in the order of the
 * actions, and linked, so that a stretch of the run and a single arrow are both found fast.
 */
import type { Site, World } from '../../sim/index.js'
import { type ArrowWatcher, type WireEnds, Arrows } from '../../sim/trace/export/arrows.js'
import { operationAt, operationNames, ordinalSlot, requestOf } from '../../sim/world/fabric/flow.js'
import { Column, countUpTo } from './columns.js'
import { type ArrowColumns, type PieceKind, arrowKinds, pieceKinds } from './protocol.js'

/** Steps at which what leaves a wire has reached its end; at all others it is lost. */
const endings: readonly string[] = [
  'complete',
  'deliver',
  'request',
  'reply',
  'receive',
  'place',
  'arrive',
  'answer',
  'land',
]
const Fate = { inFlight: 0, ended: 1, lost: 2 } as const
const none = -1
/** Arrows among which one that is in flight is looked for. */
const recent = 4096

export class ArrowTable implements ArrowWatcher {
  readonly #world: World
  readonly #arrows: Arrows
  /** Lane of the CPU of each node, and of each client. */
  readonly #nodeLane: (node: number) => number
  readonly #clientLane: (client: number) => number
  readonly #kind = new Column(Uint8Array)
  readonly #source = new Column(Uint16Array)
  readonly #target = new Column(Uint16Array)
  readonly #sourceNode = new Column(Int8Array)
  readonly #targetNode = new Column(Int8Array)
  readonly #fate = new Column(Uint8Array)
  readonly #first = new Column(Int32Array)
  /** The last piece of each arrow, by number of the piece. */
  readonly #lastPiece = new Column(Int32Array)
  readonly #pieceArrow = new Column(Uint32Array)
  readonly #pieceAction = new Column(Uint32Array)
  readonly #pieceKind = new Column(Uint8Array)
  /** The piece before it of the same arrow. */
  readonly #pieceBefore = new Column(Int32Array)
  /** The part whose change tells of the arrow's wire, and its number there. */
  readonly #part = new Column(Uint16Array)
  readonly #ordinal = new Column(Float64Array)
  #action = none
  #site: Site | undefined

  constructor(world: World, nodeLane: (node: number) => number, clientLane: (client: number) => number) {
    this.#world = world
    this.#nodeLane = nodeLane
    this.#clientLane = clientLane
    this.#arrows = new Arrows(world, this)
  }

  get count(): number {
    return this.#kind.length
  }

  // ---- while the run is indexed

  before(action: number, site: Site, subject: number): void {
    this.#action = action
    this.#site = site
    this.#arrows.before(site, subject)
  }
  after(): void {
    const { through, ends } = this.#arrows.after()
    const { kind } = this.#site!
    const piece = pieceOfKind(kind)
    for (const arrow of through)
      this.#piece(arrow, this.#first.at(arrow - 1) === this.#action ? 'post' : piece)
    for (const arrow of ends) {
      this.#piece(arrow, piece)
      if (this.#fate.at(arrow - 1) === Fate.inFlight)
        this.#fate.set(arrow - 1, piece === 'lost' ? Fate.lost : Fate.ended)
    }
  }
  #piece(arrow: number, kind: PieceKind): void {
    this.#pieceBefore.push(this.#lastPiece.at(arrow - 1))
    this.#lastPiece.set(arrow - 1, this.#pieceArrow.length)
    this.#pieceArrow.push(arrow)
    this.#pieceAction.push(this.#action)
    this.#pieceKind.push(pieceKinds.indexOf(kind))
  }

  begins(_arrow: number, wire: WireEnds, ordinal: number): void {
    const { kind, source, target } = this.#ends(wire, ordinal)
    this.#part.push(this.#partOf(wire))
    this.#ordinal.push(ordinal)
    this.#kind.push(arrowKinds.indexOf(kind))
    this.#source.push(source.lane)
    this.#target.push(target.lane)
    this.#sourceNode.push(source.node)
    this.#targetNode.push(target.node)
    this.#fate.push(Fate.inFlight)
    this.#first.push(this.#action)
    this.#lastPiece.push(none)
  }
  isGone(arrow: number): void {
    if (this.#fate.at(arrow - 1) !== Fate.inFlight) return
    this.#fate.set(arrow - 1, endings.includes(this.#site?.kind ?? '') ? Fate.ended : Fate.lost)
  }

  #ends(wire: WireEnds, ordinal: number) {
    const node = (index: number) => ({ node: index, lane: this.#nodeLane(index) })
    const client = (index: number) => ({ node: -1, lane: this.#clientLane(index) })
    const { fabric, clients, memory } = this.#world
    switch (wire.kind) {
      case 'message':
        return { kind: 'message' as const, source: node(wire.from), target: node(wire.to) }
      case 'operation': {
        const { flow } = wire
        let kind: (typeof arrowKinds)[number] = 'write'
        for (let i = 0; i < fabric!.count(flow); i++)
          if (memory.side[ordinalSlot(flow, i)] === ordinal)
            kind = operationNames[memory.words[requestOf(flow, i) + operationAt]!] as typeof kind
        return { kind, source: node(flow.from), target: node(flow.to) }
      }
      case 'request': {
        let to = 0
        for (let target = 0; target < this.#world.nodeCount; target++)
          for (let n = 0; n < clients!.requestsTo(wire.client, target); n++)
            if (clients!.requestOrdinal(wire.client, clients!.requestAt(wire.client, target, n)) === ordinal)
              to = target
        return { kind: 'request' as const, source: client(wire.client), target: node(to) }
      }
      case 'reply':
        return {
          kind: 'reply' as const,
          source: node(Math.max(0, this.#site?.node ?? 0)),
          target: client(wire.client),
        }
    }
  }

  #partOf(wire: WireEnds): number {
    const { channels, nodeCount, clients } = this.#world
    switch (wire.kind) {
      case 'message':
        return channels[wire.from * nodeCount + wire.to]!.part.index
      case 'operation':
        return wire.flow.queue.index
      case 'request':
        return clients!.parts[wire.client]!.client.index
      case 'reply':
        return clients!.parts[wire.client]!.replies.index
    }
  }

  // ---- asked afterwards

  /** The arrow that had this number on the wire of a part at a position, or 0: looked for among the last that had begun. */
  find(part: number, ordinal: number, at: number): number {
    const begun = countUpTo(this.#first.view(), at - 1)
    for (let i = begun - 1; i >= Math.max(0, begun - recent); i--)
      if (this.#ordinal.at(i) === ordinal && this.#part.at(i) === part) return i + 1
    return 0
  }

  /** Ids of the arrows that an action touches. */
  touching(action: number): readonly number[] {
    const actions = this.#pieceAction.view()
    const found: number[] = []
    for (let i = countUpTo(actions, action) - 1; i >= 0 && actions[i] === action; i--)
      found.push(this.#pieceArrow.at(i))
    return found.reverse()
  }
  /** The actions of an arrow, in order. */
  actionsOf(arrow: number): readonly number[] {
    const found: number[] = []
    for (let i = this.#lastPiece.at(arrow - 1); i >= 0; i = this.#pieceBefore.at(i))
      found.push(this.#pieceAction.at(i))
    return found.reverse()
  }
  /** The action at which an arrow begins; -1 for what was there at the start. */
  firstOf(arrow: number): number {
    return this.#first.at(arrow - 1)
  }
  kindOf(arrow: number): (typeof arrowKinds)[number] {
    return arrowKinds[this.#kind.at(arrow - 1)]!
  }

  /** Calls `visit` for each arrow that begins among the actions from … to - 1 and goes from a node to a node. */
  forEachBegin(
    from: number,
    to: number,
    visit: (action: number, source: number, target: number) => void,
  ): void {
    const firsts = this.#first.view()
    for (let i = countUpTo(firsts, from - 1); i < firsts.length && firsts[i]! < to; i++) {
      const source = this.#sourceNode.at(i)
      const target = this.#targetNode.at(i)
      if (source >= 0 && target >= 0) visit(firsts[i]!, source, target)
    }
  }

  columns(from: number, to: number, known: number, limit: number): ArrowColumns {
    const actions = this.#pieceAction.view()
    const ids = new Set<number>()
    const end = countUpTo(actions, to - 1)
    for (let i = countUpTo(actions, from - 1); i < end && ids.size < limit; i++)
      ids.add(this.#pieceArrow.at(i))
    const id = Uint32Array.from(ids).sort()
    const pieceStart = new Uint32Array(id.length + 1)
    const pieces: number[] = []
    const last = new Int32Array(id.length)
    id.forEach((arrow, i) => {
      const own: number[] = []
      for (let k = this.#lastPiece.at(arrow - 1); k >= 0; k = this.#pieceBefore.at(k)) own.push(k)
      for (let k = own.length - 1; k >= 0; k--) pieces.push(own[k]!)
      pieceStart[i + 1] = pieces.length
      last[i] = this.#pieceAction.at(own[0]!)
    })
    const pick = (column: { at(i: number): number }) => (arrow: number) => column.at(arrow - 1)
    return {
      from,
      to,
      id,
      kind: Uint8Array.from(id, pick(this.#kind)),
      source: Uint16Array.from(id, pick(this.#source)),
      target: Uint16Array.from(id, pick(this.#target)),
      first: Int32Array.from(id, pick(this.#first)),
      last,
      fate: Uint8Array.from(id, pick(this.#fate)),
      pieceStart,
      pieceAction: Uint32Array.from(pieces, (i) => this.#pieceAction.at(i)),
      pieceKind: Uint8Array.from(pieces, (i) => this.#pieceKind.at(i)),
      known,
    }
  }
}

function pieceOfKind(kind: string): PieceKind {
  switch (kind) {
    case 'deliver':
    case 'request':
    case 'reply':
    case 'receive':
      return 'deliver'
    case 'drop':
      return 'lost'
    case 'fetch':
    case 'arrive':
    case 'place':
    case 'answer':
    case 'complete':
    case 'land':
    case 'expire':
    case 'duplicate':
      return kind
    default:
      return 'other'
  }
}
