/** The store as a map: the sequential model that its bytes are judged by, written without regard to speed. */
import { refused, type SequentialModel } from '../sequential-model.js'
import {
  describeInput,
  describeOutput,
  type StoreCommand,
  type StoreInput,
  type StoreOutput,
  type StoreValue,
} from './decode.js'
import { blocksOf, mostValueBytes, padded, type StoreShape } from './layout.js'
import { Flag, readsOnly, Code } from './operation.js'
import { Fault, REPLY_HEADER_BYTES, SURE_BYTES } from './reply.js'

interface Entry {
  readonly value: string
  readonly version: number
  /** 0 is never. */
  readonly expiry: number
}
interface ModelState {
  readonly clock: number
  readonly versions: number
  readonly keys: ReadonlyMap<string, Entry>
}

type Shape = Pick<StoreShape, 'slots' | 'blocks' | 'blockBytes' | 'replyBytes'>
const LEAST = -(2n ** 63n)
const MOST = 2n ** 63n - 1n
const LATEST = BigInt(Number.MAX_SAFE_INTEGER)

const nil: StoreValue = { kind: 'nil' }
const ok: StoreValue = { kind: 'ok' }
const integer = (value: number | bigint): StoreValue => ({ kind: 'integer', value: BigInt(value) })
const bulk = (text: string): StoreValue => ({ kind: 'bulk', text })
const fault = (which: number): StoreValue => ({ kind: 'error', fault: which })

/** The state after an operation, and its output. */
function runModel(
  shape: Shape,
  state: ModelState,
  input: StoreInput,
): { readonly next: ModelState; readonly output: StoreOutput } {
  const { replyBytes } = shape
  const { commands, isTransaction } = input
  const sure = isTransaction ? SURE_BYTES * commands.length : Math.min(1, commands.length) * SURE_BYTES
  if (REPLY_HEADER_BYTES + sure > replyBytes)
    return { next: state, output: { kind: 'malformed', values: [] } }
  const writes = commands.some(({ name }) => !readsOnly(Code[name]))
  const now = Math.max(state.clock, input.time)
  const live = liveOf(state.keys, now)
  const begun: ModelState = { ...state, clock: writes ? now : state.clock, keys: writes ? live : state.keys }
  if (input.conditions.some(({ key, version }) => (live.get(key)?.version ?? 0) !== version))
    return { next: begun, output: { kind: 'conflict', values: [] } }
  let held: ModelState = { ...begun, keys: live }
  const values: StoreValue[] = []
  let used = REPLY_HEADER_BYTES
  for (const [k, command] of commands.entries()) {
    if (!isTransaction && used + SURE_BYTES > replyBytes) break
    const { next, value } = execute(shape, held, now, command)
    const room = replyBytes - used - (isTransaction ? SURE_BYTES * (commands.length - 1 - k) : 0)
    const fits = sizeOf(value) <= room
    if (!fits && !isTransaction && k > 0) break
    // A deadline may have been set in the past.
    if (fits) held = { ...next, keys: liveOf(next.keys, now) }
    values.push(fits ? value : fault(Fault.replyTooLong))
    used += sizeOf(values.at(-1)!)
  }
  return { next: writes ? held : state, output: { kind: 'done', values } }
}

const liveOf = (keys: ModelState['keys'], now: number): ModelState['keys'] =>
  new Map([...keys].filter(([, { expiry }]) => expiry === 0 || now <= expiry))

function sizeOf(value: StoreValue): number {
  switch (value.kind) {
    case 'integer':
      return 12
    case 'bulk':
      return 4 + padded(value.text.length)
    case 'array':
      return value.items.reduce((sum, item) => sum + sizeOf(item), 4)
    case 'nil':
    case 'ok':
    case 'error':
    case 'type':
      return 4
  }
}

interface Done {
  readonly next: ModelState
  readonly value: StoreValue
}

