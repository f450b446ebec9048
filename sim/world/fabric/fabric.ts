/**
 * Reliable-connected queue pairs: who is connected to whom, and posting. What the two sides do with requests is in
 * `requester.ts` and `responder.ts`; `docs/fabric.md` is the rule book for users, and
 * `protocol/rule-book.ts` names each rule with its source.
 */
import { Flag, InvariantViolation, type RdmaFabric, byteOffsetOf, regionOf } from '../../../protocol/index.js'
import { EffectKind } from '../effects.js'
import { NodeStatus } from '../node-parts.js'
import type { World } from '../world.js'
import {
  EndState,
  type Flow,
  Operation,
  Phase,
  acceptedCountAt,
  acceptedSlot,
  countAt,
  flagsAt,
  immediateAt,
  instantSlot,
  isAtomic,
  isWrite,
  lengthAt,
  localAt,
  operationAt,
  ordinalSlot,
  packetsAt,
  phaseAt,
  receivedCountAt,
  remoteAt,
  requestOf,
  rightsAt,
  stateAt,
  statusAt,
  tokenAt,
} from './flow.js'
import { Accepted } from './accepted.js'
import { Answers } from './answers.js'
import { Atomics } from './atomics.js'
import { type Concerned, concernedBy } from './concerned.js'
import { ControlCalls } from './control.js'
import { Late } from './late.js'
import { Placement } from './placement.js'
import { Registrations } from './registrations.js'
import { Requester } from './requester.js'
import { Responder } from './responder.js'
import { Rules } from './rules.js'
import type { Part } from '../memory.js'

export class Fabric {
  readonly model: RdmaFabric
  readonly flows: readonly Flow[]
  readonly world: World
  readonly rules: Rules
  readonly constantPsn: boolean
  /** Per node what peers may touch. */
  readonly registrations: readonly Registrations[]
  /** What the requesting side of a flow does, the responding side, and the memory behind that. */
  readonly requester: Requester
  readonly responder: Responder
  readonly placement: Placement
  readonly atomics: Atomics
  readonly answers: Answers
  readonly accepted: Accepted
  readonly late: Late
  readonly controls: ControlCalls
  /** Per flow whom a change of its queue concerns. */
  concerned: readonly Concerned[] = []
  /** Flows of the sites whose latency counts from the post or the arrival of a request. */
  readonly flowOfSite = new Map<number, Flow>()
  readonly #words: Uint32Array
  /** Index of a flow by from, to and pair. */
  readonly #table: Int32Array
  readonly #opposites: readonly Flow[]

  constructor(world: World, model: RdmaFabric, flows: readonly Flow[], registrations: readonly Part[]) {
    this.world = world
    this.model = model
    this.flows = flows
    this.rules = new Rules(world.knobs)
    this.constantPsn = world.knobs.psn === 'constant'
    this.#words = world.memory.words
    this.registrations = registrations.map((part, node) => new Registrations(world, node, part))
    this.placement = new Placement(this)
    this.atomics = new Atomics(this)
    this.answers = new Answers(this)
    this.accepted = new Accepted(this)
    this.late = new Late(this)
    this.controls = new ControlCalls(this)
    this.responder = new Responder(this)
    this.requester = new Requester(this)
    const n = world.nodeCount
    this.#table = new Int32Array(n * n * model.pairsPerPeer).fill(-1)
    for (const flow of flows)
      this.#table[(flow.from * n + flow.to) * model.pairsPerPeer + flow.pair] = flow.index
    this.#opposites = flows.map((flow) => this.flowBetween(flow.to, flow.from, flow.pair)!)
  }

