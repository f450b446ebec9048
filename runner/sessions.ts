/**
 * Callers' operations under way. Each goes under a client number of this node, which has one operation at a time,
 * numbered upwards for ever: so an operation that is asked again, here or at another leader, takes effect once.
 *
 * Group commit. What is proposed between two turns leaves this node with the same turn, whenever it was proposed; so it
 * gathers until then, and what may be ordered as one operation is ({@link OperationGroup}): one session, one entry, one
 * reply, of which each caller gets its own part. A proposal that is alone leaves no later for it. Where no session is free
 * what is proposed gathers on, until one is. Operations of a group share its outcome.
 *
 * A session asks the replica that is taken for the leader, asks again when that changes or no answer comes, and gives up
 * after a while: then the outcome is unknown. Memory is kept from group to group; more of it is made only when more
 * groups are there than ever before.
 */
import type { OperationGroup } from '../protocol/index.js'
import type { ClientEventKind } from './order.js'
import { LoneOperation, ProposalGroup } from './proposal-group.js'
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
  /** See {@link ServiceModel.newGroup}. */
  readonly newGroup?: (() => OperationGroup) | undefined
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

/**
 * `length` bytes at the front of `from` go with the event: what is asked for, and what is returned. Callers whose
 * operations are ordered as one have client and sequence in common: they are told of in their order, first every call,
 * then every end.
 */
export type SessionsListener = (
  kind: ClientEventKind,
  client: number,
  sequence: number,
  from: Uint8Array,
  length: number,
) => void

/** Milliseconds before an operation is asked again at a leader that is new. */
const LEAST_RETRY_MILLIS = 1

const noReply = new Uint8Array(0)

interface Thrown {
  readonly error: unknown
}

/** Groups kept for those to come, beside one for each session. */
const SPARE = 8

export class Sessions implements Proposer {
  readonly operationBytes: number
  readonly replyBytes: number
  /** Milliseconds, set by the loop. */
  now = 0
  /** Operations under way. */
  underWay = 0
  readonly #options: SessionsOptions
  readonly #newGroup: () => OperationGroup
  readonly #sequences: Uint32Array
  readonly #retryAt: Float64Array
  readonly #groups: (ProposalGroup | undefined)[]
  /** Free sessions, the last freed on top. */
  readonly #free: Uint16Array
  #freeCount: number
  /** Groups that have not been asked for, in order. */
  readonly #gathered: ProposalGroup[] = []
  /** The last of them that may have more, as far as is known. */
  #open: ProposalGroup | undefined
  readonly #spare: ProposalGroup[] = []
  /** A reply out of that to a group. */
  readonly #reply: Uint8Array
  /** When something must be asked again or given up; Infinity: nothing is under way. */
  #nextTick = Infinity
  /** When somebody else began to lead. */
  #changedAt = -Infinity
  #epochEnd: number
  #epochBegin: number

  constructor(options: SessionsOptions) {
    const { count, operationBytes, replyBytes } = options
    this.operationBytes = operationBytes
    this.replyBytes = replyBytes
    this.#options = options
    this.#newGroup = options.newGroup ?? (() => new LoneOperation(operationBytes))
    this.#sequences = new Uint32Array(count)
    this.#retryAt = new Float64Array(count).fill(Infinity)
    this.#groups = new Array<ProposalGroup | undefined>(count).fill(undefined)
    this.#free = Uint16Array.from({ length: count }, (_, i) => count - 1 - i)
    this.#freeCount = count
    this.#reply = new Uint8Array(replyBytes)
    this.#epochBegin = 0
    this.#epochEnd = 0
    this.#beginEpoch()
  }

  /** Whether what is proposed now may leave with the next turn, or with the one that has a session for what waits. */
  get isOpen(): boolean {
    return this.#gathered.length <= this.#freeCount + 1
  }
  /** Groups that have gathered. */
  get gathered(): number {
    return this.#gathered.length
  }
  /** When a turn is due; 0: at once. Infinity: nothing is under way. */
  get nextDue(): number {
    return this.#gathered.length > 0 && this.#freeCount > 0 ? 0 : this.#nextTick
  }

