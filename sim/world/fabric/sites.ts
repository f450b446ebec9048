/** The sites of a flow: what NICs and wires may do next. */
import { Handler, byteOffsetOf, locate, regionOf, statusNames } from '../../../protocol/index.js'
import { Outcome, type Site, single } from '../site.js'
import type { World } from '../world.js'
import type { Fabric } from './fabric.js'
import {
  Arrival,
  type Flow,
  Operation,
  Phase,
  controlPhaseAt,
  countAt,
  isAtomic,
  lateAt,
  lengthAt,
  openAt,
  operationAt,
  operationNames,
  phaseAt,
  receivedCountAt,
  remoteAt,
  requestOf,
} from './flow.js'
import { lossSites } from './loss-sites.js'

/** A subject of `place` is `ordinal * piecesPerRequest + piece`. */
const piecesPerRequest = 8192
/** The ordinal of the request that a subject names. */
export const ordinalOf = (subject: number): number => Math.floor(subject / piecesPerRequest)
/** The piece of a request that a subject names. (On doubles `%` is a call; this is not.) */
export const pieceOf = (subject: number): number => subject - ordinalOf(subject) * piecesPerRequest

export function flowSites(world: World, fabric: Fabric, flow: Flow): void {
  const { memory } = world
  const { words } = memory
  const { answers, controls, late, placement, requester, responder } = fabric
  const sender = world.nodes[flow.from]!
  const receiver = world.nodes[flow.to]!
  const peer = fabric.opposite(flow)
  const path = `${world.nodeName(flow.from)}→${world.nodeName(flow.to)}${fabric.model.pairsPerPeer > 1 ? `#${String(flow.pair)}` : ''}`
  const queue = flow.queue.index
  const ends = peer === flow ? [flow.end.index] : [flow.end.index, peer.end.index]
  const nic = fabric.registrations[flow.to]!.part.index
  const ownNic = fabric.registrations[flow.from]!.part.index
  const peerQueue = peer === flow ? [] : [peer.queue.index]
  const lowerQueues = fabric.rules.unorderedPairs
    ? []
    : fabric.flows
        .filter((f) => f.from === flow.from && f.to === flow.to && f.pair < flow.pair)
        .map((f) => f.queue.index)
  const way = [queue, ...ends, world.links.index, receiver.parts.status.index]
  const regions = (node: number): number[] => world.nodes[node]!.parts.regions.map((part) => part.index)
  const name = (request: number): string => {
    const operation = words[request + operationAt]!
    const text = operationNames[operation] ?? '?'
    if (operation === Operation.send || operation === Operation.bind) return text
    const remote = words[request + remoteAt]!
    const region = receiver.parts.regions[regionOf(remote)]
    const window = receiver.definition.memoryWindows[regionOf(remote) - receiver.parts.regions.length]
    // A request may name what is not there: it will be refused.
    const isThere = region !== undefined && byteOffsetOf(remote) < region.layout.sizeBytes
    const where = isThere
      ? `${region.name} ${locate(region.layout, byteOffsetOf(remote))}`
      : window === undefined
        ? 'nowhere'
        : `window ${window}`
    return `${text} ${String(words[request + lengthAt])}B ${where}`
  }

  // ---- packets
  const arrive = world.addSite({
    kind: 'arrive',
    name: `arrive ${path}`,
    gate: flow.queueBase + countAt,
    node: flow.to,
    from: flow.from,
    guards: [...way, ...lowerQueues, nic],
    reads: regions(flow.from),
    writes: [queue, ...ends, ...peerQueue, ownNic, nic, ...regions(flow.to)],
    armed: () => (responder.arrivable(flow) >= 0 ? 1 : 0),
    step() {
      responder.arrive(flow, responder.arrivable(flow))
      return Outcome.moved
    },
    subject: () => fabric.ordinal(flow, responder.arrivable(flow)),
    find(subject) {
      const i = responder.arrivable(flow)
      return i >= 0 && fabric.ordinal(flow, i) === subject ? 0 : -1
    },
    describe: () => name(requestOf(flow, responder.arrivable(flow))),
  })
  fabric.flowOfSite.set(arrive, flow)

  // ---- placement
  world.addSite({
    kind: 'place',
    name: `place ${path}`,
    gate: flow.queueBase + openAt,
    node: flow.to,
    from: flow.from,
    guards: [queue, nic, ...lowerQueues],
    reads: regions(flow.to),
    writes: [queue, nic, ...regions(flow.to)],
    armed: () => placement.count(flow),
    step(choice) {
      placement.place(flow, choice)
      return Outcome.moved
    },
    subject(choice) {
      placement.choose(flow, choice)
      return placement.ordinal(flow) * piecesPerRequest + placement.piece
    },
    find: (subject) => placement.find(flow, ordinalOf(subject), pieceOf(subject)),
    describe(choice) {
      placement.choose(flow, choice)
      const { request, piece } = placement
      const operation = words[request + operationAt]!
      if (isAtomic(operation))
        return `${name(request)} ${words[request + phaseAt] === Phase.loaded ? 'writes' : 'reads'}`
      if (operation === Operation.send) return name(request)
      const words8 = words[request + lengthAt]! >>> 3
      return `${name(request)} ${piece === words8 ? 'notice' : `word ${String(piece)}`}`
    },
  })

  // ---- late fetch
  if (world.knobs.fetch !== 'at-departure')
    world.addSite({
      kind: 'fetch',
      name: `fetch ${path}`,
      gate: flow.queueBase + countAt,
      node: flow.from,
      from: -1,
      guards: [queue, flow.end.index],
      reads: regions(flow.from),
      writes: [queue],
      armed() {
        const i = fabric.isReadyToSend(flow) ? requester.unfetched(flow) : -1
        return i < 0 ? 0 : requester.fetchable(flow, i)
      },
      step(choice) {
        requester.fetch(flow, requester.unfetched(flow), choice)
        return Outcome.moved
      },
      subject(choice) {
        const i = requester.unfetched(flow)
        return fabric.ordinal(flow, i) * piecesPerRequest + requester.fetchedWord(flow, i, choice)
      },
      find(subject) {
        const armed = this.armed()
        for (let choice = 0; choice < armed; choice++) if (this.subject(choice) === subject) return choice
        return -1
      },
      describe: () => name(requestOf(flow, requester.unfetched(flow))),
    })

  // ---- answers
  const answer = world.addSite({
    kind: 'answer',
    name: `answer ${path}`,
    gate: flow.queueBase + countAt,
    node: flow.from,
    from: flow.to,
    guards: [queue, flow.end.index, world.links.index],
    reads: [],
    writes: [queue, ...regions(flow.from)],
    armed: () => (requester.isListening(flow) ? answers.landable(flow, -1) : 0),
    step(choice) {
      answers.land(flow, choice)
      return Outcome.moved
    },
    subject(choice) {
      answers.landable(flow, choice)
      return fabric.ordinal(flow, answers.position) * piecesPerRequest + placement.piece
    },
    find(subject) {
      const armed = this.armed()
      for (let choice = 0; choice < armed; choice++) if (this.subject(choice) === subject) return choice
      return -1
    },
    describe(choice) {
      answers.landable(flow, choice)
      return `${name(answers.request)} word ${String(placement.piece)}`
    },
  })

  fabric.flowOfSite.set(answer, flow)

  // ---- completion
  const complete = world.addSite({
    kind: 'complete',
    name: `complete ${path}`,
    gate: flow.queueBase + countAt,
    node: flow.from,
    from: flow.to,
    guards: [queue, flow.end.index, world.links.index, ownNic, ...sender.readyParts],
    reads: [...sender.reads, nic],
    writes: [...sender.writes, nic, ...regions(flow.to)],
    armed: () =>
      sender.ready() &&
      requester.completable(flow) >= 0 &&
      !fabric.registrations[flow.from]!.completionsBroken
        ? 1
        : 0,
    step() {
      requester.retire(flow, requester.completable(flow))
      sender.run(
        Handler.completion,
        flow.to * fabric.model.pairsPerPeer + flow.pair,
        requester.token,
        requester.status,
      )
      return Outcome.moved
    },
    subject: () => fabric.ordinal(flow, requester.completable(flow)),
    find(this: Site, subject) {
      if (world.armed[this.index] === 0) return -1
      return fabric.ordinal(flow, requester.completable(flow)) === subject ? 0 : -1
    },
    describe() {
      const i = requester.completable(flow)
      return `${name(requestOf(flow, i))}: ${statusNames[requester.statusOf(flow, i)] ?? '?'}`
    },
  })
  fabric.flowOfSite.set(complete, flow)
  world.addSite({
    kind: 'expire',
    name: `expire ${path}`,
    gate: flow.queueBase + countAt,
    node: flow.from,
    from: flow.to,
    guards: way,
    reads: [...regions(flow.from), nic],
    writes: [queue, flow.end.index, nic, ...regions(flow.to)],
    armed: () => (requester.expirable(flow) >= 0 ? 1 : 0),
    step() {
      requester.expire(flow, requester.expirable(flow))
      return Outcome.moved
    },
    subject: () => fabric.ordinal(flow, requester.expirable(flow)),
    find(subject) {
      return this.armed() > 0 && this.subject(0) === subject ? 0 : -1
    },
    describe: () => `${name(requestOf(flow, requester.expirable(flow)))}: no answer`,
  })
  world.addSite({
    kind: 'land',
    name: `land ${path}`,
    gate: flow.queueBase + lateAt,
    node: flow.to,
    from: flow.from,
    guards: [...way, nic],
    reads: [],
    writes: [queue, ...ends, ...peerQueue, nic, ...regions(flow.to)],
    // Choice 0 lands; choice 1 is lost on the way.
    armed: () => (late.canLand(flow) ? (late.mayBeLost(flow) ? 2 : 1) : 0),
    step(choice) {
      if (choice === 0) late.land(flow)
      else late.lose(flow)
      return Outcome.moved
    },
    subject: (choice) => choice,
    find(subject) {
      return subject < this.armed() ? subject : -1
    },
    describe: (choice) => `late ${name(flow.late)}${choice === 0 ? '' : ' is lost'}`,
  })

  // ---- what has arrived for the core
  if (fabric.model.receiveQueueDepth > 0)
    world.addSite({
      ...single,
      kind: 'receive',
      name: `receive ${path}`,
      gate: flow.queueBase + receivedCountAt,
      node: flow.to,
      from: flow.from,
      guards: [queue, ...receiver.readyParts],
      reads: receiver.reads,
      writes: [queue, ...receiver.writes],
      armed: () => (receiver.ready() && fabric.receivedCount(flow) > 0 ? 1 : 0),
      step() {
        responder.takeReceived(flow, receiver.inputWords)
        const handler = responder.arrivalKind === Arrival.message ? Handler.message : Handler.notified
        receiver.run(handler, flow.from, responder.arrivalValue, 0)
        return Outcome.moved
      },
      describe: () => `${String(fabric.receivedCount(flow))} waiting`,
    })

  // ---- control calls of this end
  world.addSite({
    ...single,
    kind: 'control',
    name: `control ${path}`,
    gate: flow.endBase + controlPhaseAt,
    node: flow.from,
    from: -1,
    guards: [flow.end.index, ...sender.readyParts],
    // What an end that goes to ERR or RESET reports depends on whether acknowledgements found their way.
    reads: [queue, ...ends, ...peerQueue, ...sender.reads, nic, ownNic, world.links.index],
    writes: [...peerQueue, ...sender.writes, nic, ownNic, ...regions(flow.to)],
    armed() {
      const phase = controls.phase(flow)
      return (phase === 1 && sender.isRunning()) || (phase === 2 && sender.ready()) ? 1 : 0
    },
    step() {
      if (controls.phase(flow) === 1) controls.apply(flow)
      else {
        controls.finish(flow)
        sender.run(
          Handler.completion,
          flow.to * fabric.model.pairsPerPeer + flow.pair,
          controls.token,
          controls.status,
        )
      }
      return Outcome.moved
    },
    subject: () => controls.phase(flow),
    find(subject) {
      return this.armed() > 0 && controls.phase(flow) === subject ? 0 : -1
    },
    describe: () => (controls.phase(flow) === 1 ? 'takes effect' : 'returns'),
  })

  lossSites(world, fabric, flow, path, name)
}
