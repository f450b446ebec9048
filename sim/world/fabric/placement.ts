/**
 * The memory side of a flow: which words of what has arrived may be placed next, and placing them.
 *
 * Rules (see `rule-book.ts`): in-order-requests, overtaken-reads, relaxed-regions, torn-writes, torn-reads,
 * immediate-after-data, accepted-stays. WRITEs of one flow are placed one after the other; a READ, an atomic or a receive
 * completion comes after all earlier WRITEs; a WRITE or SEND does not wait for earlier READs and atomics.
 */
import { type Knobs, byteOffsetOf, regionOf } from '../../../protocol/index.js'
import type { Fabric } from './fabric.js'
import {
  Arrival,
  bitCount,
  lowBits,
  type Flow,
  Operation,
  Phase,
  acceptedCountAt,
  acceptedOf,
  acceptedSlot,
  arrivedAt,
  countAt,
  hasAnswer,
  immediateAt,
  isAtomic,
  isWrite,
  lengthAt,
  loadedAt,
  openAt,
  operationAt,
  ordinalSlot,
  phaseAt,
  placedAt,
  receivedCountAt,
  requestOf,
  taken,
  targetAt,
} from './flow.js'

export class Placement {
  readonly #fabric: Fabric
  readonly #words: Uint32Array
  readonly #order: Knobs['placement']
  readonly #tornReads: boolean
  readonly #tornWrites: boolean
  // What `choose` found: the request, its piece, and its position in the queue, or -1 - its position among the accepted.
  request = 0
  piece = 0
  position = 0
  // What the present choice was found for, while no byte has changed, and which choices are pieces of the same request.
  #knownFlow = -1
  #knownChoice = -1
  #knownChanges = -1
  #firstChoice = 0
  #endChoice = 0
  // What `find` looks for.
  #seekOrdinal = -1
  #seekPiece = 0
  #found = -1
  /** The words of a request that `#openWords` found, as bits; 0 where what was found is no word, or one of a long request. */
  #open = 0

  constructor(fabric: Fabric) {
    this.#fabric = fabric
    this.#words = fabric.world.memory.words
    this.#order = fabric.world.knobs.placement
    this.#tornReads = fabric.rules.tornReads
    this.#tornWrites = fabric.rules.tornWrites
  }

