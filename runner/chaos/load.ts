/**
 * A load on a cluster, as clients make it: each asks one thing at a time, through one member until that fails it, then
 * through another; everything asked and answered is recorded.
 *
 * Keys come and go, so that the history of each stays short enough to be judged: none has more than `operationsPerKey`
 * operations and a few of unknown outcome. Values are written once in a run.
 */
import { HistoryRecorder, Random, derivedSeed } from '../../sim/index.js'
import type { Address } from '../cluster.js'
import type { KeyInput, KeyOutput } from './model.js'
import { type Reply, RespConnection, RespError } from './resp.js'

export interface LoadOptions {
  /** Where members serve clients. */
  readonly addresses: readonly Address[]
  readonly clients: number
  readonly seed: number
  /** Milliseconds that a client waits before it asks again, on average. */
  readonly thinkMillis: number
  /** Milliseconds until a client gives up on a connection that does not answer; half of them on one that is new. */
  readonly patienceMillis?: number
  /** Keys in use at the same time. */
  readonly keys?: number
  readonly operationsPerKey?: number
}

/** One key has at most so many operations whose outcome nobody knows. */
const MOST_UNKNOWN_PER_KEY = 12
const RECONNECT_MILLIS = 2
const REST_MILLIS = 20
const USUAL_PATIENCE_MILLIS = 1000
/** GETs sent together when everything is read back. */
const READ_AT_ONCE = 64
/** What an increment adds to stays below the next value. */
const VALUE_STEP = 1_000_000

/** Milliseconds of the machine's monotonic clock. */
export const clockMillis = (): number => Number(process.hrtime.bigint()) / 1e6

interface KeySlot {
  name: string
  generation: number
  operations: number
  unknown: number
}

type Answer =
  | { readonly kind: 'returned'; readonly output: KeyOutput }
  /** Not applied, and never will be. */
  | { readonly kind: 'refused' }
  | { readonly kind: 'unknown' }

export class Load {
  readonly recorder = new HistoryRecorder<KeyInput, KeyOutput>()
  /** Milliseconds by position of the history. */
  readonly times: number[] = []
  /** When operations were acknowledged, in order. */
  readonly acknowledged: number[] = []
  readonly keys: string[] = []
  /** While it is set, clients end what they have asked and ask nothing more. */
  isResting = false
  operations = 0
  unknown = 0
  refused = 0
  readonly #options: LoadOptions
  readonly #slots: KeySlot[]
  readonly #running: Promise<void>[] = []
  readonly #prefix: string
  readonly #calledAt: number[] = []
  #expected: { readonly from: number; readonly resolve: (at: number) => void } | undefined
  #values = 0
  #isStopping = false

