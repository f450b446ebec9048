/** The sites of a flow: what NICs and wires may do next. */
import { Status, byteOffsetOf, locate, regionOf, statusNames } from '../../../protocol/index.js'
import { Handler } from '../node.js'
import { Outcome, type Site, single } from '../site.js'
import type { World } from '../world.js'
import type { Fabric } from './fabric.js'
import {
  controlPhaseAt,
  countAt,
  lateAt,
  receivedCountAt,
  type Flow,
  Operation,
  lengthAt,
  operationAt,
  operationNames,
  remoteAt,
  requestOf,
} from './flow.js'

/** Path MTU: a WRITE longer than this travels as several packets. */
const packetWords = 1024 / 8
/** The first word after the packet that holds `word`. */
const endOfPacket = (word: number): number => (((word / packetWords) | 0) + 1) * packetWords
/** A subject is `ordinal * piecesPerRequest + piece`. */
const piecesPerRequest = 4096
/** The ordinal of the request that a subject names. */
export const ordinalOf = (subject: number): number => Math.floor(subject / piecesPerRequest)
/** The piece of a request that a subject names. (On doubles `%` is a call; this is not.) */
export const pieceOf = (subject: number): number => subject - ordinalOf(subject) * piecesPerRequest

export function flowSites(world: World, fabric: Fabric, flow: Flow): void {
  const { memory } = world
  const { words } = memory
  const requester = world.nodes[flow.from]!
  const responder = world.nodes[flow.to]!
  const peer = fabric.opposite(flow)
  const path = `${world.nodeName(flow.from)}→${world.nodeName(flow.to)}${fabric.model.pairsPerPeer > 1 ? `#${String(flow.pair)}` : ''}`
  const queue = flow.queue.index
  const ends = [flow.end.index, peer.end.index]
  const way = [queue, ...ends, world.links.index, responder.parts.status.index]
  const regions = (node: number): number[] => world.nodes[node]!.parts.regions.map((part) => part.index)
  const name = (request: number): string => {
    const operation = operationNames[words[request + operationAt]!] ?? '?'
    if (words[request + operationAt] === Operation.send) return operation
    const remote = words[request + remoteAt]!
    const region = responder.parts.regions[regionOf(remote)]
    const where = region ? `${region.name} ${locate(region.layout, byteOffsetOf(remote))}` : 'nowhere'
    return `${operation} ${String(words[request + lengthAt])}B ${where}`
  }

  // ---- placement
  const { placement, fetch } = world.knobs
  /** Pieces that may be placed next of the request at the head; 0 when none may. */
  function placeable(): number {
    if (!fabric.isReadyToSend(flow) || !fabric.reaches(flow)) return 0
    const head = fabric.head(flow)
    if (head === fabric.count(flow)) return 0
    const request = requestOf(flow, head)
    const operation = words[request + operationAt]!
    if (operation === Operation.send) return fabric.responder.receiveQueueIsFull(flow) ? 0 : 1
    if (operation > Operation.read) return 1
    if (fetch === 'early' && operation === Operation.write && fabric.requester.unfetched(flow) === head)
      return 0
    if (placement === 'in-order') return 1
    const pieces = words[request + lengthAt]! / 8
    const placed = fabric.responder.placedCount(flow, request)
    if (placement === 'shuffled') return pieces - placed
    // Packets fill up one after the other.
    return Math.min(pieces, endOfPacket(placed)) - placed
  }
  const spanned: [number, number] = [0, 0]
  /** The words among which the next may be chosen. */
  function span(request: number): readonly [number, number] {
    const pieces = words[request + lengthAt]! / 8
    let first = placement === 'in-order' ? fabric.responder.placedCount(flow, request) : 0
    while (first < pieces && fabric.responder.isPlaced(request, first)) first++
    spanned[0] = first
    if (placement === 'in-order') spanned[1] = first + 1
    else if (placement === 'shuffled') spanned[1] = pieces
    else spanned[1] = Math.min(pieces, endOfPacket(first))
    return spanned
  }
  function chosenPiece(request: number, choice: number): number {
    if (words[request + operationAt]! > Operation.read) return 0
    const [first, end] = span(request)
    let left = choice
    for (let piece = first; piece < end; piece++)
      if (!fabric.responder.isPlaced(request, piece) && left-- === 0) return piece
    return end - 1
  }
  world.addSite({
    kind: 'place',
    name: `place ${path}`,
    gate: flow.queueBase + countAt,
    node: flow.to,
    from: flow.from,
    guards: way,
    reads: [...regions(flow.from), ...regions(flow.to)],
    writes: [queue, ...ends, ...regions(flow.to)],
    armed: placeable,
    step(choice) {
      const head = fabric.head(flow)
      const request = requestOf(flow, head)
      const refusal = fabric.responder.refusal(flow, request)
      if (refusal !== Status.ok) fabric.responder.reject(flow, request, refusal)
      else if (words[request + operationAt]! > Operation.read) fabric.responder.placeWhole(flow, head)
      else fabric.responder.placeWord(flow, head, chosenPiece(request, choice))
      return Outcome.moved
    },
    subject(choice) {
      const head = fabric.head(flow)
      return fabric.ordinal(flow, head) * piecesPerRequest + chosenPiece(requestOf(flow, head), choice)
    },
    find(this: Site, subject) {
      if (world.armed[this.index] === 0) return -1
      const head = fabric.head(flow)
      const piece = pieceOf(subject)
      if (fabric.ordinal(flow, head) !== ordinalOf(subject)) return -1
      const request = requestOf(flow, head)
      if (words[request + operationAt]! > Operation.read) return piece === 0 ? 0 : -1
      const [first, end] = span(request)
      if (piece < first || piece >= end || fabric.responder.isPlaced(request, piece)) return -1
      let choice = 0
      for (let before = first; before < piece; before++)
        if (!fabric.responder.isPlaced(request, before)) choice++
      return choice
    },
    describe(choice) {
      const head = fabric.head(flow)
      const request = requestOf(flow, head)
      return `${name(request)} word ${String(chosenPiece(request, choice))}`
    },
  })

  // ---- late fetch
  if (fetch === 'early')
    world.addSite({
      kind: 'fetch',
      name: `fetch ${path}`,
      gate: flow.queueBase + countAt,
      node: flow.from,
      from: -1,
      guards: [queue, flow.end.index],
      reads: regions(flow.from),
      writes: [queue],
      armed: () => (fabric.isReadyToSend(flow) && fabric.requester.unfetched(flow) >= 0 ? 1 : 0),
      step() {
        fabric.requester.fetch(flow, fabric.requester.unfetched(flow))
        return Outcome.moved
      },
      subject: () => fabric.ordinal(flow, fabric.requester.unfetched(flow)),
      find(subject) {
        return this.armed() > 0 && this.subject(0) === subject ? 0 : -1
      },
      describe: () => name(requestOf(flow, fabric.requester.unfetched(flow))),
    })

  // ---- completion
  world.addSite({
    kind: 'complete',
    name: `complete ${path}`,
    gate: flow.queueBase + countAt,
    node: flow.from,
    from: flow.to,
    guards: [queue, flow.end.index, world.links.index, ...requester.readyParts],
    reads: requester.reads,
    writes: requester.writes,
    armed: () => (requester.ready() && fabric.requester.completable(flow) >= 0 ? 1 : 0),
    step() {
      fabric.requester.retire(flow, fabric.requester.completable(flow))
      requester.run(
        Handler.completion,
        flow.to * fabric.model.pairsPerPeer + flow.pair,
        fabric.requester.token,
        fabric.requester.status,
      )
      return Outcome.moved
    },
    subject: () => fabric.ordinal(flow, fabric.requester.completable(flow)),
    find(subject) {
      return this.armed() > 0 && this.subject(0) === subject ? 0 : -1
    },
    describe() {
      const i = fabric.requester.completable(flow)
      return `${name(requestOf(flow, i))}: ${statusNames[fabric.requester.statusOf(flow, i)] ?? '?'}`
    },
  })
  world.addSite({
    kind: 'expire',
    name: `expire ${path}`,
    gate: flow.queueBase + countAt,
    node: flow.from,
    from: flow.to,
    guards: way,
    reads: regions(flow.from),
    writes: [queue, flow.end.index],
    armed: () => (fabric.requester.expirable(flow) >= 0 ? 1 : 0),
    step() {
      fabric.requester.expire(flow, fabric.requester.expirable(flow))
      return Outcome.moved
    },
    subject: () => fabric.ordinal(flow, fabric.requester.expirable(flow)),
    find(subject) {
      return this.armed() > 0 && this.subject(0) === subject ? 0 : -1
    },
    describe: () => `${name(requestOf(flow, fabric.requester.expirable(flow)))}: no answer`,
  })
  world.addSite({
    ...single,
    kind: 'land',
    name: `land ${path}`,
    gate: flow.queueBase + lateAt,
    node: flow.to,
    from: flow.from,
    guards: way,
    reads: [],
    writes: [queue, ...regions(flow.to)],
    armed: () => (fabric.requester.canLand(flow) ? 1 : 0),
    step() {
      fabric.requester.land(flow)
      return Outcome.moved
    },
    describe: () => `late ${name(flow.late)}`,
  })

  // ---- SENDs that have arrived
  if (fabric.model.receiveQueueDepth > 0)
    world.addSite({
      ...single,
      kind: 'receive',
      name: `receive ${path}`,
      gate: flow.queueBase + receivedCountAt,
      node: flow.to,
      from: flow.from,
      guards: [queue, ...responder.readyParts],
      reads: responder.reads,
      writes: [queue, ...responder.writes],
      armed: () => (responder.ready() && fabric.responder.receivedCount(flow) > 0 ? 1 : 0),
      step() {
        const length = fabric.responder.takeReceived(flow, responder.inputWords)
        responder.run(Handler.message, flow.from, length, 0)
        return Outcome.moved
      },
      describe: () => `${String(fabric.responder.receivedCount(flow))} waiting`,
    })

  // ---- control calls of this end
  world.addSite({
    ...single,
    kind: 'control',
    name: `control ${path}`,
    gate: flow.endBase + controlPhaseAt,
    node: flow.from,
    from: -1,
    guards: [flow.end.index, ...requester.readyParts],
    reads: [queue, peer.queue.index, ...requester.reads],
    writes: [peer.queue.index, ...requester.writes],
    armed() {
      const phase = fabric.controlPhase(flow)
      return (phase === 1 && requester.isRunning()) || (phase === 2 && requester.ready()) ? 1 : 0
    },
    step() {
      if (fabric.controlPhase(flow) === 1) fabric.applyControl(flow)
      else {
        const token = fabric.finishControl(flow)
        requester.run(Handler.completion, flow.to * fabric.model.pairsPerPeer + flow.pair, token, Status.ok)
      }
      return Outcome.moved
    },
    subject: () => fabric.controlPhase(flow),
    find(subject) {
      return this.armed() > 0 && fabric.controlPhase(flow) === subject ? 0 : -1
    },
    describe: () => (fabric.controlPhase(flow) === 1 ? 'takes effect' : 'returns'),
  })
}
