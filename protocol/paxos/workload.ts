/** Clients that race to put values of their own and ask what was decided. */
import type { Choice, ClientModel, Workload } from '../system.js'
import { operation, reply, requestKind } from './layout.js'
import { describeOperation, describeReply } from './register.js'

export const MOST_CLIENTS = 4
export const MOST_OPERATIONS = 4
const TIMEOUT_MICROS = 2000
const ATTEMPTS_PER_SERVER = 8

/** Every put has a value of its own: v1, v2, ... by client and position. */
function valueOf(client: number, position: number): number {
  return client * MOST_OPERATIONS + position + 1
}

export function drawWorkload(choice: Choice, clients: number, operations: number): Workload {
  // All that could be asked for is drawn, position by position, so that fewer clients or operations are a prefix.
  const scripts: Uint8Array[][] = Array.from({ length: MOST_CLIENTS }, () => [])
  for (let position = 0; position < MOST_OPERATIONS; position++)
    for (let client = 0; client < MOST_CLIENTS; client++) {
      const roll = choice.draw.between(0, 3)
      const isPut = position === 0 ? client === 0 || roll > 0 : roll > 1
      scripts[client]!.push(encode(isPut ? valueOf(client, position) : 0))
    }
  return {
    clients: scripts
      .slice(0, clients)
      .map((script, client) => clientOf(script.slice(0, operations), client, choice.nodes)),
    replyBytes: reply.sizeBytes,
    describeRequest: describeOperation,
    describeReply,
  }
}

function clientOf(script: readonly Uint8Array[], client: number, servers: number): ClientModel {
  return {
    script,
    target: (attempt) => (client + attempt) % servers,
    timeoutMicros: TIMEOUT_MICROS,
    attempts: ATTEMPTS_PER_SERVER * servers,
  }
}

/** A put of the value, or a get when it is 0. */
function encode(value: number): Uint8Array {
  const bytes = new Uint8Array(operation.sizeBytes)
  const view = operation.view(new DataView(bytes.buffer))
  view.kind = value === 0 ? requestKind.code.get : requestKind.code.put
  view.value = value
  return bytes
}
