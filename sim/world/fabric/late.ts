/**
 * What of a flow lands late, or is sent again: packets that outlive their request, and requests whose packet or answer
 * was lost.
 *
 * Rules (see `rule-book.ts`): late-packets, sequence-numbers, fetched-again, reads-repeated, atomics-replayed,
 * writes-acknowledged-again.
 */
import { Flag, Status, byteOffsetOf, regionOf } from '../../../protocol/index.js'
import type { Fabric } from './fabric.js'
import {
  EndState,
  type Flow,
  Operation,
  Phase,
  arrivedAt,
  connectionAt,
  countAt,
  flagsAt,
  isAtomic,
  isWrite,
  lateAt,
  latePsnAt,
  lengthAt,
  localAt,
  operationAt,
  packetsAt,
  phaseAt,
  placedAt,
  remoteAt,
  requestOf,
  sentPsnAt,
  stateAt,
  statusAt,
  targetAt,
  tokenAt,
} from './flow.js'

export class Late {
  readonly #fabric: Fabric
  readonly #words: Uint32Array

  constructor(fabric: Fabric) {
    this.#fabric = fabric
    this.#words = fabric.world.memory.words
  }

  /**
   * The next WRITE or atomic that was under way may be a packet in the network still. One is kept at a time.
   *
   * @param hasGoneOut whether it is certain that it has gone out on a way that loses nothing
   */
  keep(flow: Flow, hasGoneOut: boolean): void {
    const words = this.#words
    if (!this.#fabric.rules.latePackets) return
    const i = this.#fabric.responder.firstUnarrived(flow)
    if (i < 0 || words[flow.queueBase + lateAt] !== 0) return
    const request = requestOf(flow, i)
    const operation = words[request + operationAt]!
    // What needs a receive buffer is taken for lost, and a READ does nothing without its requester.
    if (operation !== Operation.write && !isAtomic(operation)) return
    if (!this.#fabric.responder.mayBeUnderWay(flow, i)) return
    const connection = words[flow.endBase + connectionAt]!
    const psn = words[flow.endBase + sentPsnAt]!
    const peerConnection = words[this.#fabric.opposite(flow).endBase + connectionAt]!
    if (!this.#fabric.constantPsn && connection !== peerConnection) return
    for (let k = 0; k < flow.requestWords; k++) words[flow.late + k] = words[request + k]!
    if (words[request + phaseAt] === Phase.posted) {
      const payload = flow.late + flow.payloadAt
      const local = words[request + localAt]!
      const region = this.#fabric.world.nodes[flow.from]!.parts.regions[regionOf(local)]!
      const source = (region.offset + byteOffsetOf(local)) / 4
      const length = words[request + lengthAt]! >>> 2
      const done = words[request + arrivedAt]! * flow.packetWords * 2
      for (let k = done; k < length; k++) words[payload + k] = words[source + k]!
    }
    words[flow.late + phaseAt] = Phase.fetched
    words[flow.late + statusAt] = hasGoneOut ? 0 : 1
    words[flow.late + tokenAt] = 0
    words[flow.late + localAt] = 0
    words[flow.queueBase + lateAt] = connection + 1
    words[flow.queueBase + latePsnAt] = psn
  }
  /** The other end has a new connection: what could never land there is gone. */
  forget(flow: Flow, connection: number): void {
    const late = this.#words[flow.queueBase + lateAt]!
    if (late !== 0 && !this.#fabric.constantPsn && late !== connection + 1) this.#clear(flow)
  }
  #clear(flow: Flow): void {
    this.#words[flow.queueBase + lateAt] = 0
    this.#words[flow.queueBase + latePsnAt] = 0
    this.#words.fill(0, flow.late, flow.late + flow.requestWords)
    this.#fabric.world.touch(flow.queue.index)
  }
  canLand(flow: Flow): boolean {
    const late = this.#words[flow.queueBase + lateAt]!
    if (late === 0 || this.#fabric.registrations[flow.to]!.lock !== 0) return false
    // The rest of a request of which the responder has forgotten the beginning is no packet that it expects.
    const peer = this.#fabric.opposite(flow).endBase
    if (this.#words[flow.late + arrivedAt]! > 0 && this.#words[peer + connectionAt] !== late - 1) return false
    return this.#fabric.responder.wouldAccept(flow, late - 1, this.#words[flow.queueBase + latePsnAt]!)
  }
  /** Whether it may also never arrive: it had not gone out for certain, or a link held it back. */
  mayBeLost(flow: Flow): boolean {
    return this.#words[flow.late + statusAt] === 1
  }
  /** It never arrives. */
  lose(flow: Flow): void {
    this.#clear(flow)
  }
  /** The rest of a late request lands, unless it is refused; either way it is gone. */
  land(flow: Flow): void {
    const words = this.#words
    const request = flow.late
    const { atomics, placement, requester, responder, registrations, rules, world } = this.#fabric
    if (responder.lateRefusal(flow, request) === Status.ok) {
      words[request + targetAt] = registrations[flow.to]!.resolve(words[request + remoteAt]!)
      if (isAtomic(words[request + operationAt]!)) atomics.run(flow, request)
      else {
        const length = words[request + lengthAt]! >>> 3
        const first = words[request + arrivedAt]! * flow.packetWords
        for (let word = first; word < length; word++) placement.moveWord(flow, request, word)
      }
      responder.countLate(flow)
    } else if (rules.bothEndsFail) {
      const peer = this.#fabric.opposite(flow)
      words[peer.endBase + stateAt] = EndState.error
      world.touch(peer.end.index)
      requester.enterError(peer)
    }
    this.#clear(flow)
  }

  /**
   * Index of the request for which a lost packet or answer would make a difference, or -1: a payload that is fetched
   * again, a READ that is executed again; with rules broken also a WRITE or an atomic.
   */
  repeatable(flow: Flow): number {
    const words = this.#words
    const { rules } = this.#fabric
    if (words[flow.endBase + stateAt] !== EndState.readyToSend) return -1
    const count = words[flow.queueBase + countAt]!
    for (let i = 0; i < count; i++) {
      const request = requestOf(flow, i)
      const phase = words[request + phaseAt]!
      const operation = words[request + operationAt]!
      if (phase === Phase.executed) {
        if (operation === Operation.read && rules.readsRepeated) return i
        if (isAtomic(operation) && !rules.atomicsReplayed) return i
        if (isWrite(operation) && !rules.writesAcknowledgedAgain) return i
        continue
      }
      const fetchedEarly =
        phase === Phase.fetched && words[request + arrivedAt]! < words[request + packetsAt]!
      const inline = (words[request + flagsAt]! & Flag.inline) !== 0
      if (isWrite(operation) && fetchedEarly && !inline && rules.fetchedAgain) return i
    }
    return -1
  }
  repeat(flow: Flow, i: number): void {
    const words = this.#words
    const request = requestOf(flow, i)
    const operation = words[request + operationAt]!
    this.#fabric.world.touch(flow.queue.index)
    if (words[request + phaseAt] !== Phase.executed) {
      words[request + phaseAt] = Phase.posted
      words[request + statusAt] = 0
      const rest = request + flow.payloadAt + words[request + arrivedAt]! * flow.packetWords * 2
      words.fill(0, rest, request + flow.requestWords)
      return
    }
    this.#sendAgain(flow, request)
    if (operation !== Operation.read) return
    // Go-back-N: answers out of order are dropped, so the READs behind it are executed again too.
    const count = words[flow.queueBase + countAt]!
    for (let k = i + 1; k < count; k++) {
      const other = requestOf(flow, k)
      if (words[other + operationAt] === Operation.read && words[other + phaseAt] === Phase.executed)
        this.#sendAgain(flow, other)
    }
  }
  #sendAgain(flow: Flow, request: number): void {
    const words = this.#words
    words[request + phaseAt] = Phase.fetched
    words[request + arrivedAt] = 0
    for (let k = 0; k < flow.maskWords; k++) words[request + placedAt + k] = 0
    if (words[request + operationAt] !== Operation.read) return
    words[request + statusAt] = 1
    words.fill(0, request + flow.payloadAt, request + flow.requestWords)
  }
}
