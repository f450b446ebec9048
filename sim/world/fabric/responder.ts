/**
 * What becomes of packets at the responder's NIC: dropped, taken for a repetition, refused, or accepted.
 *
 * Rules (see `rule-book.ts`): packet-checks, refusal-by-pair, refusal-by-region, both-ends-fail, receiver-not-ready,
 * sequence-numbers, ready-to-receive-serves, fence.
 */
import { Flag, Status, byteOffsetOf } from '../../../protocol/index.js'
import { closeGap } from '../memory.js'
import type { Fabric } from './fabric.js'
import {
  Arrival,
  EndState,
  type Flow,
  Operation,
  Phase,
  acceptedCountAt,
  acceptedOf,
  arrivedAt,
  connectionAt,
  countAt,
  expectedPsnAt,
  flagsAt,
  hasAnswer,
  immediateAt,
  instantSlot,
  isAtomic,
  mostPsn,
  openAt,
  packetsAt,
  operationAt,
  phaseAt,
  receivedCountAt,
  remoteAt,
  requestOf,
  rightsAt,
  sentPsnAt,
  stateAt,
  statusAt,
  taken,
  takesBuffer,
  targetAt,
} from './flow.js'
import { rightNeeded } from './registrations.js'

/** How the responder's end takes the next packet. */
const Hearing = { silent: 0, repetition: 1, expected: 2 } as const

export class Responder {
  readonly #fabric: Fabric
  readonly #words: Uint32Array

  constructor(fabric: Fabric) {
    this.#fabric = fabric
    this.#words = fabric.world.memory.words
  }

  /** Index of the first request of which a packet is still to arrive, or -1. */
  firstUnarrived(flow: Flow): number {
    const words = this.#words
    const count = words[flow.queueBase + countAt]!
    for (let i = 0; i < count; i++) {
      const request = requestOf(flow, i)
      if (words[request + phaseAt]! >= Phase.loaded) continue
      if (words[request + arrivedAt]! < words[request + packetsAt]!) return i
    }
    return -1
  }

