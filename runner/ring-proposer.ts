/** A proposer in the control thread: proposals go to the thread of the core by a ring, replies come back by another. */
import { type Ended, Outcome, type Proposer } from './proposer.js'
import { RingReader, RingWriter } from './ring.js'

interface Waiting {
  readonly operation: Uint8Array
  readonly ended: Ended
}

/** Replies handed out before the event loop may do something else. */
const REPLIES_AT_ONCE = 256

export class RingProposer implements Proposer {
  readonly #proposals: RingWriter
  readonly #replies: RingReader
  readonly #wakeCore: () => void
  readonly #ended: (Ended | undefined)[] = []
  readonly #free: number[] = []
  readonly #waiting: Waiting[] = []
  #front: Uint8Array
  #isClosed = false

  constructor(
    proposals: SharedArrayBuffer,
    replies: SharedArrayBuffer,
    readonly operationBytes: number,
    readonly replyBytes: number,
    wakeCore: () => void,
  ) {
    this.#proposals = new RingWriter(proposals)
    this.#replies = new RingReader(replies)
    this.#front = new Uint8Array(replyBytes)
    this.#wakeCore = wakeCore
    void this.#listen()
  }

  propose(operation: Uint8Array, length: number, ended: Ended): void {
    if (length > this.operationBytes || length % 8 !== 0 || length > operation.length)
      throw new RangeError(
        `an operation has at most ${String(this.operationBytes)} bytes, a multiple of 8, not ${String(length)}`,
      )
    if (this.#isClosed) return ended(Outcome.refused, this.#front, 0)
    if (this.#waiting.length > 0 || !this.#push(operation, length, ended))
      this.#waiting.push({ operation: operation.slice(0, length), ended })
    if (this.#proposals.takeSleeper()) this.#wakeCore()
  }

  /** The core will answer no more. What it had taken may have been applied; what waits here was never asked. */
  close(): void {
    this.#isClosed = true
    this.#drain()
    for (const { ended } of this.#waiting.splice(0)) ended(Outcome.refused, this.#front, 0)
    this.#ended.forEach((ended, ticket) => {
      this.#ended[ticket] = undefined
      ended?.(Outcome.unknown, this.#front, 0)
    })
  }

  #push(operation: Uint8Array, length: number, ended: Ended): boolean {
    const ticket = this.#free.pop() ?? this.#ended.length
    if (!this.#proposals.push(ticket, 0, operation, 0, length)) {
      this.#free.push(ticket)
      return false
    }
    this.#ended[ticket] = ended
    return true
  }

  async #listen(): Promise<void> {
    while (!this.#isClosed) {
      if (this.#drain()) await new Promise(setImmediate)
      else await this.#replies.sleep()
    }
  }

  /** Hands out replies; whether there may be more. */
  #drain(): boolean {
    const replies = this.#replies
    let count = 0
    while (count < REPLIES_AT_ONCE && replies.next()) {
      const { tag: ticket, value: outcome, length, offset } = replies
      if (length > this.#front.length) this.#front = new Uint8Array(length)
      this.#front.set(replies.memory.subarray(offset, offset + length))
      replies.pop()
      count++
      const ended = this.#ended[ticket]
      this.#ended[ticket] = undefined
      this.#free.push(ticket)
      ended?.(outcome as Outcome, this.#front, length)
    }
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (!this.#push(next.operation, next.operation.length, next.ended)) break
      this.#waiting.shift()
    }
    return count > 0
  }
}
