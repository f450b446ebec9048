/** What happens to the requests of a flow at its requester: fetched, completed, given up; and what of them lands late. */
import { Flag, Status, byteOffsetOf, regionOf } from '../../../protocol/index.js'
import type { Fabric } from './fabric.js'
import {
  EndState,
  type Flow,
  Operation,
  Phase,
  connectionAt,
  countAt,
  flagsAt,
  lateAt,
  lengthAt,
  localAt,
  operationAt,
  phaseAt,
  remoteAt,
  requestOf,
  stateAt,
  statusAt,
  tokenAt,
} from './flow.js'

export class Requester {
  readonly #fabric: Fabric
  readonly #words: Uint32Array
  /** Outcome of the request that was retired last. */
  token = 0
  status: Status = Status.ok

  constructor(fabric: Fabric) {
    this.#fabric = fabric
    this.#words = fabric.world.memory.words
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
    const source = this.#fabric.sourceWord(flow, request)
    const length = words[request + lengthAt]! / 4
    for (let k = 0; k < length; k++) words[request + flow.payloadAt + k] = words[source + k]!
    words[request + phaseAt] = Phase.fetched
    this.#fabric.world.touch(flow.queue.index)
  }

  /** Index of the request whose completion is next, or -1. Errors complete always, successes when signalled and acknowledged. */
  completable(flow: Flow): number {
    const words = this.#words
    const count = words[flow.queueBase + countAt]!
    const inError = words[flow.endBase + stateAt] === EndState.error
    const acknowledged = !this.#fabric.world.isCut(flow.to, flow.from)
    for (let i = 0; i < count; i++) {
      const request = requestOf(flow, i)
      const phase = words[request + phaseAt]
      if (phase === Phase.failed) return i
      if (phase === Phase.executed) {
        if (!acknowledged && !inError) return -1
        if (words[request + flagsAt]! & Flag.signaled) return i
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
    const { side } = this.#fabric.world.memory
    const ordinals = flow.side + 2
    for (let k = ordinals; k < ordinals + left; k++) side[k] = side[k + i + 1]!
    this.#fabric.world.touch(flow.queue.index)
  }

  /** What a READ or an atomic brought back lands in the requester's region. */
  #returnPayload(flow: Flow, request: number): void {
    const words = this.#words
    const operation = words[request + operationAt]!
    if (operation === Operation.write || operation === Operation.send) return
    const local = words[request + localAt]!
    const region = this.#fabric.world.nodes[flow.from]!.parts.regions[regionOf(local)]!
    const target = (region.offset + byteOffsetOf(local)) / 4
    const length = operation === Operation.read ? words[request + lengthAt]! / 4 : 2
    for (let k = 0; k < length; k += 2)
      this.#fabric.storeWord(
        region.index,
        target + k,
        words[request + flow.payloadAt + k]!,
        words[request + flow.payloadAt + k + 1]!,
      )
  }

  /** Index of the request for which no answer will come, or -1. */
  expirable(flow: Flow): number {
    if (!this.#fabric.isReadyToSend(flow)) return -1
    const count = this.#fabric.count(flow)
    if (count === 0) return -1
    const answersLost = this.#fabric.world.isCut(flow.to, flow.from) || this.#fabric.world.isDown(flow.to)
    if (answersLost) return 0
    const head = this.#fabric.head(flow)
    return head < count && !this.#fabric.reaches(flow) ? head : -1
  }

  /** The retries are used up: the request and all after it fail. The one on its way may still land. */
  expire(flow: Flow, i: number): void {
    const words = this.#words
    const count = words[flow.queueBase + countAt]!
    const head = this.#fabric.head(flow)
    if (head < count) this.#keepLate(flow, requestOf(flow, head))
    for (let k = i; k < count; k++) {
      const request = requestOf(flow, k)
      words[request + phaseAt] = Phase.failed
      words[request + statusAt] = k === i ? Status.retryExceeded : Status.flushed
    }
    words[flow.endBase + stateAt] = EndState.error
    this.#fabric.world.touch(flow.queue.index)
    this.#fabric.world.touch(flow.end.index)
  }

  #keepLate(flow: Flow, request: number): void {
    const words = this.#words
    if (words[request + operationAt] !== Operation.write) return
    const peerConnection = words[this.#fabric.opposite(flow).endBase + connectionAt]! + 1
    const own = words[flow.endBase + connectionAt]! + 1
    if (words[flow.queueBase + lateAt] === peerConnection || own !== peerConnection) return
    if (words[request + phaseAt] === Phase.posted) {
      const source = this.#fabric.sourceWord(flow, request)
      const length = words[request + lengthAt]! / 4
      for (let k = 0; k < length; k++) words[request + flow.payloadAt + k] = words[source + k]!
    }
    for (let k = 0; k < flow.requestWords; k++) words[flow.late + k] = words[request + k]!
    words[flow.late + phaseAt] = Phase.fetched
    words[flow.queueBase + lateAt] = own
  }

  clearLate(flow: Flow): void {
    if (this.#words[flow.queueBase + lateAt] === 0) return
    this.#words[flow.queueBase + lateAt] = 0
    this.#words.fill(0, flow.late, flow.late + flow.requestWords)
    this.#fabric.world.touch(flow.queue.index)
  }

  /** Whether a late request would be accepted: same connection, right still there, link and node alive. */
  canLand(flow: Flow): boolean {
    const words = this.#words
    const late = words[flow.queueBase + lateAt]!
    if (late === 0) return false
    const peer = this.#fabric.opposite(flow).endBase
    const peerState = words[peer + stateAt]!
    return (
      late === words[peer + connectionAt]! + 1 &&
      (peerState === EndState.readyToSend || peerState === EndState.readyToReceive) &&
      !this.#fabric.world.isCut(flow.from, flow.to) &&
      !this.#fabric.world.isDown(flow.to)
    )
  }

  /** The rest of a late request lands, unless it is refused; either way it is gone. */
  land(flow: Flow): void {
    const words = this.#words
    const request = flow.late
    if (this.#fabric.responder.refusal(flow, request) === Status.ok) {
      const remote = words[request + remoteAt]!
      const region = this.#fabric.world.nodes[flow.to]!.parts.regions[regionOf(remote)]!
      const target = (region.offset + byteOffsetOf(remote)) / 4
      const payload = request + flow.payloadAt
      const length = words[request + lengthAt]! / 4
      for (let k = 0; k < length; k += 2)
        if (!this.#fabric.responder.isPlaced(request, k / 2))
          this.#fabric.storeWord(region.index, target + k, words[payload + k]!, words[payload + k + 1]!)
    }
    this.clearLate(flow)
  }
}