  constructor(options: LoadOptions) {
    this.#options = options
    // Two runs against one cluster must not meet each other's keys.
    this.#prefix = `chaos:${String(process.pid)}:${clockMillis().toFixed(0)}`
    this.#slots = Array.from({ length: options.keys ?? 4 }, (_, slot) => {
      const name = `${this.#prefix}:${String(slot)}:0`
      this.keys.push(name)
      return { name, generation: 0, operations: 0, unknown: 0 }
    })
  }

  start(): void {
    for (let client = 0; client < this.#options.clients; client++)
      this.#running.push(this.#run(client, new Random(derivedSeed(this.#options.seed, 100 + client))))
  }

  /** Has every client end what it does, or give it up. */
  async stop(): Promise<void> {
    this.#isStopping = true
    await Promise.all(this.#running)
  }

  /** Resolves to the moment at which an operation is acknowledged that is asked for from now on. */
  async expectAcknowledgement(): Promise<number> {
    return new Promise((resolve) => {
      this.#expected = { from: clockMillis(), resolve }
    })
  }

  /** When something was acknowledged last; -Infinity: never. */
  get lastAcknowledged(): number {
    return this.acknowledged.at(-1) ?? -Infinity
  }

  /**
   * Reads every key through one member, as clients of their own. Undefined where the member does not answer everything.
   */
  async readBack(member: number): Promise<ReadonlyMap<string, string | null> | undefined> {
    const { patienceMillis = USUAL_PATIENCE_MILLIS, clients } = this.#options
    const connection = await this.#connected(member)
    if (connection === undefined) return undefined
    const first = clients + READ_AT_ONCE * member
    const values = new Map<string, string | null>()
    try {
      for (let at = 0; at < this.keys.length; at += READ_AT_ONCE) {
        const names = this.keys.slice(at, at + READ_AT_ONCE)
        names.forEach((key, k) => {
          this.#called(first + k, { kind: 'get', key })
        })
        const replies = await within(10 * patienceMillis, connection.ask(...names.map((key) => ['GET', key])))
        names.forEach((key, k) => {
          const answer = answerOf(replies?.[k])
          this.#settle(first + k, answer)
          if (answer.kind === 'returned' && (typeof answer.output === 'string' || answer.output === null))
            values.set(key, answer.output)
        })
        if (values.size < Math.min(this.keys.length, at + READ_AT_ONCE)) return undefined
      }
    } finally {
      connection.close()
    }
    return values
  }

  /**
   * Undefined when the member does not say in time that it is there: what listens may be a way to a machine that is down,
   * and nothing is to be asked through that.
   */
  async #connected(member: number): Promise<RespConnection | undefined> {
    const { addresses, patienceMillis = USUAL_PATIENCE_MILLIS } = this.#options
    const connection = await RespConnection.open(addresses[member]!, patienceMillis / 2)
    if (connection === undefined) return undefined
    const replies = await within(patienceMillis / 2, connection.ask(['PING']))
    if (replies?.[0] === 'PONG') return connection
    connection.close()
    return undefined
  }

  async #run(client: number, random: Random): Promise<void> {
    const { addresses, thinkMillis, patienceMillis = USUAL_PATIENCE_MILLIS } = this.#options
    let member = client % addresses.length
    let connection: RespConnection | undefined
    while (!this.#isStopping) {
      if (this.isResting) {
        await pause(REST_MILLIS)
        continue
      }
      if (connection === undefined || connection.isClosed) {
        connection = await this.#connected(member)
        if (connection === undefined) {
          member = (member + 1) % addresses.length
          await pause(RECONNECT_MILLIS)
          continue
        }
      }
      const isServed = await this.#one(client, connection, random, patienceMillis)
      if (!isServed) {
        connection.close()
        member = (member + 1) % addresses.length
      }
      if (thinkMillis > 0) await pause(2 * thinkMillis * random.fraction())
    }
    connection?.close()
  }

  /** One operation, or two where the second depends on the first. Returns false when another member should be asked. */
  async #one(client: number, connection: RespConnection, random: Random, patience: number): Promise<boolean> {
    const slot = this.#slot(random)
    const key = slot.name
    const draw = random.below(100)
    if (draw < 35) return this.#asked(client, slot, { kind: 'get', key }, patience, connection)
    if (draw < 85) {
      const input: KeyInput =
        draw < 55
          ? { kind: 'set', key, value: this.#value() }
          : draw < 62
            ? { kind: 'setAbsent', key, value: this.#value() }
            : draw < 70
              ? { kind: 'setPresent', key, value: this.#value() }
              : { kind: 'increment', key }
      return this.#asked(client, slot, input, patience, connection)
    }
    // A conditional update: what was read is what it depends on.
    const watched = await within(patience, connection.ask(['WATCH', key]))
    if (watched?.[0] !== 'OK') return false
    this.#called(client, { kind: 'get', key })
    const read = answerOf((await within(patience, connection.ask(['GET', key])))?.[0])
    this.#settle(client, read, slot)
    if (read.kind !== 'returned') return false
    const expected = read.output as string | null
    return this.#asked(
      client,
      slot,
      { kind: 'exchange', key, expected, value: this.#value() },
      patience,
      connection,
    )
  }

  async #asked(
    client: number,
    slot: KeySlot,
    input: KeyInput,
    patience: number,
    connection: RespConnection,
  ): Promise<boolean> {
    this.#called(client, input)
    const replies = await within(patience, connection.ask(...requestsOf(input)))
    const answer = input.kind === 'exchange' ? exchangeAnswer(replies) : answerOf(replies?.[0])
    this.#settle(client, answer, slot)
    return answer.kind === 'returned'
  }

  #slot(random: Random): KeySlot {
    const { operationsPerKey = 300 } = this.#options
    const index = random.below(this.#slots.length)
    const slot = this.#slots[index]!
    if (slot.operations >= operationsPerKey || slot.unknown >= MOST_UNKNOWN_PER_KEY) {
      slot.generation++
      slot.name = `${this.#prefix}:${String(index)}:${String(slot.generation)}`
      slot.operations = slot.unknown = 0
      this.keys.push(slot.name)
    }
    slot.operations++
    return slot
  }

  #value(): string {
    return String(++this.#values * VALUE_STEP)
  }

  #called(client: number, input: KeyInput): void {
    const now = clockMillis()
    this.#calledAt[client] = now
    this.times.push(now)
    this.recorder.call(client, input)
  }

  #settle(client: number, answer: Answer, slot?: KeySlot): void {
    switch (answer.kind) {
      case 'refused':
        this.refused++
        this.recorder.fail(client)
        return
      case 'unknown':
        this.operations++
        this.unknown++
        if (slot !== undefined) slot.unknown++
        this.recorder.abandon(client)
        return
      case 'returned': {
        const now = clockMillis()
        this.operations++
        this.times.push(now)
        this.acknowledged.push(now)
        this.recorder.return(client, answer.output)
        if (this.#expected !== undefined && this.#calledAt[client]! >= this.#expected.from) {
          this.#expected.resolve(now)
          this.#expected = undefined
        }
      }
    }
  }
}

