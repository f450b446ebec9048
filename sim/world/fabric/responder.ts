/** What happens to the requests of a flow at its responder: they are refused, placed word by word, executed. */
import { Status, byteOffsetOf, regionOf } from '../../../protocol/index.js'
import type { Fabric } from './fabric.js'
import {
  EndState,
  type Flow,
  Operation,
  Phase,
  lengthAt,
  operationAt,
  phaseAt,
  placedAt,
  receivedCountAt,
  remoteAt,
  requestOf,
  rightsAt,
  stateAt,
  statusAt,
} from './flow.js'

export class Responder {
  readonly #fabric: Fabric
  readonly #words: Uint32Array

  constructor(fabric: Fabric) {
    this.#fabric = fabric
    this.#words = fabric.world.memory.words
  }

  /** 0 when the request may go on, else the status that the responder answers with. */
  refusal(flow: Flow, request: number): Status {
    const words = this.#words
    const operation = words[request + operationAt]!
    if (operation === Operation.send) return Status.ok
    const needed = operation === Operation.write ? 1 : operation === Operation.read ? 2 : 4
    if ((words[this.#fabric.opposite(flow).endBase + rightsAt]! & needed) === 0)
      return Status.remoteInvalidRequest
    const remote = words[request + remoteAt]!
    const region = this.#fabric.world.nodes[flow.to]!.parts.regions[regionOf(remote)]
    if (region === undefined || byteOffsetOf(remote) + words[request + lengthAt]! > region.sizeBytes)
      return Status.remoteAccess
    return Status.ok
  }

  /** The responder refuses: the request fails, both ends go to ERR. */
  reject(flow: Flow, request: number, status: Status): void {
    const words = this.#words
    const { world } = this.#fabric
    const peer = this.#fabric.opposite(flow)
    words[peer.endBase + stateAt] = EndState.error
    world.touch(peer.end.index)
    // Where the way back is cut the refusal is lost, and the requester will give up waiting.
    if (world.isCut(flow.to, flow.from)) return
    words[request + phaseAt] = Phase.failed
    words[request + statusAt] = status
    words[flow.endBase + stateAt] = EndState.error
    world.touch(flow.queue.index)
    world.touch(flow.end.index)
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
    const region = this.#fabric.world.nodes[flow.to]!.parts.regions[regionOf(remote)]!
    const target = (region.offset + byteOffsetOf(remote)) / 4 + piece * 2
    const payload = request + flow.payloadAt + piece * 2
    if (words[request + operationAt] === Operation.read) {
      words[payload] = words[target]!
      words[payload + 1] = words[target + 1]!
    } else {
      const source =
        words[request + phaseAt] === Phase.posted
          ? this.#fabric.sourceWord(flow, request) + piece * 2
          : payload
      this.#fabric.storeWord(region.index, target, words[source]!, words[source + 1]!)
    }
    const mask = request + placedAt + (piece >>> 5)
    words[mask] = (words[mask]! | (1 << (piece & 31))) >>> 0
    this.#fabric.world.touch(flow.queue.index)
    if (this.placedCount(flow, request) === words[request + lengthAt]! / 8) this.#execute(flow, request)
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
    this.#fabric.world.touch(flow.queue.index)
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
    const region = this.#fabric.world.nodes[flow.to]!.parts.regions[regionOf(remote)]!
    const target = (region.offset + byteOffsetOf(remote)) / 4
    const low = words[target]!
    const high = words[target + 1]!
    if (words[request + operationAt] === Operation.compareSwap) {
      if (low === words[payload] && high === words[payload + 1])
        this.#fabric.storeWord(region.index, target, words[payload + 2]!, words[payload + 3]!)
    } else {
      const sum = low + words[payload]!
      const carry = sum > 0xffffffff ? 1 : 0
      this.#fabric.storeWord(region.index, target, sum >>> 0, (high + words[payload + 1]! + carry) >>> 0)
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
    this.#fabric.world.touch(flow.queue.index)
    return length
  }
}

function bitCount(word: number): number {
  let v = word - ((word >>> 1) & 0x55555555)
  v = (v & 0x33333333) + ((v >>> 2) & 0x33333333)
  return Math.imul((v + (v >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}
