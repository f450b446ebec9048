/**
 * A reader: polls its inbox for newer publications, keeps the newest that is whole, acknowledges it by a one-sided WRITE
 * into the writer's memory, and answers gets from its own copy.
 *
 * Guarantees: what is accepted is the whole payload of one publication; within an incarnation accepted sequences rise;
 * a restarted reader does not answer before it has accepted a publication again, which is then at least as new as
 * anything that its earlier incarnations have served (see `writer-core.ts`).
 *
 * A WRITE of several words may be seen in part (reference/rdma-consensus.md, 5.3). With a checksum the order in which
 * words are placed and read does not matter. With a canary it does: words must be placed in ascending order, and the
 * canary, which is placed last, must be read *first*; a payload read before its canary may be older than the canary.
 * The canary also needs the writer's promise not to touch a slot again before this reader has acknowledged it.
 */
import { Control, defineCore, Flag, Status } from '../contract.js'
import type { CoreDefinition, NamedLayout } from '../contract.js'
import {
  ackLayout,
  Integrity,
  messageKind,
  messageLayout,
  queuePairOf,
  ReaderRegion,
  requestKind,
  requestLayout,
  WRITER,
} from './layout.js'
import type { RegisterLayouts } from './layout.js'
import { invariant } from '../invariant.js'
import { clear } from '../layout/index.js'
import { checksumOf, INITIAL_VALUE, wordOf } from '../payload.js'
import { readerLinks, readerRoles } from './roles.js'

const readerNotes = ['accepted', 'torn', 'acknowledged', 'severed', 'connected', 'opened', 'silent'] as const
const Note = {
  accepted: 0,
  torn: 1,
  acknowledged: 2,
  severed: 3,
  connected: 4,
  opened: 5,
  silent: 6,
} as const

const RECONNECT = 0
const RECONNECT_MICROS = 500
const ACK_TOKEN = 0
const CONTROL_TOKEN = 1

