/**
 * What happens to the requests of a flow at its requester: fetched, completed, given up, sent again; and what of them
 * lands late.
 *
 * Rules (see `rule-book.ts`): late-fetch, fetched-again, lagging-visibility, silent-success, errors-complete,
 * error-flushes, reset-swallows, late-packets, silence-when-not-ready, reads-repeated, atomics-replayed,
 * writes-acknowledged-again.
 */
import { Flag, Status, byteOffsetOf, regionOf } from '../../../protocol/index.js'
import type { Fabric } from './fabric.js'
import {
  EndState,
  type Flow,
  Operation,
  Phase,
  acceptedCountAt,
  acceptedSlots,
  arrivedAt,
  countAt,
  flagsAt,
  instantSlot,
  isAtomic,
  isWrite,
  lengthAt,
  loadedAt,
  localAt,
  openAt,
  operationAt,
  ordinalSlot,
  packetsAt,
  phaseAt,
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

  // ---- payloads

  /** Index of the first WRITE whose payload is still to be fetched, or -1. */
  unfetched(flow: Flow): number {
    const words = this.#words
    const count = words[flow.queueBase + countAt]!
    for (let i = 0; i < count; i++) if (words[requestOf(flow, i) + phaseAt] === Phase.posted) return i
    return -1
  }
  /** Words of it that are fetched already. */
  fetchedWords(flow: Flow, i: number): number {
    return this.#words[requestOf(flow, i) + statusAt]!
  }
  /** The NIC reads a payload: whole, or its next word. */
  fetch(flow: Flow, i: number): void {
    const words = this.#words
    const request = requestOf(flow, i)
    this.#fabric.world.touch(flow.queue.index)
    if (this.#fabric.world.knobs.fetch !== 'by-word') {
      this.fetchAll(flow, request)
      return
    }
    const word = words[request + statusAt]!
    this.#copyWords(flow, request, word, word + 1)
    words[request + statusAt] = word + 1
    if ((word + 1) * 8 < words[request + lengthAt]!) return
    words[request + statusAt] = 0
    words[request + phaseAt] = Phase.fetched
  }
  fetchAll(flow: Flow, request: number): void {
    const words = this.#words
    this.#copyWords(flow, request, 0, words[request + lengthAt]! >>> 3)
    words[request + statusAt] = 0
    words[request + phaseAt] = Phase.fetched
  }
  /** The payload of the next packet is read as the packet goes out, unless all of it was read before. */
  fetchPacket(flow: Flow, request: number): void {
    const words = this.#words
    if (words[request + phaseAt] !== Phase.posted) return
    const all = words[request + lengthAt]! >>> 3
    const first = words[request + arrivedAt]! * flow.packetWords
    const end = Math.min(all, first + flow.packetWords)
    this.#copyWords(flow, request, first, end)
    if (end === all) words[request + phaseAt] = Phase.fetched
  }
  #copyWords(flow: Flow, request: number, first: number, end: number): void {
    const words = this.#words
    const local = words[request + localAt]!
    const region = this.#fabric.world.nodes[flow.from]!.parts.regions[regionOf(local)]!
    const source = (region.offset + byteOffsetOf(local)) / 4
    const payload = request + flow.payloadAt
    for (let k = first * 2; k < end * 2; k++) words[payload + k] = words[source + k]!
  }

  // ---- completions

  /** Whether acknowledgements and answers find their way back. */
  isAnswered(flow: Flow): boolean {
    const { world } = this.#fabric
    return !world.isCut(flow.to, flow.from) && !world.isSevered(flow.to, flow.from, flow.pair)
  }

  /**
   * Index of the request whose completion is next, or -1. Successes complete when they are acknowledged, and signalled;
   * errors always. A WRITE is acknowledged when all its packets have arrived.
   */
  completable(flow: Flow): number {
    const words = this.#words
    const { rules } = this.#fabric
    const count = words[flow.queueBase + countAt]!
    const inError = words[flow.endBase + stateAt] === EndState.error
    let slots = acceptedSlots - words[flow.queueBase + acceptedCountAt]!
    for (let i = 0; i < count; i++) {
      const request = requestOf(flow, i)
      const phase = words[request + phaseAt]!
      const signaled = (words[request + flagsAt]! & Flag.signaled) !== 0
      if (phase === Phase.failed) {
        if (signaled || rules.errorsComplete) return i
        continue
      }
      if (phase !== Phase.executed) {
        if (!this.#isAcknowledgedEarly(flow, request) || slots-- === 0) return inError ? i : -1
      }
      if (!inError && !this.isAnswered(flow)) return -1
      if (signaled || !rules.silentSuccess) return i
    }
    return -1
  }
  /** Completions that the completion queue may hold by now. */
  readyCompletions(flow: Flow): number {
    const words = this.#words
    const count = words[flow.queueBase + countAt]!
    let ready = 0
    for (let i = 0; i < count; i++) {
      const request = requestOf(flow, i)
      const phase = words[request + phaseAt]!
      if (phase === Phase.failed) ready++
      else if (phase === Phase.executed || this.#isAcknowledgedEarly(flow, request)) {
        if (!this.isAnswered(flow)) break
        if (words[request + flagsAt]! & Flag.signaled) ready++
      } else break
    }
    return ready
  }
  /** Whether a WRITE has been acknowledged though some of it is still to be placed. */
  #isAcknowledgedEarly(flow: Flow, request: number): boolean {
    const words = this.#words
    return (
      this.#fabric.rules.laggingVisibility &&
      isWrite(words[request + operationAt]!) &&
      words[request + arrivedAt]! > 0 &&
      words[request + arrivedAt] === words[request + packetsAt]
    )
  }

  /** How request `i` would complete now. */
  statusOf(flow: Flow, i: number): Status {
    const request = requestOf(flow, i)
    const phase = this.#words[request + phaseAt]
    if (phase === Phase.failed) return this.#words[request + statusAt]! as Status
    return phase === Phase.executed || this.#isAcknowledgedEarly(flow, request) ? Status.ok : Status.flushed
  }

  /** Takes the requests up to `i` off the queue. The outcome of request `i` is left in `token` and `status`. */
  retire(flow: Flow, i: number): void {
    const words = this.#words
    const request = requestOf(flow, i)
    this.token = words[request + tokenAt]!
    this.status = this.statusOf(flow, i)
    if (words[flow.queueBase + openAt] !== 0)
      for (let k = 0; k <= i; k++) this.#fabric.accepted.surrender(flow, k)
    if (this.status === Status.ok) for (let k = 0; k <= i; k++) this.#bringBack(flow, requestOf(flow, k))
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
    for (let k = 0; k < left; k++) {
      side[ordinalSlot(flow, k)] = side[ordinalSlot(flow, k + i + 1)]!
      side[instantSlot(flow, k)] = side[instantSlot(flow, k + i + 1)]!
    }
    this.#fabric.world.touch(flow.queue.index)
  }

  /** What a READ or an atomic brought back lands in the requester's region. */
  #bringBack(flow: Flow, request: number): void {
    const words = this.#words
    const operation = words[request + operationAt]!
    if (words[request + phaseAt] !== Phase.executed || (operation !== Operation.read && !isAtomic(operation)))
      return
    const local = words[request + localAt]!
    const region = this.#fabric.world.nodes[flow.from]!.parts.regions[regionOf(local)]!
    const target = (region.offset + byteOffsetOf(local)) / 4
    const length = operation === Operation.read ? words[request + lengthAt]! >>> 2 : 2
    const payload = request + flow.payloadAt + (operation === Operation.read ? 0 : loadedAt)
    for (let k = 0; k < length; k += 2)
      this.#fabric.storeWord(region.index, target + k, words[payload + k]!, words[payload + k + 1]!)
  }

  // ---- failures

  /** Index of the request for which no answer will come, or -1. */
  expirable(flow: Flow): number {
    const words = this.#words
    const state = words[flow.endBase + stateAt]
    if (state !== EndState.readyToSend && state !== EndState.drained) return -1
    const count = words[flow.queueBase + countAt]!
    if (count === 0) return -1
    if (!this.isAnswered(flow) || !this.#fabric.isServing(flow.to)) return this.#firstRemote(flow, 0)
    const { responder } = this.#fabric
    const head = responder.firstUnarrived(flow)
    if (head < 0 || words[requestOf(flow, head) + operationAt] === Operation.bind) return -1
    if (state === EndState.drained && words[requestOf(flow, head) + arrivedAt] === 0) return -1
    if (!responder.hears(flow)) return head
    return this.#fabric.model.receiverRetries === 'finite' && responder.lacksBuffer(flow) ? head : -1
  }
  /** Index of the first request from `i` on that needs an answer, or -1. */
  #firstRemote(flow: Flow, i: number): number {
    const count = this.#words[flow.queueBase + countAt]!
    let k = i
    while (k < count && this.#words[requestOf(flow, k) + operationAt] === Operation.bind) k++
    return k < count ? k : -1
  }

  /** The retries are used up: the request and all after it fail. The one on its way may still land. */
  expire(flow: Flow, i: number): void {
    const words = this.#words
    const { rules, responder } = this.#fabric
    let status: Status = Status.retryExceeded
    if (this.isAnswered(flow) && responder.hears(flow)) status = Status.receiverNotReady
    else if (!rules.silenceWhenNotReady && this.#fabric.isConnected(flow))
      status = Status.remoteInvalidRequest
    else this.#fabric.late.keep(flow)
    this.#fail(flow, i, status)
    words[flow.endBase + stateAt] = EndState.error
    this.#fabric.world.touch(flow.end.index)
    this.enterError(flow)
  }
  /** Requests from `i` on fail: the first with a status of its own, the others as flushed. */
  #fail(flow: Flow, i: number, status: Status): void {
    const words = this.#words
    const count = words[flow.queueBase + countAt]!
    for (let k = i; k < count; k++) {
      const request = requestOf(flow, k)
      if (words[request + phaseAt] === Phase.failed) continue
      this.#fabric.accepted.surrender(flow, k)
      words[request + phaseAt] = Phase.failed
      words[request + statusAt] = k === i ? status : Status.flushed
    }
    this.#fabric.world.touch(flow.queue.index)
  }
  /** The end goes to ERR by itself. */
  toError(flow: Flow): void {
    const words = this.#words
    if (words[flow.endBase + stateAt] === EndState.reset || words[flow.endBase + stateAt] === EndState.error)
      return
    words[flow.endBase + stateAt] = EndState.error
    this.#fabric.world.touch(flow.end.index)
    this.flush(flow, 0)
  }
  /** Everything not yet done from `i` on completes as flushed; what had arrived is placed all the same. */
  flush(flow: Flow, i: number): void {
    const words = this.#words
    const count = words[flow.queueBase + countAt]!
    if (count === 0) return
    this.#fabric.late.keep(flow)
    let first = i
    while (first < count && words[requestOf(flow, first) + phaseAt] === Phase.executed) first++
    this.#fail(flow, first, Status.flushed)
    this.enterError(flow)
  }
  /** The end is in ERR now. While 'error-flushes' is broken its queue vanishes, but for what has failed already. */
  enterError(flow: Flow): void {
    if (this.#fabric.rules.errorFlushes) return
    const words = this.#words
    const count = words[flow.queueBase + countAt]!
    for (let i = 0; i < count; i++) {
      const request = requestOf(flow, i)
      if (words[request + phaseAt] === Phase.failed && words[request + statusAt] !== Status.flushed) continue
      words[request + flagsAt] = words[request + flagsAt]! & ~Flag.signaled
    }
    if (this.#fabric.count(flow) > 0 && this.#allSilent(flow)) this.dropQueue(flow)
  }
  #allSilent(flow: Flow): boolean {
    const count = this.#words[flow.queueBase + countAt]!
    for (let i = 0; i < count; i++) {
      const request = requestOf(flow, i)
      if (
        this.#words[request + phaseAt] === Phase.failed &&
        this.#words[request + statusAt] !== Status.flushed
      )
        return false
    }
    return true
  }

  /** The send queue vanishes without completions. What had arrived is placed; what was on its way may land late. */
  dropQueue(flow: Flow): void {
    const words = this.#words
    const count = words[flow.queueBase + countAt]!
    if (count === 0) return
    this.#fabric.late.keep(flow)
    for (let i = 0; i < count; i++) this.#fabric.accepted.surrender(flow, i)
    words.fill(0, requestOf(flow, 0), requestOf(flow, count))
    words[flow.queueBase + countAt] = 0
    this.#fabric.world.touch(flow.queue.index)
  }
}
