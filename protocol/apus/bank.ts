/** A bank: transfers between accounts. Money is neither made nor lost, whatever fails. */
import { array, enumeration, struct, u16, u32, u8 } from '../layout/index.js'
import { refused, type SequentialModel } from '../sequential-model.js'
import type { Application } from './application.js'

export const OPENING_BALANCE = 10

const operationKind = enumeration(['balance', 'transfer'])
const replyKind = enumeration(['balance', 'done', 'insufficient'])
const operationLayout = struct({ kind: operationKind, from: u8, to: u8, zero: u8, amount: u32 })
const replyLayout = struct({ kind: replyKind, zero: u8, more: u16, amount: u32 })

type BankInput =
  | { readonly kind: 'balance'; readonly from: number }
  | { readonly kind: 'transfer'; readonly from: number; readonly to: number; readonly amount: number }
interface BankOutput {
  readonly kind: 'balance' | 'done' | 'insufficient'
  readonly amount: number
}

export function bank(accounts: number): Application {
  /** What has gone out of and come into each account, so that zeros are the opening. */
  const layout = struct({ accounts: array(struct({ out: u32, in: u32 }), accounts) })
  type State = { readonly out: number; readonly in: number }
  const balance = ({ out, in: received }: State): number => OPENING_BALANCE + received - out

  const application: Application<typeof layout, BankInput, BankOutput> = {
    name: 'bank',
    layout,
    operationBytes: operationLayout.sizeBytes,
    replyBytes: replyLayout.sizeBytes,

    apply(state, operation, at, _length, reply, replyAt) {
      const isTransfer = operation.getUint8(at) === operationKind.code.transfer
      const from = operation.getUint8(at + 1)
      const to = operation.getUint8(at + 2)
      const amount = operation.getUint32(at + 4, true)
      const held = balance(state.accounts.at(from))
      let code: number = replyKind.code.balance
      if (isTransfer) {
        if (held < amount) code = replyKind.code.insufficient
        else {
          code = replyKind.code.done
          state.accounts.at(from).out += amount
          state.accounts.at(to).in += amount
        }
      }
      reply.setUint32(replyAt, code, true)
      reply.setUint32(replyAt + 4, isTransfer ? 0 : held, true)
      return replyLayout.sizeBytes
    },

    isRead: (operation, at) => operation.getUint8(at) === operationKind.code.balance,

    drawOperation(draw) {
      const roll = draw.between(0, 2)
      const from = draw.between(0, accounts - 1)
      const to = draw.between(0, accounts - 1)
      const amount = draw.between(1, OPENING_BALANCE)
      return encode(roll === 0 ? { kind: 'balance', from } : { kind: 'transfer', from, to, amount })
    },
    describeRequest(operation) {
      const input = decode(operation)
      if (input.kind === 'balance') return `balance of ${input.from}`
      return `transfer ${input.amount} from ${input.from} to ${input.to}`
    },
    describeReply(memory, at) {
      const { kind, amount } = decodeReply(memory, at)
      return kind === 'balance' ? `balance ${amount}` : kind
    },
    decodeRequest: decode,
    decodeReply,
    model,
    check(state) {
      let sent = 0
      let received = 0
      for (let k = 0; k < accounts; k++) {
        const account = state.accounts.at(k)
        if (balance(account) < 0) return `account ${k} is overdrawn: ${balance(account)}`
        sent += account.out
        received += account.in
      }
      return sent === received
        ? undefined
        : `${sent} has left accounts and ${received} has come into accounts`
    },
    invariant: {
      name: 'money-is-conserved',
      meaning: 'no money is made or lost, and no account is overdrawn',
    },
  }
  return application
}

function encode(input: BankInput): Uint8Array {
  const operation = new Uint8Array(operationLayout.sizeBytes)
  const view = operationLayout.view(new DataView(operation.buffer))
  view.kind = operationKind.code[input.kind]
  view.from = input.from
  if (input.kind === 'transfer') {
    view.to = input.to
    view.amount = input.amount
  }
  return operation
}

function decode(operation: Uint8Array): BankInput {
  const view = operationLayout.view(
    new DataView(operation.buffer, operation.byteOffset, operation.byteLength),
  )
  const { from, to, amount } = view
  return operationKind.nameOf(view.kind) === 'balance'
    ? { kind: 'balance', from }
    : { kind: 'transfer', from, to, amount }
}

function decodeReply(memory: DataView, at: number): BankOutput {
  return { kind: replyKind.nameOf(memory.getUint8(at)), amount: memory.getUint32(at + 4, true) }
}

/** Balances as differences from the opening, by account. */
type Balances = ReadonlyMap<number, number>

const model: SequentialModel<Balances, BankInput, BankOutput> = {
  name: 'bank',
  initial: new Map(),
  step(state, input, output) {
    const held = OPENING_BALANCE + (state.get(input.from) ?? 0)
    if (input.kind === 'balance') {
      const agrees = output === undefined || (output.kind === 'balance' && output.amount === held)
      return agrees ? state : refused
    }
    const kind = held < input.amount ? 'insufficient' : 'done'
    if (output !== undefined && output.kind !== kind) return refused
    if (kind === 'insufficient') return state
    const next = new Map(state)
    next.set(input.from, (next.get(input.from) ?? 0) - input.amount)
    next.set(input.to, (next.get(input.to) ?? 0) + input.amount)
    return next
  },
  key: (state) =>
    [...state]
      .filter(([, difference]) => difference !== 0)
      .sort(([a], [b]) => a - b)
      .map(([account, difference]) => `${account}:${difference}`)
      .join(),
  describe(input, output) {
    const asked =
      input.kind === 'balance'
        ? `balance(${input.from})`
        : `transfer(${input.amount} from ${input.from} to ${input.to})`
    if (output === undefined) return `${asked} -> ?`
    return `${asked} -> ${output.kind === 'balance' ? output.amount : output.kind}`
  },
}
