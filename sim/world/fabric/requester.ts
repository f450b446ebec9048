/**
 * What happens to the requests of a flow at its requester: fetched, completed, given up, sent again; and what of them
 * lands late.
 *
 * Rules (see `rule-book.ts`): late-fetch, fetched-again, lagging-visibility, silent-success, errors-complete,
 * error-flushes, reset-swallows, late-packets, silence-when-not-ready, reads-repeated, atomics-replayed,
 * writes-acknowledged-again.
 */
import { Flag, Status, byteOffsetOf, regionOf } from '../../../protocol/index.js'
import { closeGap } from '../memory.js'
import type { Fabric } from './fabric.js'
import {
  acceptedCountAt,
  arrivedAt,
  bitCount,
  countAt,
  EndState,
  flagsAt,
  type Flow,
  hasAnswer,
  instantSlot,
  isWrite,
  lengthAt,
  localAt,
  lowBits,
  openAt,
  Operation,
  operationAt,
  ordinalSlot,
  packetsAt,
  Phase,
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

  /** Index of the first WRITE whose payload is still to be fetched, and may be, or -1. */
  unfetched(flow: Flow): number {
    const words = this.#words
    const count = words[flow.queueBase + countAt]!
    for (let i = 0; i < count; i++)
      if (words[requestOf(flow, i) + phaseAt] === Phase.posted)
        return this.#fabric.responder.isFenced(flow, i) ? -1 : i
    return -1
  }
  /** Words of request `i` that may be fetched next: one by one in any order, or all at once (as word 0). */
  fetchable(flow: Flow, i: number): number {
    return this.#fabric.world.knobs.fetch === 'by-word' ? bitCount(this.#unfetchedWords(flow, i)) : 1
  }
  /** Number of the word that a choice fetches. */
  fetchedWord(flow: Flow, i: number, choice: number): number {
    if (this.#fabric.world.knobs.fetch !== 'by-word') return 0
    let open = this.#unfetchedWords(flow, i)
    for (let k = 0; k < choice; k++) open &= open - 1
    const lowest = 31 - Math.clz32(open & -open)
    return this.#isLong(flow, i) ? this.#words[requestOf(flow, i) + statusAt]! : lowest
  }
  #isLong(flow: Flow, i: number): boolean {
    return this.#words[requestOf(flow, i) + lengthAt]! > 32 * 8
  }
  /** Words to fetch as bits; of a payload of more than 32 words, which is fetched in order, one bit for the next. */
  #unfetchedWords(flow: Flow, i: number): number {
    const words = this.#words
    const request = requestOf(flow, i)
    if (this.#isLong(flow, i)) return 1
    const gone = words[request + arrivedAt]! * flow.packetWords
    return ~words[request + statusAt]! & lowBits(words[request + lengthAt]! >>> 3) & ~lowBits(gone)
  }
  /** The NIC reads a payload: whole, or one word of it. */
  fetch(flow: Flow, i: number, choice: number): void {
    const words = this.#words
    const request = requestOf(flow, i)
    this.#fabric.world.touch(flow.queue.index)
    if (this.#fabric.world.knobs.fetch !== 'by-word') {
      this.fetchAll(flow, request)
      return
    }
    const word = this.fetchedWord(flow, i, choice)
    this.#copyWords(flow, request, word, word + 1)
    words[request + statusAt] = this.#isLong(flow, i)
      ? word + 1
      : (words[request + statusAt]! | (1 << word)) >>> 0
    const isDone = this.#isLong(flow, i)
      ? (word + 1) * 8 === words[request + lengthAt]
      : this.#unfetchedWords(flow, i) === 0
    if (!isDone) return
    words[request + statusAt] = 0
    words[request + phaseAt] = Phase.fetched
  }
  /** All that has not gone out yet. */
  fetchAll(flow: Flow, request: number): void {
    const words = this.#words
    const gone = words[request + arrivedAt]! * flow.packetWords
    this.#copyWords(flow, request, gone, words[request + lengthAt]! >>> 3)
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
   * errors always. A WRITE or SEND is acknowledged when all its packets have arrived, a READ or atomic when its answer
   * has landed.
   */
  completable(flow: Flow): number {
    const words = this.#words
    const { rules } = this.#fabric
    const count = words[flow.queueBase + countAt]!
    if (count === 0) return -1
    const inError = words[flow.endBase + stateAt] === EndState.error
    const answered = inError || this.isAnswered(flow) ? count : this.#firstAfterAnswers(flow)
    let slots = flow.depth - words[flow.queueBase + acceptedCountAt]!
    for (let i = 0; i < count; i++) {
      const request = requestOf(flow, i)
      const phase = words[request + phaseAt]!
      const signaled = (words[request + flagsAt]! & Flag.signaled) !== 0
      if (phase === Phase.failed) {
        if (signaled || rules.errorsComplete) return i
        continue
      }
      if (!this.#isDone(request)) return inError ? i : -1
      if (phase < Phase.executed && slots-- === 0) return inError ? i : -1
      if (i >= answered) return -1
      if (signaled || !rules.silentSuccess) return i
    }
    return -1
  }
  /** Whether all that an acknowledgement stands for is done. */
  #isDone(request: number): boolean {
    const words = this.#words
    const phase = words[request + phaseAt]!
    const operation = words[request + operationAt]!
    if (hasAnswer(operation)) return phase === Phase.answered
    return phase === Phase.executed || this.#isAcknowledgedEarly(request)
  }
  /** Whether a WRITE or SEND has been acknowledged though some of it is still to be placed. */
  #isAcknowledgedEarly(request: number): boolean {
    const words = this.#words
    const operation = words[request + operationAt]!
    return (
      this.#fabric.rules.laggingVisibility &&
      (isWrite(operation) || operation === Operation.send) &&
      words[request + phaseAt]! < Phase.executed &&
      words[request + arrivedAt] === words[request + packetsAt]
    )
  }
  /** An answer acknowledges all that was posted before it: index of the first request that none has acknowledged. */
  #firstAfterAnswers(flow: Flow): number {
    for (let i = this.#words[flow.queueBase + countAt]! - 1; i >= 0; i--)
      if (this.#words[requestOf(flow, i) + phaseAt] === Phase.answered) return i + 1
    return 0
  }
  /** Completions that the completion queue may hold by now. */
  readyCompletions(flow: Flow): number {
    const words = this.#words
    const count = words[flow.queueBase + countAt]!
    const answered = this.isAnswered(flow) ? count : this.#firstAfterAnswers(flow)
    let ready = 0
    for (let i = 0; i < count; i++) {
      const request = requestOf(flow, i)
      if (words[request + phaseAt] === Phase.failed) ready++
      else if (!this.#isDone(request) || i >= answered) break
      else if (words[request + flagsAt]! & Flag.signaled || !this.#fabric.rules.silentSuccess) ready++
    }
    return ready
  }

  /** How request `i` would complete now. */
  statusOf(flow: Flow, i: number): Status {
    const request = requestOf(flow, i)
    if (this.#words[request + phaseAt] === Phase.failed) return this.#words[request + statusAt]! as Status
    return this.#isDone(request) ? Status.ok : Status.flushed
  }

  /** Takes the requests up to `i` off the queue. The outcome of request `i` is left in `token` and `status`. */
  retire(flow: Flow, i: number): void {
    const words = this.#words
    const request = requestOf(flow, i)
    this.token = words[request + tokenAt]!
    this.status = this.statusOf(flow, i)
    if (words[flow.queueBase + openAt] !== 0)
      for (let k = 0; k <= i; k++) this.#fabric.accepted.surrender(flow, k)
    const count = words[flow.queueBase + countAt]!
    const left = count - i - 1
    closeGap(words, requestOf(flow, 0), (i + 1) * flow.requestWords, requestOf(flow, count))
    words[flow.queueBase + countAt] = left
    const { side } = this.#fabric.world.memory
    for (let k = 0; k < left; k++) {
      side[ordinalSlot(flow, k)] = side[ordinalSlot(flow, k + i + 1)]!
      side[instantSlot(flow, k)] = side[instantSlot(flow, k + i + 1)]!
    }
    this.#fabric.world.touch(flow.queue.index)
  }

  /** Whether answers land: the way back is open, and the end is one that listens. */
  isListening(flow: Flow): boolean {
    const state = this.#words[flow.endBase + stateAt]
    return (state === EndState.readyToSend || state === EndState.drained) && this.isAnswered(flow)
  }

  // ---- failures

  /** Index of the request for which no answer will come, or -1. */
  expirable(flow: Flow): number {
    const words = this.#words
    const state = words[flow.endBase + stateAt]
    if (state !== EndState.readyToSend && state !== EndState.drained) return -1
    if (words[flow.queueBase + countAt] === 0) return -1
    const { responder } = this.#fabric
    // Acknowledgements that were under way may have been lost too.
    if (this.#isLost(flow)) return this.#firstWaiting(flow, this.#firstAfterAnswers(flow), state)
    // Most of the time all is well.
    if (responder.hearsAll(flow) && this.#fabric.model.receiverRetries !== 'finite') return -1
    const head = responder.firstUnarrived(flow)
    if (head < 0 || words[requestOf(flow, head) + operationAt] === Operation.bind) return -1
    if (state === EndState.drained && words[requestOf(flow, head) + arrivedAt] === 0) return -1
    // What came before is acknowledged first.
    for (let i = 0; i < head; i++) {
      const request = requestOf(flow, i)
      if (words[request + phaseAt] !== Phase.failed && !this.#isDone(request)) return -1
    }
    if (!responder.hears(flow)) return responder.isFenced(flow, head) ? -1 : head
    return this.#fabric.model.receiverRetries === 'finite' && responder.lacksBuffer(flow) ? head : -1
  }
  /** Whether the other end is silent, or what it says is lost. */
  #isLost(flow: Flow): boolean {
    return !this.isAnswered(flow) || !this.#fabric.isServing(flow.to) || !this.#fabric.responder.listens(flow)
  }
  /** Index of the first request from `i` on that waits for an answer, or -1. In SQD only what was begun waits. */
  #firstWaiting(flow: Flow, i: number, state: number): number {
    const words = this.#words
    const count = words[flow.queueBase + countAt]!
    for (let k = i; k < count; k++) {
      const request = requestOf(flow, k)
      if (words[request + operationAt] === Operation.bind || words[request + phaseAt] === Phase.failed)
        continue
      const begun = words[request + arrivedAt]! > 0
      return (state === EndState.drained && !begun) || this.#fabric.responder.isFenced(flow, k) ? -1 : k
    }
    return -1
  }

  /** The retries are used up: the request and all after it fail. The one on its way may still land. */
  expire(flow: Flow, i: number): void {
    const words = this.#words
    const { rules, responder } = this.#fabric
    let status: Status = Status.retryExceeded
    if (!this.#isLost(flow) && responder.hears(flow)) status = Status.receiverNotReady
    else if (!rules.silenceWhenNotReady && this.#fabric.isConnected(flow) && this.isAnswered(flow))
      status = Status.remoteInvalidRequest
    else this.#fabric.late.keep(flow, this.#fabric.isConnected(flow))
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
    this.flush(flow)
    words[flow.endBase + stateAt] = EndState.error
    this.#fabric.world.touch(flow.end.index)
  }
  /** Everything that is not yet acknowledged completes as flushed; what had arrived takes effect all the same. */
  flush(flow: Flow): void {
    const words = this.#words
    const count = words[flow.queueBase + countAt]!
    if (count === 0) return
    this.#fabric.late.keep(flow, false)
    const answered = this.isAnswered(flow) ? count : this.#firstAfterAnswers(flow)
    let first = 0
    while (first < answered && this.#isDone(requestOf(flow, first))) {
      if (words[requestOf(flow, first) + phaseAt]! < Phase.executed) break
      first++
    }
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
    this.#fabric.late.keep(flow, false)
    for (let i = 0; i < count; i++) this.#fabric.accepted.surrender(flow, i)
    words.fill(0, requestOf(flow, 0), requestOf(flow, count))
    words[flow.queueBase + countAt] = 0
    this.#fabric.world.touch(flow.queue.index)
  }
}
