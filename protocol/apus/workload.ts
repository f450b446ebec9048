/** Clients that ask one replica after another until they are answered. */
import type { ClientModel, Draw, Workload } from '../system.js'
import type { Application } from './application.js'
import { REFUSAL_BYTES } from './clients.js'

export const MOST_CLIENTS = 3
export const MOST_OPERATIONS = 8
const TIMEOUT_MICROS = 3000
const ATTEMPTS_PER_REPLICA = 8

export function workloadOf(
  application: Application,
  nodes: number,
  clients: number,
  operations: number,
  draw: Draw,
): Workload {
  // All that could be asked for is drawn, position by position, so that fewer clients or operations are a prefix.
  const scripts: Uint8Array[][] = Array.from({ length: MOST_CLIENTS }, () => [])
  for (let position = 0; position < MOST_OPERATIONS; position++)
    for (let client = 0; client < MOST_CLIENTS; client++)
      scripts[client]!.push(application.drawOperation(draw, client, position))
  const clientOf = (script: readonly Uint8Array[]): ClientModel => ({
    script,
    target: (attempt) => attempt % nodes,
    timeoutMicros: TIMEOUT_MICROS,
    attempts: ATTEMPTS_PER_REPLICA * nodes,
  })
  return {
    clients: scripts.slice(0, clients).map((script) => clientOf(script.slice(0, operations))),
    replyBytes: application.replyBytes,
    describeRequest: (operation) => application.describeRequest(operation),
    describeReply: (memory, at, length) =>
      length === REFUSAL_BYTES
        ? 'refused: a majority of memories is lost'
        : application.describeReply(memory, at, length),
    isRefusal: (_memory, _at, length) => length === REFUSAL_BYTES,
  }
}