  flowBetween(from: number, to: number, pair: number): Flow | undefined {
    return this.flows[this.#table[(from * this.world.nodeCount + to) * this.model.pairsPerPeer + pair] ?? -1]
  }
  /** The flow of the opposite direction: the other end of the same queue pair. Of a pair to oneself it is the flow itself. */
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

  /** Is told when all sites are known. */
  complete(): void {
    this.concerned = this.flows.map((flow) => concernedBy(this.world, this, flow))
  }

  /** Both ends of every queue pair as after a start: ready, connection 0; all memory registered. */
  connectAll(): void {
    for (const flow of this.flows) {
      this.#words[flow.endBase + stateAt] = EndState.readyToSend
      this.#words[flow.endBase + rightsAt] = this.model.initialRights
    }
    for (const registrations of this.registrations) registrations.begin()
  }

  /** A node lost its memory: its ends are in RESET and forget everything; what others have accepted of it stays. */
  loseEnds(node: number): void {
    const words = this.#words
    for (const flow of this.flows) {
      if (flow.to === node) this.responder.loseMemory(flow)
      if (flow.from !== node) continue
      this.requester.dropQueue(flow)
      words.fill(0, flow.endBase, flow.endBase + flow.end.sizeBytes / 4)
      this.world.touch(flow.end.index)
    }
    this.registrations[node]!.begin()
  }

  // ---- posting

  post(
    node: number,
    effect: number,
    queuePair: number,
    remote: number,
    local: number,
    length: number,
    token: number,
    flags: number,
    immediate: number,
    payload: Uint8Array,
    payloadFrom: number,
    payloadBytes: number,
  ): void {
    const flow = this.#flowOf(node, queuePair)
    const words = this.#words
    const count = words[flow.queueBase + countAt]!
    if (count === flow.depth)
      throw new InvariantViolation(`${flow.name} must hold at most ${String(count)} requests`)
    if (words[flow.endBase + stateAt]! < EndState.readyToSend)
      throw new InvariantViolation(`${flow.name} must be ready to send before a request is posted`)
    if (words[flow.endBase + stateAt] === EndState.error && !this.rules.errorFlushes) return
    const operation = operationOf(effect)
    this.#check(flow, operation, remote, length)
    const request = requestOf(flow, count)
    const captured = payloadBytes > 0
    words[request + operationAt] = operation
    words[request + flagsAt] = operation === Operation.send ? flags | Flag.inline : flags
    words[request + statusAt] = 0
    words[request + tokenAt] = token
    words[request + remoteAt] = remote
    words[request + localAt] = flags & Flag.inline ? 0 : local
    words[request + lengthAt] = length
    words[request + immediateAt] = immediate
    const travels = isWrite(operation) || operation === Operation.send
    words[request + packetsAt] = travels ? Math.ceil(length / (flow.packetWords * 8)) : 1
    words[request + phaseAt] = captured || !isWrite(operation) ? Phase.fetched : Phase.posted
    if (captured) {
      const target = (request + flow.payloadAt) * 4
      for (let i = 0; i < payloadBytes; i++) this.world.memory.bytes[target + i] = payload[payloadFrom + i]!
    } else if (isWrite(operation)) {
      this.#checkLocal(flow, local, length)
      if (!this.rules.lateFetch) this.requester.fetchAll(flow, request)
    }
    if (operation === Operation.read || isAtomic(operation)) this.#checkLocal(flow, local, length)
    words[flow.queueBase + countAt] = count + 1
    const side = this.world.memory.side
    side[ordinalSlot(flow, count)] = side[flow.side]!++
    const { labour, nowNanos } = this.world
    side[instantSlot(flow, count)] = labour === undefined ? nowNanos : labour.posted(node)
    if (words[flow.endBase + stateAt] === EndState.error) this.world.touch(flow.queue.index)
    else this.world.touchFor(flow.queue.index, this.concerned[flow.index]!.posted)
  }

  #check(flow: Flow, operation: number, remote: number, length: number): void {
    if (operation === Operation.bind) return
    if (length > this.model.requestBytes || length === 0)
      throw new InvariantViolation(
        `a request on ${flow.name} has 1 to ${String(this.model.requestBytes)} bytes, not ${String(length)}`,
      )
    if (operation === Operation.send || isAtomic(operation)) return
    if (length % 8 !== 0 || byteOffsetOf(remote) % 8 !== 0)
      throw new InvariantViolation(`a READ or WRITE on ${flow.name} must cover whole 8-byte words`)
  }
  #checkLocal(flow: Flow, local: number, length: number): void {
    const region = this.world.nodes[flow.from]!.parts.regions[regionOf(local)]
    const offset = byteOffsetOf(local)
    if (region === undefined || offset % 8 !== 0 || offset + length > region.sizeBytes)
      throw new InvariantViolation(
        `a request on ${flow.name} must name whole words of an own region as its local bytes`,
      )
  }

  /** Binds a memory window: a posted request whose payload is (window, region, offset, length). */
  bind(
    node: number,
    queuePair: number,
    memoryWindow: number,
    region: number,
    offset: number,
    length: number,
    rights: number,
    token: number,
  ): void {
    this.registrations[node]!.checkBind(memoryWindow, region, offset, length)
    const flow = this.#flowOf(node, queuePair)
    const count = this.#words[flow.queueBase + countAt]!
    this.post(node, EffectKind.bind, queuePair, 0, 0, 8, token, Flag.signaled, rights, noBytes, 0, 0)
    const payload = requestOf(flow, count) + flow.payloadAt
    this.#words[payload] = memoryWindow
    this.#words[payload + 1] = region
    this.#words[payload + 2] = offset
    this.#words[payload + 3] = length
  }

  requestControl(node: number, queuePair: number, change: number, argument: number, token: number): void {
    this.controls.ask(this.#flowOf(node, queuePair), change, argument, token)
  }

  // ---- what both sides ask

  /** Whether the NIC of a node serves its memory: until its power is lost, and while a process is stopped (zombie). */
  isServing(node: number): boolean {
    const status = this.world.nodes[node]!.status()
    return status === NodeStatus.up || (status !== NodeStatus.down && this.rules.zombieServes)
  }
  /** Whether packets of `flow` find their way, whatever the other end makes of them. */
  isConnected(flow: Flow): boolean {
    const { world } = this
    return (
      !world.isCut(flow.from, flow.to) &&
      !world.isSevered(flow.from, flow.to, flow.pair) &&
      this.isServing(flow.to)
    )
  }
  isReadyToSend(flow: Flow): boolean {
    return this.#words[flow.endBase + stateAt] === EndState.readyToSend
  }
  count(flow: Flow): number {
    return this.#words[flow.queueBase + countAt]!
  }
  receivedCount(flow: Flow): number {
    return this.#words[flow.queueBase + receivedCountAt]!
  }
  ordinal(flow: Flow, i: number): number {
    return this.world.memory.side[ordinalSlot(flow, i)]!
  }
  /** Ordinals of all requests of a flow that are still to take effect or to complete. */
  ordinals(flow: Flow): number[] {
    const { side } = this.world.memory
    const accepted = this.#words[flow.queueBase + acceptedCountAt]!
    return [
      ...Array.from({ length: this.count(flow) }, (_, i) => this.ordinal(flow, i)),
      ...Array.from({ length: accepted }, (_, i) => side[acceptedSlot(flow, i)]!),
    ]
  }
  /** When the request with an ordinal was posted or, later, had arrived whole; nanoseconds of virtual time. */
  instant(flow: Flow, ordinal: number): number {
    const { side } = this.world.memory
    const count = this.count(flow)
    for (let i = 0; i < count; i++)
      if (side[ordinalSlot(flow, i)] === ordinal) return side[instantSlot(flow, i)]!
    return 0
  }

  /** Stores an 8-byte word; a part that does not change is not touched. */
  storeWord(part: number, target: number, low: number, high: number): void {
    const words = this.#words
    if (words[target] === low && words[target + 1] === high) return
    words[target] = low
    words[target + 1] = high
    this.world.touch(part)
  }
}

const noBytes = new Uint8Array(0)

function operationOf(effect: number): number {
  switch (effect) {
    case EffectKind.write:
      return Operation.write
    case EffectKind.writeImmediate:
      return Operation.writeImmediate
    case EffectKind.read:
      return Operation.read
    case EffectKind.compareSwap:
      return Operation.compareSwap
    case EffectKind.fetchAdd:
      return Operation.fetchAdd
    case EffectKind.bind:
      return Operation.bind
    default:
      return Operation.send
  }
}
