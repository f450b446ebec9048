/**
 * What goes to the store as one operation: commands, and between them replies that need no store, in the order of the
 * requests. Bytes are kept from batch to batch; they grow up to what an operation may have.
 */
import {
  argumentBytes,
  beginOperation,
  commandBytes,
  conditionBytes,
  endOperation,
  Mode,
  OPERATION_HEADER_BYTES,
  putArgument,
  putCommand,
  putCondition,
  readsOnly,
  skipCommand,
  skipConditions,
} from '../../protocol/store/index.js'
import type { RequestParser } from './request-parser.js'
import type { Plan } from './store-commands.js'

/** How an entry is answered: by a value of the store, by INFO of the sections in `own`, or by what stands in `own`. */
export const Answer = { value: 0, info: 1, own: 2 } as const
/** A reply, what writes it when its turn comes, or sections of INFO. */
export type Own = Uint8Array | (() => void) | readonly string[]

const BEGINNING_BYTES = 512
/** A batch that was made larger by one operation is not kept so. */
const MOST_KEPT_BYTES = 16_384

export class Batch {
  bytes = new Uint8Array(BEGINNING_BYTES)
  memory = new DataView(this.bytes.buffer)
  /** How many entries, commands and conditions. */
  entries = 0
  commands = 0
  conditions = 0
  /** Whether a command may change the store. */
  writes = false
  /** Bytes that replies without the store hold on to. */
  ownBytes = 0
  readonly answers: number[] = []
  readonly own: (Own | undefined)[] = []

  readonly #mode: number
  readonly #mostBytes: number
  #end = OPERATION_HEADER_BYTES

  constructor(mode: number, mostBytes: number) {
    this.#mode = mode
    this.#mostBytes = mostBytes
  }

  /** Makes room for `more` bytes. False when the operation would be too long. */
  #reserve(more: number): boolean {
    const needed = (this.#end + more + 7) & ~7
    if (needed > this.#mostBytes) return false
    if (needed <= this.bytes.length) return true
    const grown = new Uint8Array(Math.min(this.#mostBytes, Math.max(needed, 2 * this.bytes.length)))
    grown.set(this.bytes.subarray(0, this.#end))
    this.bytes = grown
    this.memory = new DataView(grown.buffer)
    return true
  }

  /** Adds a condition, before all commands. False when there is no room. */
  addCondition(version: number, key: DataView, from: number, bytes: number): boolean {
    if (!this.#reserve(conditionBytes(bytes))) return false
    this.#end = putCondition(this.memory, this.#end, version, key, from, bytes)
    this.conditions++
    return true
  }

  /** Adds the command of a request. False when there is no room. */
  addCommand(request: RequestParser, plan: Plan, sections?: readonly string[]): boolean {
    const { code, flags, count } = plan
    const { starts, lengths } = request
    let needed = commandBytes(flags)
    for (let k = 0; k < count; k++) needed += argumentBytes(lengths[argumentOf(plan, k)]!)
    if (count > 0xffff || this.commands === 0xffff || !this.#reserve(needed)) return false
    let at = putCommand(this.memory, this.#end, code, flags, count, plan.number)
    for (let k = 0; k < count; k++) {
      const index = argumentOf(plan, k)
      at = putArgument(this.memory, at, request.view, starts[index]!, lengths[index]!)
    }
    this.#end = at
    this.commands++
    if (!readsOnly(code)) this.writes = true
    this.#answer(sections === undefined ? Answer.value : Answer.info, sections)
    return true
  }

  /** Adds a reply that needs no store, and holds on to so many bytes. */
  addOwn(own: Own, bytes: number): void {
    this.ownBytes += bytes
    this.#answer(Answer.own, own)
  }

  #answer(answer: number, own: Own | undefined): void {
    this.answers[this.entries] = answer
    this.own[this.entries] = own
    this.entries++
  }

  /** Ends the operation, and returns its length. */
  close(millis: number): number {
    beginOperation(this.memory, this.#mode, millis)
    return endOperation(this.memory, this.#end, this.conditions, this.commands)
  }

  /** Forgets the first commands, which were executed, and the entries up to and with the last of them. */
  drop(commands: number, entries: number): void {
    let at = skipConditions(this.memory, 0)
    for (let left = commands; left > 0; left--) at = skipCommand(this.memory, at)
    this.bytes.copyWithin(OPERATION_HEADER_BYTES, at, this.#end)
    this.#end -= at - OPERATION_HEADER_BYTES
    this.commands -= commands
    this.answers.splice(0, entries)
    this.own.splice(0, entries)
    this.entries -= entries
  }

  /** Begins again, with nothing. */
  clear(): void {
    for (let k = 0; k < this.entries; k++) this.own[k] = undefined
    this.entries = 0
    this.commands = 0
    this.conditions = 0
    this.writes = false
    this.ownBytes = 0
    this.#end = OPERATION_HEADER_BYTES
    if (this.bytes.length <= MOST_KEPT_BYTES) return
    this.bytes = new Uint8Array(BEGINNING_BYTES)
    this.memory = new DataView(this.bytes.buffer)
    this.answers.length = 0
    this.own.length = 0
  }
}

const argumentOf = ({ first, count, last }: Plan, k: number): number =>
  last !== 0 && k === count - 1 ? last : first + k

export const newBatch = (mostBytes: number): Batch => new Batch(Mode.batch, mostBytes)
export const newTransaction = (mostBytes: number): Batch => new Batch(Mode.transaction, mostBytes)
