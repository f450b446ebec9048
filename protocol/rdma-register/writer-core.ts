/**
 * The writer: publishes each put to every reader by one one-sided WRITE, and answers when all have acknowledged it.
 *
 * Guarantees: sequences rise by one and each names one put, applied once over all retries of its client. A put is
 * answered when every reader has accepted it or a later one. An outbox slot changes only when no WRITE can still be
 * fetching from it and every reader has acknowledged what it held (so an inbox slot is never overwritten while its
 * reader may be looking at it: a canary alone would not notice).
 * Assumes: the writer keeps its memory (it is not restarted), WRITEs of one queue pair are placed in post order, ends
 * with different connection numbers do not hear each other, RESET swallows earlier requests and their completions.
 *
 * Rules for failure (reference/rdma-consensus.md, 5.4, 5.6 and 5.8): a WRITE that ended in an error was maybe applied,
 * or may yet be. So its slot stays busy and its sequence stays taken until the connection has been renewed. Renewal is
 * three messages, like REQ, REP and RTU of the RDMA connection manager, so that neither end speaks before the other
 * hears: connect(c) → the reader's end moves to c → ready(c) → the writer's end moves to c → open(c).
 * Then only the newest sequence is published again: acknowledgements are cumulative, and a restarted reader that got an
 * older one first could serve what is older than its earlier incarnation served.
 */
import { Control, defineCore, Status } from '../contract.js'
import type { CoreDefinition, NodeId } from '../contract.js'
import { invariant } from '../invariant.js'
import { clear } from '../layout/index.js'
import {
  messageKind,
  messageLayout,
  queuePairOf,
  requestKind,
  requestLayout,
  WriterRegion,
} from './layout.js'
import type { RegisterLayouts } from './layout.js'
import { writerLinks, writerRoles } from './roles.js'
import { publication, WriterNote, writerNotes } from './writer-puts.js'

const ACKS_WINDOW = 0
const RECONNECT = 0
/** Much longer than a message and a control call take. */
const RECONNECT_MICROS = 500

