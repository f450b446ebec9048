/** A store on memory of its own, and operations as they are written down in tests. */
import {
  beginOperation,
  Code,
  conditionBytes,
  endOperation,
  Flag,
  Mode,
  newInteger,
  putArgument,
  putCommand,
  putCondition,
  store,
  type StoreCapacity,
} from '../../../protocol/store/index.js'
import { decodeReply, type StoreOutput } from '../../../protocol/store/decode.js'

export interface Command {
  readonly name: keyof typeof Code
  readonly parts?: readonly string[]
  readonly flags?: number
  readonly number?: bigint | number
}
export interface Asked {
  readonly commands: readonly Command[]
  readonly time?: number
  readonly isTransaction?: boolean
  readonly conditions?: readonly { readonly key: string; readonly version: number }[]
}

export function encode({
  commands,
  time = 1_000,
  isTransaction = false,
  conditions = [],
}: Asked): Uint8Array {
  const bytes = (text: string): DataView => {
    const octets = Uint8Array.from(text, (letter) => letter.charCodeAt(0))
    return new DataView(octets.buffer)
  }
  const size =
    32 +
    conditions.reduce((sum, { key }) => sum + conditionBytes(key.length), 0) +
    commands.reduce((sum, { parts = [] }) => parts.reduce((all, part) => all + 8 + part.length, sum + 16), 0)
  const operation = new Uint8Array(size)
  const memory = new DataView(operation.buffer)
  let at = beginOperation(memory, isTransaction ? Mode.transaction : Mode.batch, time)
  for (const { key, version } of conditions) at = putCondition(memory, at, version, bytes(key), 0, key.length)
  for (const { name, parts = [], flags = 0, number } of commands) {
    const integer = newInteger()
    if (number !== undefined) {
      integer.isWide = !Number.isSafeInteger(Number(number))
      integer.value = Number(number)
      integer.wide = BigInt(number)
    }
    const all = flags | (number === undefined ? 0 : Flag.number)
    at = putCommand(memory, at, Code[name], all, parts.length, integer)
    for (const part of parts) at = putArgument(memory, at, bytes(part), 0, part.length)
  }
  return operation.slice(0, endOperation(memory, at, conditions.length, commands.length))
}

/** `skew` is where in memory the store begins, as in the bytes of a replica. */
export function openStore(capacity: StoreCapacity, skew = 0) {
  const application = store(capacity)
  const memory = new DataView(new ArrayBuffer(application.layout.sizeBytes + skew))
  const state = application.layout.view(memory, skew)
  const reply = new DataView(new ArrayBuffer(application.replyBytes))
  return {
    application,
    state,
    bytes: (): Buffer => Buffer.from(memory.buffer.slice(0)),
    apply(operation: Uint8Array): StoreOutput {
      const input = new DataView(operation.buffer, operation.byteOffset, operation.byteLength)
      const length = application.apply(state, input, 0, operation.byteLength, reply, 0)
      if (length > application.replyBytes || length % 8 !== 0)
        throw new Error(`a reply of ${String(length)} bytes`)
      return decodeReply(reply, 0)
    },
    /** What one command answers. */
    ask(name: keyof typeof Code, parts: readonly string[] = [], flags = 0, number?: bigint, time = 1_000) {
      const command = number === undefined ? { name, parts, flags } : { name, parts, flags, number }
      return this.apply(encode({ commands: [command], time })).values[0]!
    },
  }
}
