/**
 * Leading: entries get an index, are laid down in the own registered log and written by one RDMA WRITE each to the same
 * offset of every follower's (APUS, section 4.1, L1 to L4). What a majority has acknowledged as stored is committed;
 * completions decide nothing, they only tell when the NIC has done with bytes and that a connection is broken.
 */
import type { NodeId } from '../contract.js'
import { invariant } from '../invariant.js'
import { connectionOf, entryKind, leaderOf, majorityOf } from './layout.js'
import { noteKind } from './notes.js'
import { type Replica, Timer } from './replica.js'
import { linkStates, replicaRoles } from './roles.js'

export function createLeading(replica: Replica) {
  const { context, layouts } = replica
  const { host, state, output } = context
  const { nodes, pace, window, retained, logBytes } = layouts
  const { states: role, events, next } = replicaRoles
  const majority = majorityOf(nodes)
  /** What followers have acknowledged, in ascending order: scratch. */
  const acked = new Uint32Array(nodes)

  const completionIsAcknowledgement = replica.is('completion-is-acknowledgement')
  const viewstampMissing = replica.is('acknowledgement-without-viewstamp')
  const waitsForAll = replica.is('waits-for-all')
  const zeroIsNone = replica.is('zero-is-no-acknowledgement')
  const commitsOlderViews = replica.is('older-view-committed')
  const recyclesEarly = replica.is('recycled-too-early')
  const neverTells = replica.is('idle-commit-untold')
  const ownStoreUnawaited = replica.is('own-store-unawaited')

  /** Takes office: the log so far becomes that of this view with an entry of the own view behind it. */
  function takeOffice(): void {
    state.role = next(state.role, events.WIN)
    host.note(noteKind.code.elected, state.view)
    replica.log.dropNop()
    state.office = state.end + 1
    state.told = state.commit
    state.frozen = 0
    nextBeat()
    append(entryKind.code.nop, 0, 0, output, 0, 0)
    replica.clients.forgetWaiting()
    host.setTimer(Timer.beat, pace.beat)
    host.setTimer(Timer.suspect, pace.suspect)
    replica.links.askAll()
    for (let peer = 0; peer < nodes; peer++) if (replica.links.isUp(peer)) begin(peer)
    heard()
    advance()
  }

  /** The link to a follower is up: it is sent what it lacks, and a beat. */
  function begin(peer: NodeId): void {
    const { next: index, acked: upTo } = state.links.at(peer)
    if (isBehind(index, upTo)) replica.snapshots.offer(peer)
    pump(peer)
    beat(peer)
    replica.reads.ask(peer)
  }

  // ---- appending

  /** Whether the log has room for one more entry: of the longest, so that nobody waits in vain for a shorter one. */
  function hasRoom(): boolean {
    const last = state.end + 1
    // The newest entries that are retained must lie side by side in the ring, and nobody may need what is dropped.
    const end = state.endPosition + layouts.mostEntryBytes
    let head = Math.max(state.head, last - retained + 1)
    while (head < last && end - replica.log.positionOf(head) > logBytes) head++
    if (head > state.machine.applied + 1) return false
    for (let peer = 0; peer < nodes && !recyclesEarly; peer++) {
      const { next: upTo, fetched } = state.links.at(peer)
      // A WRITE of what would be dropped may still be fetching.
      if (state.queues.at(peer).outstanding > 0 && upTo > fetched + 1 && fetched + 1 < head) return false
    }
    if (head > state.head) {
      state.head = head
      host.note(noteKind.code.recycled, head - 1)
    }
    return true
  }

  /** Whether a request may be given the next index. */
  function isOpen(): boolean {
    return state.end - state.commit < window && hasRoom()
  }

  /** Gives an entry the next index and sends it off. */
  function append(
    kind: number,
    client: number,
    sequence: number,
    source: DataView,
    from: number,
    bytes: number,
  ): void {
    const index = state.end + 1
    replica.log.put(index, state.view, kind, client, sequence, source, from, bytes)
    state.cursor = index
    state.told = Math.min(state.commit, index - 1)
    host.note(noteKind.code.appended, index)
    replica.log.lay(index)
    replica.storage.keep()
    for (let peer = 0; peer < nodes; peer++) if (replica.links.isUp(peer)) pump(peer)
  }

  // ---- sending

  /** Sends a follower what it lacks, as far as its log and the queue pair have room. */
  function pump(peer: NodeId): void {
    const { log, links } = replica
    for (;;) {
      const its = state.links.at(peer)
      const { next: index, acked: upTo } = its
      if (index > state.end || !links.hasRoomForEntry(peer)) return
      if (isBehind(index, upTo)) return
      // All that is retained lies side by side in the ring, so the entry covers nothing that the follower still needs.
      const { position, bytes, written } = log.at(index)
      if (written !== state.view + 1) log.lay(index)
      its.next = index + 1
      links.writeEntry(peer, position, layouts.entryBytes(bytes), index)
    }
  }

  /** Whether a follower lacks entries that are no longer retained. */
  function isBehind(next: number, upTo: number): boolean {
    return Math.min(next, upTo + 1) < state.head
  }

  /**
   * Entries that a follower says it has. It may be less than it has acknowledged: one that has stored them and restarted,
   * and was reached on the same connection by a late message, does not know yet that they agree with the leader's.
   */
  function heldBy(peer: NodeId): number {
    const { acked: upTo, attempt, heardConnection, heardValue } = state.links.at(peer)
    return heardConnection === connectionOf(state.view, attempt) ? Math.min(upTo, heardValue) : upTo
  }

  /**
   * A follower stands still with nothing under way: it has restarted, or what it was sent has been spoiled, in its log or
   * in the own one, by words of a deposed leader that a NIC had accepted before the revocation.
   */
  function sendAgain(peer: NodeId): void {
    const its = state.links.at(peer)
    const held = heldBy(peer)
    for (let index = Math.max(state.head, held + 1); index < its.next; index++)
      replica.log.at(index).written = 0
    its.next = held + 1
    its.fetched = held
    host.note(noteKind.code.resent, peer)
  }

  /** A word that was never written is zero, so no beat is. */
  function nextBeat(): void {
    state.beats = (state.beats % 0xffff) + 1
  }

  function beat(peer: NodeId): void {
    if (!replica.links.hasRoom(peer, 0)) return
    replica.links.writeCell(peer, connectionOf(state.view, state.links.at(peer).attempt), state.beats)
  }

  // ---- committing

  /** Counts what the followers have acknowledged on the present connections. */
  function heard(): void {
    let isNews = false
    for (let peer = 0; peer < nodes; peer++) {
      const its = state.links.at(peer)
      // Once the own end is being connected the peer may write, before the call returns.
      if (its.state === linkStates.states.down) continue
      const { heardConnection, heardValue: value } = its
      // The viewstamp: what was acknowledged on another connection was another log, or another life.
      if (!viewstampMissing && heardConnection !== connectionOf(state.view, its.attempt)) continue
      if (value <= its.acked || value > state.end) continue
      its.acked = value
      its.alive = true
      // What it has from a snapshot need not be sent.
      if (value >= its.next) {
        its.next = value + 1
        its.fetched = value
      }
      isNews = true
    }
    if (isNews) advance()
  }

  /** The last index that a majority has stored. */
  function storedByMajority(): number {
    for (let peer = 0; peer < nodes; peer++) {
      const { acked: upTo, fetched } = state.links.at(peer)
      acked[peer] = completionIsAcknowledgement ? Math.max(upTo, fetched) : upTo
      if (zeroIsNone && peer === 0) acked[peer] = 0
    }
    acked[host.self] = ownStoreUnawaited ? state.end : state.stored
    // Ascending, by insertion: there are few.
    for (let k = 1; k < nodes; k++) {
      const value = acked[k]!
      let at = k
      for (; at > 0 && acked[at - 1]! > value; at--) acked[at] = acked[at - 1]!
      acked[at] = value
    }
    return waitsForAll ? acked[0]! : acked[nodes - majority]!
  }

  /** Everything that acknowledgements, completions and requests may have made possible. */
  function advance(): void {
    const stored = storedByMajority()
    // Entries of earlier views are committed with one of the own view, never by counting (Raft, section 5.4.2).
    if (stored > state.commit && (stored >= state.office || commitsOlderViews)) replica.log.commitUpTo(stored)
    replica.clients.appendWaiting()
    for (let peer = 0; peer < nodes; peer++) if (replica.links.isUp(peer)) pump(peer)
    replica.reads.advance()
  }

  // ---- time

  /** Every T: tells that the leader lives, and in idle times, by a NOP, what is committed. */
  function beatAll(): void {
    nextBeat()
    for (let peer = 0; peer < nodes; peer++) {
      if (!replica.links.isUp(peer)) continue
      const its = state.links.at(peer)
      const held = heldBy(peer)
      if (held === its.marked && its.markedNext > held + 1) {
        if (state.queues.at(peer).outstanding === 0) sendAgain(peer)
      }
      its.marked = held
      its.markedNext = its.next
      begin(peer)
    }
    const isUntold = state.commit > state.told && state.lastRequest > state.told
    if (isUntold && !neverTells && isOpen()) append(entryKind.code.nop, 0, 0, output, 0, 0)
    host.setTimer(Timer.beat, pace.beat)
  }

  /** Every 3T: whether a majority still answers. A leader that nobody hears must not keep others from leading. */
  function review(): void {
    let alive = 1
    for (let peer = 0; peer < nodes; peer++) {
      const its = state.links.at(peer)
      if (its.alive) alive++
      its.alive = false
    }
    if (alive < majority) {
      stepDown()
      replica.election.suspect()
    }
    host.setTimer(Timer.suspect, pace.suspect)
  }

  function stepDown(): void {
    invariant(leaderOf(state.view, nodes) === host.self, 'only the leader of the view steps down')
    state.role = next(state.role, events.STEP_DOWN)
    host.cancelTimer(Timer.beat)
    host.cancelTimer(Timer.retry)
    replica.clients.forgetWaiting()
    host.note(noteKind.code['stepped-down'], state.view)
  }

  function isLeading(): boolean {
    return state.role === role.leader
  }

  return { takeOffice, begin, isOpen, append, heard, advance, beatAll, review, isLeading }
}
