/**
 * Answers to READs and atomics: which words of them may land next in the memory of the requester, and landing them.
 *
 * Rules (see `rule-book.ts`): torn-reads.
 */
import { byteOffsetOf, regionOf } from '../../../protocol/index.js'
import type { Fabric } from './fabric.js'
import {
  type Flow,
  Operation,
  Phase,
  countAt,
  hasAnswer,
  lengthAt,
  loadedAt,
  localAt,
  operationAt,
  phaseAt,
  placedAt,
  requestOf,
} from './flow.js'

export class Answers {
  readonly #fabric: Fabric
  readonly #words: Uint32Array
  /** What `landable` found: the request and its position in the queue. */
  request = 0
  position = 0

  constructor(fabric: Fabric) {
    this.#fabric = fabric
    this.#words = fabric.world.memory.words
  }

  /** How many words of an answer may land next at the requester; finds word number `nth`, as `piece` of the placement. Answers come in order. */
  landable(flow: Flow, nth: number): number {
    const words = this.#words
    const count = words[flow.queueBase + countAt]!
    for (let i = 0; i < count; i++) {
      const request = requestOf(flow, i)
      const phase = words[request + phaseAt]!
      if (!hasAnswer(words[request + operationAt]!) || phase >= Phase.answered) continue
      if (phase !== Phase.executed) return 0
      this.request = request
      this.position = i
      return this.#fabric.placement.openWords(flow, request, nth)
    }
    return 0
  }
  /** A word of an answer lands in the memory of the requester, in any order that words are placed in. */
  land(flow: Flow, nth: number): void {
    this.landable(flow, nth)
    const words = this.#words
    const { request } = this
    const { piece } = this.#fabric.placement
    const isRead = words[request + operationAt] === Operation.read
    const count = words[request + lengthAt]! >>> 3
    const whole = isRead && !this.#fabric.rules.tornReads
    for (let word = whole ? 0 : piece; word < (whole ? count : piece + 1); word++) {
      const local = words[request + localAt]!
      const region = this.#fabric.world.nodes[flow.from]!.parts.regions[regionOf(local)]!
      const at = (region.offset + byteOffsetOf(local)) / 4 + word * 2
      const payload = request + flow.payloadAt + (isRead ? word * 2 : loadedAt)
      this.#fabric.storeWord(region.index, at, words[payload]!, words[payload + 1]!)
      const mask = request + placedAt + (word >>> 5)
      words[mask] = (words[mask]! | (1 << (word & 31))) >>> 0
    }
    this.#fabric.world.touch(flow.queue.index)
    if (!this.#fabric.placement.isComplete(request)) return
    words[request + phaseAt] = Phase.answered
    words.fill(0, request + placedAt, request + flow.requestWords)
  }
}
