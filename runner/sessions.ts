/**
 * Callers' operations under way. Each goes under a client number of this node, which has one operation at a time,
 * numbered upwards for ever: so an operation that is asked again, here or at another leader, takes effect once.
 *
 * A session asks the replica that is taken for the leader, asks again when that changes or no answer comes, and gives up
 * after a while: then the outcome is unknown. What is under way is kept in memory made at the start; only callers that
 * find no session free wait in a queue that grows.
 */
import type { ClientEventKind } from './order.js'
import { type Ended, Outcome, type Proposer } from './proposer.js'

/** Sequence numbers of one life of a process: 20 bits. Its number comes above them. */
const EPOCH_STEP = 2 ** 20
const MOST_EPOCHS = 2 ** 12

export interface SessionsOptions {
  /** Client numbers are `first` to `first + count - 1`. */
  readonly first: number
  readonly count: number
  readonly operationBytes: number
  readonly replyBytes: number
  /** Hands out numbers that no life of this node has had: 0 … 4 095. */
  nextEpoch(): number
  /** Asks whoever is taken for the leader. Returns false when nobody is, or there is no way. */
  submit(client: number, sequence: number, memory: Uint8Array, at: number, length: number): boolean
  readonly isRefusal: (length: number) => boolean
  /** Milliseconds before an operation is asked again, less where the leader is new; and until it is given up. */
  readonly retryMillis: number
  readonly patienceMillis: number
  /** Is told what callers ask for, and what they learn. */
  readonly noted?: SessionsListener | undefined
}

/** `length` bytes at the front of `from` go with the event: what is asked for, and what is returned. */
export type SessionsListener = (
  kind: ClientEventKind,
  client: number,
  sequence: number,
  from: Uint8Array,
  length: number,
) => void

interface Waiting {
  readonly operation: Uint8Array
  readonly ended: Ended
  readonly since: number
}

/** Milliseconds before an operation is asked again at a leader that is new. */
const LEAST_RETRY_MILLIS = 1

const noReply = new Uint8Array(0)

export class Sessions implements Proposer {
  readonly operationBytes: number
  readonly replyBytes: number
  /** Milliseconds, set by the loop. */
  now = 0
  /** When something must be asked again or given up; Infinity: nothing is under way. */
  nextDue = Infinity
  readonly #options: SessionsOptions
  readonly #memory: Uint8Array
  readonly #lengths: Uint32Array
  readonly #sequences: Uint32Array
  readonly #since: Float64Array
  readonly #retryAt: Float64Array
  readonly #ended: (Ended | undefined)[]
  /** Free sessions, the last freed on top. */
  readonly #free: Uint16Array
  #freeCount: number
  readonly #waiting: Waiting[] = []
  /** When somebody else began to lead. */
  #changedAt = -Infinity
  #epochEnd: number
  #epochBegin: number

  constructor(options: SessionsOptions) {
    const { count, operationBytes } = options
    this.operationBytes = operationBytes
    this.replyBytes = options.replyBytes
    this.#options = options
    this.#memory = new Uint8Array(count * operationBytes)
    this.#lengths = new Uint32Array(count)
    this.#sequences = new Uint32Array(count)
    this.#since = new Float64Array(count)
    this.#retryAt = new Float64Array(count).fill(Infinity)
    this.#ended = new Array<Ended | undefined>(count).fill(undefined)
    this.#free = Uint16Array.from({ length: count }, (_, i) => count - 1 - i)
    this.#freeCount = count
    this.#epochBegin = 0
    this.#epochEnd = 0
    this.#beginEpoch()
  }

  get freeCount(): number {
    return this.#freeCount
  }
  /** Operations under way. */
  get underWay(): number {
    return this.#options.count - this.#freeCount
  }

  propose(operation: Uint8Array, length: number, ended: Ended): void {
    if (length > this.operationBytes || length % 8 !== 0 || length > operation.length)
      throw new RangeError(
        `an operation has at most ${String(this.operationBytes)} bytes, a multiple of 8, not ${String(length)}`,
      )
    if (this.#freeCount === 0) {
      this.#waiting.push({ operation: operation.slice(0, length), ended, since: this.now })
      return
    }
    this.#begin(operation, length, ended, this.now)
  }

