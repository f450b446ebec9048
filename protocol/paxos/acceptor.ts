/**
 * The acceptor: "Paxos Made Simple", section 2.2, phases 1 (b) and 2 (b), and section 2.5, stable storage.
 *
 * Guarantees: it answers a prepare or accept request only when all that the answer rests on is stored, and never
 * accepts below what it has promised. Only the owner of the promised ballot can be owed an answer: a higher promise
 * turns what was owed before into a nack. So one field holds everything that waits for the disk.
 *
 * A flush that failed promises nothing, nor does a later one for the same bytes, so all is appended anew. A full disk
 * silences the acceptor until a restart, a disk that has lost what it stored for good. What a restart has read back need
 * not be durable (only the process may have died, after a flush that failed), so it is stored again before the first
 * answer.
 */
import { type Context, type NodeId, Status } from '../contract.js'
import { diskHealth, formerRound, owedAnswer, ownerOf, type ServerState, type ServerView } from './layout.js'
import type { PostOffice } from './messages.js'
import { noteKind } from './notes.js'
import { serverRoles } from './roles.js'
import { Found, openStableStorage } from './stable-storage.js'

/** Answers to the proposer in the same server; they need no message. */
export interface OwnProposer {
  receivePromise(from: NodeId, ballot: number, acceptedBallot: number, acceptedValue: number): void
  receiveAccepted(from: NodeId, ballot: number): void
  receiveNack(ballot: number, promised: number): void
}
export type Acceptor = ReturnType<typeof createAcceptor>

/** The flush that is under way; there is at most one. */
const Flush = {
  /** Stores what was appended last. */
  store: 0,
  /** Makes durable that superseded records are dropped, after a restart. */
  tidy: 1,
} as const

/** Remembers the highest ballot seen anywhere. */
export function see(state: ServerView, ballot: number): void {
  if (ballot > state.seen) state.seen = ballot
}

export function createAcceptor(
  context: Context<ServerState>,
  post: PostOffice,
  proposer: OwnProposer,
  bug: string | undefined,
) {
  const { host, state } = context
  const promiseBeforeFlush = bug === 'promise-before-flush'
  const acceptBeforeFlush = bug === 'accept-before-flush'
  const acceptAnyBallot = bug === 'accept-any-ballot'
  const ballotReused = bug === 'ballot-reused-after-restart'
  const flushRetried = bug === 'flush-retried-after-failure'
  const { self } = host
  const owed = owedAnswer.code
  const note = noteKind.code
  const health = diskHealth.code
  const storage = openStableStorage(context, bug)

  /** Phase 1 (b): promises if the ballot is above all it has responded to, and reports what it has accepted. */
  function receivePrepare(from: NodeId, ballot: number): void {
    if (state.disk === health.lost) return
    see(state, ballot)
    if (ballot < state.promised) return refuse(from, ballot)
    // A late duplicate: the owner of this ballot is in phase 2 already, and waits for the acceptance that is owed.
    if (ballot === state.promised && state.owed === owed.acceptance) return
    const isNew = ballot > state.promised
    if (isNew) {
      promise(ballot)
      host.note(note.promised, ballot)
    }
    owe(owed.promise, isNew)
  }

  /** Phase 2 (b): accepts unless it has responded to a prepare request of a higher ballot. */
  function receiveAccept(from: NodeId, ballot: number, value: number): void {
    if (state.disk === health.lost) return
    see(state, ballot)
    if (ballot < state.promised && !acceptAnyBallot) return refuse(from, ballot)
    const isNew = ballot !== state.acceptedBallot
    if (isNew) {
      promise(ballot)
      state.acceptedBallot = ballot
      state.acceptedValue = value
      host.note(note.accepted, ballot)
    }
    owe(owed.acceptance, isNew)
  }

  /** From now on only this ballot and higher ones. An answer still owed to another ballot becomes a nack. */
  function promise(ballot: number): void {
    const former = state.promised
    if (ballot === former) return
    state.promised = ballot
    if (state.owed === owed.nothing) return
    state.owed = owed.nothing
    refuse(ownerOf(former), former)
  }

  function refuse(to: NodeId, ballot: number): void {
    if (to === self) proposer.receiveNack(ballot, state.promised)
    else post.nack(to, ballot, state.promised)
  }

  /** An answer is owed until the disk is level with the memory. While a flush is under way, changes wait for one more. */
  function owe(answer: number, changed: boolean): void {
    state.owed = answer
    if (changed) state.unstored = true
    const early = answer === owed.promise ? promiseBeforeFlush : acceptBeforeFlush
    if (early) settle()
    if (state.flushing) return
    if (state.unstored) store()
    else settle()
  }

  /** "Stable storage, preserved during failures, is used to maintain the information that the acceptor must remember." */
  function store(): void {
    storage.append()
    host.flush(Flush.store)
    state.unstored = false
    state.flushing = true
  }

  /** "An acceptor records its intended response in stable storage before actually sending the response." */
  function stored(flush: number, status: Status): void {
    if (status === Status.diskFailed) return afterFailure()
    if (status !== Status.ok) {
      // As good as down: still flushing, it never answers again.
      state.disk = health.full
      return
    }
    state.flushing = false
    if (flush === Flush.store) storage.dropSuperseded()
    if (state.unstored) store()
    else settle()
  }

  /** What the flush should have stored is void: no later flush covers it, only what is appended anew. */
  function afterFailure(): void {
    if (flushRetried) return host.flush(Flush.store)
    host.note(note.rewritten, state.promised)
    store()
  }

  /** Gives the answer that is owed, if any. */
  function settle(): void {
    const answer = state.owed
    const ballot = state.promised
    const owner = ownerOf(ballot)
    state.owed = owed.nothing
    if (answer === owed.promise) {
      if (owner === self) proposer.receivePromise(self, ballot, state.acceptedBallot, state.acceptedValue)
      else post.promise(owner, ballot, state.acceptedBallot, state.acceptedValue)
    } else if (answer === owed.acceptance) {
      if (owner === self) proposer.receiveAccepted(self, ballot)
      else post.accepted(owner, ballot)
    }
  }

  /** Reads back what must never be forgotten. */
  function recover(lengthBytes: number): void {
    const { found, superseded } = storage.recover(lengthBytes)
    if (found === Found.loss) return retire(lengthBytes)
    see(state, ballotReused ? formerRound(state.promised) : state.promised)
    host.note(note.recovered, state.promised)
    state.unstored = found === Found.memory
    if (!superseded) return
    host.flush(Flush.tidy)
    state.flushing = true
  }

  /** Better silent for good than to answer without knowing what it has promised. */
  function retire(lengthBytes: number): void {
    state.promised = 0
    state.acceptedBallot = 0
    state.acceptedValue = 0
    state.disk = health.lost
    state.role = serverRoles.next(state.role, serverRoles.events.retire)
    host.note(note.retired, lengthBytes)
  }

  return { receivePrepare, receiveAccept, stored, recover }
}