/** What was asked with a condition is answered by EXEC: an array, or nil where the condition did not hold. */
function exchangeAnswer(replies: readonly Reply[] | undefined): Answer {
  const last = replies?.at(-1)
  if (last === null) return { kind: 'returned', output: false }
  if (Array.isArray(last)) {
    const [status] = last as readonly Reply[]
    return status === 'OK'
      ? { kind: 'returned', output: true }
      : { kind: 'returned', output: { error: JSON.stringify(status) } }
  }
  return answerOf(last)
}

function answerOf(reply: Reply | undefined): Answer {
  if (reply === undefined) return { kind: 'unknown' }
  if (!(reply instanceof RespError))
    return {
      kind: 'returned',
      output: Array.isArray(reply) ? { error: 'an array' } : (reply as string | number | null),
    }
  if (reply.text.startsWith('UNKNOWN')) return { kind: 'unknown' }
  if (reply.text.startsWith('TRYAGAIN') || reply.text.startsWith('EXECABORT')) return { kind: 'refused' }
  // No load asks for what cannot be done: such an answer fits no state.
  return { kind: 'returned', output: { error: reply.text } }
}

function requestsOf(input: KeyInput): readonly (readonly string[])[] {
  const { key } = input
  switch (input.kind) {
    case 'get':
      return [['GET', key]]
    case 'set':
      return [['SET', key, input.value]]
    case 'setAbsent':
      return [['SET', key, input.value, 'NX', 'GET']]
    case 'setPresent':
      return [['SET', key, input.value, 'XX', 'GET']]
    case 'increment':
      return [['INCR', key]]
    case 'exchange':
      return [['MULTI'], ['SET', key, input.value], ['EXEC']]
  }
}

const pause = (millis: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, millis)
  })

/** Undefined when it takes longer. */
async function within<T>(millis: number, promise: Promise<T | undefined>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => {
      resolve(undefined)
    }, millis)
  })
  const first = await Promise.race([promise, late])
  clearTimeout(timer)
  return first
}
