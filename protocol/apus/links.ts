/**
 * Links: the queue pairs to the peers, what is posted on them, and how one that broke is connected anew.
 *
 * There is one queue pair between two replicas, and its connection has a number made of a view and an attempt, so nothing
 * that an earlier leader, an earlier attempt or an earlier life has sent can land on it. The leader (or candidate) asks
 * a peer to join; the peer revokes all other access, connects its own end and says so; then the leader connects its end.
 */
import { Control, Flag, type NodeId } from '../contract.js'
import { cellLayout, connectionOf, MOST_ATTEMPTS, queuePairOf } from './layout.js'
import { noteKind } from './notes.js'
import { MOST_POSTED, type Replica, Timer, Token, Window } from './replica.js'
import { linkStates, replicaRoles } from './roles.js'

export function createLinks(replica: Replica) {
  const { context, layouts } = replica
  const { host, state, output } = context
  const { pace } = layouts
  const { states: role } = replicaRoles
  const { states: link, events, next } = linkStates
  const cell = cellLayout.view(output)
  const cells = context.window(Window.cells, layouts.cells)
  const awaitsSwallowed = replica.is('swallowed-completions-awaited')
  const takesBack = replica.is('failed-write-taken-back')
  const resetsOneEnd = replica.is('one-end-reset')

  function isUp(peer: NodeId): boolean {
    return state.links.at(peer).state === link.up
  }

  // ---- hearing

  /**
   * Remembers what the peers have written into the cells. Whether it counts depends on the connection, which may be made
   * later than the word was seen. Returns whether there is news.
   */
  function hear(): boolean {
    let isNews = false
    for (let peer = 0; peer < host.nodes; peer++) {
      const { connection, value } = cells.cells.at(peer)
      const its = state.links.at(peer)
      if (connection === its.heardConnection && value === its.heardValue) continue
      its.heardConnection = connection
      its.heardValue = value
      isNews = true
    }
    return isNews
  }

  // ---- posting

  /** Whether one more request, up to `reserve` short of all, finds room in the send queue. */
  function hasRoom(peer: NodeId, reserve: number): boolean {
    return state.queues.at(peer).outstanding + reserve < MOST_POSTED
  }

  /**
   * Whether an entry may be written. One place is left for a beat, so that a follower that does not acknowledge still
   * hears of its leader; but not when nothing posted is signalled, for then nothing else would ever free a place.
   */
  function hasRoomForEntry(peer: NodeId): boolean {
    return hasRoom(peer, state.queues.at(peer).signaled ? 1 : 0)
  }

  /**
   * Flags for the next WRITE to a peer, which is counted. One WRITE at a time is signalled: its completion frees all
   * before it (selective signalling).
   */
  function count(peer: NodeId, upTo: number): number {
    const queue = state.queues.at(peer)
    queue.outstanding += 1
    if (queue.signaled) return 0
    queue.signaled = true
    queue.covered = queue.outstanding
    queue.upTo = upTo
    return Flag.signaled
  }

  /** Writes the own word into the cells of a peer. */
  function writeCell(peer: NodeId, connection: number, value: number): void {
    const { next: following } = state.links.at(peer)
    const flags = count(peer, Math.max(0, following - 1))
    cell.connection = connection
    cell.value = value
    host.write(
      queuePairOf(peer),
      layouts.addressOfCell(host.self),
      0,
      cellLayout.sizeBytes,
      Token.write,
      flags | Flag.inline,
    )
  }

  /** Writes an entry of the own registered log to the same place of a peer's. */
  function writeEntry(peer: NodeId, position: number, length: number, index: number): void {
    const flags = count(peer, index)
    const address = layouts.addressOfLog(position)
    host.write(queuePairOf(peer), address, address, length, Token.write, flags)
  }

  /** Nothing posted to a peer is under way any more: RESET swallows requests and completions. */
  function forgetPosted(peer: NodeId): void {
    if (awaitsSwallowed) return
    const queue = state.queues.at(peer)
    queue.outstanding = 0
    queue.covered = 0
    queue.signaled = false
    queue.reading = false
    queue.upTo = 0
  }

  /** A signalled WRITE has succeeded, and so has everything before it. */
  function succeeded(peer: NodeId): void {
    const queue = state.queues.at(peer)
    const { upTo } = queue
    queue.outstanding -= queue.covered
    queue.covered = 0
    queue.signaled = false
    queue.upTo = 0
    const its = state.links.at(peer)
    its.alive = true
    if (upTo > its.fetched) its.fetched = upTo
  }

  // ---- connecting

  function ask(peer: NodeId): void {
    replica.post.join(peer, state.links.at(peer).attempt, state.role === role.leader)
  }

  /** All links as before a candidate has asked anybody. */
  function reset(): void {
    for (let peer = 0; peer < host.nodes; peer++) {
      const its = state.links.at(peer)
      its.state = link.down
      its.attempt = 0
      its.next = 0
      its.acked = 0
      its.fetched = 0
      its.alive = false
      its.marked = 0
      its.markedNext = 0
      forgetPosted(peer)
    }
  }

  /** Asks all that are not linked, now and every so often. */
  function askAll(): void {
    let isMissing = false
    for (let peer = 0; peer < host.nodes; peer++) {
      if (peer === host.self || state.links.at(peer).state !== link.down) continue
      isMissing = true
      ask(peer)
    }
    if (isMissing) host.setTimer(Timer.retry, pace.retry)
  }

  /** A peer has joined the own view under this attempt; its log agrees with the own up to `cursor`. */
  function joined(peer: NodeId, attempt: number, cursor: number): void {
    const its = state.links.at(peer)
    if (its.state !== link.down || its.attempt !== attempt) return
    its.state = next(its.state, events.JOINED)
    its.acked = cursor
    its.next = cursor + 1
    its.fetched = cursor
    its.marked = cursor
    its.markedNext = cursor + 1
    forgetPosted(peer)
    host.control(queuePairOf(peer), Control.connect, connectionOf(state.view, attempt), Token.control)
    state.changing.add(peer)
    if (state.role === role.leader) replica.leading.heard()
  }

  /** The own end is connected. */
  function connected(peer: NodeId): void {
    const its = state.links.at(peer)
    its.state = next(its.state, events.CONNECTED)
    its.alive = true
    host.note(noteKind.code['link-up'], peer)
    if (state.role === role.leader) replica.leading.begin(peer)
  }

  /** The connection is of no use any more: the peer is asked to join under the next attempt. */
  function broke(peer: NodeId): void {
    const its = state.links.at(peer)
    if (its.state !== link.up) return
    its.state = next(its.state, events.BREAK)
    its.attempt += 1
    forgetPosted(peer)
    replica.reads.lost(peer)
    host.note(noteKind.code['link-down'], peer)
    if (takesBack) replica.log.takeBack()
    if (resetsOneEnd && !state.changing.has(peer)) {
      its.state = next(its.state, events.JOINED)
      its.attempt -= 1
      host.control(queuePairOf(peer), Control.connect, connectionOf(state.view, its.attempt), Token.control)
      state.changing.add(peer)
      return
    }
    // Out of attempts: a later view has new ones.
    if (its.attempt > MOST_ATTEMPTS) {
      its.attempt = MOST_ATTEMPTS
      return
    }
    ask(peer)
    host.setTimer(Timer.retry, pace.retry)
  }

  /** A peer has begun a new life: its end of the queue pair is gone. */
  function restarted(peer: NodeId): void {
    if (state.links.at(peer).state === link.up) broke(peer)
  }

  return {
    isUp,
    hear,
    hasRoom,
    hasRoomForEntry,
    writeCell,
    writeEntry,
    forgetPosted,
    succeeded,
    reset,
    askAll,
    joined,
    connected,
    broke,
    restarted,
  }
}