  #begin(operation: Uint8Array, length: number, ended: Ended, since: number): void {
    const slot = this.#free[--this.#freeCount]!
    const at = slot * this.operationBytes
    const memory = this.#memory
    if (length <= 64) for (let i = 0; i < length; i++) memory[at + i] = operation[i]!
    else memory.set(length === operation.length ? operation : operation.subarray(0, length), at)
    this.#lengths[slot] = length
    this.#sequences[slot] = this.#nextSequence(slot)
    this.#ended[slot] = ended
    this.#since[slot] = since
    const { noted, first } = this.#options
    if (noted !== undefined) noted('call', first + slot, this.#sequences[slot], operation, length)
    this.#ask(slot)
  }

  #ask(slot: number): void {
    const { first, submit, retryMillis } = this.#options
    // Who is followed may not lead yet, and drops what it is asked until it does: soon after a change is asked often.
    const due = this.now + Math.min(retryMillis, Math.max(LEAST_RETRY_MILLIS, this.now - this.#changedAt))
    this.#retryAt[slot] = due
    if (due < this.nextDue) this.nextDue = due
    submit(
      first + slot,
      this.#sequences[slot]!,
      this.#memory,
      slot * this.operationBytes,
      this.#lengths[slot]!,
    )
  }

  /** The reply to an operation of a session, perhaps an old one. */
  answered(client: number, sequence: number, reply: Uint8Array, length: number): void {
    const slot = client - this.#options.first
    const ended = this.#ended[slot]
    if (ended === undefined || this.#sequences[slot] !== sequence) return
    this.#release(slot)
    const isRefusal = this.#options.isRefusal(length)
    this.#options.noted?.(isRefusal ? 'abandon' : 'return', client, sequence, reply, isRefusal ? 0 : length)
    ended(isRefusal ? Outcome.unknown : Outcome.done, reply, length)
    this.#admit()
  }

  #giveUp(slot: number, ended: Ended): void {
    this.#release(slot)
    this.#options.noted?.('abandon', this.#options.first + slot, this.#sequences[slot]!, noReply, 0)
    ended(Outcome.unknown, noReply, 0)
  }

  #release(slot: number): void {
    this.#ended[slot] = undefined
    this.#retryAt[slot] = Infinity
    this.#free[this.#freeCount++] = slot
  }

  /** Takes in what waits; what has waited too long was never asked. */
  #admit(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const { operation, ended, since } = next
      const isLate = this.now - since >= this.#options.patienceMillis
      if (!isLate && this.#freeCount === 0) return
      this.#waiting.shift()
      if (isLate) ended(Outcome.refused, noReply, 0)
      else this.#begin(operation, operation.length, ended, since)
    }
  }

  /** Somebody else leads, or leads again: everything under way is asked anew. */
  leaderChanged(): void {
    this.#changedAt = this.now
    for (let slot = 0; slot < this.#options.count; slot++)
      if (this.#ended[slot] !== undefined) this.#ask(slot)
  }

  /** Asks again, and gives up, what is due. */
  tick(): void {
    if (this.now < this.nextDue) return
    this.nextDue = Infinity
    const { count, patienceMillis } = this.#options
    for (let slot = 0; slot < count; slot++) {
      const ended = this.#ended[slot]
      if (ended === undefined) continue
      if (this.now - this.#since[slot]! >= patienceMillis) {
        this.#giveUp(slot, ended)
      } else if (this.now >= this.#retryAt[slot]!) this.#ask(slot)
      else if (this.#retryAt[slot]! < this.nextDue) this.nextDue = this.#retryAt[slot]!
    }
    this.#admit()
  }

  /** Ends everything: what is under way has an unknown outcome, what waits was never asked. */
  close(): void {
    for (const { ended } of this.#waiting.splice(0)) ended(Outcome.refused, noReply, 0)
    for (let slot = 0; slot < this.#options.count; slot++) {
      const ended = this.#ended[slot]
      if (ended === undefined) continue
      this.#giveUp(slot, ended)
    }
  }

  #nextSequence(slot: number): number {
    const last = this.#sequences[slot]!
    if (last < this.#epochBegin) return this.#epochBegin + 1
    if (last + 1 < this.#epochEnd) return last + 1
    this.#beginEpoch()
    return this.#epochBegin + 1
  }

  #beginEpoch(): void {
    const epoch = this.#options.nextEpoch()
    if (epoch >= MOST_EPOCHS)
      throw new RangeError('this node has used up its sequence numbers: begin a new cluster')
    this.#epochBegin = epoch * EPOCH_STEP
    this.#epochEnd = this.#epochBegin + EPOCH_STEP
  }
}
