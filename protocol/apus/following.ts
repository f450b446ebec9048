/**
 * Following: a replica sees the leader's entries in its registered log, checks them on a copy of its own, stores them in
 * order, and then acknowledges them by a one-sided WRITE into the leader's memory (APUS, section 4.1, B1 to B3).
 *
 * An entry is accepted when the checksum over all its bytes and the view of the sender is right. A canary at its end is
 * not enough, even on hardware that places words in order: words of a deposed leader's WRITE that the NIC had accepted
 * before the revocation land after it, on top of an entry that is whole.
 */
import type { NodeId } from '../contract.js'
import { connectionOf, entryHeader, leaderOf, looking, Region } from './layout.js'
import { sealOf } from './log.js'
import { noteKind } from './notes.js'
import { LOOK_MICROS, Observe, type Replica, Timer, Window } from './replica.js'

export function createFollowing(replica: Replica) {
  const { context, layouts } = replica
  const { host, state, input } = context
  const sighted = context.window(Window.header, layouts.header)
  const trailer = context.window(Window.trailer, layouts.trailer)
  const entry = layouts.header.view(input)
  const sealTrusted = replica.is('canary-trusted')
  const acknowledgesUnseen = replica.is('acknowledged-before-stored')
  const keepsConflicts = replica.is('conflict-kept')
  const senderUnchecked = replica.is('fence-forgotten') || replica.is('constant-psn')
  const indexUnchecked = replica.is('index-unchecked')

  function leader(): NodeId {
    return leaderOf(state.view, host.nodes)
  }

  /** Where the next entry will be seen. */
  function watch(): void {
    state.sighted = 0
    state.trailerAt = 0
    host.watch(Window.header, Region.log, state.cursorPosition % layouts.logBytes)
  }

  /**
   * Looks where no entry ever is. While a view is being joined nothing is accepted, and what is seen afterwards is seen
   * anew.
   */
  function lookAway(): void {
    state.sighted = 0
    state.trailerAt = 0
    host.watch(Window.header, Region.snapshot, 0)
  }

  /** Follows the leader of the view that was just joined, from the entry after `index` on. */
  function begin(index: number): void {
    state.cursor = index
    state.cursorPosition = replica.log.positionOf(index + 1)
    state.acknowledged = index
    state.beatMarked = 0
    watch()
  }

  function isFresh(sender: number, index: number): boolean {
    const isOfLeader = sender === state.view + 1 || (senderUnchecked && sender !== 0)
    return isOfLeader && (index === state.cursor + 1 || (indexUnchecked && index !== 0))
  }

  /** Entries are the leader's one-sided WRITEs, so nothing but a look finds them. */
  function poll(): void {
    if (leader() === host.self) return
    const { index, bytes } = sighted
    // While a view is being joined nothing is accepted.
    if (state.target !== 0 || !isFresh(sighted.sender, index)) return
    state.sighted = index
    if (state.looking !== looking.code.no) return
    // The length may be of an older entry still: the trailer is then looked for in the wrong place, until it changes.
    if (bytes > layouts.application.operationBytes || bytes % 8 !== 0) return
    const offset = state.cursorPosition % layouts.logBytes
    const trailerAt = offset + entryHeader.sizeBytes + bytes
    if (state.trailerAt !== trailerAt + 1) {
      state.trailerAt = trailerAt + 1
      host.watch(Window.trailer, Region.log, trailerAt)
    } else if (trailer.index === index && trailer.sender === sighted.sender) {
      if (acknowledgesUnseen) replica.storage.pretend(index)
      look()
    }
  }

  /** Copies in what may be the next entry, as long as its header was when it was seen. */
  function look(): void {
    state.looking = looking.code.observing
    const offset = state.cursorPosition % layouts.logBytes
    // Near the end of the ring nothing begins, so the longest fits.
    const length =
      state.trailerAt === 0
        ? layouts.mostEntryBytes
        : state.trailerAt - 1 + layouts.trailer.sizeBytes - offset
    host.observe(Region.log, offset, length, Observe.entry)
  }

  /** `length` bytes have been copied in. */
  function observed(length: number): void {
    state.looking = looking.code.no
    if (leader() === host.self || state.target !== 0) return
    const { index, bytes } = entry
    if (isFresh(entry.sender, index) && isWhole(bytes, length)) {
      accept()
    } else if (state.sighted === state.cursor + 1) {
      state.looking = looking.code.waiting
      host.setTimer(Timer.look, LOOK_MICROS)
      host.note(noteKind.code.torn, state.sighted)
    }
  }

  /** Whether the copy is the whole entry that its header names. */
  function isWhole(bytes: number, length: number): boolean {
    if (layouts.entryBytes(bytes) > length || bytes % 8 !== 0) return false
    return sealTrusted || entry.seal === sealOf(input, layouts.entryBytes(bytes))
  }

  /**
   * Whether the own entry at the index stands for the same as the leader's, so that what is behind it may be in the
   * leader's log too and must not be dropped: it may be committed. A NOP that a later leader has replaced by its own is
   * the same under another view. An entry that is newer than the whole own log was put there by a leader whose log ended
   * before it: what is behind it here was never committed.
   */
  function isKnown(index: number, view: number, kind: number, client: number, sequence: number): boolean {
    if (index > state.end || view > state.endView) return false
    const own = replica.log.at(index)
    return own.kind === kind && own.client === client && own.sequence === sequence
  }

  function accept(): void {
    const { view, bytes, kind, client, sequence, commit } = entry
    const index = state.cursor + 1
    host.note(noteKind.code.accepted, index)
    // Before the entry takes the place of an older one: the leader has dropped that, for it knows that it is committed.
    replica.log.commitUpTo(Math.min(commit, state.cursor))
    if (isKnown(index, view, kind, client, sequence)) replica.log.at(index).view = view
    else if (!(keepsConflicts && index <= state.end)) {
      if (index <= state.end) host.note(noteKind.code.replaced, index)
      replica.log.put(index, view, kind, client, sequence, input, entryHeader.sizeBytes, bytes)
    }
    state.cursor = index
    state.cursorPosition = replica.log.positionOf(index + 1)
    watch()
    replica.storage.keep()
    replica.recovery.holds()
    acknowledge()
  }

  /** The leader's last beat on the present connection; 0: none. */
  function lastBeat(): number {
    const { heardConnection, heardValue } = state.links.at(leader())
    return heardConnection === connectionOf(state.view, state.attempt) ? heardValue : 0
  }

  /** Tells the leader what is stored of its log, if that is news. */
  function acknowledge(): void {
    const upTo = acknowledgesUnseen ? state.stored : Math.min(state.stored, state.cursor)
    if (upTo > state.acknowledged) tell(upTo)
  }

  /**
   * Tells it again. Where packets are numbered alike in every connection a NIC may take a WRITE for one that it has seen,
   * and answer it without placing it. And after a restart less may be known to agree than was told before it.
   */
  function acknowledgeAgain(): void {
    tell(Math.min(state.stored, state.cursor))
  }

  function tell(upTo: number): void {
    const to = leader()
    // A queue pair that is being reset or connected takes no requests.
    if (to === host.self || !state.open.has(to) || state.changing.has(to)) return
    if (replica.storage.isKeepingView() || !replica.links.hasRoom(to, 0)) return
    state.acknowledged = upTo
    replica.links.writeCell(to, connectionOf(state.view, state.attempt), upTo)
  }

  return { begin, lookAway, poll, look, observed, watch, acknowledge, acknowledgeAgain, leader, lastBeat }
}
