/**
 * A key-value store with conditional update. Values are of one to a few words; each word of a value is derived from the
 * number that names it (`payload.ts`), so that whoever is shown a value sees whether it is whole.
 */
import { array, enumeration, struct, u16, u32, u64, u8 } from '../layout/index.js'
import { refused, type SequentialModel } from '../sequential-model.js'
import { TORN, valueIn, wordOf } from '../payload.js'
import type { Draw } from '../system.js'
import type { Application } from './application.js'

const operationKind = enumeration(['get', 'put', 'update'])
const replyKind = enumeration(['value', 'missing', 'done', 'mismatch', 'full'])

/** What comes before the words of the value. `update` puts the value if the key holds the value named by `expected`. */
const operationHeader = struct({ kind: operationKind, key: u8, words: u16, expected: u32 })
/** Of a get the words of the value follow. */
const replyHeader = struct({ kind: replyKind, words: u16, zero: u32 })

type StoreInput =
  | { readonly kind: 'get'; readonly key: number }
  | { readonly kind: 'put'; readonly key: number; readonly value: number }
  | { readonly kind: 'update'; readonly key: number; readonly value: number; readonly expected: number }
interface StoreOutput {
  readonly kind: 'value' | 'missing' | 'done' | 'mismatch' | 'full'
  /** Of `value`: what the words spell, or TORN. */
  readonly value: number
}

/** `keys` keys find room; clients use one more, so that they also meet a full store. Values have at most `words` words. */
export function keyValueStore(keys: number, words: number): Application {
  const slot = struct({ used: u8, key: u8, words: u16, value: array(u64, words) })
  const layout = struct({ slots: array(slot, keys) })
  const mostKeys = keys + 1

  const store: Application<typeof layout, StoreInput, StoreOutput> = {
    name: 'key-value store',
    layout,
    operationBytes: operationHeader.sizeBytes + 8 * words,
    replyBytes: replyHeader.sizeBytes + 8 * words,

    apply(state, operation, at, length, reply, replyAt) {
      const kind = operation.getUint8(at)
      const key = operation.getUint8(at + 1)
      const valueWords = (length - operationHeader.sizeBytes) >> 3
      let found = -1
      let free = -1
      for (let k = 0; k < keys; k++) {
        const { used, key: its } = state.slots.at(k)
        if (used === 0) {
          if (free < 0) free = k
        } else if (its === key) found = k
      }
      const answer = (code: number, replyWords: number): number => {
        reply.setUint8(replyAt, code)
        reply.setUint8(replyAt + 1, 0)
        reply.setUint16(replyAt + 2, replyWords, true)
        reply.setUint32(replyAt + 4, 0, true)
        return replyHeader.sizeBytes + 8 * replyWords
      }
      if (kind === operationKind.code.get) {
        if (found < 0) return answer(replyKind.code.missing, 0)
        const held = state.slots.at(found)
        const heldWords = held.words
        for (let k = 0; k < heldWords; k++)
          copyWord(held.memory, held.value.base + 8 * k, reply, replyAt + 8 + 8 * k)
        return answer(replyKind.code.value, heldWords)
      }
      if (kind === operationKind.code.update) {
        const expected = operation.getUint32(at + 4, true)
        if (found < 0) return answer(replyKind.code.missing, 0)
        const held = state.slots.at(found)
        if (held.memory.getUint32(held.value.base, true) !== expected)
          return answer(replyKind.code.mismatch, 0)
      }
      const place = found >= 0 ? found : free
      if (place < 0) return answer(replyKind.code.full, 0)
      const target = state.slots.at(place)
      target.used = 1
      target.key = key
      target.words = valueWords
      for (let k = 0; k < words; k++) {
        if (k < valueWords) copyWord(operation, at + 8 + 8 * k, target.memory, target.value.base + 8 * k)
        else target.value.set(k, 0)
      }
      return answer(replyKind.code.done, 0)
    },

    isRead: (operation, at) => operation.getUint8(at) === operationKind.code.get,

    drawOperation(draw, client, position) {
      const roll = draw.between(0, 9)
      const key = draw.between(0, 3) === 0 ? draw.between(0, mostKeys - 1) : 0
      const count = draw.between(1, words)
      const expected = valueNamed(draw, client, position)
      const value = 100 * (client + 1) + position + 1
      if (roll < 4) return encode('get', key, 0, 0, 0)
      if (roll < 8) return encode('put', key, 0, value, count)
      return encode('update', key, expected, value, count)
    },
    describeRequest(operation) {
      const input = decode(operation)
      if (input.kind === 'get') return `get k${input.key}`
      if (input.kind === 'put') return `put k${input.key} ${input.value}`
      return `update k${input.key} ${input.expected} to ${input.value}`
    },
    describeReply(memory, at, length) {
      const { kind, value } = decodeReply(memory, at, length)
      if (kind !== 'value') return kind
      return value === TORN ? 'torn value' : `value ${value}`
    },
    decodeRequest: decode,
    decodeReply,
    model: modelOf(keys),
    check(state) {
      for (let k = 0; k < keys; k++) {
        const held = state.slots.at(k)
        if (held.used === 0) continue
        if (valueIn(held.memory, held.value.base, held.words) === TORN)
          return `key ${held.key} holds words of different values`
      }
      return undefined
    },
    invariant: { name: 'values-are-whole', meaning: 'every value held is the whole value of one request' },
  }
  return store
}

