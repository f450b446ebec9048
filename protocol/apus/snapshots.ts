/**
 * Snapshots bring up a replica that lacks entries which the leader has dropped. The leader freezes a copy of what the
 * applied entries have made (the application, the client table, the digest) in registered memory and offers it; the
 * follower fetches it by one-sided READs while service goes on, and checks it as a whole: a copy that was frozen anew
 * under its eyes does not pass.
 */
import type { NodeId } from '../contract.js'
import { avalanche, blendBytes } from '../checksum.js'
import { copy, clear } from '../layout/index.js'
import { leaderOf, queuePairOf, Region } from './layout.js'
import { noteKind } from './notes.js'
import { Observe, type Replica, Token } from './replica.js'

export function createSnapshots(replica: Replica) {
  const { context, layouts } = replica
  const { host, state, input, output } = context
  const { snapshot, machine, nodes } = layouts
  const at = snapshot.offsetOf('machine')
  const outgoing = snapshot.view(output)
  const outgoingMachine = machine.view(output, at)
  const incoming = snapshot.view(input)
  const incomingMachine = machine.view(input, at)
  const tableMissing = replica.is('table-not-in-snapshot')

  /** Offers a follower the frozen snapshot; freezes a new one if the entries behind it are dropped. */
  function offer(peer: NodeId): void {
    if (state.frozen === 0 || state.frozen + 1 < state.head) freeze()
    replica.post.snapshot(peer, state.links.at(peer).attempt, state.frozen)
  }

  function freeze(): void {
    clear(snapshot, outgoing)
    copy(machine, state.machine, outgoingMachine)
    if (tableMissing) {
      for (let client = 0; client < layouts.clients; client++) {
        const row = outgoingMachine.table.at(client)
        row.sequence = 0
        row.replyLength = 0
        row.reply.clear()
      }
    }
    const { applied } = state.machine
    outgoing.position = replica.log.positionOf(applied + 1)
    outgoing.seal = avalanche(blendBytes(applied, output, 4, snapshot.sizeBytes - 4)) >>> 0
    host.publish(Region.snapshot, 0, 0, snapshot.sizeBytes)
    state.frozen = applied
    host.note(noteKind.code.frozen, applied)
  }

  /** The leader offers a snapshot. */
  function offered(from: NodeId, view: number, attempt: number, index: number): void {
    if (view !== state.view || attempt !== state.attempt || leaderOf(view, nodes) !== from) return
    if (state.target !== 0 || !state.open.has(from) || index <= state.cursor) return
    const queue = state.queues.at(from)
    if (queue.reading) return
    queue.reading = true
    const address = layouts.addressOfSnapshot
    host.read(queuePairOf(from), address, address, snapshot.sizeBytes, Token.snapshot)
  }

  /** The READ is done: its bytes are in the own snapshot region. */
  function fetched(from: NodeId): void {
    if (state.observingSnapshot) {
      state.queues.at(from).reading = false
      return
    }
    state.observingSnapshot = true
    host.observe(Region.snapshot, 0, snapshot.sizeBytes, Observe.snapshot)
  }

  function observed(): void {
    state.observingSnapshot = false
    for (let peer = 0; peer < nodes; peer++) state.queues.at(peer).reading = false
    const index = incomingMachine.applied
    const from = replica.following.leader()
    if (from === host.self || index <= state.cursor) return
    const seal = avalanche(blendBytes(index, input, 4, snapshot.sizeBytes - 4)) >>> 0
    // The leader offers again at its next beat.
    if (incoming.seal !== seal) return
    restore(index)
  }

  /** All of it is committed, so it is part of the log of every leader from then on. */
  function restore(index: number): void {
    const keepsSuffix =
      index < state.end && index >= state.head && replica.log.viewOf(index) === incomingMachine.appliedView
    copy(machine, incomingMachine, state.machine)
    if (!keepsSuffix) {
      state.head = index + 1
      state.end = index
      state.endView = incomingMachine.appliedView
      state.endPosition = incoming.position
    }
    state.commit = index
    state.cursor = index
    state.cursorPosition = replica.log.positionOf(index + 1)
    host.note(noteKind.code.restored, index)
    replica.following.watch()
    replica.storage.keepSnapshot()
    replica.recovery.holds()
    replica.following.acknowledge()
  }

  return { offer, offered, fetched, observed }
}