/** Executes a command on a state without expired keys. */
function execute(shape: Shape, state: ModelState, now: number, command: StoreCommand): Done {
  const { name, parts, number } = command
  const has = (flag: number): boolean => (command.flags & flag) !== 0
  const key = parts[0] ?? ''
  const entry = state.keys.get(key)
  const say = (value: StoreValue): Done => ({ next: state, value })
  const without = (...names: readonly string[]): ModelState => ({
    ...state,
    keys: new Map([...state.keys].filter(([each]) => !names.includes(each))),
  })
  const change = (to: string, value: string, expiry: number, answer: StoreValue): Done => {
    if (value.length > mostValueBytes(shape)) return say(fault(Fault.valueTooLong))
    const next = withEntry(state, to, value, expiry)
    return fitsIn(shape, next) ? { next, value: answer } : say(fault(Fault.full))
  }
  const deadline = (): number => {
    const time = has(Flag.relative) && isSafe(number) ? BigInt(now) + number : number
    return Number(time < 1n ? 1n : time > LATEST ? LATEST : time)
  }
  const old = entry === undefined ? nil : bulk(entry.value)

  switch (name) {
    case 'get':
      return say(old)
    case 'strlen':
      return say(integer(entry?.value.length ?? 0))
    case 'exists':
      return say(integer(parts.filter((each) => state.keys.has(each)).length))
    case 'mget': {
      const each = (part: string): StoreValue => {
        const found = state.keys.get(part)
        return found === undefined ? nil : bulk(found.value)
      }
      return say({ kind: 'array', items: parts.map(each) })
    }
    case 'ttl': {
      if (entry === undefined) return say(integer(-2))
      if (entry.expiry === 0) return say(integer(-1))
      const millis = has(Flag.absolute) ? entry.expiry : entry.expiry - now
      return say(integer(has(Flag.millis) ? millis : Math.floor((millis + 500) / 1000)))
    }
    case 'type':
      return say({ kind: 'type', isString: entry !== undefined })
    case 'versions':
      return say({ kind: 'array', items: parts.map((part) => integer(state.keys.get(part)?.version ?? 0)) })
    case 'size':
      return say(integer(state.keys.size))
    case 'count': {
      const expiring = [...state.keys.values()].filter(({ expiry }) => expiry !== 0).length
      const { blocks, blockBytes } = shape
      const items = [state.keys.size, expiring, blocksIn(shape, state) * blockBytes, blocks * blockBytes]
      return say({ kind: 'array', items: items.map(integer) })
    }
    case 'set': {
      const isRefused = entry === undefined ? has(Flag.xx) : has(Flag.nx)
      if (isRefused) return say(has(Flag.counted) ? integer(0) : has(Flag.get) ? old : nil)
      const expiry = has(Flag.number) ? deadline() : has(Flag.keepTtl) ? (entry?.expiry ?? 0) : 0
      return change(key, parts[1]!, expiry, has(Flag.counted) ? integer(1) : has(Flag.get) ? old : ok)
    }
    case 'getdel':
      return { next: without(key), value: old }
    case 'append': {
      const value = (entry?.value ?? '') + parts[1]!
      return change(key, value, entry?.expiry ?? 0, integer(value.length))
    }
    case 'del': {
      const found = new Set(parts.filter((part) => state.keys.has(part)))
      return { next: without(...found), value: integer(found.size) }
    }
    case 'incrby': {
      const text = entry?.value ?? '0'
      if (!/^(0|-?[1-9][0-9]*)$/.test(text) || text.length > 20 || !isWord(BigInt(text)))
        return say(fault(Fault.notInteger))
      const sum = BigInt(text) + number
      if (!isWord(sum)) return say(fault(Fault.overflow))
      return change(key, String(sum), entry?.expiry ?? 0, integer(sum))
    }
    case 'mset':
      return setMany(shape, state, parts, has(Flag.nx), has(Flag.counted))
    case 'expire': {
      if (entry === undefined) return say(integer(0))
      const { expiry } = entry
      const time = deadline()
      const isRefused =
        (has(Flag.nx) && expiry !== 0) ||
        (has(Flag.xx) && expiry === 0) ||
        (has(Flag.gt) && (expiry === 0 || time <= expiry)) ||
        (has(Flag.lt) && expiry !== 0 && time >= expiry)
      if (isRefused) return say(integer(0))
      if (time <= now) return { next: without(key), value: integer(1) }
      return { next: withEntry(state, key, entry.value, time), value: integer(1) }
    }
    case 'persist':
      if (entry === undefined || entry.expiry === 0) return say(integer(0))
      return { next: withEntry(state, key, entry.value, 0), value: integer(1) }
    case 'flush':
      return { next: { ...state, keys: new Map() }, value: ok }
  }
}