  /**
   * How many pieces may be placed next; finds piece number `choice` on the way (-1 for none). A piece is a word; the
   * last piece of a WRITE with immediate is the notice; atomics and SENDs are one piece.
   */
  #scan(flow: Flow, choice: number): number {
    const words = this.#words
    this.#knownFlow = -1
    const { rules, registrations } = this.#fabric
    if (words[flow.queueBase + openAt] === 0) return 0
    const nic = registrations[flow.to]!
    const { lock } = nic
    if (lock !== 0 && lock !== flow.index + 1) return 0
    if (!rules.unorderedPairs && this.lowerPairIsBusy(flow)) return 0
    const accepted = words[flow.queueBase + acceptedCountAt]!
    const count = words[flow.queueBase + countAt]!
    const inOrder = rules.inOrderRequests
    let total = 0
    let writeOpen = false
    let readOpen = false
    let receiveOpen = false
    for (let position = -accepted; position < count; position++) {
      const request = position < 0 ? acceptedOf(flow, position + accepted) : requestOf(flow, position)
      const phase = words[request + phaseAt]!
      if (phase >= Phase.executed) continue
      const operation = words[request + operationAt]!
      if (words[request + arrivedAt] === 0 || words[request + targetAt] === taken) {
        // A READ that is sent again keeps its place.
        if (operation === Operation.read) readOpen = true
        continue
      }
      let pieces = 0
      if (lock !== 0) pieces = phase === Phase.loaded ? this.#single(choice === total) : 0
      else if (isWrite(operation)) {
        const relaxed = rules.relaxedRegions && nic.isRelaxed(words[request + targetAt]!)
        // PCIe 2.4.1: a relaxed write may pass any other, no other may pass it.
        const waits = inOrder && writeOpen && !relaxed
        if (!waits && !(readOpen && !rules.overtakenReads))
          pieces = this.#openWords(flow, request, choice - total)
        if (pieces === 0 && !waits && !(inOrder && (writeOpen || receiveOpen)))
          pieces = this.#notice(request, choice - total)
        writeOpen = true
      } else if (operation === Operation.send) {
        if (!(inOrder && (writeOpen || receiveOpen || (readOpen && !rules.overtakenReads))))
          pieces = this.#single(choice === total)
        receiveOpen = true
      } else {
        // READs and atomics overtake nothing.
        if (!(inOrder && (writeOpen || readOpen)))
          pieces =
            operation === Operation.read
              ? this.#openWords(flow, request, choice - total)
              : this.#single(choice === total)
        readOpen = true
      }
      if (this.#seekOrdinal >= 0) {
        if (pieces > 0 && this.#isSought(flow, position, accepted, request, pieces)) {
          this.#found = total + this.#rank
          this.piece = this.#seekPiece
          this.request = request
          this.position = position < 0 ? -1 - (position + accepted) : position
          return total
        }
      } else if (choice >= total && choice < total + pieces) {
        this.request = request
        this.position = position < 0 ? -1 - (position + accepted) : position
        this.#firstChoice = total
        this.#endChoice = total + pieces
        return total + pieces
      }
      total += pieces
    }
    return total
  }

  #single(isChosen: boolean): number {
    this.#open = 0
    if (isChosen) this.piece = 0
    return 1
  }

  /** Whether a request is the one that `find` looks for and offers its piece; leaves the piece's rank in `#rank`. */
  #isSought(flow: Flow, position: number, accepted: number, request: number, pieces: number): boolean {
    const { side } = this.#fabric.world.memory
    const slot = position < 0 ? acceptedSlot(flow, position + accepted) : ordinalSlot(flow, position)
    if (side[slot] !== this.#seekOrdinal) return false
    const open = this.#open
    if (open !== 0) {
      const piece = this.#seekPiece
      this.#rank = bitCount(open & lowBits(piece))
      return piece < 32 && ((open >>> piece) & 1) === 1
    }
    for (this.#rank = 0; this.#rank < pieces; this.#rank++)
      if (this.#pieceOf(flow, request, this.#rank) === this.#seekPiece) return true
    return false
  }
  #rank = 0
  #pieceOf(flow: Flow, request: number, nth: number): number {
    const operation = this.#words[request + operationAt]!
    if (isAtomic(operation) || operation === Operation.send) return 0
    if (this.#openWords(flow, request, nth) === 0) this.#notice(request, nth)
    return this.piece
  }

  /** While 'unordered-pairs' is broken: whether a lower queue pair between the same nodes has anything to do. */
  lowerPairIsBusy(flow: Flow): boolean {
    for (let pair = 0; pair < flow.pair; pair++) {
      const lower = this.#fabric.flowBetween(flow.from, flow.to, pair)!
      if (this.#words[lower.queueBase + openAt] !== 0 || this.#fabric.responder.firstUnarrived(lower) >= 0)
        return true
    }
    return false
  }

  /** How many words of a READ or WRITE may be placed now; finds word number `nth` among them. */
  #openWords(flow: Flow, request: number, nth: number): number {
    const words = this.#words
    const length = words[request + lengthAt]! >>> 3
    const isRead = hasAnswer(words[request + operationAt]!)
    this.#open = 0
    let arrived = isRead ? length : words[request + arrivedAt]! * flow.packetWords
    if (arrived > length) arrived = length
    if (!(isRead ? this.#tornReads : this.#tornWrites)) {
      // The whole request is one piece.
      this.piece = 0
      return arrived === length && !this.isPlaced(request, 0) ? 1 : 0
    }
    if (length > 32) return this.#openInLong(flow, request, arrived, nth)
    let open = ~words[request + placedAt]! & lowBits(arrived)
    if (open === 0) return 0
    const first = 31 - Math.clz32(open & -open)
    if (this.#order === 'in-order') {
      this.#open = 1 << first
      this.piece = first
      return 1
    }
    if (this.#order === 'shuffled-in-packet') open &= lowBits(endOfPacket(flow, first))
    this.#open = open
    const count = bitCount(open)
    if (nth >= 0 && nth < count) {
      for (let i = 0; i < nth; i++) open &= open - 1
      this.piece = 31 - Math.clz32(open & -open)
    }
    return count
  }
  #openInLong(flow: Flow, request: number, arrived: number, nth: number): number {
    let first = 0
    while (first < arrived && this.isPlaced(request, first)) first++
    if (first === arrived) return 0
    this.piece = first
    if (this.#order === 'in-order') return 1
    const end = this.#order === 'shuffled-in-packet' ? Math.min(arrived, endOfPacket(flow, first)) : arrived
    let open = 0
    for (let word = first; word < end; word++) {
      if (this.isPlaced(request, word)) continue
      if (open === nth) this.piece = word
      open++
    }
    return open
  }

  /** As `#openWords`, for whoever else moves words of a request; leaves the word found in `piece`. */
  openWords(flow: Flow, request: number, nth: number): number {
    this.#knownFlow = -1
    return this.#openWords(flow, request, nth)
  }

  /** 1 when a WRITE with immediate has all its words placed, and the notice is left. */
  #notice(request: number, nth: number): number {
    const words = this.#words
    this.#open = 0
    if (words[request + operationAt] !== Operation.writeImmediate || !this.isComplete(request)) return 0
    if (nth === 0) this.piece = words[request + lengthAt]! >>> 3
    return 1
  }

  isPlaced(request: number, word: number): boolean {
    return ((this.#words[request + placedAt + (word >>> 5)]! >>> (word & 31)) & 1) === 1
  }
  isComplete(request: number): boolean {
    const words = this.#words[request + lengthAt]! >>> 3
    if (words <= 32) return this.#words[request + placedAt] === lowBits(words) >>> 0
    for (let word = 0; word < words; word++) if (!this.isPlaced(request, word)) return false
    return true
  }

  /** The ordinal of what `choose` has found. */
  ordinal(flow: Flow): number {
    const { side } = this.#fabric.world.memory
    return this.position < 0
      ? side[acceptedSlot(flow, -1 - this.position)]!
      : side[ordinalSlot(flow, this.position)]!
  }
  /** The choice whose request and piece have these numbers, or -1. */
  find(flow: Flow, ordinal: number, piece: number): number {
    this.#seekOrdinal = ordinal
    this.#seekPiece = piece
    this.#found = -1
    this.#scan(flow, -1)
    this.#seekOrdinal = -1
    if (this.#found >= 0) {
      this.#firstChoice = this.#endChoice = this.#found
      this.#remember(flow, this.#found)
    }
    return this.#found
  }
  /** Finds a choice, unless it is the one that was found last and nothing has changed since. */
  choose(flow: Flow, choice: number): void {
    if (flow.index === this.#knownFlow && this.#fabric.world.changes === this.#knownChanges) {
      if (choice === this.#knownChoice) return
      if (choice >= this.#firstChoice && choice < this.#endChoice) {
        // Of what a request offers only words come in numbers.
        this.#openWords(flow, this.request, choice - this.#firstChoice)
        this.#knownChoice = choice
        return
      }
    }
    this.#scan(flow, choice)
    this.#remember(flow, choice)
  }
  #remember(flow: Flow, choice: number): void {
    this.#knownFlow = flow.index
    this.#knownChoice = choice
    this.#knownChanges = this.#fabric.world.changes
  }
  /** How many pieces may be placed next. */
  count(flow: Flow): number {
    return this.#scan(flow, -1)
  }

  /** Places a piece. */
  place(flow: Flow, choice: number): void {
    this.choose(flow, choice)
    const words = this.#words
    const { request, piece, position } = this
    const operation = words[request + operationAt]!
    const { world } = this.#fabric
    if (isAtomic(operation)) {
      world.touch(flow.queue.index)
      if (this.#fabric.atomics.step(flow, request)) this.finish(flow, request, position)
      return
    }
    if (operation === Operation.send) {
      world.touch(flow.queue.index)
      this.arriveAtCore(flow, request, Arrival.message)
      this.finish(flow, request, position)
      return
    }
    const length = words[request + lengthAt]! >>> 3
    if (piece === length) {
      world.touch(flow.queue.index)
      this.arriveAtCore(flow, request, Arrival.immediate)
      this.finish(flow, request, position)
      return
    }
    const { rules } = this.#fabric
    if (operation === Operation.read ? rules.tornReads : rules.tornWrites) this.moveWord(flow, request, piece)
    else for (let word = 0; word < length; word++) this.moveWord(flow, request, word)
    const { placed, written } = this.#fabric.concerned[flow.index]!
    if (!this.isComplete(request)) {
      world.touchFor(flow.queue.index, placed)
      return
    }
    if (operation === Operation.write) world.touchFor(flow.queue.index, written)
    else world.touch(flow.queue.index)
    if (operation !== Operation.writeImmediate || !rules.immediateAfterData)
      this.finish(flow, request, position)
  }

  moveWord(flow: Flow, request: number, word: number): void {
    const words = this.#words
    const target = words[request + targetAt]!
    const region = this.#fabric.world.nodes[flow.to]!.parts.regions[regionOf(target)]!
    const at = (region.offset + byteOffsetOf(target)) / 4 + word * 2
    const payload = request + flow.payloadAt + word * 2
    if (words[request + operationAt] === Operation.read) {
      words[payload] = words[at]!
      words[payload + 1] = words[at + 1]!
    } else this.#fabric.storeWord(region.index, at, words[payload]!, words[payload + 1]!)
    const mask = request + placedAt + (word >>> 5)
    words[mask] = (words[mask]! | (1 << (word & 31))) >>> 0
  }

  /** A message, or the notice of a WRITE with immediate, is there for the core. */
  arriveAtCore(flow: Flow, request: number, kind: number): void {
    const words = this.#words
    const waiting = words[flow.queueBase + receivedCountAt]!
    if (waiting === flow.receiveDepth) return
    const arrival = flow.received + waiting * flow.receivedWords
    const payload = request + flow.payloadAt
    words[arrival] = kind
    if (kind === Arrival.immediate) words[arrival + 1] = words[request + immediateAt]!
    else {
      const length = words[request + lengthAt]!
      words[arrival + 1] = length
      for (let k = 0; k < (length + 3) >>> 2; k++) words[arrival + 2 + k] = words[payload + k]!
    }
    words[flow.queueBase + receivedCountAt] = waiting + 1
  }

  /** The last piece is placed. */
  finish(flow: Flow, request: number, position: number): void {
    const words = this.#words
    words[flow.queueBase + openAt] = words[flow.queueBase + openAt]! - 1
    if (position < 0) this.#fabric.accepted.remove(flow, -1 - position)
    else this.execute(flow, request)
  }

  /** All of the request is done at the responder; what is no longer needed of it is zeroed. */
  execute(flow: Flow, request: number): void {
    const words = this.#words
    const operation = words[request + operationAt]!
    words[request + phaseAt] = Phase.executed
    for (let k = 0; k < flow.maskWords; k++) words[request + placedAt + k] = 0
    let kept = 0
    if (operation === Operation.read) kept = words[request + lengthAt]! >>> 2
    else if (isAtomic(operation)) kept = loadedAt + 2
    else if (!this.#fabric.rules.writesAcknowledgedAgain) kept = words[request + lengthAt]! >>> 2
    for (let k = request + flow.payloadAt + kept; k < request + flow.requestWords; k++) words[k] = 0
  }
}

/** The first word after the packet that holds `word`. */
const endOfPacket = (flow: Flow, word: number): number =>
  (((word / flow.packetWords) | 0) + 1) * flow.packetWords
