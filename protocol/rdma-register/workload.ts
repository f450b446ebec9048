/**
 * The clients: some that put at the writer, and one for each reader that gets from that reader only. Puts carry distinct
 * values above 0, so that a value names its put.
 */
import type { NodeId } from '../contract.js'
import type { ClientModel, Draw, Workload } from '../system.js'
import { requestKind, requestLayout, WRITER } from './layout.js'
import type { RegisterLayouts } from './layout.js'
import { TORN, valueIn } from '../payload.js'

/** A retry comes after a lost message has been noticed and a connection renewed. */
const CLIENT_TIMEOUT_MICROS = 2000

export type RegisterInput =
  { readonly kind: 'put'; readonly value: number } | { readonly kind: 'get'; readonly reader: NodeId }
/** Of a get the value, or TORN; of a put nothing that matters. */
export type RegisterOutput = number

export function workloadOf(
  layouts: RegisterLayouts,
  operations: number,
  attempts: number,
  draw: Draw,
): Workload {
  const { nodes, clients } = layouts
  const puts: Uint8Array[][] = Array.from({ length: clients }, () => [])
  // Drawn operation by operation, so that a longer script begins with the shorter one.
  for (let operation = 0; operation < operations; operation++) {
    for (let client = 0; client < clients; client++) {
      const value = 1000 * (client + 1) + 10 * (operation + 1) + draw.between(0, 9)
      puts[client]!.push(encodeRequest('put', value))
    }
  }
  const clientOf = (node: NodeId, script: readonly Uint8Array[]): ClientModel => ({
    script,
    target: () => node,
    timeoutMicros: CLIENT_TIMEOUT_MICROS,
    attempts,
  })
  const getClients = Array.from({ length: nodes - 1 }, (_, index) =>
    clientOf(
      index + 1,
      Array.from({ length: operations }, () => encodeRequest('get', 0)),
    ),
  )
  return {
    clients: [...puts.map((script) => clientOf(WRITER, script)), ...getClients],
    replyBytes: layouts.getReply.sizeBytes,
    describeRequest(operation) {
      const value = valueOfPut(operation)
      return value === undefined ? 'get' : `put ${value}`
    },
    describeReply(memory, at, length) {
      if (length !== layouts.getReply.sizeBytes) return `published as ${memory.getUint32(at, true)}`
      const value = valueIn(memory, at, layouts.words)
      return value === TORN ? 'torn value' : `value ${value}`
    },
  }
}

function encodeRequest(kind: 'put' | 'get', value: number): Uint8Array {
  const operation = new Uint8Array(requestLayout.sizeBytes)
  const request = requestLayout.view(new DataView(operation.buffer))
  request.kind = requestKind.code[kind]
  request.value = value
  return operation
}

/** What a client has asked. The node that it asked follows from which client it is. */
export function decodeRequest(
  layouts: RegisterLayouts,
  operation: Uint8Array,
  client: number,
): RegisterInput {
  const value = valueOfPut(operation)
  return value === undefined ? { kind: 'get', reader: client - layouts.clients + 1 } : { kind: 'put', value }
}

function valueOfPut(operation: Uint8Array): number | undefined {
  const memory = new DataView(operation.buffer, operation.byteOffset, operation.byteLength)
  const isPut = memory.getUint8(requestLayout.offsetOf('kind')) === requestKind.code.put
  return isPut ? memory.getUint32(requestLayout.offsetOf('value'), true) : undefined
}