export function readerCore(layouts: RegisterLayouts, bug: string | undefined): CoreDefinition {
  const { slots, words, integrity } = layouts
  const payloadBeforeHeader = bug === 'payload-before-header'
  // Windows are copied in the order of their indices: this is the order in which a slot is read.
  const trailerFirst = integrity === Integrity.canary && !payloadBeforeHeader
  const trailerWindow = (slot: number): number => 2 * slot + (trailerFirst ? 0 : 1)
  const bodyWindow = (slot: number): number => 2 * slot + (trailerFirst ? 1 : 0)

  return defineCore({
    state: layouts.readerState,
    regions: [{ name: 'inbox', layout: layouts.inbox }],
    windows: Array.from({ length: 2 * slots }, (_, index): NamedLayout => {
      const slot = index >> 1
      return index === trailerWindow(slot)
        ? { name: `trailer ${slot}`, layout: layouts.trailer }
        : { name: `body ${slot}`, layout: layouts.body }
    }),
    timers: ['reconnect'],
    notes: readerNotes,
    scratchBytes: layouts.scratchBytes,
    pollFollowsWindows: true,
    role: { field: 'role', machine: readerRoles },

    create({ host, state, input, output, window }) {
      const bodies = Array.from({ length: slots }, (_, slot) => window(bodyWindow(slot), layouts.body))
      const trailers = Array.from({ length: slots }, (_, slot) =>
        window(trailerWindow(slot), layouts.trailer),
      )
      const incoming = messageLayout.view(input)
      const outgoing = messageLayout.view(output)
      const get = requestLayout.view(input)
      const answer = layouts.getReply.view(output)
      const ack = ackLayout.view(output)

      const missingChecksum = bug === 'missing-checksum'
      const blankRead = bug === 'blank-read'

      /** Whether the copy of a slot is the whole publication that its header names. */
      function isWhole(slot: number): boolean {
        if (missingChecksum) return true
        const { sequence, words } = bodies[slot]!
        const { trailer } = trailers[slot]!
        return trailer === (integrity === Integrity.canary ? sequence : checksumOf(sequence, words))
      }

      function accept(slot: number): void {
        const body = bodies[slot]!
        state.sequence = body.sequence
        for (let k = 0; k < words; k++) state.words.set(k, body.words.get(k))
        if (state.role === readerRoles.states.blank) {
          state.role = readerRoles.next(state.role, readerRoles.events.ACCEPT)
        }
        host.note(Note.accepted, state.sequence)
      }

      /**
       * Acknowledges what is accepted, one WRITE at a time: the send queue holds one, and what is accepted meanwhile is
       * acknowledged with the next. Nothing is sent before the writer hears this connection.
       */
      function acknowledge(): void {
        if (state.link !== readerLinks.states.open || state.acknowledging !== 0 || state.sequence === 0)
          return
        state.acknowledging = state.sequence
        ack.sequence = state.sequence
        ack.incarnation = host.incarnation
        const address = layouts.addressOfAck(host.self)
        host.write(
          queuePairOf(WRITER),
          address,
          0,
          ackLayout.sizeBytes,
          ACK_TOKEN,
          Flag.inline | Flag.signaled,
        )
        host.note(Note.acknowledged, state.sequence)
      }

      function send(kind: number): void {
        // The padding travels too, and output holds scratch.
        clear(messageLayout, outgoing)
        outgoing.kind = kind
        outgoing.connection = state.connection
        outgoing.incarnation = host.incarnation
        host.send(WRITER, 0, messageLayout.sizeBytes)
        host.setTimer(RECONNECT, RECONNECT_MICROS)
      }

      /** The connection is of no use any more; only the writer can make a new one. */
      function sever(): void {
        state.link = readerLinks.next(state.link, readerLinks.events.SEVER)
        send(messageKind.code.hello)
        host.note(Note.severed, state.connection)
      }

      function connect(connection: number): void {
        if (connection === state.connection && state.link === readerLinks.states.connected) {
          // The writer has missed the answer.
          send(messageKind.code.ready)
          return
        }
        // Old news, or a control call is under way and the writer will ask again.
        if (connection <= state.connection || state.link === readerLinks.states.connecting) return
        state.connection = connection
        state.link = readerLinks.next(state.link, readerLinks.events.CONNECT)
        host.cancelTimer(RECONNECT)
        host.control(queuePairOf(WRITER), Control.connect, connection, CONTROL_TOKEN)
      }

      /** The writer hears this connection now. It may have missed every earlier acknowledgement. */
      function open(connection: number): void {
        if (connection !== state.connection || state.link !== readerLinks.states.connected) return
        state.link = readerLinks.next(state.link, readerLinks.events.OPEN)
        host.cancelTimer(RECONNECT)
        host.note(Note.opened, connection)
        acknowledge()
      }

      function begin(): void {
        for (let k = 0; k < words; k++) state.words.set(k, wordOf(INITIAL_VALUE, k))
        state.role = readerRoles.next(state.role, readerRoles.events.BEGIN)
      }

      return {
        start() {
          for (let slot = 0; slot < slots; slot++) {
            host.watch(bodyWindow(slot), ReaderRegion.inbox, layouts.offsetOfSlot(slot))
            host.watch(trailerWindow(slot), ReaderRegion.inbox, layouts.offsetOfTrailer(slot))
          }
          if (host.incarnation === 0 || blankRead) begin()
          if (host.incarnation > 0) sever()
        },

        poll() {
          const before = state.sequence
          for (let slot = 0; slot < slots; slot++) {
            const { sequence } = bodies[slot]!
            if (sequence <= state.sequence) continue
            if (isWhole(slot)) accept(slot)
            else host.note(Note.torn, sequence)
          }
          // Only what is new: acknowledging at every look would never come to rest.
          if (state.sequence !== before) acknowledge()
        },

        request(client, sequence) {
          invariant(get.kind === requestKind.code.get, 'a reader is asked to get only')
          if (state.role !== readerRoles.states.serving) {
            host.note(Note.silent, client)
            return
          }
          for (let k = 0; k < words; k++) answer.words.set(k, state.words.get(k))
          host.reply(client, sequence, 0, layouts.getReply.sizeBytes)
        },

        completion(_, token, status) {
          if (token === CONTROL_TOKEN) {
            state.link = readerLinks.next(state.link, readerLinks.events.CONNECTED)
            // RESET has swallowed whatever was in flight.
            state.acknowledging = 0
            host.note(Note.connected, state.connection)
            send(messageKind.code.ready)
            return
          }
          const acknowledged = state.acknowledging
          state.acknowledging = 0
          if (status === Status.ok) {
            if (state.sequence > acknowledged) acknowledge()
          } else if (state.link === readerLinks.states.open) {
            sever()
          }
        },

        message(from) {
          invariant(from === WRITER, 'readers hear of the writer only')
          // Meant for an earlier incarnation: its connection may still carry what that one has long served.
          if (incoming.incarnation !== host.incarnation) return
          if (incoming.kind === messageKind.code.connect) connect(incoming.connection)
          else if (incoming.kind === messageKind.code.open) open(incoming.connection)
        },

        timer() {
          if (state.link === readerLinks.states.severed) send(messageKind.code.hello)
          else if (state.link === readerLinks.states.connected) send(messageKind.code.ready)
        },
      }
    },
  })
}
