/**
 * Single-decree Paxos as a replicated write-once register: every server is proposer, acceptor and learner.
 *
 * Source: Lamport, "Paxos Made Simple" (2001), section 2.2 for the phases, 2.3 for learning, 2.5 for what must be on
 * stable storage. Names are the paper's, but "ballot" for "proposal number".
 *
 * Guarantees: no two servers ever decide different values, and only a value that a client put is decided; with
 * messages lost, duplicated and reordered, any number of crashes, and restarts of servers that keep their disks.
 * Assumes: what a flush has stored is still there after a restart.
 * Adds to the paper, none of it needed for safety: nacks (the end of 2.2), retransmission and a backoff by timer
 * (2.4 leaves progress to an elected proposer), and `ask`, by which a server that knows nothing learns a decision.
 *
 * A proposer is its own first acceptor: its own promise is stored before others are asked for theirs. So a ballot that
 * has left a server is on its disk, and a restarted server never uses it again (2.5, last paragraph).
 */
import { type CoreDefinition, defineCore, forEachRecord, type NodeId, Status } from '../contract.js'
import { invariant } from '../invariant.js'
import type { NodeSetView } from '../layout/index.js'
import * as bytes from './layout.js'
import { layouts, messageKind, postOffice } from './messages.js'
import { serverRoles } from './roles.js'

export interface ServerSettings {
  readonly clients: number
  readonly retryMicros: number
  /** No ballot of a later round is ever begun. */
  readonly rounds: number
  readonly bug: string | undefined
}

const notes = ['prepared', 'promised', 'adopted', 'accepted', 'nacked', 'decided', 'recovered'] as const
const RETRY = 0
const FLUSH = 0
const MOST_DEFEATS = 6

