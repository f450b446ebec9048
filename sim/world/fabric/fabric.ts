/**
 * Reliable-connected queue pairs: posting, placement, completion, errors, control.
 *
 * What is modelled (facts: IBTA, `ibv_post_send(3)`, `ibv_modify_qp(3)`, rxe):
 * - Requests of one queue pair execute in the order of posting; queue pairs have no order among them.
 * - A WRITE is placed word by word (8 bytes) in the order that `placement` says; each word is visible at once.
 * - A payload that is not inline is read from the requester's region `at-placement` of each word, or whole `early`.
 * - A completion follows execution and says nothing of what the responder's CPU has seen. Unsignalled successes do not
 *   complete; their slots are freed by the next completion of the same queue pair. Errors always complete.
 * - A missing right or a bad range stops the request where it is (a prefix may have landed), and both ends go to ERR.
 * - No answer (link cut, peer down, peer end not ready or of another connection) ends in `retryExceeded`: the request
 *   may have been applied, or may land later (`land`) while the responder's end still accepts that connection.
 * - In ERR all queued requests complete as `flushed`. RESET and connect drop them without completions.
 */
import {
  Control,
  InvariantViolation,
  type RdmaFabric,
  Status,
  byteOffsetOf,
  regionOf,
} from '../../../protocol/index.js'
import { EffectKind } from '../effects.js'
import type { World } from '../world.js'
import {
  EndState,
  type Flow,
  Operation,
  Phase,
  connectionAt,
  controlArgumentAt,
  controlChangeAt,
  controlPhaseAt,
  controlTokenAt,
  countAt,
  flagsAt,
  lateAt,
  lengthAt,
  localAt,
  operationAt,
  phaseAt,
  placedAt,
  receivedCountAt,
  remoteAt,
  requestOf,
  requestsAt,
  rightsAt,
  stateAt,
  statusAt,
  tokenAt,
} from './flow.js'

const flagSignaled = 1
const flagInline = 2

export class Fabric {
  readonly model: RdmaFabric
  readonly flows: readonly Flow[]
  readonly world: World
  readonly #words: Uint32Array
  /** Index of a flow by from, to and pair. */
  readonly #table: Int32Array
  readonly #opposites: readonly Flow[]
  constructor(world: World, model: RdmaFabric, flows: readonly Flow[]) {
    this.world = world
    this.model = model
    this.flows = flows
    this.#words = world.memory.words
    const n = world.nodeCount
    this.#table = new Int32Array(n * n * model.pairsPerPeer).fill(-1)
    for (const flow of flows)
      this.#table[(flow.from * n + flow.to) * model.pairsPerPeer + flow.pair] = flow.index
    this.#opposites = flows.map(
      (flow) => flows[this.#table[(flow.to * n + flow.from) * model.pairsPerPeer + flow.pair]!]!,
    )
  }

  /** The flow of the opposite direction: the other end of the same queue pair. */
  opposite(flow: Flow): Flow {
    return this.#opposites[flow.index]!
  }

