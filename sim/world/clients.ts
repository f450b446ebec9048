/**
 * Clients and their wire. A client runs its script in order, one operation at a time. Requests and replies travel like
 * messages of an unordered network; a request carries the client's sequence number (from 1), so a core can tell a retry
 * from a new operation. After its last attempt a client may give an operation up: its outcome is unknown for ever.
 *
 * A wire that is full loses the oldest request, or the newest reply, as any lossy wire may; this is counted in the
 * coverage.
 */
import { InvariantViolation, type Workload, array, bytes, struct, u32 } from '../../protocol/index.js'
import { type MemoryPlan, type Part, closeGap, closeSlot, openGap, openSlot } from './memory.js'
import type { World } from './world.js'

// Words of a client part.
const positionAt = 0
export const pendingAt = 1
const attemptAt = 2
export const inFlightAt = 3
const requestsAt = 4
const requestWords = 3 // 1 + node, sequence, copies
/** More than there are targets in a script's attempts; beyond it the oldest request is lost. */
const mostRequests = 8
const mostReplies = 6
const mostCopies = 3

export interface ClientParts {
  readonly client: Part
  readonly replies: Part
  /** Side slots: ordinal of the next request, ordinals of requests, ordinal of the next reply, ordinals of replies. */
  readonly side: number
}

export function planClient(plan: MemoryPlan, index: number, workload: Workload): ClientParts {
  const request = struct({ node: u32, sequence: u32, copies: u32 })
  const reply = struct({ sequence: u32, length: u32, content: bytes((workload.replyBytes + 3) & ~3) })
  return {
    client: plan.part(
      `client ${String(index)}`,
      'client',
      -1,
      struct({
        position: u32,
        pending: u32,
        attempt: u32,
        inFlight: u32,
        requests: array(request, mostRequests),
      }),
    ),
    replies: plan.part(
      `replies ${String(index)}`,
      'replies',
      -1,
      struct({ count: u32, replies: array(reply, mostReplies) }),
    ),
    side: plan.side(2 + mostRequests + mostReplies),
  }
}

export class Clients {
  readonly workload: Workload
  readonly parts: readonly ClientParts[]
  readonly replySlotWords: number
  readonly #world: World
  readonly #words: Uint32Array

  constructor(world: World, workload: Workload, parts: readonly ClientParts[]) {
    this.workload = workload
    this.parts = parts
    this.#world = world
    this.#words = world.memory.words
    this.replySlotWords = 2 + ((workload.replyBytes + 3) >>> 2)
  }