function setMany(
  shape: Shape,
  state: ModelState,
  parts: readonly string[],
  nx: boolean,
  counted: boolean,
): Done {
  const pairs = parts.flatMap((key, k) => (k % 2 === 0 ? [{ key, value: parts[k + 1]! }] : []))
  const say = (value: StoreValue): Done => ({ next: state, value })
  if (nx && pairs.some(({ key }) => state.keys.has(key))) return say(integer(0))
  if (pairs.some(({ value }) => value.length > mostValueBytes(shape))) return say(fault(Fault.valueTooLong))
  let moreKeys = 0
  let moreBlocks = 0
  for (const { key, value } of pairs) {
    const entry = state.keys.get(key)
    const needs = blocksOf(key.length, value.length, shape.blockBytes)
    if (entry === undefined) moreKeys++
    const had = entry === undefined ? 0 : blocksOf(key.length, entry.value.length, shape.blockBytes)
    moreBlocks += Math.max(0, needs - had)
  }
  if (state.keys.size + moreKeys > shape.slots || blocksIn(shape, state) + moreBlocks > shape.blocks)
    return say(fault(Fault.full))
  const next = pairs.reduce((held, { key, value }) => withEntry(held, key, value, 0), state)
  return { next, value: counted ? integer(1) : ok }
}

const withEntry = (state: ModelState, key: string, value: string, expiry: number): ModelState => ({
  ...state,
  versions: state.versions + 1,
  keys: new Map(state.keys).set(key, { value, version: state.versions + 1, expiry }),
})

const blocksIn = ({ blockBytes }: Shape, { keys }: ModelState): number =>
  [...keys].reduce((sum, [key, { value }]) => sum + blocksOf(key.length, value.length, blockBytes), 0)

const fitsIn = (shape: Shape, state: ModelState): boolean =>
  state.keys.size <= shape.slots && blocksIn(shape, state) <= shape.blocks

const isWord = (value: bigint): boolean => value >= LEAST && value <= MOST
const isSafe = (value: bigint): boolean => value >= -LATEST && value <= LATEST

/** What of an output the model foresees: of the bytes used it does not know which are of expired keys. */
const foreseen = (output: StoreOutput, { commands }: StoreInput): string =>
  describeOutput({
    kind: output.kind,
    values: output.values.map((value, k) =>
      commands[k]!.name === 'count' && value.kind === 'array'
        ? { kind: 'array', items: value.items.with(2, nil) }
        : value,
    ),
  })

export function storeModel(shape: Shape): SequentialModel<ModelState, StoreInput, StoreOutput> {
  return {
    name: 'store',
    initial: { clock: 0, versions: 0, keys: new Map() },
    step(state, input, output) {
      const { next, output: expected } = runModel(shape, state, input)
      if (output === undefined) return next
      const agrees = output.values.length <= input.commands.length
      return agrees && foreseen(output, input) === foreseen(expected, input) ? next : refused
    },
    key: ({ clock, versions, keys }) =>
      JSON.stringify([clock, versions, [...keys].sort(([a], [b]) => (a < b ? -1 : 1))]),
    describe: (input, output) =>
      `${describeInput(input)} -> ${output === undefined ? '?' : describeOutput(output)}`,
  }
}