export function server(settings: ServerSettings): CoreDefinition {
  const { bug, clients, retryMicros, rounds } = settings
  const promiseBeforeFlush = bug === 'promise-before-flush'
  const acceptBeforeFlush = bug === 'accept-before-flush'
  const forgetAcceptedValue = bug === 'forget-accepted-value'
  const lowestBallotValue = bug === 'lowest-ballot-value'
  const acceptAnyBallot = bug === 'accept-any-ballot'
  const minorityQuorum = bug === 'minority-quorum'
  const countDuplicates = bug === 'count-duplicates'
  const ballotReused = bug === 'ballot-reused-after-restart'

  return defineCore({
    state: bytes.serverState(clients),
    timers: ['retry'],
    notes,
    scratchBytes: 256,
    role: { field: 'role', machine: serverRoles },
    create({ host, state, input, output }) {
      const { self, nodes } = host
      const { states: role, events, next } = serverRoles
      const owed = bytes.owedAnswer.code
      const request = bytes.requestKind.code
      const quorum = Math.floor(nodes / 2) + (minorityQuorum ? 0 : 1)
      const post = postOffice(host, output)
      const record = bytes.acceptorRecord.view(output)
      const recoveredRecord = bytes.acceptorRecord.view(input)
      const replyOut = bytes.reply.view(output)
      const operation = bytes.operation.view(input)
      const kindOfMessage = layouts.ask.view(input)
      const prepareIn = layouts.prepare.view(input)
      const promiseIn = layouts.promise.view(input)
      const acceptIn = layouts.accept.view(input)
      const acceptedIn = layouts.accepted.view(input)
      const nackIn = layouts.nack.view(input)
      const decidedIn = layouts.decided.view(input)

      function note(name: (typeof notes)[number], value: number): void {
        host.note(notes.indexOf(name), value)
      }

      // ---- proposer -------------------------------------------------------------------------------------------

      /** Phase 1 (a): selects a ballot above all it has seen. Others are asked when the own promise is stored. */
      function prepare(): void {
        const round = bytes.roundOf(state.seen) + 1
        if (round > rounds) return
        state.role = next(state.role, events.prepare)
        state.ballot = bytes.ballotOf(round, self)
        note('prepared', state.ballot)
        receivePrepare(self, state.ballot)
      }

      /** Sends the prepare request, again where needed, to those that have not promised. */
      function requestPromises(): void {
        if (!state.promises.has(self)) return receivePrepare(self, state.ballot)
        for (let peer = 0; peer < nodes; peer++)
          if (!state.promises.has(peer)) post.prepare(peer, state.ballot)
      }

      /** A promise has come: keep the accepted proposal with the highest ballot among all that are reported. */
      function receivePromise(
        from: NodeId,
        ballot: number,
        acceptedBallot: number,
        acceptedValue: number,
      ): void {
        if (state.role !== role.preparing || ballot !== state.ballot) return
        count(state.promises, from)
        const first = state.bestBallot === 0
        const better = lowestBallotValue
          ? first || acceptedBallot < state.bestBallot
          : acceptedBallot > state.bestBallot
        if (acceptedBallot !== 0 && better && !forgetAcceptedValue) {
          state.bestBallot = acceptedBallot
          state.bestValue = acceptedValue
        }
        if (from === self) requestPromises()
        if (state.promises.size >= quorum) propose()
      }

      /** Phase 2 (a): the value of the highest-numbered proposal among the responses, or any value if there is none. */
      function propose(): void {
        const value = state.bestBallot === 0 ? valuePut() : state.bestValue
        if (value === 0) return renounce()
        if (state.bestBallot !== 0) note('adopted', value)
        state.role = next(state.role, events.propose)
        state.value = value
        requestAcceptances()
      }

      /** Sends the accept request, again where needed, to those that have not accepted; the own acceptor comes first. */
      function requestAcceptances(): void {
        const { ballot, value } = state
        if (!state.acceptances.has(self)) receiveAccept(self, ballot, value)
        for (let peer = 0; peer < nodes && state.role === role.proposing; peer++)
          if (peer !== self && !state.acceptances.has(peer)) post.accept(peer, ballot, value)
      }

      /** A quorum of acceptances: the value is chosen. */
      function receiveAccepted(from: NodeId, ballot: number): void {
        if (state.role !== role.proposing || ballot !== state.ballot) return
        count(state.acceptances, from)
        if (state.acceptances.size < quorum) return
        decide(state.value)
        for (let peer = 0; peer < nodes; peer++) if (peer !== self) post.decided(peer, state.decided)
      }

      /** "It is a good idea to abandon a proposal if some proposer has begun trying to issue a higher-numbered one." */
      function receiveNack(ballot: number, promised: number): void {
        see(promised)
        if (state.role === role.waiting || ballot !== state.ballot) return
        note('nacked', promised)
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

      /** Responses are counted as a set of servers: hearing one twice changes nothing. */
      function count(responses: NodeSetView, from: NodeId): void {
        let counted = from
        if (countDuplicates) while (responses.has(counted)) counted = (counted + 1) % nodes
        responses.add(counted)
      }

      function see(ballot: number): void {
        if (ballot > state.seen) state.seen = ballot
      }

      /** A value that some client waits to have put, or 0. */
      function valuePut(): number {
        for (let client = 0; client < clients; client++) {
          const pending = state.pending.at(client)
          if (pending.kind === request.put) return pending.value
        }
        return 0
      }

      // ---- acceptor -------------------------------------------------------------------------------------------

      /** Phase 1 (b): promises if the ballot is above all it has responded to, and reports what it has accepted. */
      function receivePrepare(from: NodeId, ballot: number): void {
        see(ballot)
        if (ballot < state.promised) return refuse(from, ballot)
        // A late duplicate: the owner of this ballot is in phase 2 already.
        if (ballot === state.acceptedBallot) return
        const isNew = ballot > state.promised
        if (isNew) {
          promise(ballot)
          note('promised', ballot)
        }
        owe(owed.promise, isNew)
      }

      /** Phase 2 (b): accepts unless it has responded to a prepare request of a higher ballot. */
      function receiveAccept(from: NodeId, ballot: number, value: number): void {
        see(ballot)
        if (ballot < state.promised && !acceptAnyBallot) return refuse(from, ballot)
        const isNew = ballot !== state.acceptedBallot
        if (isNew) {
          promise(ballot)
          state.acceptedBallot = ballot
          state.acceptedValue = value
          note('accepted', ballot)
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
        refuse(bytes.ownerOf(former), former)
      }

      function refuse(to: NodeId, ballot: number): void {
        if (to === self) receiveNack(ballot, state.promised)
        else post.nack(to, ballot, state.promised)
      }

      /**
       * "Stable storage must be used to store the information": an answer is owed to the owner of the promised ballot
       * until the disk is level with the memory. While a flush is under way changes pile up for one more.
       */
      function owe(answer: number, changed: boolean): void {
        state.owed = answer
        if (changed) state.unstored = true
        const early = answer === owed.promise ? promiseBeforeFlush : acceptBeforeFlush
        if (early) settle()
        if (state.flushing) return
        if (state.unstored) store()
        else settle()
      }

      function store(): void {
        record.promised = state.promised
        record.acceptedBallot = state.acceptedBallot
        record.acceptedValue = state.acceptedValue
        host.append(0, bytes.acceptorRecord.sizeBytes)
        host.flush(FLUSH)
        state.records++
        state.unstored = false
        state.flushing = true
      }

      /** Gives the answer that is owed. */
      function settle(): void {
        const answer = state.owed
        const ballot = state.promised
        const owner = bytes.ownerOf(ballot)
        state.owed = owed.nothing
        if (answer === owed.promise) {
          if (owner === self) receivePromise(self, ballot, state.acceptedBallot, state.acceptedValue)
          else post.promise(owner, ballot, state.acceptedBallot, state.acceptedValue)
        } else if (answer === owed.acceptance) {
          if (owner === self) receiveAccepted(self, ballot)
          else post.accepted(owner, ballot)
        }
      }

      // ---- learner and clients --------------------------------------------------------------------------------

      /** Learns the chosen value and answers everybody who waits for it. */
      function decide(value: number): void {
        invariant(value !== 0, 'a decision must be for a value')
        state.role = next(state.role, events.learn)
        state.decided = value
        note('decided', value)
        host.cancelTimer(RETRY)
        for (let client = 0; client < clients; client++) {
          const pending = state.pending.at(client)
          if (pending.kind !== request.none) reply(client, pending.sequence, pending.kind, pending.value)
          pending.kind = request.none
          pending.value = 0
          pending.sequence = 0
        }
      }

      function reply(client: number, sequence: number, kind: number, value: number): void {
        const put = value === state.decided ? bytes.replyKind.code.ok : bytes.replyKind.code.taken
        output.setUint32(0, 0, true)
        replyOut.kind = kind === request.put ? put : bytes.replyKind.code.value
        replyOut.value = state.decided
        host.reply(client, sequence, 0, bytes.reply.sizeBytes)
      }

      function ask(): void {
        for (let peer = 0; peer < nodes; peer++) if (peer !== self) post.ask(peer)
      }

      /** Later for each defeat and later for each next server, so that duels end. */
      function setRetry(): void {
        host.setTimer(RETRY, (retryMicros + self * (retryMicros >> 2)) << state.defeats)
      }

      return {
        start(recovered, length) {
          if (recovered) recover(length)
          setRetry()
        },
        message,
        request: receiveRequest,
        timer: retry,
        stored,
      }
    },
  })
}