  propose(operation: Uint8Array, length: number, ended: Ended): void {
    if (length > this.operationBytes || length % 8 !== 0 || length > operation.length)
      throw new RangeError(
        `an operation has at most ${String(this.operationBytes)} bytes, a multiple of 8, not ${String(length)}`,
      )
    let group = this.#open
    if (group === undefined || !group.add(operation, length, ended)) {
      group = this.#spare.pop() ?? new ProposalGroup(this.#newGroup())
      group.since = this.now
      group.add(operation, length, ended)
      this.#gathered.push(group)
      // What has to go alone comes between others that need not.
      if (this.#open === undefined || group.operation.isOpen) this.#open = group
    }
    if (this.#options.noted !== undefined) (group.asked ??= []).push(operation.slice(0, length))
  }

  /** Asks for what has gathered, as far as sessions are free. Called when a turn begins. */
  leave(): void {
    const gathered = this.#gathered
    // Whoever is told meanwhile may propose at once: that leaves with the next.
    for (let left = gathered.length; left > 0; left--) {
      const group = gathered[0]!
      // It was never asked for.
      const isLate = this.now - group.since >= this.#options.patienceMillis
      if (!isLate && this.#freeCount === 0) return
      gathered.shift()
      if (group === this.#open) this.#open = undefined
      if (isLate) this.#tellAll(group, Outcome.refused)
      else this.#begin(group)
    }
  }

  #begin(group: ProposalGroup): void {
    const slot = this.#free[--this.#freeCount]!
    this.#sequences[slot] = this.#nextSequence(slot)
    this.#groups[slot] = group
    this.underWay += group.members
    const { noted, first } = this.#options
    for (const asked of group.asked ?? [])
      noted!('call', first + slot, this.#sequences[slot], asked, asked.length)
    this.#ask(slot, group)
  }

  #ask(slot: number, { operation }: ProposalGroup): void {
    const { first, submit, retryMillis } = this.#options
    // Who is followed may not lead yet, and drops what it is asked until it does: soon after a change is asked often.
    const due = this.now + Math.min(retryMillis, Math.max(LEAST_RETRY_MILLIS, this.now - this.#changedAt))
    this.#retryAt[slot] = due
    if (due < this.#nextTick) this.#nextTick = due
    submit(first + slot, this.#sequences[slot]!, operation.bytes, 0, operation.length)
  }

  /** The reply to an operation of a session, perhaps an old one. */
  answered(client: number, sequence: number, reply: Uint8Array, length: number): void {
    const { first, isRefusal, noted } = this.#options
    const slot = client - first
    const group = this.#groups[slot]
    if (group === undefined || this.#sequences[slot] !== sequence) return
    if (isRefusal(length)) return this.#giveUp(slot, group)
    this.#release(slot, group)
    if (group.members === 1) {
      noted?.('return', client, sequence, reply, length)
      const ended = group.takeEnded(0)
      this.#keep(group)
      ended(Outcome.done, reply, length)
    } else this.#handOut(group, client, sequence, reply)
  }

  /** Gives each member of a group its part of the reply. One that throws keeps nobody else from being told. */
  #handOut(group: ProposalGroup, client: number, sequence: number, reply: Uint8Array): void {
    const { noted } = this.#options
    const own = this.#reply
    let thrown: Thrown | undefined
    for (let member = 0; member < group.members; member++) {
      const length = group.operation.takeReply(reply, own)
      noted?.('return', client, sequence, own, length)
      try {
        group.takeEnded(member)(Outcome.done, own, length)
      } catch (error) {
        thrown ??= { error }
      }
    }
    this.#keep(group)
    if (thrown !== undefined) throw thrown.error
  }

  #giveUp(slot: number, group: ProposalGroup): void {
    const { first, noted } = this.#options
    this.#release(slot, group)
    for (let member = 0; member < group.members; member++)
      noted?.('abandon', first + slot, this.#sequences[slot]!, noReply, 0)
    this.#tellAll(group, Outcome.unknown)
  }

  #tellAll(group: ProposalGroup, outcome: Outcome): void {
    let thrown: Thrown | undefined
    for (let member = 0; member < group.members; member++)
      try {
        group.takeEnded(member)(outcome, noReply, 0)
      } catch (error) {
        thrown ??= { error }
      }
    this.#keep(group)
    if (thrown !== undefined) throw thrown.error
  }

  #release(slot: number, group: ProposalGroup): void {
    this.#groups[slot] = undefined
    this.#retryAt[slot] = Infinity
    this.#free[this.#freeCount++] = slot
    this.underWay -= group.members
  }

  #keep(group: ProposalGroup): void {
    group.clear()
    if (this.#spare.length < this.#options.count + SPARE) this.#spare.push(group)
  }

  /** Somebody else leads, or leads again: everything under way is asked anew. */
  leaderChanged(): void {
    this.#changedAt = this.now
    for (let slot = 0; slot < this.#options.count; slot++) {
      const group = this.#groups[slot]
      if (group !== undefined) this.#ask(slot, group)
    }
  }

  /** Asks again, and gives up, what is due. */
  tick(): void {
    if (this.now < this.#nextTick) return
    this.#nextTick = Infinity
    const { count, patienceMillis } = this.#options
    for (let slot = 0; slot < count; slot++) {
      const group = this.#groups[slot]
      if (group === undefined) continue
      if (this.now - group.since >= patienceMillis) this.#giveUp(slot, group)
      else if (this.now >= this.#retryAt[slot]!) this.#ask(slot, group)
      else if (this.#retryAt[slot]! < this.#nextTick) this.#nextTick = this.#retryAt[slot]!
    }
  }

  /** Ends everything: what is under way has an unknown outcome, what waits was never asked. */
  close(): void {
    this.#open = undefined
    for (const group of this.#gathered.splice(0)) this.#tellAll(group, Outcome.refused)
    for (let slot = 0; slot < this.#options.count; slot++) {
      const group = this.#groups[slot]
      if (group !== undefined) this.#giveUp(slot, group)
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