function copyWord(from: DataView, at: number, to: DataView, target: number): void {
  to.setUint32(target, from.getUint32(at, true), true)
  to.setUint32(target + 4, from.getUint32(at + 4, true), true)
}

/** A value that some client may have put before. */
function valueNamed(draw: Draw, client: number, position: number): number {
  const other = draw.between(0, 1) === 0 ? client : draw.between(0, 2)
  return 100 * (other + 1) + draw.between(0, Math.max(0, position - 1)) + 1
}

function encode(
  kind: 'get' | 'put' | 'update',
  key: number,
  expected: number,
  value: number,
  words: number,
): Uint8Array {
  const operation = new Uint8Array(operationHeader.sizeBytes + 8 * words)
  const memory = new DataView(operation.buffer)
  const header = operationHeader.view(memory)
  header.kind = operationKind.code[kind]
  header.key = key
  header.words = words
  header.expected = expected
  const word = struct({ word: u64 }).view(memory)
  for (let k = 0; k < words; k++) {
    word.base = operationHeader.sizeBytes + 8 * k
    word.word = wordOf(value, k)
  }
  return operation
}

function decode(operation: Uint8Array): StoreInput {
  const memory = new DataView(operation.buffer, operation.byteOffset, operation.byteLength)
  const kind = operationKind.nameOf(memory.getUint8(0))
  const key = memory.getUint8(1)
  if (kind === 'get') return { kind, key }
  const value = memory.getUint32(operationHeader.sizeBytes, true)
  if (kind === 'put') return { kind, key, value }
  return { kind, key, value, expected: memory.getUint32(4, true) }
}

function decodeReply(memory: DataView, at: number, length: number): StoreOutput {
  const kind = replyKind.nameOf(memory.getUint8(at))
  const words = (length - replyHeader.sizeBytes) >> 3
  return { kind, value: kind === 'value' ? valueIn(memory, at + replyHeader.sizeBytes, words) : 0 }
}

/** The keys and values held, as text: 'key=value' in the order of keys. */
type Held = ReadonlyMap<number, number>

function modelOf(capacity: number): SequentialModel<Held, StoreInput, StoreOutput> {
  const outcome = (state: Held, input: StoreInput): { readonly next: Held; readonly output: StoreOutput } => {
    const held = state.get(input.key)
    const say = (kind: StoreOutput['kind'], value = 0) => ({ next: state, output: { kind, value } })
    if (input.kind === 'get') return held === undefined ? say('missing') : say('value', held)
    if (input.kind === 'update') {
      if (held === undefined) return say('missing')
      if (held !== input.expected) return say('mismatch')
    }
    if (held === undefined && state.size === capacity) return say('full')
    const next = new Map(state).set(input.key, input.value)
    return { next, output: { kind: 'done', value: 0 } }
  }
  return {
    name: 'key-value store',
    initial: new Map(),
    step(state, input, output) {
      const { next, output: expected } = outcome(state, input)
      if (output === undefined) return next
      return output.kind === expected.kind && output.value === expected.value ? next : refused
    },
    key: (state) =>
      [...state]
        .sort(([a], [b]) => a - b)
        .map(([key, value]) => `${key}=${value}`)
        .join(),
    describe(input, output) {
      const asked =
        input.kind === 'get'
          ? `get(k${input.key})`
          : input.kind === 'put'
            ? `put(k${input.key}, ${input.value})`
            : `update(k${input.key}, ${input.expected} to ${input.value})`
      if (output === undefined) return `${asked} -> ?`
      return `${asked} -> ${output.kind === 'value' ? (output.value === TORN ? 'torn' : output.value) : output.kind}`
    },
  }
}
