/**
 * The acceptor: "Paxos Made Simple", section 2.2, phases 1 (b) and 2 (b), and section 2.5, stable storage.
 *
 * Guarantees: it answers a prepare or accept request only when all that the answer rests on is stored, and never
 * accepts below what it has promised. Only the owner of the promised ballot can be owed an answer: a higher promise
 * turns what was owed before into a nack. So one field holds everything that waits for the disk.
 */
import { type Context, forEachRecord, type NodeId, Status } from '../contract.js'
import {
  acceptorRecord,
  formerRound,
  owedAnswer,
  ownerOf,
  type ServerState,
  type ServerView,
} from './layout.js'
import type { PostOffice } from './messages.js'
import { noteKind } from './notes.js'

/** Answers to the proposer in the same server; they need no message. */
export interface OwnProposer {
  receivePromise(from: NodeId, ballot: number, acceptedBallot: number, acceptedValue: number): void
  receiveAccepted(from: NodeId, ballot: number): void
  receiveNack(ballot: number, promised: number): void
}
export type Acceptor = ReturnType<typeof createAcceptor>

/** The one flush that is under way. */
const FLUSH = 0

/** Remembers the highest ballot seen anywhere. */
export function see(state: ServerView, ballot: number): void {
  if (ballot > state.seen) state.seen = ballot
}

export function createAcceptor(
  { host, state, input, output }: Context<ServerState>,
  post: PostOffice,
  proposer: OwnProposer,
  bug: string | undefined,
) {
  const promiseBeforeFlush = bug === 'promise-before-flush'
  const acceptBeforeFlush = bug === 'accept-before-flush'
  const acceptAnyBallot = bug === 'accept-any-ballot'
  const ballotReused = bug === 'ballot-reused-after-restart'
  const { self } = host
  const owed = owedAnswer.code
  const note = noteKind.code
  const record = acceptorRecord.view(output)
  const recovered = acceptorRecord.view(input)

  /** Phase 1 (b): promises if the ballot is above all it has responded to, and reports what it has accepted. */
  function receivePrepare(from: NodeId, ballot: number): void {
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
    record.promised = state.promised
    record.acceptedBallot = state.acceptedBallot
    record.acceptedValue = state.acceptedValue
    host.append(0, acceptorRecord.sizeBytes)
    host.flush(FLUSH)
    state.records++
    state.unstored = false
    state.flushing = true
  }

  /** "An acceptor records its intended response in stable storage before actually sending the response." */
  function stored(status: Status): void {
    // An acceptor whose disk has failed is as good as down: still flushing, it never answers again.
    if (status !== Status.ok) return
    state.flushing = false
    if (state.records > 1) {
      host.truncate(state.records - 1)
      state.records = 1
    }
    if (state.unstored) store()
    else settle()
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

  /** Reads back what must never be forgotten: the last record. Older ones, which a crash left behind, are dropped. */
  function recover(lengthBytes: number): void {
    forEachRecord(input, lengthBytes, (offset) => {
      recovered.base = offset
      state.promised = recovered.promised
      state.acceptedBallot = recovered.acceptedBallot
      state.acceptedValue = recovered.acceptedValue
      state.records++
    })
    recovered.base = 0
    see(state, ballotReused ? formerRound(state.promised) : state.promised)
    host.note(note.recovered, state.promised)
    if (state.records < 2) return
    host.truncate(state.records - 1)
    host.flush(FLUSH)
    state.records = 1
    state.flushing = true
  }

  return { receivePrepare, receiveAccept, stored, recover }
}
