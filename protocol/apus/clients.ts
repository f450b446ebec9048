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
    if (sequence <= state.waiting.at(client).sequence) return
    if (isUnderWay(client, sequence) && !duplicateApplied) return
    forget(client)
    const its = state.waiting.at(client)
    copyOperation(input, 0, length, its.operation.memory, its.operation.base, its.bytes)
    its.sequence = sequence
    its.bytes = length
    its.isRead = isRead
    if (isRead) {
      state.readsWaiting += 1
      replica.reads.advance()
    } else {
      if (state.requestsWaiting === 0) state.nextClient = client
      state.requestsWaiting += 1
      appendWaiting()
    }
  }

  /** Whether the request is in the log and not applied yet: given an index in this office, or in an earlier one. */
  function isUnderWay(client: number, sequence: number): boolean {
    if (sequence === state.waiting.at(client).taken) return true
    const inherited = Math.min(state.end, state.office - 1)
    for (let index = state.machine.applied + 1; index <= inherited; index++) {
      const entry = replica.log.at(index)
      if (entry.kind === entryKind.code.request && entry.client === client && entry.sequence === sequence)
        return true
    }
    return false
  }

  /** Gives requests that wait a place in the log, as far as it has room. */
  function appendWaiting(): void {
    if (state.role !== role.leader) return
    for (let client = state.nextClient; state.requestsWaiting > 0; client = (client + 1) % clients) {
      const waiting = state.waiting.at(client)
      if (waiting.sequence === 0 || waiting.isRead) continue
      state.nextClient = client
      if (!replica.leading.isOpen()) {
        host.note(noteKind.code.full, client)
        return
      }
      const { sequence, bytes, operation } = waiting
      waiting.taken = sequence
      forget(client)
      state.nextClient = (client + 1) % clients
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
    copyBytes(row.reply.memory, row.reply.base, output, length)
    host.reply(client, sequence, 0, length)
    host.note(noteKind.code.replied, client)
  }

  /** What this client has asked for waits no more. */
  function forget(client: number): void {
    const waiting = state.waiting.at(client)
    if (waiting.sequence === 0) return
    if (waiting.isRead) state.readsWaiting -= 1
    else state.requestsWaiting -= 1
    waiting.sequence = 0
    waiting.isRead = false
    waiting.confirming = false
  }

  /** A replica that does not lead forgets what waits: the clients ask again, elsewhere. */
  function forgetWaiting(): void {
    for (let client = 0; client < clients; client++) {
      forget(client)
      const waiting = state.waiting.at(client)
      waiting.taken = 0
      waiting.bytes = 0
      waiting.operation.clear()
    }
    state.nextClient = 0
    replica.reads.forget()
  }

  return { request, appendWaiting, answer, forget, forgetWaiting }
}

/** Copies bytes to the front of `target`, four at a time as far as they go. */
function copyBytes(source: DataView, from: number, target: DataView, bytes: number): void {
  let k = 0
  for (; k + 4 <= bytes; k += 4) target.setUint32(k, source.getUint32(from + k, true), true)
  for (; k < bytes; k++) target.setUint8(k, source.getUint8(from + k))
}
