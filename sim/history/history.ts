/**
 * Histories: what clients asked for, what they were told, and when.
 *
 * Contract. Time is the position of an event in the one total order of calls and returns; nothing else of time
 * matters to linearizability. Operation A is *before* B when A returned at a lower position than B was called;
 * otherwise they overlap. An operation whose outcome is unknown never returns: it may take effect at any moment
 * after its call, or never, and it stays open although its client goes on.
 *
 * A client has at most one operation pending. The recorder asserts this; the checkers do not need it.
 *
 * Source: Herlihy & Wing, "Linearizability: a correctness condition for concurrent objects", TOPLAS 1990, section 2.
 */

/** One operation of a client. Positions of calls and returns are distinct and rise in the order of events. */
export interface Operation<I, O> {
  readonly client: number
  /** This is the client's n-th call, counted from 0; calls that failed are counted too. */
  readonly index: number
  readonly input: I
  /** `undefined` if and only if the outcome is unknown. */
  readonly output: O | undefined
  readonly called: number
  /** `Infinity` if and only if the outcome is unknown. */
  readonly returned: number
}

interface OperationRecord<I, O> {
  readonly client: number
  readonly index: number
  readonly input: I
  readonly called: number
  output: O | undefined
  returned: number
  failed: boolean
}

/** Turns calls and returns, told in the order in which they happen, into operations. */
export class HistoryRecorder<I, O> {
  readonly #operations: OperationRecord<I, O>[] = []
  readonly #pending = new Map<number, OperationRecord<I, O>>()
  readonly #calls = new Map<number, number>()
  #position = 0

  call(client: number, input: I): void {
    if (this.#pending.has(client)) {
      throw new Error(`Client ${client} called while its previous operation was pending.`)
    }
    const index = this.#calls.get(client) ?? 0
    const called = this.#position++
    const record = { client, index, input, called, output: undefined, returned: Infinity, failed: false }
    this.#calls.set(client, index + 1)
    this.#pending.set(client, record)
    this.#operations.push(record)
  }

  return(client: number, output: O): void {
    if (output === undefined) {
      throw new Error(
        `Client ${client} returned undefined, which stands for an unknown outcome: use abandon.`,
      )
    }
    const record = this.#take(client)
    record.output = output
    record.returned = this.#position++
  }

  /** The operation has certainly had no effect and never will: it leaves the history. */
  fail(client: number): void {
    this.#take(client).failed = true
  }

  /** The client gave up waiting: the outcome stays unknown for ever, and the client may call again. */
  abandon(client: number): void {
    this.#take(client)
  }

  /** The operations in the order of their calls; those still pending have an unknown outcome. */
  operations(): readonly Operation<I, O>[] {
    return this.#operations
      .filter((record) => !record.failed)
      .map(({ client, index, input, output, called, returned }) => ({
        client,
        index,
        input,
        output,
        called,
        returned,
      }))
  }

  #take(client: number): OperationRecord<I, O> {
    const record = this.#pending.get(client)
    if (record === undefined) throw new Error(`Client ${client} has no pending operation to settle.`)
    this.#pending.delete(client)
    return record
  }
}
