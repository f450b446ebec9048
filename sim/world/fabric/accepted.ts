/**
 * What a responder has accepted of requests that have left the send queue: acknowledged before all of it was placed, or
 * given up by the requester. It is placed whatever becomes of the queue pair.
 *
 * Rules (see `rule-book.ts`): accepted-stays, lagging-visibility.
 */
import { Flag } from '../../../protocol/index.js'
import { closeGap, closeSlot } from '../memory.js'
import type { Fabric } from './fabric.js'
import {
  acceptedCountAt,
  acceptedOf,
  acceptedSlot,
  Arrival,
  arrivedAt,
  countAt,
  flagsAt,
  type Flow,
  isAtomic,
  isWrite,
  lengthAt,
  localAt,
  openAt,
  Operation,
  operationAt,
  ordinalSlot,
  packetsAt,
  Phase,
  phaseAt,
  placedAt,
  requestOf,
  statusAt,
  taken,
  targetAt,
  tokenAt,
} from './flow.js'

export class Accepted {
  readonly #fabric: Fabric
  readonly #words: Uint32Array

  constructor(fabric: Fabric) {
    this.#fabric = fabric
    this.#words = fabric.world.memory.words
  }

  /**
   * A request leaves the send queue before all of it has taken effect: what has arrived of it becomes an accepted one.
   * When there are too many of those, the oldest is finished at once. A READ is forgotten, for nobody waits for its answer.
   */
  surrender(flow: Flow, i: number): void {
    const words = this.#words
    const request = requestOf(flow, i)
    const operation = words[request + operationAt]!
    if (words[request + phaseAt]! >= Phase.executed || words[request + arrivedAt] === 0) return
    if (words[request + targetAt] === taken) return
    const whole = words[request + arrivedAt] === words[request + packetsAt]
    // A READ, or the beginning of a message: it was open, and is no more.
    if (operation === Operation.read || (operation === Operation.send && !whole)) {
      words[flow.queueBase + openAt] = words[flow.queueBase + openAt]! - 1
      return
    }
    while (words[flow.queueBase + acceptedCountAt] === flow.depth) this.#finishOldest(flow)
    const slot = words[flow.queueBase + acceptedCountAt]!
    const accepted = acceptedOf(flow, slot)
    for (let k = 0; k < flow.requestWords; k++) words[accepted + k] = words[request + k]!
    if (!whole) {
      // The rest will never come, and neither will a notice.
      words[accepted + lengthAt] = words[request + arrivedAt]! * flow.packetWords * 8
      words[accepted + operationAt] = Operation.write
    }
    if (words[request + phaseAt] !== Phase.loaded) words[accepted + phaseAt] = Phase.fetched
    // What nobody looks at any more must not tell equal situations apart.
    words[accepted + statusAt] = 0
    words[accepted + tokenAt] = 0
    words[accepted + localAt] = 0
    const { side } = this.#fabric.world.memory
    side[acceptedSlot(flow, slot)] = side[ordinalSlot(flow, i)]!
    words[flow.queueBase + acceptedCountAt] = slot + 1
    if (words[accepted + operationAt] === Operation.write && this.#fabric.placement.isComplete(accepted))
      this.#close(flow, slot)
  }
  #close(flow: Flow, slot: number): void {
    this.#words[flow.queueBase + openAt] = this.#words[flow.queueBase + openAt]! - 1
    this.remove(flow, slot)
  }

  #finishOldest(flow: Flow): void {
    const words = this.#words
    const { placement } = this.#fabric
    const request = acceptedOf(flow, 0)
    const operation = words[request + operationAt]!
    if (isWrite(operation)) {
      const length = words[request + lengthAt]! >>> 3
      for (let word = 0; word < length; word++)
        if (!placement.isPlaced(request, word)) placement.moveWord(flow, request, word)
    }
    if (isAtomic(operation)) this.#fabric.atomics.run(flow, request)
    else if (operation === Operation.send) placement.arriveAtCore(flow, request, Arrival.message)
    else if (operation === Operation.writeImmediate) placement.arriveAtCore(flow, request, Arrival.immediate)
    placement.finish(flow, request, -1)
  }

  /** The receiving end was reset: messages and notices that were on their way to its core are forgotten, data is not. */
  mute(flow: Flow): void {
    const words = this.#words
    if (words[flow.queueBase + openAt] === 0) return
    this.#fabric.world.touch(flow.queue.index)
    for (let slot = words[flow.queueBase + acceptedCountAt]! - 1; slot >= 0; slot--) {
      const request = acceptedOf(flow, slot)
      if (words[request + operationAt] === Operation.send) this.#close(flow, slot)
      else if (words[request + operationAt] === Operation.writeImmediate) {
        words[request + operationAt] = Operation.write
        if (this.#fabric.placement.isComplete(request)) this.#close(flow, slot)
      }
    }
    const count = words[flow.queueBase + countAt]!
    for (let i = 0; i < count; i++) {
      const request = requestOf(flow, i)
      const operation = words[request + operationAt]!
      const whole = words[request + arrivedAt] === words[request + packetsAt]
      if (words[request + phaseAt]! >= Phase.executed || !whole || words[request + targetAt] === taken)
        continue
      if (operation === Operation.writeImmediate) words[request + operationAt] = Operation.write
      const isDone = operation === Operation.writeImmediate && this.#fabric.placement.isComplete(request)
      if (operation === Operation.send || isDone) {
        this.#fabric.placement.execute(flow, request)
        words[flow.queueBase + openAt] = words[flow.queueBase + openAt]! - 1
      }
    }
  }

  remove(flow: Flow, slot: number): void {
    const words = this.#words
    const count = words[flow.queueBase + acceptedCountAt]! - 1
    const { side } = this.#fabric.world.memory
    closeGap(words, acceptedOf(flow, slot), flow.requestWords, acceptedOf(flow, count + 1))
    closeSlot(side, acceptedSlot(flow, slot), acceptedSlot(flow, count + 1))
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
      const operation = words[request + operationAt]!
      if (phase === Phase.loaded) this.#fabric.registrations[flow.to]!.lock = 0
      const whole = words[request + arrivedAt] === words[request + packetsAt]
      if (whole && (isWrite(operation) || operation === Operation.send)) {
        // It may have been acknowledged already.
        this.#fabric.placement.execute(flow, request)
        continue
      }
      words[request + arrivedAt] = 0
      words[request + targetAt] = 0
      // Sent again from its beginning: a payload that is not inline is fetched again.
      const inline = (words[request + flagsAt]! & Flag.inline) !== 0
      words[request + phaseAt] = isWrite(operation) && !inline ? Phase.posted : Phase.fetched
      words[request + statusAt] = 0
      for (let k = 0; k < flow.maskWords; k++) words[request + placedAt + k] = 0
    }
    words[flow.queueBase + openAt] = 0
    this.#fabric.world.touch(flow.queue.index)
  }
}
