/**
 * The writer's puts: sequences, slots, WRITEs, acknowledgements and answers. The rules are told in `writer-core.ts`.
 */
import { Flag } from '../contract.js'
import type { Context, NodeId } from '../contract.js'
import { Integrity, putReplyLayout, queuePairOf, ReaderRegion, WriterRegion } from './layout.js'
import type { RegisterLayouts } from './layout.js'
import { checksumOf, wordOf } from '../payload.js'
import { writerLinks, writerRoles } from './roles.js'

export const writerNotes = [
  'published',
  'answered',
  'waiting',
  'failed',
  'reconnecting',
  'reconnected',
] as const
export const WriterNote = {
  published: 0,
  answered: 1,
  waiting: 2,
  failed: 3,
  reconnecting: 4,
  reconnected: 5,
} as const

export function publication(
  context: Context<RegisterLayouts['writerState']>,
  layouts: RegisterLayouts,
  bug: string | undefined,
) {
  const { host, state, output } = context
  const { slots, clients: clientCount, words, nodes } = layouts
  const answer = putReplyLayout.view(output)
  const staged = layouts.slot.view(output)

  const unsignalledMeansDone = bug === 'unsignalled-means-done'
  const reuseBeforeAcknowledgement = bug === 'reuse-before-acknowledgement'

  /** Whether sequence may be staged: what its slot held before is out of everybody's hands. */
  function slotIsFree(sequence: number): boolean {
    const slot = layouts.slotOf(sequence)
    for (let node = 1; node < nodes; node++) {
      const reader = state.readers.at(node)
      if (reader.inFlight.has(slot)) return false
      if (!reuseBeforeAcknowledgement && reader.acknowledged + slots < sequence) return false
    }
    return true
  }

  /** Builds the payload of a value in `output`. */
  function build(value: number): void {
    for (let k = 0; k < words; k++) staged.words.set(k, wordOf(value, k))
  }

  function stage(slot: number, sequence: number, value: number): void {
    build(value)
    staged.sequence = sequence
    staged.trailer = layouts.integrity === Integrity.canary ? sequence : checksumOf(sequence, staged.words)
    host.publish(WriterRegion.outbox, layouts.offsetOfSlot(slot), 0, layouts.slot.sizeBytes)
  }

  /** Posts the WRITE of a slot to one reader. The NIC fetches the bytes at any time until its completion. */
  function post(node: NodeId, slot: number): void {
    if (!unsignalledMeansDone) state.readers.at(node).inFlight.add(slot)
    host.write(
      queuePairOf(node),
      layouts.addressOfSlot(ReaderRegion.inbox, slot),
      layouts.addressOfSlot(WriterRegion.outbox, slot),
      layouts.slot.sizeBytes,
      slot,
      unsignalledMeansDone ? 0 : Flag.signaled,
    )
  }

  /** Gives the waiting put of a client the next sequence and sends it off. */
  function publish(client: number): void {
    const sequence = state.latest + 1
    const slot = layouts.slotOf(sequence)
    const entry = state.clients.at(client)
    state.latest = sequence
    entry.sequence = sequence
    const record = state.ledger.at(slot)
    record.sequence = sequence
    record.value = entry.value
    stage(slot, sequence, entry.value)
    for (let node = 1; node < nodes; node++) {
      // Who is being reconnected gets the newest sequence when that is done.
      if (state.readers.at(node).link === writerLinks.states.up) post(node, slot)
    }
    host.note(WriterNote.published, sequence)
  }

  function reply(client: number): void {
    const entry = state.clients.at(client)
    answer.sequence = entry.sequence
    answer.zero = 0
    host.reply(client, entry.request, 0, putReplyLayout.sizeBytes)
    host.note(WriterNote.answered, entry.sequence)
  }

  /** Answers the puts that every reader has acknowledged by now. */
  function settle(): void {
    let every = state.latest
    for (let node = 1; node < nodes; node++) {
      const { acknowledged } = state.readers.at(node)
      if (acknowledged < every) every = acknowledged
    }
    // A restarted reader has acknowledged nothing, but what was answered stays answered.
    if (every <= state.settled) return
    const before = state.settled
    state.settled = every
    for (let client = 0; client < clientCount; client++) {
      const { sequence } = state.clients.at(client)
      if (sequence > before && sequence <= every) reply(client)
    }
  }

  /** Everything that acknowledgements, completions and requests may have made possible. */
  function advance(): void {
    settle()
    for (let client = 0; client < clientCount; client++) {
      const entry = state.clients.at(client)
      if (entry.request !== 0 && entry.sequence === 0 && slotIsFree(state.latest + 1)) publish(client)
    }
    updateRole()
  }

  function updateRole(): void {
    let role: number =
      state.settled === state.latest ? writerRoles.states.idle : writerRoles.states.publishing
    for (let node = 1; node < nodes; node++) {
      if (state.readers.at(node).link !== writerLinks.states.up) role = writerRoles.states.reconnecting
    }
    state.role = role
  }

  /** The wrong belief that an error means "not applied": the sequence is given to the next put. */
  function takeBack(slot: number): void {
    const record = state.ledger.at(slot)
    if (record.sequence !== state.latest || state.latest === state.settled) return
    for (let client = 0; client < clientCount; client++) {
      const entry = state.clients.at(client)
      if (entry.sequence !== record.sequence) continue
      entry.request = 0
      entry.value = 0
      entry.sequence = 0
    }
    record.sequence = 0
    record.value = 0
    state.latest -= 1
  }

  /** Writes the payload of a put that waits into the slot that it will get, whoever may still be fetching from there. */
  function stageEarly(value: number): void {
    build(value)
    const at = layouts.slot.offsetOf('words')
    const offset = layouts.offsetOfSlot(layouts.slotOf(state.latest + 1)) + at
    host.publish(WriterRegion.outbox, offset, at, 8 * words)
  }

  return { post, reply, advance, updateRole, takeBack, stageEarly }
}
