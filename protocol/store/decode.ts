/** Operations and replies of the store as objects, for judges and readers. Bytes are strings of as many characters. */
import { bigOf, newInteger, readInteger } from './integers.js'
import { argumentBytes, Code, commandBytes, Flag, Mode, skipConditions } from './operation.js'
import { faultTexts, lengthOf, REPLY_HEADER_BYTES, Result, Tag, tagOf } from './reply.js'
import { padded } from './layout.js'

type CommandName = keyof typeof Code
export interface StoreCommand {
  readonly name: CommandName
  readonly flags: number
  readonly number: bigint
  readonly parts: readonly string[]
}
export interface StoreInput {
  readonly time: number
  readonly isTransaction: boolean
  readonly conditions: readonly { readonly version: number; readonly key: string }[]
  readonly commands: readonly StoreCommand[]
}

export type StoreValue =
  | { readonly kind: 'nil' | 'ok' }
  | { readonly kind: 'integer'; readonly value: bigint }
  | { readonly kind: 'bulk'; readonly text: string }
  | { readonly kind: 'array'; readonly items: readonly StoreValue[] }
  | { readonly kind: 'error'; readonly fault: number }
  | { readonly kind: 'type'; readonly isString: boolean }
export interface StoreOutput {
  readonly kind: keyof typeof Result
  /** Of each command that was executed. */
  readonly values: readonly StoreValue[]
}

const namesOf = <Name extends string>(codes: Readonly<Record<Name, number>>): readonly Name[] =>
  (Object.keys(codes) as Name[]).sort((a, b) => codes[a] - codes[b])
const commandNames = namesOf(Code)
const resultNames = namesOf(Result)

/** Decodes an operation that is well formed. */
export function decodeOperation(operation: Uint8Array): StoreInput {
  const memory = new DataView(operation.buffer, operation.byteOffset, operation.byteLength)
  const conditions: StoreInput['conditions'][number][] = []
  let at = 16
  for (let left = memory.getUint16(10, true); left > 0; left--) {
    const version = memory.getUint32(at, true) + memory.getUint32(at + 4, true) * 2 ** 32
    conditions.push({ version, key: argumentAt(memory, at + 8) })
    at += 8 + argumentBytes(memory.getUint32(at + 8, true))
  }
  const commands: StoreCommand[] = []
  at = skipConditions(memory, 0)
  for (let left = memory.getUint16(12, true); left > 0; left--) {
    const flags = memory.getUint8(at + 1)
    const parts: string[] = []
    const number = newInteger()
    if ((flags & Flag.number) !== 0) readInteger(memory, at + 4, number)
    const name = commandNames[memory.getUint8(at)]!
    let next = at + commandBytes(flags)
    for (let rest = memory.getUint16(at + 2, true); rest > 0; rest--) {
      parts.push(argumentAt(memory, next))
      next += argumentBytes(memory.getUint32(next, true))
    }
    commands.push({ name, flags, number: bigOf(number), parts })
    at = next
  }
  const time = memory.getUint32(0, true) + memory.getUint32(4, true) * 2 ** 32
  return { time, isTransaction: memory.getUint8(8) === Mode.transaction, conditions, commands }
}

const argumentAt = (memory: DataView, at: number): string =>
  textAt(memory, at + 4, memory.getUint32(at, true))

function textAt(memory: DataView, at: number, length: number): string {
  let text = ''
  for (let k = 0; k < length; k++) text += String.fromCharCode(memory.getUint8(at + k))
  return text
}

export function decodeReply(memory: DataView, at: number): StoreOutput {
  const values: StoreValue[] = []
  let next = at + REPLY_HEADER_BYTES
  const value = (): StoreValue => {
    const word = memory.getUint32(next, true)
    const length = lengthOf(word)
    next += 4
    switch (tagOf(word)) {
      case Tag.nil:
        return { kind: 'nil' }
      case Tag.ok:
        return { kind: 'ok' }
      case Tag.integer:
        next += 8
        return { kind: 'integer', value: memory.getBigInt64(next - 8, true) }
      case Tag.bulk:
        next += padded(length)
        return { kind: 'bulk', text: textAt(memory, next - padded(length), length) }
      case Tag.array:
        return { kind: 'array', items: Array.from({ length }, value) }
      case Tag.error:
        return { kind: 'error', fault: length }
      default:
        return { kind: 'type', isString: length === 1 }
    }
  }
  for (let left = memory.getUint16(at + 2, true); left > 0; left--) values.push(value())
  return { kind: resultNames[memory.getUint8(at)]!, values }
}

export function describeInput({ time, isTransaction, conditions, commands }: StoreInput): string {
  const checks = conditions.map(({ version, key }) => `if ${key} is ${version}`)
  const texts = commands.map(({ name, flags, number, parts }) =>
    [name, ...parts, ...((flags & Flag.number) === 0 ? [] : [String(number)])].join(' '),
  )
  return `${isTransaction ? 'all' : 'batch'} at ${time}: ${[...checks, ...texts].join('; ')}`
}

export function describeOutput({ kind, values }: StoreOutput): string {
  return kind === 'done' ? `done ${values.map(describeValue).join('; ')}` : kind
}

function describeValue(value: StoreValue): string {
  switch (value.kind) {
    case 'integer':
      return String(value.value)
    case 'bulk':
      return JSON.stringify(value.text)
    case 'array':
      return `[${value.items.map(describeValue).join(', ')}]`
    case 'error':
      return faultTexts[value.fault] ?? `fault ${value.fault}`
    case 'type':
      return value.isString ? 'string' : 'none'
    case 'nil':
    case 'ok':
      return value.kind
  }
}