export function writerCore(layouts: RegisterLayouts, bug: string | undefined): CoreDefinition {
  const { slots, nodes } = layouts
  /** Tokens of WRITEs are their slots. */
  const CONTROL_TOKEN = slots

  return defineCore({
    state: layouts.writerState,
    regions: [
      { name: 'outbox', layout: layouts.outbox },
      { name: 'acks', layout: layouts.acks },
    ],
    windows: [{ name: 'acks', layout: layouts.acks }],
    timers: ['reconnect'],
    notes: writerNotes,
    scratchBytes: layouts.scratchBytes,
    pollFollowsWindows: true,
    role: { field: 'role', machine: writerRoles },

    create(context) {
      const { host, state, input, output } = context
      const acks = context.window(ACKS_WINDOW, layouts.acks)
      const incoming = messageLayout.view(input)
      const outgoing = messageLayout.view(output)
      const put = requestLayout.view(input)
      const puts = publication(context, layouts, bug)

      const retryAppliedTwice = bug === 'retry-applied-twice'
      const bufferChangedBeforeCompletion = bug === 'buffer-changed-before-completion'
      const completionIsAcknowledgement = bug === 'completion-is-acknowledgement'
      const errorMeansNotApplied = bug === 'error-means-not-applied'
      const republishesEverything = bug === 'republish-oldest-first'

      // ---- connections

      function send(node: NodeId, kind: number): void {
        const reader = state.readers.at(node)
        // The padding travels too, and output holds scratch.
        clear(messageLayout, outgoing)
        outgoing.kind = kind
        outgoing.connection = reader.connection
        outgoing.incarnation = reader.incarnation
        host.send(node, 0, messageLayout.sizeBytes)
      }

      /** Begins a new connection. Its number rises, so that nothing of the former one is heard any more. */
      function ask(node: NodeId): void {
        const reader = state.readers.at(node)
        reader.link = writerLinks.next(reader.link, writerLinks.events.ASK)
        reader.connection += 1
        send(node, messageKind.code.connect)
        host.setTimer(RECONNECT, RECONNECT_MICROS)
        host.note(WriterNote.reconnecting, node)
        puts.updateRole()
      }

      /** The own end has moved to the new connection: earlier WRITEs are gone, and can fetch no more. */
      function connected(node: NodeId): void {
        const reader = state.readers.at(node)
        reader.link = writerLinks.next(reader.link, writerLinks.events.CONNECTED)
        reader.inFlight.clear()
        send(node, messageKind.code.open)
        const newest = state.latest
        const first = republishesEverything ? Math.max(1, newest - slots + 1) : Math.max(1, newest)
        for (let sequence = first; sequence <= newest; sequence++) puts.post(node, layouts.slotOf(sequence))
        host.note(WriterNote.reconnected, node)
        puts.advance()
      }

      function hello(node: NodeId, incarnation: number, connection: number): void {
        const reader = state.readers.at(node)
        // One control call at a time; the reader says hello again.
        if (reader.link === writerLinks.states.connecting) return
        if (incarnation > reader.incarnation) {
          reader.incarnation = incarnation
          reader.acknowledged = 0
          ask(node)
        } else if (
          // A number that is not the present one is old news.
          incarnation === reader.incarnation &&
          connection === reader.connection &&
          reader.link === writerLinks.states.up
        ) {
          ask(node)
        }
      }

      function ready(node: NodeId, incarnation: number, connection: number): void {
        const reader = state.readers.at(node)
        if (incarnation !== reader.incarnation || connection !== reader.connection) return
        if (reader.link === writerLinks.states.asking) {
          reader.link = writerLinks.next(reader.link, writerLinks.events.READY)
          host.control(queuePairOf(node), Control.connect, connection, CONTROL_TOKEN)
        } else if (reader.link === writerLinks.states.up) {
          // The reader has missed the first one.
          send(node, messageKind.code.open)
        }
      }

      return {
        start() {
          host.watch(ACKS_WINDOW, WriterRegion.acks, 0)
          if (host.incarnation === 0) return
          // Beyond the promise: the writer has forgotten everything. Its connection numbers go on rising, so the readers
          // will listen; its sequences do not, so they will misunderstand.
          for (let node = 1; node < nodes; node++) {
            state.readers.at(node).connection = host.incarnation * 65536
            ask(node)
          }
        },

        /** Acknowledgements are the readers' one-sided WRITEs, so nothing but a look finds them. */
        poll() {
          for (let node = 1; node < nodes; node++) {
            const cell = acks.cells.at(node)
            const reader = state.readers.at(node)
            if (cell.incarnation !== reader.incarnation) continue
            if (cell.sequence > reader.acknowledged) reader.acknowledged = cell.sequence
          }
          puts.advance()
        },

        request(client, request) {
          invariant(put.kind === requestKind.code.put, 'the writer is asked to put only')
          invariant(request > 0, 'requests of a client are numbered from 1, for 0 stands for none')
          const entry = state.clients.at(client)
          if (!retryAppliedTwice) {
            if (request < entry.request) return
            if (request === entry.request) {
              if (entry.sequence !== 0 && entry.sequence <= state.settled) puts.reply(client)
              return
            }
          }
          // A put that the client has given up and that still waits is dropped here: it never takes effect.
          entry.request = request
          entry.value = put.value
          entry.sequence = 0
          puts.advance()
          if (state.clients.at(client).sequence !== 0) return
          host.note(WriterNote.waiting, client)
          // "Saves time": the payload is there when the slot becomes free.
          if (bufferChangedBeforeCompletion) puts.stageEarly(put.value)
        },

        completion(queuePair, token, status) {
          const node: NodeId = queuePair
          if (token === CONTROL_TOKEN) {
            connected(node)
          } else if (status === Status.ok) {
            const reader = state.readers.at(node)
            reader.inFlight.delete(token)
            // A completion says that the reader's NIC has the bytes, not that the reader has looked at them (5.4).
            if (completionIsAcknowledgement) {
              reader.acknowledged = Math.max(reader.acknowledged, state.ledger.at(token).sequence)
            }
            puts.advance()
          } else {
            host.note(WriterNote.failed, status)
            if (errorMeansNotApplied) puts.takeBack(token)
            // The first failure begins the new connection; the requests flushed after it follow from it.
            if (state.readers.at(node).link === writerLinks.states.up) ask(node)
          }
        },

        message(from) {
          const { kind, incarnation, connection } = incoming
          if (kind === messageKind.code.hello) hello(from, incarnation, connection)
          else if (kind === messageKind.code.ready) ready(from, incarnation, connection)
        },

        timer() {
          let asking = false
          for (let node = 1; node < nodes; node++) {
            if (state.readers.at(node).link !== writerLinks.states.asking) continue
            asking = true
            send(node, messageKind.code.connect)
          }
          if (asking) host.setTimer(RECONNECT, RECONNECT_MICROS)
        },
      }
    },
  })
}
