/**
 * The proposer: "Paxos Made Simple", section 2.2, phases 1 (a) and 2 (a), and section 2.5, the choice of ballots.
 *
 * Guarantees: what it proposes is the value of the highest-numbered proposal that a quorum of acceptors has accepted
 * below its ballot, or, if there is none, a value that a client put. It is its own first acceptor: its own promise is
 * stored before others are asked for theirs. So a ballot that has left a server is on its disk, and is never used again.
 */
import type { Context, NodeId } from '../contract.js'
import type { NodeSetView } from '../layout/index.js'
import { type Acceptor, see } from './acceptor.js'
import { ballotOf, diskHealth, requestKind, roundOf, type ServerState } from './layout.js'
import type { PostOffice } from './messages.js'
import { noteKind } from './notes.js'
import { serverRoles } from './roles.js'

export const RETRY = 0
const MOST_DEFEATS = 6

export function createProposer(
  { host, state }: Context<ServerState>,
  post: PostOffice,
  acceptor: Acceptor,
  decide: (value: number) => void,
  settings: { readonly retryMicros: number; readonly rounds: number; readonly bug: string | undefined },
) {
  const { bug, retryMicros, rounds } = settings
  const forgetAcceptedValue = bug === 'forget-accepted-value'
  const lowestBallotValue = bug === 'lowest-ballot-value'
  const minorityQuorum = bug === 'minority-quorum'
  const countDuplicates = bug === 'count-duplicates'
  const { self, nodes } = host
  const { states: role, events, next } = serverRoles
  const note = noteKind.code
  const quorum = Math.floor(nodes / 2) + (minorityQuorum ? 0 : 1)

  /** Phase 1 (a): selects a ballot above all it has seen. Others are asked when the own promise is stored. */
  function prepare(): void {
    state.role = next(state.role, events.prepare)
    state.ballot = ballotOf(roundOf(state.seen) + 1, self)
    host.note(note.prepared, state.ballot)
    acceptor.receivePrepare(self, state.ballot)
  }

  /** Whether there is something to propose, a ballot left to do it with, and an own acceptor to begin with. */
  function mayPrepare(): boolean {
    if (state.disk === diskHealth.code.lost) return false
    return (state.acceptedBallot !== 0 || valuePut() !== 0) && roundOf(state.seen) < rounds
  }

  /** Sends the prepare request, again where needed, to those that have not promised. */
  function requestPromises(): void {
    if (!state.promises.has(self)) return acceptor.receivePrepare(self, state.ballot)
    for (let peer = 0; peer < nodes; peer++) if (!state.promises.has(peer)) post.prepare(peer, state.ballot)
  }

  /** A response to the prepare request: keeps the highest-numbered proposal among all that are reported. */
  function receivePromise(from: NodeId, ballot: number, acceptedBallot: number, acceptedValue: number): void {
    if (state.role !== role.preparing || ballot !== state.ballot) return
    count(state.promises, from)
    const higher = lowestBallotValue
      ? state.bestBallot === 0 || acceptedBallot < state.bestBallot
      : acceptedBallot > state.bestBallot
    if (acceptedBallot !== 0 && higher && !forgetAcceptedValue) {
      state.bestBallot = acceptedBallot
      state.bestValue = acceptedValue
    }
    if (from === self) requestPromises()
    if (state.promises.size >= quorum) propose()
  }

  /** Phase 2 (a): "the value of the highest-numbered proposal among the responses, or any value" if there is none. */
  function propose(): void {
    const value = state.bestBallot === 0 ? valuePut() : state.bestValue
    if (value === 0) return renounce()
    if (state.bestBallot !== 0) host.note(note.adopted, value)
    state.role = next(state.role, events.propose)
    state.value = value
    requestAcceptances()
  }

  /** Sends the accept request, again where needed, to those that have not accepted; the own acceptor comes first. */
  function requestAcceptances(): void {
    const { ballot, value } = state
    if (!state.acceptances.has(self)) acceptor.receiveAccept(self, ballot, value)
    for (let peer = 0; peer < nodes && state.role === role.proposing; peer++)
      if (peer !== self && !state.acceptances.has(peer)) post.accept(peer, ballot, value)
  }

  /** A quorum has accepted: the value is chosen (section 2.3: the learners are told). */
  function receiveAccepted(from: NodeId, ballot: number): void {
    if (state.role !== role.proposing || ballot !== state.ballot) return
    count(state.acceptances, from)
    if (state.acceptances.size < quorum) return
    decide(state.value)
    for (let peer = 0; peer < nodes; peer++) if (peer !== self) post.decided(peer, state.decided)
  }

  /** "It is probably a good idea to abandon a proposal if some proposer has begun trying to issue a higher-numbered one." */
  function receiveNack(ballot: number, promised: number): void {
    see(state, promised)
    const isProposing = state.role === role.preparing || state.role === role.proposing
    if (!isProposing || ballot !== state.ballot) return
    host.note(note.nacked, promised)
    renounce()
    if (state.defeats < MOST_DEFEATS) state.defeats++
    setRetry()
  }

  function renounce(): void {
    state.role = next(state.role, events.renounce)
    forgetProposal()
  }

  function forgetProposal(): void {
    state.ballot = 0
    state.value = 0
    state.promises.clear()
    state.acceptances.clear()
    state.bestBallot = 0
    state.bestValue = 0
  }

  /** Responses are counted as a set of servers: to hear one twice changes nothing. */
  function count(responses: NodeSetView, from: NodeId): void {
    let counted = from
    if (countDuplicates) while (responses.has(counted)) counted = (counted + 1) % nodes
    responses.add(counted)
  }

  /** A value that some client waits to have put, or 0. */
  function valuePut(): number {
    for (let client = 0; client < state.pending.length; client++) {
      const pending = state.pending.at(client)
      if (pending.kind === requestKind.code.put) return pending.value
    }
    return 0
  }

  /** Goes on after silence: requests again, or begins a proposal. Returns false when there is nothing to propose. */
  function resume(): boolean {
    if (state.role === role.preparing) requestPromises()
    else if (state.role === role.proposing) requestAcceptances()
    else if (mayPrepare()) prepare()
    else return false
    return true
  }

  /** A put has come: begins at once, unless a proposal is under way or was lost to a higher ballot a short while ago. */
  function begin(): void {
    if (state.role !== role.waiting || state.defeats > 0 || !mayPrepare()) return
    prepare()
    setRetry()
  }

  /** Later for each defeat, and later for each next server, so that duels end. */
  function setRetry(): void {
    host.setTimer(RETRY, (retryMicros + self * (retryMicros >> 2)) << state.defeats)
  }

  return { begin, resume, setRetry, receivePromise, receiveAccepted, receiveNack, forgetProposal }
}
