/**
 * The log of a replica: what it remembers of each entry, where the entries lie, and what they make of the application.
 *
 * What a replica knows it keeps in private memory. The registered log is how entries travel: the leader lays an entry
 * down in its own, from where the NIC fetches it, and finds it at the same offset of the logs of the others. So bytes
 * that a deposed leader's last WRITEs leave behind can spoil an entry under way, which is then sent again, never one that
 * was accepted.
 */
import { invariant } from '../invariant.js'
import { avalanche, blend, blendBytes } from '../checksum.js'
import { entryHeader, entryKind, Region } from './layout.js'
import type { Replica } from './replica.js'
import { noteKind } from './notes.js'
import { replicaRoles } from './roles.js'

export function createLog(replica: Replica) {
  const { context, layouts } = replica
  const { host, state, output } = context
  const { retained, application } = layouts
  const header = layouts.header.view(output)
  const trailer = layouts.trailer.view(output)
  const duplicateApplied = replica.is('duplicate-applied')

  /** What is remembered of an entry. */
  function at(index: number) {
    return state.log.at(index % retained)
  }

  /** Where the entry at an index begins, of those retained and the one after the last. */
  function positionOf(index: number): number {
    return index > state.end ? state.endPosition : at(index).position
  }

  function viewOf(index: number): number {
    return at(index).view
  }

  /**
   * Puts an entry behind index - 1; what was there is forgotten. The operation is `bytes` bytes at `from` of `source`.
   * The entry that it takes the place of has long been applied.
   */
  function put(
    index: number,
    view: number,
    kind: number,
    client: number,
    sequence: number,
    source: DataView,
    from: number,
    bytes: number,
  ): void {
    const position = positionOf(index)
    replica.storage.forgetFrom(index)
    if (index - state.head >= retained) {
      invariant(state.head <= state.machine.applied, 'an entry is forgotten only when it has been applied')
      state.head = index - retained + 1
      host.note(noteKind.code.recycled, state.head - 1)
    }
    const entry = at(index)
    copyOperation(source, from, bytes, entry.operation.memory, entry.operation.base, entry.bytes)
    entry.position = position
    entry.view = view
    entry.written = 0
    entry.kind = kind
    entry.client = client
    entry.sequence = sequence
    entry.bytes = bytes
    state.end = index
    state.endView = view
    state.endPosition = layouts.after(position, layouts.entryBytes(bytes))
    state.lastRequest = lastRequestUpTo(index)
  }

  function lastRequestUpTo(index: number): number {
    for (let at = index; at >= state.head && at > 0; at--)
      if (state.log.at(at % retained).kind === entryKind.code.request) return at
    return 0
  }

  /**
   * Drops the last entry if it is an uncommitted NOP, which the NOP of a new leader then replaces: so views that come and
   * go do not fill the log. Whoever has committed the old one has committed a NOP at that index all the same.
   */
  function dropNop(): void {
    if (state.end === state.commit) return
    const { kind, position } = at(state.end)
    if (kind !== entryKind.code.nop) return
    state.end -= 1
    state.endPosition = position
  }

  /** Wrong: gives the index of the last entry to another one, because a WRITE of it has failed. */
  function takeBack(): void {
    if (state.role !== replicaRoles.states.leader || state.end === state.commit) return
    const { kind, position, client } = at(state.end)
    if (kind !== entryKind.code.request) return
    state.waiting.at(client).taken = 0
    state.end -= 1
    state.endPosition = position
    state.cursor = state.end
  }

  /** Lays an entry down in the own registered log, as the leader of this view. */
  function lay(index: number): void {
    const entry = at(index)
    const { bytes, position } = entry
    header.sender = state.view + 1
    header.index = index
    header.view = entry.view
    header.commit = Math.min(state.commit, index - 1)
    header.kind = entry.kind
    header.client = entry.client
    header.bytes = bytes
    header.sequence = entry.sequence
    header.zero = 0
    const source = entry.operation.memory
    const from = entry.operation.base
    const { sizeBytes } = entryHeader
    copyOperation(source, from, bytes, output, sizeBytes, 0)
    trailer.base = sizeBytes + bytes
    trailer.index = index
    trailer.sender = state.view + 1
    const length = layouts.entryBytes(bytes)
    header.seal = sealOf(output, length)
    entry.written = state.view + 1
    host.publish(Region.log, position % layouts.logBytes, 0, length)
  }

  /** Applies what is committed. A leader answers. */
  function apply(): void {
    const { machine } = state
    while (machine.applied < state.commit) {
      const index = machine.applied + 1
      const entry = at(index)
      const { kind, client, sequence, view } = entry
      machine.applied = index
      machine.appliedView = view
      machine.digest = blend(blend(machine.digest, kind), blend(client, sequence)) >>> 0
      host.note(noteKind.code.applied, index)
      if (kind !== entryKind.code.request) continue
      const row = machine.table.at(client)
      if (sequence > row.sequence || duplicateApplied) {
        row.sequence = sequence
        const { reply, replyLength: before } = row
        row.replyLength = application.apply(
          machine.application,
          entry.operation.memory,
          entry.operation.base,
          entry.bytes,
          reply.memory,
          reply.base,
        )
        for (let k = row.replyLength; k < before; k++) reply.set(k, 0)
      } else host.note(noteKind.code.duplicate, client)
      if (state.role === replicaRoles.states.leader) replica.clients.answer(client, sequence)
    }
  }

  /** Learns that everything up to an index is committed. */
  function commitUpTo(index: number): void {
    if (index <= state.commit) return
    state.commit = index
    host.note(noteKind.code.committed, index)
    apply()
  }

  /** Whether a log that ends with this viewstamp has everything that this one may have had a hand in committing. */
  function isUpToDate(endView: number, end: number): boolean {
    return endView > state.endView || (endView === state.endView && end >= state.end)
  }

  return { at, positionOf, viewOf, put, dropNop, takeBack, lay, commitUpTo, isUpToDate }
}

/** Copies an operation of `bytes` bytes, and fills what is left of the one of `before` bytes that was there with zeros. */
export function copyOperation(
  source: DataView,
  from: number,
  bytes: number,
  target: DataView,
  to: number,
  before: number,
): void {
  for (let k = 0; k < bytes; k += 4) target.setUint32(to + k, source.getUint32(from + k, true), true)
  for (let k = bytes; k < before; k += 4) target.setUint32(to + k, 0, true)
}

/** Checksum of an entry of `length` bytes at the front of `memory`: over everything but the seal itself. */
export function sealOf(memory: DataView, length: number): number {
  return avalanche(blendBytes(length, memory, 4, length - 4)) >>> 0
}
