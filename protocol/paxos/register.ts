/** What clients should see: a register that is written once and never changes (a "sticky" register). */
import { refused, type SequentialModel } from '../sequential-model.js'
import type { HistoryProperty } from '../system.js'
import { operation, reply, replyKind, requestKind } from './layout.js'

export interface RegisterInput {
  readonly kind: 'put' | 'get'
  readonly value: number
}
export interface RegisterOutput {
  readonly kind: 'ok' | 'taken' | 'value'
  readonly value: number
}

/** The value, or 0 while nothing has been put. A get of an unwritten register does not return. */
const writeOnceRegister: SequentialModel<number, RegisterInput, RegisterOutput> = {
  name: 'write-once register',
  initial: 0,
  step(state, input, output) {
    if (input.kind === 'get') {
      const allowed = output === undefined || (state !== 0 && output.value === state)
      return allowed ? state : refused
    }
    const after = state === 0 ? input.value : state
    if (output === undefined) return after
    const allowed = output.kind === (state === 0 ? 'ok' : 'taken') && output.value === after
    return allowed ? after : refused
  },
  key: (state) => state,
  describe(input, output) {
    const call = input.kind === 'put' ? `put(v${input.value})` : 'get()'
    return `${call} -> ${output === undefined ? '?' : describeOutput(output)}`
  },
}

function describeOutput(output: RegisterOutput): string {
  if (output.kind === 'ok') return 'ok'
  return output.kind === 'taken' ? `taken(v${output.value})` : `v${output.value}`
}

export function decodeOperation(bytes: Uint8Array): RegisterInput {
  const view = operation.view(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength))
  return { kind: view.kind === requestKind.code.put ? 'put' : 'get', value: view.value }
}

export function describeOperation(bytes: Uint8Array): string {
  const { kind, value } = decodeOperation(bytes)
  return kind === 'put' ? `put(v${value})` : 'get()'
}

function decodeReply(memory: DataView, at: number): RegisterOutput {
  const view = reply.view(memory, at)
  return { kind: replyKind.nameOf(view.kind), value: view.value }
}

export function describeReply(memory: DataView, at: number): string {
  return describeOutput(decodeReply(memory, at))
}

export const linearizable: HistoryProperty<RegisterInput, RegisterOutput> = {
  name: 'linearizable',
  meaning:
    'Clients see a register that is written once: the first put wins, and everybody hears of the same value.',
  model: writeOnceRegister,
  decodeRequest: decodeOperation,
  decodeReply,
}
