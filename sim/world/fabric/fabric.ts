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
  Flag,
  InvariantViolation,
  type RdmaFabric,
  Status,
  byteOffsetOf,
  regionOf,
} from '../../../protocol/index.js'
import { EffectKind } from '../effects.js'
import type { World } from '../world.js'
import { Requester } from './requester.js'
import { Responder } from './responder.js'
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
  receivedCountAt,
  remoteAt,
  requestOf,
  requestsAt,
  rightsAt,
  stateAt,
  statusAt,
  tokenAt,
} from './flow.js'

export class Fabric {
  readonly model: RdmaFabric
  readonly flows: readonly Flow[]
  readonly world: World
  /** What the responding side of a flow does, and the requesting side. */
  readonly responder: Responder
  readonly requester: Requester
  readonly #words: Uint32Array
  /** Index of a flow by from, to and pair. */
  readonly #table: Int32Array
  readonly #opposites: readonly Flow[]
  constructor(world: World, model: RdmaFabric, flows: readonly Flow[]) {
    this.world = world
    this.model = model
    this.flows = flows
    this.#words = world.memory.words
    this.responder = new Responder(this)
    this.requester = new Requester(this)
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
    words[request + flagsAt] = operation === Operation.send ? flags | Flag.inline : flags
    words[request + statusAt] = Status.ok
    words[request + tokenAt] = token
    words[request + remoteAt] = remote
    words[request + localAt] = flags & Flag.inline ? 0 : local
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
      if (words[incoming.queueBase + lateAt] !== words[base + connectionAt]! + 1)
        this.requester.clearLate(incoming)
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

  /** Word index of a request's payload in the requester's own region. */
  sourceWord(flow: Flow, request: number): number {
    const local = this.#words[request + localAt]!
    const region = this.world.nodes[flow.from]!.parts.regions[regionOf(local)]!
    return (region.offset + byteOffsetOf(local)) / 4
  }

  /** Stores an 8-byte word; a part that does not change is not touched. */
  storeWord(part: number, target: number, low: number, high: number): void {
    const words = this.#words
    if (words[target] === low && words[target + 1] === high) return
    words[target] = low
    words[target + 1] = high
    this.world.touch(part)
  }

  ordinal(flow: Flow, i: number): number {
    return this.world.memory.side[flow.side + 2 + i]!
  }
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
