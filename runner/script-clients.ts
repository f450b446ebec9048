/** The clients that a system brings along, run for real at the node where they are at home. */
import type { NodeId, Workload } from '../protocol/index.js'
import type { ClientEvent } from './order.js'

/** A script's own patience is made for virtual time: machines that do other work need more. */
const LEAST_TIMEOUT_MILLIS = 20

export interface ScriptOptions {
  readonly workload: Workload
  /** Clients at home here. */
  readonly clients: readonly number[]
  submit(to: NodeId, client: number, sequence: number, operation: Uint8Array): void
  finished(client: number, events: readonly ClientEvent[]): void
  /** What a client did or learned, when it did. */
  noted(client: number, event: ClientEvent): void
}

interface ClientState {
  readonly client: number
  readonly events: ClientEvent[]
  operation: number
  attempt: number
  dueMillis: number
  isDone: boolean
}

export class ScriptClients {
  /** Milliseconds, set by the loop. */
  now = 0
  readonly #options: ScriptOptions
  readonly #clients: ClientState[]

  constructor(options: ScriptOptions) {
    this.#options = options
    this.#clients = options.clients.map((client) => ({
      client,
      events: [],
      operation: -1,
      attempt: 0,
      dueMillis: 0,
      isDone: false,
    }))
  }

  get nextDue(): number {
    return Math.min(
      Infinity,
      ...this.#clients.filter(({ isDone }) => !isDone).map(({ dueMillis }) => dueMillis),
    )
  }

  /** Begins, tries again, or gives up. */
  tick(): void {
    for (const state of this.#clients) {
      if (state.isDone || this.now < state.dueMillis) continue
      if (state.operation < 0) this.#begin(state)
      else this.#again(state)
    }
  }

  answered(client: number, sequence: number, reply: Uint8Array, length: number): void {
    const state = this.#clients.find((each) => each.client === client)
    if (state === undefined || state.isDone || sequence !== state.operation + 1) return
    const { workload } = this.#options
    const view = new DataView(reply.buffer, reply.byteOffset, reply.byteLength)
    const isRefused = workload.isRefusal?.(view, 0, length) === true
    this.#note(state, isRefused ? 'abandon' : 'return', isRefused ? undefined : reply.slice(0, length))
    this.#begin(state)
  }

  #model(state: ClientState) {
    return this.#options.workload.clients[state.client]!
  }

  #begin(state: ClientState): void {
    state.operation += 1
    state.attempt = 0
    if (state.operation === this.#model(state).script.length) {
      state.isDone = true
      this.#options.finished(state.client, state.events)
      return
    }
    this.#note(state, 'call')
    this.#ask(state)
  }

  #again(state: ClientState): void {
    state.attempt += 1
    if (state.attempt < this.#model(state).attempts) return this.#ask(state)
    this.#note(state, 'abandon')
    this.#begin(state)
  }

  #ask(state: ClientState): void {
    const { script, timeoutMicros, target } = this.#model(state)
    state.dueMillis = this.now + Math.max(LEAST_TIMEOUT_MILLIS, timeoutMicros / 1000)
    this.#options.submit(target(state.attempt), state.client, state.operation + 1, script[state.operation]!)
  }

  #note(state: ClientState, kind: ClientEvent['kind'], reply?: Uint8Array): void {
    const event = { kind, operation: state.operation, at: process.hrtime.bigint() }
    const whole = reply === undefined ? event : { ...event, reply }
    state.events.push(whole)
    this.#options.noted(state.client, whole)
  }
}
