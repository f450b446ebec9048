/**
 * Clients: the leader gives their requests a place in the log, and answers when the entry has been applied. The client
 * table, which is part of what entries make and thus the same at every replica, remembers the last request of each client
 * and its reply, so that a request takes effect once however often it is repeated and whoever leads (Viewstamped
 * Replication Revisited, section 4.1).
 */
import { entryKind, Reads } from './layout.js'
import { copyOperation } from './log.js'
import { noteKind } from './notes.js'
import type { Replica } from './replica.js'
import { replicaRoles } from './roles.js'

/** An empty reply says that a majority of memories is lost: whether the request has taken effect, nobody can know. */
export const REFUSAL_BYTES = 0

export function createClients(replica: Replica) {
  const { context, layouts } = replica
  const { host, state, input, output } = context
  const { application, clients, reads } = layouts
  const { states: role } = replicaRoles
  const duplicateApplied = replica.is('duplicate-applied')

  /** A client asks, perhaps not for the first time. */
  function request(client: number, sequence: number, length: number): void {
    if (state.role === role.refusing) {
      host.reply(client, sequence, 0, REFUSAL_BYTES)
      host.note(noteKind.code['turned-away'], client)
      return
    }
    if (state.role !== role.leader) {
      host.note(noteKind.code.redirected, client)
      return
    }
    if (length > application.operationBytes || length % 8 !== 0) return
    const isRead = reads === Reads.confirmed && application.isRead(input, 0)
    const known = state.machine.table.at(client).sequence
    if (sequence <= known && !duplicateApplied) return answer(client, sequence)
    const waiting = state.waiting.at(client)
    if (sequence <= waiting.sequence || (isUnderWay(client, sequence) && !duplicateApplied)) return
    const its = state.waiting.at(client)
    its.sequence = sequence
    its.bytes = length
    its.isRead = isRead
    its.confirming = false
    const target = its.operation.memory
    const to = its.operation.base
    copyOperation(input, 0, length, target, to, application.operationBytes)
    if (isRead) replica.reads.advance()
    else appendWaiting()
  }

  /** Whether the request is in the log and not applied yet. */
  function isUnderWay(client: number, sequence: number): boolean {
    for (let index = state.machine.applied + 1; index <= state.end; index++) {
      const entry = replica.log.at(index)
      if (entry.kind === entryKind.code.request && entry.client === client && entry.sequence === sequence)
        return true
    }
    return false
  }

  /** Gives requests that wait a place in the log, as far as it has room. */
  function appendWaiting(): void {
    if (state.role !== role.leader) return
    for (let client = 0; client < clients; client++) {
      const waiting = state.waiting.at(client)
      if (waiting.sequence === 0 || waiting.isRead) continue
      if (!replica.leading.isOpen()) {
        host.note(noteKind.code.full, client)
        return
      }
      const { sequence, bytes, operation } = waiting
      waiting.sequence = 0
      replica.leading.append(
        entryKind.code.request,
        client,
        sequence,
        operation.memory,
        operation.base,
        bytes,
      )
    }
  }

  /** Answers a request from the client table. */
  function answer(client: number, sequence: number): void {
    const row = state.machine.table.at(client)
    if (row.sequence !== sequence) return
    const length = row.replyLength
    const { reply } = row
    for (let k = 0; k < length; k++) output.setUint8(k, reply.get(k))
    host.reply(client, sequence, 0, length)
    host.note(noteKind.code.replied, client)
  }

  /** A replica that does not lead forgets what waits: the clients ask again, elsewhere. */
  function forgetWaiting(): void {
    for (let client = 0; client < clients; client++) {
      const waiting = state.waiting.at(client)
      waiting.sequence = 0
      waiting.bytes = 0
      waiting.isRead = false
      waiting.confirming = false
      waiting.operation.clear()
    }
    replica.reads.forget()
  }

  return { request, appendWaiting, answer, forgetWaiting }
}