  #word(client: number, at: number): number {
    return this.#words[this.parts[client]!.client.offset / 4 + at]!
  }
  position(client: number): number {
    return this.#word(client, positionAt)
  }
  isPending(client: number): boolean {
    return this.#word(client, pendingAt) === 1
  }
  attempt(client: number): number {
    return this.#word(client, attemptAt)
  }
  isDone(client: number): boolean {
    return this.position(client) >= this.workload.clients[client]!.script.length
  }
  busy(): number {
    let count = 0
    for (let client = 0; client < this.parts.length; client++) if (!this.isDone(client)) count++
    return count
  }

  // ---- requests

  invoke(client: number): void {
    const { part, base } = this.#client(client)
    this.#words[base + pendingAt] = 1
    this.#words[base + attemptAt] = 0
    this.#world.touch(part)
    this.#sendRequest(client)
    this.#world.listener?.call?.(client, this.position(client))
  }
  retry(client: number): void {
    const { part, base } = this.#client(client)
    this.#words[base + attemptAt] = this.#words[base + attemptAt]! + 1
    this.#world.touch(part)
    this.#sendRequest(client)
  }
  abandon(client: number): void {
    this.#world.listener?.abandon?.(client, this.position(client))
    this.#finish(client)
  }
  #client(client: number): { part: number; base: number } {
    const part = this.parts[client]!.client
    this.#found.part = part.index
    this.#found.base = part.offset / 4
    return this.#found
  }
  readonly #found = { part: 0, base: 0 }

  #sendRequest(client: number): void {
    const { base } = this.#client(client)
    const words = this.#words
    const node = this.workload.clients[client]!.target(words[base + attemptAt]!)
    if (node < 0 || node >= this.#world.nodeCount)
      throw new InvariantViolation(
        `the target of client ${String(client)} must be a node, not ${String(node)}`,
      )
    const sequence = words[base + positionAt]! + 1
    if (words[base + inFlightAt] === mostRequests) this.#loseOldest(client)
    const count = words[base + inFlightAt]!
    let i = 0
    for (; i < count; i++) {
      const at = base + requestsAt + i * requestWords
      const order = words[at + 1]! - sequence || words[at]! - node - 1
      if (order === 0) {
        if (words[at + 2]! < mostCopies) words[at + 2] = words[at + 2]! + 1
        return
      }
      if (order > 0) break
    }
    const at = base + requestsAt + i * requestWords
    openGap(words, at, requestWords, base + requestsAt + count * requestWords)
    words[at] = node + 1
    words[at + 1] = sequence
    words[at + 2] = 1
    words[base + inFlightAt] = count + 1
    const { side } = this.#world.memory
    const ordinals = this.parts[client]!.side + 1
    openSlot(side, ordinals + i, ordinals + count)
    side[ordinals + i] = side[ordinals - 1]!++
  }

  /** The wire is full: the request that comes first in canonical order, an oldest one, is lost. */
  #loseOldest(client: number): void {
    this.#words[this.#client(client).base + requestsAt + 2] = 1
    this.takeRequest(client, 0)
    this.#world.coverage.lostToFullChannels++
  }

  /** How many requests of a client are on their way to a node. */
  requestsTo(client: number, node: number): number {
    const { base } = this.#client(client)
    const count = this.#words[base + inFlightAt]!
    let found = 0
    for (let i = 0; i < count; i++)
      if (this.#words[base + requestsAt + i * requestWords] === node + 1) found++
    return found
  }
  /** Position of the n-th request of a client that is on its way to a node. */
  requestAt(client: number, node: number, n: number): number {
    const { base } = this.#client(client)
    let left = n
    for (let i = 0; ; i++)
      if (this.#words[base + requestsAt + i * requestWords] === node + 1 && left-- === 0) return i
  }
  requestOrdinal(client: number, i: number): number {
    return this.#world.memory.side[this.parts[client]!.side + 1 + i]!
  }
  requestSequence(client: number, i: number): number {
    return this.#word(client, requestsAt + i * requestWords + 1)
  }

  /** Takes a request off the wire. */
  takeRequest(client: number, i: number): void {
    const { part, base } = this.#client(client)
    const words = this.#words
    const at = base + requestsAt + i * requestWords
    this.#world.touch(part)
    const { side } = this.#world.memory
    const ordinals = this.parts[client]!.side + 1
    if (words[at + 2]! > 1) {
      words[at + 2] = words[at + 2]! - 1
      side[ordinals + i] = side[ordinals - 1]!++
      return
    }
    const count = words[base + inFlightAt]!
    closeGap(words, at, requestWords, base + requestsAt + count * requestWords)
    words[base + inFlightAt] = count - 1
    closeSlot(side, ordinals + i, ordinals + count)
  }

  // ---- replies

  reply(
    node: number,
    client: number,
    sequence: number,
    payload: Uint8Array,
    from: number,
    length: number,
  ): void {
    const parts = this.parts[client]
    if (parts === undefined || length > this.workload.replyBytes)
      throw new InvariantViolation(
        `a reply goes to a client that exists and has at most ${String(this.workload.replyBytes)} bytes`,
      )
    const world = this.#world
    const words = this.#words
    const base = parts.replies.offset / 4
    const count = words[base]!
    const size = this.replySlotWords
    if (count === mostReplies) {
      world.coverage.lostToFullChannels++
      return
    }
    const at = base + 1 + count * size
    words[at] = sequence
    words[at + 1] = length
    for (let i = 0; i < length; i++) world.memory.bytes[(at + 2) * 4 + i] = payload[from + i]!
    // Kept in canonical order; a reply that is in flight already is not sent twice.
    let i = count
    for (; i > 0; i--) {
      const order = this.#compareReplies(base + 1 + (i - 1) * size, at)
      if (order < 0) break
      if (order === 0) {
        words.fill(0, at, at + size)
        return
      }
    }
    if (i < count) {
      for (let k = 0; k < size; k++) this.#scratch[k] = words[at + k]!
      const target = base + 1 + i * size
      openGap(words, target, size, at)
      for (let k = 0; k < size; k++) words[target + k] = this.#scratch[k]!
    }
    words[base] = count + 1
    const { side } = world.memory
    const ordinals = parts.side + 2 + mostRequests
    openSlot(side, ordinals + i, ordinals + count)
    side[ordinals + i] = side[ordinals - 1]!++
    world.touch(parts.replies.index)
    world.listener?.reply?.(node, client, sequence)
  }
  readonly #scratch: number[] = []

  #compareReplies(a: number, b: number): number {
    for (let k = 0; k < this.replySlotWords; k++) {
      const difference = this.#words[a + k]! - this.#words[b + k]!
      if (difference !== 0) return difference
    }
    return 0
  }

  replyCount(client: number): number {
    return this.#words[this.parts[client]!.replies.offset / 4]!
  }
  replyOrdinal(client: number, i: number): number {
    return this.#world.memory.side[this.parts[client]!.side + 2 + mostRequests + i]!
  }
  /** Word index of a reply in flight: sequence, length, content. */
  replySlot(client: number, i: number): number {
    return this.parts[client]!.replies.offset / 4 + 1 + i * this.replySlotWords
  }
  takeReply(client: number, i: number): void {
    const parts = this.parts[client]!
    const words = this.#words
    const base = parts.replies.offset / 4
    const count = words[base]!
    const size = this.replySlotWords
    closeGap(words, base + 1 + i * size, size, base + 1 + count * size)
    words[base] = count - 1
    const { side } = this.#world.memory
    const ordinals = parts.side + 2 + mostRequests
    closeSlot(side, ordinals + i, ordinals + count)
    this.#world.touch(parts.replies.index)
  }
  /** A reply reaches its client: the pending operation returns, or is given up when it is refused, or the reply is stale. */
  receive(client: number, i: number): void {
    const at = this.replySlot(client, i)
    const words = this.#words
    const current = this.isPending(client) && words[at] === this.position(client) + 1
    if (current) {
      const { view } = this.#world.memory
      const position = this.position(client)
      const from = (at + 2) * 4
      const length = words[at + 1]!
      if (this.workload.isRefusal?.(view, from, length) === true)
        this.#world.listener?.abandon?.(client, position)
      else this.#world.listener?.return?.(client, position, view, from, length)
    }
    this.takeReply(client, i)
    if (current) this.#finish(client)
  }
  #finish(client: number): void {
    const { part, base } = this.#client(client)
    this.#words[base + pendingAt] = 0
    this.#words[base + attemptAt] = 0
    this.#words[base + positionAt] = this.#words[base + positionAt]! + 1
    this.#world.touch(part)
  }
}
