/**
 * What a responder has accepted of requests that have left the send queue: acknowledged before all of it was placed, or
 * given up by the requester. It is placed whatever becomes of the queue pair.
 *
 * Rules (see `rule-book.ts`): accepted-stays, lagging-visibility.
 */
import type { Fabric } from './fabric.js'
import {
  Arrival,
  type Flow,
  Operation,
  Phase,
  acceptedCountAt,
  acceptedOf,
  acceptedSlot,
  acceptedSlots,
  arrivedAt,
  countAt,
  isWrite,
  lengthAt,
  openAt,
  operationAt,
  ordinalSlot,
  packetsAt,
  phaseAt,
  placedAt,
  requestOf,
} from './flow.js'

export class Accepted {
  readonly #fabric: Fabric
  readonly #words: Uint32Array

  constructor(fabric: Fabric) {
    this.#fabric = fabric
    this.#words = fabric.world.memory.words
  }

  /**
   * A request leaves the send queue before all of it is placed. Of a WRITE the arrived part becomes an accepted one; when
   * there are too many of those, the oldest is placed at once. A READ or atomic is forgotten.
   */
  surrender(flow: Flow, i: number): void {
    const words = this.#words
    const request = requestOf(flow, i)
    if (words[request + phaseAt]! >= Phase.executed || words[request + arrivedAt] === 0) return
    if (!isWrite(words[request + operationAt]!)) {
      if (words[request + phaseAt] === Phase.loaded) this.#fabric.registrations[flow.to]!.lock = 0
      words[flow.queueBase + openAt] = words[flow.queueBase + openAt]! - 1
      return
    }
    while (words[flow.queueBase + acceptedCountAt] === acceptedSlots) this.#placeRest(flow)
    const slot = words[flow.queueBase + acceptedCountAt]!
    const accepted = acceptedOf(flow, slot)
    for (let k = 0; k < flow.requestWords; k++) words[accepted + k] = words[request + k]!
    const arrivedBytes = words[request + arrivedAt]! * flow.packetWords * 8
    if (words[request + lengthAt]! > arrivedBytes) {
      // The rest will never come, and neither will a notice.
      words[accepted + lengthAt] = arrivedBytes
      words[accepted + operationAt] = Operation.write
    }
    words[accepted + phaseAt] = Phase.fetched
    const { side } = this.#fabric.world.memory
    side[acceptedSlot(flow, slot)] = side[ordinalSlot(flow, i)]!
    words[flow.queueBase + acceptedCountAt] = slot + 1
    if (this.#fabric.placement.isComplete(accepted) && words[accepted + operationAt] === Operation.write) {
      words[flow.queueBase + openAt] = words[flow.queueBase + openAt]! - 1
      this.remove(flow, slot)
    }
  }

  #placeRest(flow: Flow): void {
    const words = this.#words
    const request = acceptedOf(flow, 0)
    const length = words[request + lengthAt]! >>> 3
    for (let word = 0; word < length; word++)
      if (!this.#fabric.placement.isPlaced(request, word))
        this.#fabric.placement.moveWord(flow, request, word)
    if (words[request + operationAt] === Operation.writeImmediate)
      this.#fabric.placement.arriveAtCore(flow, request, Arrival.immediate)
    this.#fabric.placement.finish(flow, request, -1)
  }

  remove(flow: Flow, slot: number): void {
    const words = this.#words
    const count = words[flow.queueBase + acceptedCountAt]! - 1
    const { side } = this.#fabric.world.memory
    const from = acceptedOf(flow, slot)
    const end = acceptedOf(flow, count)
    for (let k = from; k < end; k++) words[k] = words[k + flow.requestWords]!
    words.fill(0, end, end + flow.requestWords)
    for (let k = slot; k < count; k++) side[acceptedSlot(flow, k)] = side[acceptedSlot(flow, k + 1)]!
    words[flow.queueBase + acceptedCountAt] = count
  }

  /** Nothing more is placed of what had arrived: the memory is gone, or 'accepted-stays' is broken. */
  drop(flow: Flow): void {
    const words = this.#words
    const accepted = words[flow.queueBase + acceptedCountAt]!
    if (words[flow.queueBase + openAt] === 0 && accepted === 0) return
    for (let slot = accepted - 1; slot >= 0; slot--) this.remove(flow, slot)
    const count = words[flow.queueBase + countAt]!
    for (let i = 0; i < count; i++) {
      const request = requestOf(flow, i)
      const phase = words[request + phaseAt]!
      if (phase >= Phase.executed || words[request + arrivedAt] === 0) continue
      if (phase === Phase.loaded) this.#fabric.registrations[flow.to]!.lock = 0
      const whole = words[request + arrivedAt] === words[request + packetsAt]
      if (whole && isWrite(words[request + operationAt]!)) {
        // It may have been acknowledged already.
        this.#fabric.placement.execute(flow, request)
        continue
      }
      words[request + arrivedAt] = 0
      words[request + phaseAt] = Phase.fetched
      for (let k = 0; k < flow.maskWords; k++) words[request + placedAt + k] = 0
    }
    words[flow.queueBase + openAt] = 0
    this.#fabric.world.touch(flow.queue.index)
  }
}