  #flowOf(node: number, queuePair: number): Flow {
    const index = this.#table[node * this.world.nodeCount * this.model.pairsPerPeer + queuePair]
    const flow = index === undefined || index < 0 ? undefined : this.flows[index]
    if (flow === undefined)
      throw new InvariantViolation(`${this.world.nodeName(node)} has no queue pair ${String(queuePair)}`)
    return flow
  }

  /** Both ends of every queue pair of a node as after a start: ready, connection 0. */
  connectAll(): void {
    for (const flow of this.flows) {
      this.#words[flow.endBase + stateAt] = EndState.readyToSend
      this.#words[flow.endBase + rightsAt] = this.model.initialRights
    }
  }

  /** A node lost its memory: its ends are in RESET and forget everything. */
  loseEnds(node: number): void {
    for (const flow of this.flows) {
      if (flow.from === node) {
        this.#words.fill(0, flow.endBase, flow.endBase + flow.end.sizeBytes / 4)
        this.#words.fill(0, flow.queueBase, flow.queueBase + flow.queue.sizeBytes / 4)
        this.world.touch(flow.end.index)
        this.world.touch(flow.queue.index)
      } else if (flow.to === node) this.#clearReceived(flow)
    }
  }

  #clearReceived(flow: Flow): void {
    this.#words[flow.queueBase + receivedCountAt] = 0
    this.#words.fill(0, flow.received, flow.received + flow.receiveDepth * flow.receivedWords)
    this.world.touch(flow.queue.index)
  }

  // ---- posting and control

  post(
    node: number,
    effect: number,
    queuePair: number,
    remote: number,
    local: number,
    length: number,
    token: number,
    flags: number,
    payload: Uint8Array,
    payloadFrom: number,
    payloadBytes: number,
  ): void {
    const flow = this.#flowOf(node, queuePair)
    const words = this.#words
    const count = words[flow.queueBase + countAt]!
    if (count === flow.depth)
      throw new InvariantViolation(`${flow.name} must hold at most ${String(count)} requests`)
    if (words[flow.endBase + stateAt] === EndState.reset)
      throw new InvariantViolation(`${flow.name} must be connected before a request is posted`)
    const operation = operationOf(effect)
    if (length > this.model.requestBytes || length === 0)
      throw new InvariantViolation(
        `a request on ${flow.name} has 1 to ${String(this.model.requestBytes)} bytes, not ${String(length)}`,
      )
    if (operation !== Operation.send && (length % 8 !== 0 || byteOffsetOf(remote) % 8 !== 0))
      throw new InvariantViolation(`a one-sided request on ${flow.name} must cover whole 8-byte words`)
    const request = requestOf(flow, count)
    words[request + operationAt] = operation
    words[request + flagsAt] = operation === Operation.send ? flags | flagInline : flags
    words[request + statusAt] = Status.ok
    words[request + tokenAt] = token
    words[request + remoteAt] = remote
    words[request + localAt] = flags & flagInline ? 0 : local
    words[request + lengthAt] = length
    const captured = payloadBytes > 0
    words[request + phaseAt] = captured ? Phase.fetched : Phase.posted
    if (captured) {
      const target = (request + flow.payloadAt) * 4
      for (let i = 0; i < payloadBytes; i++) this.world.memory.bytes[target + i] = payload[payloadFrom + i]!
    } else if (operation !== Operation.read) this.#checkLocal(flow, local, length)
    if (operation !== Operation.write && operation !== Operation.send) this.#checkLocal(flow, local, length)
    words[flow.queueBase + countAt] = count + 1
    const side = this.world.memory.side
    side[flow.side + 2 + count] = side[flow.side]!++
    this.world.touch(flow.queue.index)
  }

  #checkLocal(flow: Flow, local: number, length: number): void {
    const region = this.world.nodes[flow.from]!.parts.regions[regionOf(local)]
    const offset = byteOffsetOf(local)
    if (region === undefined || offset % 8 !== 0 || offset + length > region.sizeBytes)
      throw new InvariantViolation(
        `a request on ${flow.name} must name whole words of an own region as its local bytes`,
      )
  }

  requestControl(node: number, queuePair: number, change: number, argument: number, token: number): void {
    const flow = this.#flowOf(node, queuePair)
    const words = this.#words
    if (words[flow.endBase + controlPhaseAt] !== 0)
      throw new InvariantViolation(`one control call at a time may be under way at ${flow.name}`)
    words[flow.endBase + controlPhaseAt] = 1
    words[flow.endBase + controlChangeAt] = change
    words[flow.endBase + controlArgumentAt] = argument
    words[flow.endBase + controlTokenAt] = token
    this.world.touch(flow.end.index)
  }

  controlPhase(flow: Flow): number {
    return this.#words[flow.endBase + controlPhaseAt]!
  }

  /** The change takes effect. */
  applyControl(flow: Flow): void {
    const words = this.#words
    const base = flow.endBase
    const change = words[base + controlChangeAt]
    if (change === Control.rights) words[base + rightsAt] = words[base + controlArgumentAt]!
    else {
      words[base + stateAt] = change === Control.reset ? EndState.reset : EndState.readyToSend
      words[base + connectionAt] = change === Control.reset ? 0 : words[base + controlArgumentAt]!
      if (change === Control.connect) words[base + rightsAt] = this.model.initialRights
      words.fill(0, flow.queueBase + requestsAt, flow.late)
      words[flow.queueBase + countAt] = 0
      this.world.touch(flow.queue.index)
      const incoming = this.opposite(flow)
      this.#clearReceived(incoming)
      if (words[incoming.queueBase + lateAt] !== words[base + connectionAt]! + 1) this.#clearLate(incoming)
    }
    words[base + controlPhaseAt] = 2
    this.world.touch(flow.end.index)
  }

  /** Forgets the control call that has taken effect and returns its token. */
  finishControl(flow: Flow): number {
    const words = this.#words
    const token = words[flow.endBase + controlTokenAt]!
    words.fill(0, flow.endBase + controlPhaseAt, flow.endBase + controlTokenAt + 1)
    this.world.touch(flow.end.index)
    return token
  }

  // ---- the way to the responder

  /** Whether packets of `flow` reach an end that hears them. */
  reaches(flow: Flow): boolean {
    const words = this.#words
    const peer = this.opposite(flow).endBase
    const peerState = words[peer + stateAt]!
    return (
      (peerState === EndState.readyToSend || peerState === EndState.readyToReceive) &&
      words[peer + connectionAt] === words[flow.endBase + connectionAt] &&
      !this.world.isCut(flow.from, flow.to) &&
      !this.world.isDown(flow.to)
    )
  }

  isReadyToSend(flow: Flow): boolean {
    return this.#words[flow.endBase + stateAt] === EndState.readyToSend
  }
  isInError(flow: Flow): boolean {
    return this.#words[flow.endBase + stateAt] === EndState.error
  }
  count(flow: Flow): number {
    return this.#words[flow.queueBase + countAt]!
  }

  /** Index of the first request that is not yet executed; executed requests are a prefix of the queue. */
  head(flow: Flow): number {
    const words = this.#words
    const count = words[flow.queueBase + countAt]!
    let i = 0
    while (i < count && words[requestOf(flow, i) + phaseAt] === Phase.executed) i++
    return i
  }

  /** Index of the first request whose payload is still to be fetched, or -1. */
  unfetched(flow: Flow): number {
    const words = this.#words
    const count = words[flow.queueBase + countAt]!
    for (let i = 0; i < count; i++) {
      const request = requestOf(flow, i)
      if (words[request + phaseAt] === Phase.posted && words[request + operationAt] === Operation.write)
        return i
    }
    return -1
  }

  /** The NIC reads a payload from its region into the request. */
  fetch(flow: Flow, i: number): void {
    const words = this.#words
    const request = requestOf(flow, i)
    const source = this.#sourceWord(flow, request)
    const length = words[request + lengthAt]! / 4
    for (let k = 0; k < length; k++) words[request + flow.payloadAt + k] = words[source + k]!
    words[request + phaseAt] = Phase.fetched
    this.world.touch(flow.queue.index)
  }

  #sourceWord(flow: Flow, request: number): number {
    const local = this.#words[request + localAt]!
    const region = this.world.nodes[flow.from]!.parts.regions[regionOf(local)]!
    return (region.offset + byteOffsetOf(local)) / 4
  }

  /** 0 when the request may go on, else the status that the responder answers with. */
  refusal(flow: Flow, request: number): Status {
    const words = this.#words
    const operation = words[request + operationAt]!
    if (operation === Operation.send) return Status.ok
    const needed = operation === Operation.write ? 1 : operation === Operation.read ? 2 : 4
    if ((words[this.opposite(flow).endBase + rightsAt]! & needed) === 0) return Status.remoteInvalidRequest
    const remote = words[request + remoteAt]!
    const region = this.world.nodes[flow.to]!.parts.regions[regionOf(remote)]
    if (region === undefined || byteOffsetOf(remote) + words[request + lengthAt]! > region.sizeBytes)
      return Status.remoteAccess
    return Status.ok
  }

  /** The responder refuses: the request fails, both ends go to ERR. */
  reject(flow: Flow, request: number, status: Status): void {
    const words = this.#words
    words[request + phaseAt] = Phase.failed
    words[request + statusAt] = status
    const peer = this.opposite(flow)
    words[flow.endBase + stateAt] = EndState.error
    words[peer.endBase + stateAt] = EndState.error
    this.world.touch(flow.queue.index)
    this.world.touch(flow.end.index)
    this.world.touch(peer.end.index)
  }

  /** How many words of a request are placed. */
  placedCount(flow: Flow, request: number): number {
    let count = 0
    for (let k = 0; k < flow.maskWords; k++) count += bitCount(this.#words[request + placedAt + k]!)
    return count
  }

  isPlaced(request: number, piece: number): boolean {
    return ((this.#words[request + placedAt + (piece >>> 5)]! >>> (piece & 31)) & 1) === 1
  }

  /** Moves word `piece` of a request to or from the responder's memory; marks the request executed after its last word. */
  placeWord(flow: Flow, i: number, piece: number): void {
    const words = this.#words
    const request = requestOf(flow, i)
    const remote = words[request + remoteAt]!
    const region = this.world.nodes[flow.to]!.parts.regions[regionOf(remote)]!
    const target = (region.offset + byteOffsetOf(remote)) / 4 + piece * 2
    const payload = request + flow.payloadAt + piece * 2
    if (words[request + operationAt] === Operation.read) {
      words[payload] = words[target]!
      words[payload + 1] = words[target + 1]!
    } else {
      const source =
        words[request + phaseAt] === Phase.posted ? this.#sourceWord(flow, request) + piece * 2 : payload
      this.#storeWord(region.index, target, words[source]!, words[source + 1]!)
    }
    const mask = request + placedAt + (piece >>> 5)
    words[mask] = (words[mask]! | (1 << (piece & 31))) >>> 0
    this.world.touch(flow.queue.index)
    if (this.placedCount(flow, request) === words[request + lengthAt]! / 8) this.#execute(flow, request)
  }

  #storeWord(part: number, target: number, low: number, high: number): void {
    const words = this.#words
    if (words[target] === low && words[target + 1] === high) return
    words[target] = low
    words[target + 1] = high
    this.world.touch(part)
  }

  /** All of the request is done at the responder; what is no longer needed of it is zeroed. */
  #execute(flow: Flow, request: number): void {
    const words = this.#words
    words[request + phaseAt] = Phase.executed
    for (let k = 0; k < flow.maskWords; k++) words[request + placedAt + k] = 0
    const operation = words[request + operationAt]
    const kept =
      operation === Operation.read
        ? words[request + lengthAt]! / 4
        : operation === Operation.compareSwap || operation === Operation.fetchAdd
          ? 2
          : 0
    words.fill(0, request + flow.payloadAt + kept, request + flow.requestWords)
  }

  /** Executes an atomic in one step, or moves a SEND into the receive queue. */
  placeWhole(flow: Flow, i: number): void {
    const words = this.#words
    const request = requestOf(flow, i)
    const payload = request + flow.payloadAt
    this.world.touch(flow.queue.index)
    if (words[request + operationAt] === Operation.send) {
      const waiting = words[flow.queueBase + receivedCountAt]!
      const arrival = flow.received + waiting * flow.receivedWords
      words[arrival] = words[request + lengthAt]!
      for (let k = 0; k < flow.receivedWords - 1; k++) words[arrival + 1 + k] = words[payload + k]!
      words[flow.queueBase + receivedCountAt] = waiting + 1
      this.#execute(flow, request)
      return
    }
    const remote = words[request + remoteAt]!
    const region = this.world.nodes[flow.to]!.parts.regions[regionOf(remote)]!
    const target = (region.offset + byteOffsetOf(remote)) / 4
    const low = words[target]!
    const high = words[target + 1]!
    if (words[request + operationAt] === Operation.compareSwap) {
      if (low === words[payload] && high === words[payload + 1])
        this.#storeWord(region.index, target, words[payload + 2]!, words[payload + 3]!)
    } else {
      const sum = low + words[payload]!
      const carry = sum > 0xffffffff ? 1 : 0
      this.#storeWord(region.index, target, sum >>> 0, (high + words[payload + 1]! + carry) >>> 0)
    }
    words[payload] = low
    words[payload + 1] = high
    this.#execute(flow, request)
  }

  receiveQueueIsFull(flow: Flow): boolean {
    return this.#words[flow.queueBase + receivedCountAt] === flow.receiveDepth
  }
  receivedCount(flow: Flow): number {
    return this.#words[flow.queueBase + receivedCountAt]!
  }

  /** Copies the first received SEND into `input`, removes it and returns its length. */
  takeReceived(flow: Flow, input: Uint32Array): number {
    const words = this.#words
    const length = words[flow.received]!
    for (let k = 0; k < (length + 3) >>> 2; k++) input[k] = words[flow.received + 1 + k]!
    const count = words[flow.queueBase + receivedCountAt]!
    const size = flow.receivedWords
    words.copyWithin(flow.received, flow.received + size, flow.received + count * size)
    words.fill(0, flow.received + (count - 1) * size, flow.received + count * size)
    words[flow.queueBase + receivedCountAt] = count - 1
    this.world.touch(flow.queue.index)
    return length
  }

  // ---- the way back

  /** Index of the request whose completion is next, or -1. Errors complete always, successes when signalled and acknowledged. */
  completable(flow: Flow): number {
    const words = this.#words
    const count = words[flow.queueBase + countAt]!
    const inError = words[flow.endBase + stateAt] === EndState.error
    const acknowledged = !this.world.isCut(flow.to, flow.from)
    for (let i = 0; i < count; i++) {
      const request = requestOf(flow, i)
      const phase = words[request + phaseAt]
      if (phase === Phase.failed) return i
      if (phase === Phase.executed) {
        if (!acknowledged && !inError) return -1
        if (words[request + flagsAt]! & flagSignaled) return i
      } else return inError ? i : -1
    }
    return -1
  }

  /** How request `i` would complete now. */
  statusOf(flow: Flow, i: number): Status {
    const request = requestOf(flow, i)
    const phase = this.#words[request + phaseAt]
    if (phase === Phase.executed) return Status.ok
    return phase === Phase.failed ? (this.#words[request + statusAt]! as Status) : Status.flushed
  }

  /** Takes the requests up to `i` off the queue. The outcome of request `i` is left in `token` and `status`. */
  retire(flow: Flow, i: number): void {
    const words = this.#words
    const request = requestOf(flow, i)
    this.token = words[request + tokenAt]!
    this.status = this.statusOf(flow, i)
    if (this.status === Status.ok) this.#returnPayload(flow, request)
    const count = words[flow.queueBase + countAt]!
    const left = count - i - 1
    const first = requestOf(flow, 0)
    const size = flow.requestWords
    const moved = left * size
    const shift = (i + 1) * size
    // Plain loops: for the few words of a short queue they are faster than copyWithin and fill.
    for (let k = first; k < first + moved; k++) words[k] = words[k + shift]!
    for (let k = first + moved; k < first + count * size; k++) words[k] = 0
    words[flow.queueBase + countAt] = left
    const { side } = this.world.memory
    const ordinals = flow.side + 2
    for (let k = ordinals; k < ordinals + left; k++) side[k] = side[k + i + 1]!
    this.world.touch(flow.queue.index)
  }
  token = 0
  status: Status = Status.ok

  /** What a READ or an atomic brought back lands in the requester's region. */
  #returnPayload(flow: Flow, request: number): void {
    const words = this.#words
    const operation = words[request + operationAt]!
    if (operation === Operation.write || operation === Operation.send) return
    const local = words[request + localAt]!
    const region = this.world.nodes[flow.from]!.parts.regions[regionOf(local)]!
    const target = (region.offset + byteOffsetOf(local)) / 4
    const length = operation === Operation.read ? words[request + lengthAt]! / 4 : 2
    for (let k = 0; k < length; k += 2)
      this.#storeWord(
        region.index,
        target + k,
        words[request + flow.payloadAt + k]!,
        words[request + flow.payloadAt + k + 1]!,
      )
  }

  /** Index of the request for which no answer will come, or -1. */
  expirable(flow: Flow): number {
    if (!this.isReadyToSend(flow)) return -1
    const count = this.count(flow)
    if (count === 0) return -1
    const answersLost = this.world.isCut(flow.to, flow.from) || this.world.isDown(flow.to)
    if (answersLost) return 0
    const head = this.head(flow)
    return head < count && !this.reaches(flow) ? head : -1
  }

  /** The retries are used up: the request and all after it fail. The one on its way may still land. */
  expire(flow: Flow, i: number): void {
    const words = this.#words
    const count = words[flow.queueBase + countAt]!
    const head = this.head(flow)
    if (head < count) this.#keepLate(flow, requestOf(flow, head))
    for (let k = i; k < count; k++) {
      const request = requestOf(flow, k)
      words[request + phaseAt] = Phase.failed
      words[request + statusAt] = k === i ? Status.retryExceeded : Status.flushed
    }
    words[flow.endBase + stateAt] = EndState.error
    this.world.touch(flow.queue.index)
    this.world.touch(flow.end.index)
  }

  #keepLate(flow: Flow, request: number): void {
    const words = this.#words
    if (words[request + operationAt] !== Operation.write) return
    const peerConnection = words[this.opposite(flow).endBase + connectionAt]! + 1
    const own = words[flow.endBase + connectionAt]! + 1
    if (words[flow.queueBase + lateAt] === peerConnection || own !== peerConnection) return
    if (words[request + phaseAt] === Phase.posted) {
      const source = this.#sourceWord(flow, request)
      const length = words[request + lengthAt]! / 4
      for (let k = 0; k < length; k++) words[request + flow.payloadAt + k] = words[source + k]!
    }
    for (let k = 0; k < flow.requestWords; k++) words[flow.late + k] = words[request + k]!
    words[flow.late + phaseAt] = Phase.fetched
    words[flow.queueBase + lateAt] = own
  }

  #clearLate(flow: Flow): void {
    if (this.#words[flow.queueBase + lateAt] === 0) return
    this.#words[flow.queueBase + lateAt] = 0
    this.#words.fill(0, flow.late, flow.late + flow.requestWords)
    this.world.touch(flow.queue.index)
  }

  /** Whether a late request would be accepted: same connection, right still there, link and node alive. */
  canLand(flow: Flow): boolean {
    const words = this.#words
    const late = words[flow.queueBase + lateAt]!
    if (late === 0) return false
    const peer = this.opposite(flow).endBase
    const peerState = words[peer + stateAt]!
    return (
      late === words[peer + connectionAt]! + 1 &&
      (peerState === EndState.readyToSend || peerState === EndState.readyToReceive) &&
      !this.world.isCut(flow.from, flow.to) &&
      !this.world.isDown(flow.to)
    )
  }

  /** The rest of a late request lands, unless it is refused; either way it is gone. */
  land(flow: Flow): void {
    const words = this.#words
    const request = flow.late
    if (this.refusal(flow, request) === Status.ok) {
      const remote = words[request + remoteAt]!
      const region = this.world.nodes[flow.to]!.parts.regions[regionOf(remote)]!
      const target = (region.offset + byteOffsetOf(remote)) / 4
      const payload = request + flow.payloadAt
      const length = words[request + lengthAt]! / 4
      for (let k = 0; k < length; k += 2)
        if (!this.isPlaced(request, k / 2))
          this.#storeWord(region.index, target + k, words[payload + k]!, words[payload + k + 1]!)
    }
    this.#clearLate(flow)
  }

  ordinal(flow: Flow, i: number): number {
    return this.world.memory.side[flow.side + 2 + i]!
  }
}

function bitCount(word: number): number {
  let v = word - ((word >>> 1) & 0x55555555)
  v = (v & 0x33333333) + ((v >>> 2) & 0x33333333)
  return Math.imul((v + (v >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}

function operationOf(effect: number): number {
  switch (effect) {
    case EffectKind.write:
      return Operation.write
    case EffectKind.read:
      return Operation.read
    case EffectKind.compareSwap:
      return Operation.compareSwap
    case EffectKind.fetchAdd:
      return Operation.fetchAdd
    default:
      return Operation.send
  }
}