  /** Whether the responder's end serves: RTR and SQD do as well as RTS. */
  #serves(state: number): boolean {
    if (state === EndState.readyToSend) return true
    return (
      (state === EndState.readyToReceive || state === EndState.drained) &&
      this.#fabric.rules.readyToReceiveServes
    )
  }
  /** Whether the other end is one that serves this connection, as far as a single state can say. */
  listens(flow: Flow): boolean {
    const words = this.#words
    const { rules, constantPsn } = this.#fabric
    const peer = this.#fabric.opposite(flow).endBase
    if (!this.#serves(words[peer + stateAt]!)) return false
    if (!rules.sequenceNumbers || constantPsn) return true
    return words[peer + connectionAt] === words[flow.endBase + connectionAt]
  }
  #hearing(flow: Flow, request: number): number {
    const words = this.#words
    const { rules, constantPsn } = this.#fabric
    if (!this.#fabric.isConnected(flow) || !this.listens(flow)) return Hearing.silent
    // A READ that is sent again has a number that was expected once: it is executed again.
    if (!rules.sequenceNumbers || !constantPsn || this.#isAgain(request)) return Hearing.expected
    const peer = this.#fabric.opposite(flow).endBase
    const sent = words[flow.endBase + sentPsnAt]!
    const expected = words[peer + expectedPsnAt]!
    return sent === expected ? Hearing.expected : sent < expected ? Hearing.repetition : Hearing.silent
  }
  #isAgain(request: number): boolean {
    return this.#words[request + operationAt] === Operation.read && this.#words[request + statusAt] === 1
  }
  /** Whether whatever comes of a flow is heard, if the other end `listens`. */
  hearsAll(flow: Flow): boolean {
    return !this.#fabric.constantPsn && this.#fabric.isConnected(flow)
  }
  /** Whether the responder would do something about the next packet of a flow. */
  hears(flow: Flow): boolean {
    const i = this.firstUnarrived(flow)
    if (i < 0) return true
    const request = requestOf(flow, i)
    const hearing = this.#hearing(flow, request)
    // It no longer remembers what an atomic of so long ago read, and drops its repetition.
    return (
      hearing === Hearing.expected ||
      (hearing === Hearing.repetition && !isAtomic(this.#words[request + operationAt]!))
    )
  }
  /** Whether a packet of an earlier connection would be taken for the next one. */
  wouldAccept(flow: Flow, connection: number, psn: number): boolean {
    const words = this.#words
    const peer = this.#fabric.opposite(flow).endBase
    if (!this.#fabric.isConnected(flow) || !this.#serves(words[peer + stateAt]!)) return false
    return this.#fabric.constantPsn
      ? psn === words[peer + expectedPsnAt]
      : connection === words[peer + connectionAt]
  }

  /** Index of the request whose next packet may arrive now, or -1. */
  arrivable(flow: Flow): number {
    const words = this.#words
    const i = this.firstUnarrived(flow)
    if (i < 0) return -1
    const request = requestOf(flow, i)
    const state = words[flow.endBase + stateAt]
    // A drained queue goes on with what it has begun.
    if (state !== EndState.readyToSend && !(state === EndState.drained && words[request + arrivedAt]! > 0))
      return -1
    const operation = words[request + operationAt]!
    const { rules, world } = this.#fabric
    const earlierReads = this.#readsBefore(flow, i)
    if (earlierReads && this.isFenced(flow, i)) return -1
    if (operation === Operation.bind) return i
    if (!rules.unorderedPairs && this.#fabric.placement.lowerPairIsBusy(flow)) return -1
    if (world.knobs.fetch !== 'at-departure' && words[request + phaseAt] === Phase.posted) return -1
    const hearing = this.#hearing(flow, request)
    if (hearing === Hearing.silent) return -1
    if (hearing === Hearing.repetition) return isAtomic(operation) ? -1 : i
    // A refusal waits for its turn behind the answers to earlier READs.
    if (earlierReads && this.#refusal(flow, request) !== Status.ok) return -1
    if (rules.receiverNotReady && !this.#hasBuffer(flow, request)) return -1
    return i
  }

  /** Whether request `i` waits behind its fence: it is not begun before the answers to earlier READs and atomics have landed. */
  isFenced(flow: Flow, i: number): boolean {
    const fenced = (this.#words[requestOf(flow, i) + flagsAt]! & Flag.fence) !== 0
    return fenced && this.#fabric.rules.fence && this.#readsBefore(flow, i)
  }
  /** Whether request `i`, or the rest of it, may have gone out already. */
  mayBeUnderWay(flow: Flow, i: number): boolean {
    const state = this.#words[flow.endBase + stateAt]
    if (state === EndState.drained) return this.#words[requestOf(flow, i) + arrivedAt]! > 0
    return state === EndState.readyToSend && !this.isFenced(flow, i)
  }
  #readsBefore(flow: Flow, i: number): boolean {
    const words = this.#words
    for (let k = 0; k < i; k++) {
      const request = requestOf(flow, k)
      if (words[request + phaseAt]! < Phase.answered && hasAnswer(words[request + operationAt]!)) return true
    }
    return false
  }

  /** Whether the next packet of a request needs no receive buffer, or finds one. */
  #hasBuffer(flow: Flow, request: number): boolean {
    const words = this.#words
    if (!this.#needsBuffer(request)) return true
    let held = words[flow.queueBase + receivedCountAt]!
    const accepted = words[flow.queueBase + acceptedCountAt]!
    for (let slot = 0; slot < accepted; slot++)
      if (takesBuffer(words[acceptedOf(flow, slot) + operationAt]!)) held++
    const count = words[flow.queueBase + countAt]!
    for (let i = 0; i < count; i++) {
      const other = requestOf(flow, i)
      if (words[other + phaseAt]! < Phase.executed && this.#holdsBuffer(other)) held++
    }
    return held < flow.receiveDepth
  }
  /** A SEND takes its buffer with the first packet, a WRITE with immediate with the last. */
  #needsBuffer(request: number): boolean {
    const words = this.#words
    const operation = words[request + operationAt]
    if (operation === Operation.send) return words[request + arrivedAt] === 0
    return (
      operation === Operation.writeImmediate && words[request + arrivedAt]! + 1 === words[request + packetsAt]
    )
  }
  #holdsBuffer(request: number): boolean {
    const words = this.#words
    const operation = words[request + operationAt]
    if (words[request + targetAt] === taken) return false
    if (operation === Operation.send) return words[request + arrivedAt]! > 0
    return operation === Operation.writeImmediate && words[request + arrivedAt] === words[request + packetsAt]
  }
  /** Whether the next packet waits for nothing but a receive buffer. */
  lacksBuffer(flow: Flow): boolean {
    const i = this.firstUnarrived(flow)
    if (i < 0 || !this.hears(flow)) return false
    const request = requestOf(flow, i)
    return !this.#hasBuffer(flow, request)
  }

  /** `ok` when the responder accepts a request, else the status that it answers with. */
  #refusal(flow: Flow, request: number): Status {
    const words = this.#words
    const operation = words[request + operationAt]!
    if (operation === Operation.send) return Status.ok
    const remote = words[request + remoteAt]!
    const rights = words[this.#fabric.opposite(flow).endBase + rightsAt]!
    if ((rights & rightNeeded(operation)) === 0 || (isAtomic(operation) && byteOffsetOf(remote) % 8 !== 0))
      return Status.remoteInvalidRequest
    return this.#fabric.registrations[flow.to]!.check(request)
  }

  /** The next packet of request `i` arrives. */
  arrive(flow: Flow, i: number): void {
    const words = this.#words
    const { rules, world } = this.#fabric
    const request = requestOf(flow, i)
    const operation = words[request + operationAt]!
    world.touchFor(flow.queue.index, this.#fabric.concerned[flow.index]!.arrived)
    if (operation === Operation.bind) {
      this.#bind(flow, request)
      return
    }
    const again = this.#isAgain(request)
    const repetition = this.#hearing(flow, request) === Hearing.repetition
    const first = words[request + arrivedAt] === 0
    if (!repetition && words[request + targetAt] === taken) {
      // The middle of a request that never began.
      this.#refuse(flow, i, Status.remoteInvalidRequest)
      return
    }
    if (!repetition && (first || rules.packetChecks)) {
      const refusal = this.#refusal(flow, request)
      if (refusal !== Status.ok) {
        this.#refuse(flow, i, refusal)
        return
      }
    }
    if (!repetition && !this.#hasBuffer(flow, request)) {
      // Only where the rule is broken: nobody notices that it was dropped.
      if (!first) words[flow.queueBase + openAt] = words[flow.queueBase + openAt]! - 1
      this.#fabric.placement.execute(flow, request)
      return
    }
    this.#fabric.requester.fetchPacket(flow, request)
    if (!again) this.#countPacket(flow, repetition)
    const arrived = words[request + arrivedAt]! + 1
    words[request + arrivedAt] = arrived
    const whole = arrived === words[request + packetsAt]
    if (whole) world.memory.side[instantSlot(flow, i)] = world.nowNanos
    if (repetition && operation !== Operation.read) {
      words[request + targetAt] = taken
      if (whole) this.#fabric.placement.execute(flow, request)
      return
    }
    if (again) words[request + statusAt] = 0
    if (first) {
      if (operation !== Operation.send)
        words[request + targetAt] = this.#fabric.registrations[flow.to]!.resolve(words[request + remoteAt]!)
      words[flow.queueBase + openAt] = words[flow.queueBase + openAt]! + 1
    }
    if (whole && operation === Operation.writeImmediate && !rules.immediateAfterData)
      this.#fabric.placement.arriveAtCore(flow, request, Arrival.immediate)
  }

  /** PSNs are bytes of the state only where they matter. */
  #countPacket(flow: Flow, repetition: boolean): void {
    if (!this.#fabric.constantPsn) return
    const words = this.#words
    const { world } = this.#fabric
    const peer = this.#fabric.opposite(flow)
    words[flow.endBase + sentPsnAt] = Math.min(mostPsn, words[flow.endBase + sentPsnAt]! + 1)
    if (!repetition)
      words[peer.endBase + expectedPsnAt] = Math.min(mostPsn, words[peer.endBase + expectedPsnAt]! + 1)
    world.touch(flow.end.index)
    world.touch(peer.end.index)
  }
  /** A late packet was taken for the next one. */
  countLate(flow: Flow): void {
    if (!this.#fabric.constantPsn) return
    const peer = this.#fabric.opposite(flow)
    this.#words[peer.endBase + expectedPsnAt] = Math.min(
      mostPsn,
      this.#words[peer.endBase + expectedPsnAt]! + 1,
    )
    this.#fabric.world.touch(peer.end.index)
  }
  lateRefusal(flow: Flow, request: number): Status {
    return this.#refusal(flow, request)
  }

  #bind(flow: Flow, request: number): void {
    const words = this.#words
    const payload = request + flow.payloadAt
    this.#fabric.registrations[flow.from]!.bind(
      words[payload]!,
      words[payload + 1]!,
      words[payload + 2]!,
      words[payload + 3]!,
      words[request + immediateAt]!,
    )
    this.#fabric.placement.execute(flow, request)
  }

  /** The responder refuses a packet: what was accepted of the request before is placed, and both ends go to ERR. */
  #refuse(flow: Flow, i: number, status: Status): void {
    const words = this.#words
    const { world, rules, placement } = this.#fabric
    const request = requestOf(flow, i)
    world.touch(flow.queue.index)
    if (!(status === Status.remoteAccess ? rules.refusalByRegion : rules.refusalByPair)) {
      this.#fabric.accepted.surrender(flow, i)
      placement.execute(flow, request)
      return
    }
    const peer = this.#fabric.opposite(flow)
    if (rules.bothEndsFail) {
      words[peer.endBase + stateAt] = EndState.error
      world.touch(peer.end.index)
      if (peer !== flow) this.#fabric.requester.enterError(peer)
    }
    // Where the way back is cut the refusal is lost, and the requester will give up waiting.
    if (!this.#fabric.requester.isAnswered(flow)) return
    this.#fabric.accepted.surrender(flow, i)
    words[request + phaseAt] = Phase.failed
    words[request + statusAt] = status
    words[flow.endBase + stateAt] = EndState.error
    world.touch(flow.end.index)
    this.#fabric.requester.enterError(flow)
  }

  /** The memory of the responder is gone, and with it what had arrived there. */
  loseMemory(flow: Flow): void {
    this.#fabric.accepted.drop(flow)
    this.dropReceived(flow)
  }
  /** What has arrived for the core and was not yet polled vanishes. */
  dropReceived(flow: Flow): void {
    if (this.#words[flow.queueBase + receivedCountAt] === 0) return
    this.#words[flow.queueBase + receivedCountAt] = 0
    this.#words.fill(0, flow.received, flow.received + flow.receiveDepth * flow.receivedWords)
    this.#fabric.world.touch(flow.queue.index)
  }

  /** Removes the first arrival; its kind and content are left in `arrivalKind` and `arrivalValue`, the bytes in `input`. */
  takeReceived(flow: Flow, input: Uint32Array): void {
    const words = this.#words
    this.arrivalKind = words[flow.received]!
    this.arrivalValue = words[flow.received + 1]!
    if (this.arrivalKind === 0)
      for (let k = 0; k < (this.arrivalValue + 3) >>> 2; k++) input[k] = words[flow.received + 2 + k]!
    const count = words[flow.queueBase + receivedCountAt]!
    const size = flow.receivedWords
    closeGap(words, flow.received, size, flow.received + count * size)
    words[flow.queueBase + receivedCountAt] = count - 1
    this.#fabric.world.touch(flow.queue.index)
  }
  arrivalKind = 0
  /** Length of a message, or the immediate. */
  arrivalValue = 0
}
