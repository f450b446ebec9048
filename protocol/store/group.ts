/**
 * Operations of several callers as one batch of the store: their commands one behind the other, under the time that they
 * have in common.
 *
 * Nothing that a caller can see tells a group from its members one after the other. So only operations go together that
 * have the same logged time (else a key might expire earlier for one of them), bring no conditions, and whose results are
 * sure to have room together: then all commands are executed. What only reads goes alone, since it is served without a
 * place in the log, and reads that wait share their confirmation anyway.
 */
import type { OperationGroup } from '../service.js'
import { endOperation } from './encode.js'
import {
  COMMAND_HEADER_BYTES,
  endOfCommands,
  isSure,
  Mode,
  OPERATION_HEADER_BYTES,
  readsOnly,
} from './operation.js'
import { REPLY_HEADER_BYTES, Result, SURE_BYTES, Tag } from './reply.js'

interface GroupBounds {
  readonly operationBytes: number
  readonly replyBytes: number
}

const BEGINNING_BYTES = 512
/** Where in an operation its mode, and how many conditions and commands it has. */
const MODE_AT = 8
const CONDITIONS_AT = 10
const COMMANDS_AT = 12
/** Commands are counted in 16 bits. */
const MOST_COUNTED = 0xffff

export class StoreGroup implements OperationGroup {
  bytes = new Uint8Array(BEGINNING_BYTES)
  length = 0
  members = 0
  readonly #bounds: GroupBounds
  readonly #mostCommands: number
  /** Commands of each member; not kept of one that is alone. */
  readonly #counts: Uint16Array
  #memory = new DataView(this.bytes.buffer)
  /** Where the commands end, and how many there are; known of a first member only when a second one comes. */
  #end = 0
  #commands = 0
  #mayHaveMore = true
  /** The member whose reply is the next, and where its results begin. */
  #next = 0
  #nextAt = REPLY_HEADER_BYTES

  constructor(bounds: GroupBounds) {
    const { operationBytes, replyBytes } = bounds
    this.#bounds = bounds
    this.#mostCommands = Math.min(
      Math.floor((replyBytes - REPLY_HEADER_BYTES) / SURE_BYTES),
      Math.floor((operationBytes - OPERATION_HEADER_BYTES) / COMMAND_HEADER_BYTES),
      MOST_COUNTED,
    )
    this.#counts = new Uint16Array(this.#mostCommands)
  }

  get isOpen(): boolean {
    if (this.members === 1) this.#openUp()
    return this.#mayHaveMore
  }

  add(operation: Uint8Array, length: number): boolean {
    if (this.members === 0) {
      this.#reserve(length)
      copy(operation, 0, this.bytes, 0, length)
      this.length = length
      this.members = 1
      return true
    }
    if (!this.isOpen || !this.#agrees(operation, length)) return false
    const commands = word(operation, COMMANDS_AT)
    const more = length - OPERATION_HEADER_BYTES
    const at = this.#end
    if (this.#commands + commands > this.#mostCommands || !this.#reserve(at + more)) return false
    copy(operation, OPERATION_HEADER_BYTES, this.bytes, at, more)
    const end = endOfSociable(this.#memory, at, commands, more)
    if (end >= 0) {
      this.#counts[this.members++] = commands
      this.#commands += commands
      this.#end = end
    }
    // Also where it was not taken: the copy may lie where padding was.
    this.length = endOperation(this.#memory, this.#end, 0, this.#commands)
    return end >= 0
  }

  takeReply(reply: Uint8Array, into: Uint8Array): number {
    const result = reply[0]!
    // What the store did not take it has not executed, for nobody.
    const commands = result === Result.done ? this.#counts[this.#next++]! : 0
    into[0] = result
    into[1] = 0
    into[2] = commands
    into[3] = commands >>> 8
    for (let k = 4; k < REPLY_HEADER_BYTES; k++) into[k] = 0
    let at = this.#nextAt
    let to = REPLY_HEADER_BYTES
    for (let left = commands; left > 0; left--) {
      const bytes = reply[at] === Tag.integer ? SURE_BYTES : 4
      for (let k = 0; k < bytes; k++) into[to + k] = reply[at + k]!
      at += bytes
      to += bytes
    }
    this.#nextAt = at
    for (; (to & 7) !== 0; to++) into[to] = 0
    return to
  }

  clear(): void {
    this.length = 0
    this.members = 0
    this.#mayHaveMore = true
    this.#next = 0
    this.#nextAt = REPLY_HEADER_BYTES
  }

  /** Looks whether the only member may have company. */
  #openUp(): void {
    this.#mayHaveMore = false
    const { length } = this
    if (!this.#agrees(this.bytes, length)) return
    const commands = word(this.bytes, COMMANDS_AT)
    const from = OPERATION_HEADER_BYTES
    const end = endOfSociable(this.#memory, from, commands, length - from)
    if (commands > this.#mostCommands || end < 0) return
    this.#counts[0] = commands
    this.#commands = commands
    this.#end = end
    this.#mayHaveMore = true
  }

  /** Whether an operation is a batch of the same time as the first, without conditions. */
  #agrees(operation: Uint8Array, length: number): boolean {
    if (length < OPERATION_HEADER_BYTES || operation[MODE_AT] !== Mode.batch) return false
    const { bytes } = this
    for (let k = 0; k < MODE_AT; k++) if (operation[k] !== bytes[k]) return false
    return word(operation, CONDITIONS_AT) === 0 && word(operation, COMMANDS_AT) > 0
  }

  /** Makes room for so many bytes in all. False when no operation may have as many. */
  #reserve(needed: number): boolean {
    const { operationBytes } = this.#bounds
    if (needed > operationBytes) return false
    // Lengths of buffers are multiples of 8, so there is room for the padding too.
    if (needed <= this.bytes.length) return true
    const grown = new Uint8Array(Math.min(operationBytes, Math.max((needed + 7) & ~7, 2 * this.bytes.length)))
    grown.set(this.bytes.subarray(0, this.length))
    this.bytes = grown
    this.#memory = new DataView(grown.buffer)
    return true
  }
}

const word = (bytes: Uint8Array, at: number): number => bytes[at]! | (bytes[at + 1]! << 8)

/**
 * Where so many commands end, if they take up `length` bytes with their padding, every result of them is sure to have
 * room, and one of them at least may write; else -1.
 */
function endOfSociable(memory: DataView, from: number, commands: number, length: number): number {
  let at = from
  let writes = false
  for (let left = commands; left > 0; left--) {
    const next = endOfCommands(memory, at, 1, from + length)
    if (next < 0) return -1
    const code = memory.getUint8(at)
    if (!isSure(code, memory.getUint8(at + 1))) return -1
    if (!readsOnly(code)) writes = true
    at = next
  }
  const padding = from + length - at
  if (!writes || padding < 0 || padding > 4 || (padding === 4 && memory.getUint32(at, true) !== 0)) return -1
  return at
}

/** Short pieces are copied faster in a loop than by a call. */
function copy(from: Uint8Array, at: number, to: Uint8Array, target: number, length: number): void {
  if (length <= 128) for (let i = 0; i < length; i++) to[target + i] = from[at + i]!
  else to.set(from.subarray(at, at + length), target)
}
