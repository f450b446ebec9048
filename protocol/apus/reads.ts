/**
 * Linearizable reads without a log entry. The leader answers from its own state, but only after a majority has confirmed
 * that it still led when the read came: it READs their status words, and a word that names the view says that its owner
 * had not revoked the leader's access when it was read. The READs must be posted after the request has come, and the
 * leader must have committed an entry of its own view and have applied all it knows to be committed.
 */
import type { NodeId } from '../contract.js'
import { clear } from '../layout/index.js'
import { majorityOf, queuePairOf, Region, statusLayout } from './layout.js'
import { noteKind } from './notes.js'
import { Observe, type Replica, Token } from './replica.js'
import { replicaRoles } from './roles.js'

export function createReads(replica: Replica) {
  const { context, layouts } = replica
  const { host, state, input, output } = context
  const { application, clients, nodes, answers } = layouts
  const { states: role } = replicaRoles
  const majority = majorityOf(nodes)
  const cleared = answers.view(output)
  const seen = answers.view(input)
  const unconfirmed = replica.is('read-unconfirmed')
  const remembersConfirmation = replica.is('confirmation-remembered')
  const blankConfirms = replica.is('blank-word-confirms')
  const beforeOwnView = replica.is('read-before-own-view')

  /** Begins a round of confirmations if reads wait and none is under way. */
  function advance(): void {
    if (state.role !== role.leader || state.confirming) return
    if (state.commit < state.office && !beforeOwnView) return
    if (state.readsWaiting === 0) return
    for (let client = 0; client < clients; client++) {
      const waiting = state.waiting.at(client)
      if (waiting.sequence === 0 || !waiting.isRead) continue
      waiting.confirming = true
    }
    if (unconfirmed) return serve()
    state.confirming = true
    state.asked.clear()
    state.answered.clear()
    state.lookedAt.clear()
    if (!remembersConfirmation) state.confirmed.clear()
    state.confirmed.add(host.self)
    clear(answers, cleared)
    host.publish(Region.answers, 0, 0, answers.sizeBytes)
    for (let peer = 0; peer < nodes; peer++) if (replica.links.isUp(peer)) ask(peer)
    if (remembersConfirmation && state.confirmed.size >= majority) look()
  }

  /** Asks a peer in this round. One READ at a time: that of an earlier round is waited for, and does not count. */
  function ask(peer: NodeId): void {
    const queue = state.queues.at(peer)
    if (!state.confirming || state.asked.has(peer) || queue.reading) return
    queue.reading = true
    state.asked.add(peer)
    host.read(
      queuePairOf(peer),
      layouts.addressOfStatus,
      layouts.addressOfAnswer(peer),
      statusLayout.sizeBytes,
      Token.confirm,
    )
  }

  /** The READ from a peer is done. */
  function arrived(peer: NodeId): void {
    state.queues.at(peer).reading = false
    if (!state.confirming) return
    if (state.asked.has(peer)) {
      state.answered.add(peer)
      look()
    } else ask(peer)
  }

  function look(): void {
    if (state.observingAnswers) return
    state.observingAnswers = true
    state.lookedAt.bits = state.answered.bits
    host.observe(Region.answers, 0, answers.sizeBytes, Observe.answer)
  }

  function observed(): void {
    state.observingAnswers = false
    if (!state.confirming) return
    for (let peer = 0; peer < nodes; peer++) {
      if (!state.lookedAt.has(peer)) continue
      state.answered.delete(peer)
      const { view, member } = seen.answers.at(peer)
      if (blankConfirms || (view === state.view && member === 1)) state.confirmed.add(peer)
      else {
        // It is asked again with the next beat: it may become a member.
        state.asked.delete(peer)
        host.note(noteKind.code['read-denied'], peer)
      }
    }
    state.lookedAt.clear()
    if (state.confirmed.size >= majority) {
      state.confirming = false
      host.note(noteKind.code['read-confirmed'], state.view)
      serve()
      advance()
    } else if (state.answered.size > 0) look()
  }

  /** Answers the reads that were confirmed. */
  function serve(): void {
    for (let client = 0; client < clients; client++) {
      const waiting = state.waiting.at(client)
      if (waiting.sequence === 0 || !waiting.isRead || !waiting.confirming) continue
      const { sequence, bytes, operation } = waiting
      replica.clients.forget(client)
      const length = application.apply(
        state.machine.application,
        operation.memory,
        operation.base,
        bytes,
        output,
        0,
      )
      host.reply(client, sequence, 0, length)
      host.note(noteKind.code.replied, client)
    }
  }

  /** The link to a peer is broken: what it was asked will not be answered, and it may come back without memory. */
  function lost(peer: NodeId): void {
    state.confirmed.delete(peer)
    state.asked.delete(peer)
    state.answered.delete(peer)
    state.lookedAt.delete(peer)
  }

  function forget(): void {
    state.confirming = false
    state.asked.clear()
    state.answered.clear()
    state.lookedAt.clear()
    state.confirmed.clear()
  }

  return { advance, ask, arrived, observed, lost, forget }
}
