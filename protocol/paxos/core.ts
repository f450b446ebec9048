/**
 * Single-decree Paxos as a replicated write-once register: every server is proposer, acceptor and learner.
 *
 * Source: Lamport, "Paxos Made Simple" (2001). Names are the paper's, but for "ballot", which it calls proposal number.
 *
 * Guarantees: no two servers ever decide different values, and only a value that a client put is decided; with messages
 * lost, duplicated and reordered, any number of crashes, and restarts of servers that keep their disks.
 * Safe as well with disks that fail to flush, rot or write to the wrong place, in any number: an acceptor that cannot
 * read what it may have stored retires. Decides as long as more than half of the servers run and have not retired.
 * Assumes: a disk does not go back to an older state as a whole, and what rots does not pass a checksum of 32 bits.
 * Adds to the paper, none of it needed for safety: nacks, retransmission and a backoff by timer (section 2.4 leaves
 * progress to an elected proposer), and `ask`, by which a server that missed the decision learns it.
 */
import { type CoreDefinition, defineCore } from '../contract.js'
import { invariant } from '../invariant.js'
import { createAcceptor } from './acceptor.js'
import { operation, reply, replyKind, requestKind, serverState } from './layout.js'
import { layouts, messageKind, openPostOffice } from './messages.js'
import { noteKind } from './notes.js'
import { createProposer, RETRY } from './proposer.js'
import { serverRoles } from './roles.js'
import { diskBytes } from './stable-storage.js'

export interface ServerSettings {
  readonly clients: number
  readonly retryMicros: number
  /** No ballot of a later round is ever begun. */
  readonly rounds: number
  readonly bug: string | undefined
}

export function server(settings: ServerSettings): CoreDefinition {
  return defineCore({
    state: serverState(settings.clients),
    timers: ['retry'],
    notes: noteKind.names,
    decisions: ['decided'],
    scratchBytes: diskBytes,
    role: { field: 'role', machine: serverRoles },
    create(context) {
      const { host, state, input, output } = context
      const { states: role, events, next } = serverRoles
      const post = openPostOffice(host, output)
      const acceptor = createAcceptor(
        context,
        post,
        {
          receivePromise: (from, ballot, acceptedBallot, acceptedValue) =>
            proposer.receivePromise(from, ballot, acceptedBallot, acceptedValue),
          receiveAccepted: (from, ballot) => proposer.receiveAccepted(from, ballot),
          receiveNack: (ballot, promised) => proposer.receiveNack(ballot, promised),
        },
        settings.bug,
      )
      const proposer = createProposer(context, post, acceptor, decide, settings)

      const received = {
        kind: layouts.ask.view(input),
        prepare: layouts.prepare.view(input),
        promise: layouts.promise.view(input),
        accept: layouts.accept.view(input),
        accepted: layouts.accepted.view(input),
        nack: layouts.nack.view(input),
        decided: layouts.decided.view(input),
      }
      const requested = operation.view(input)
      const answer = reply.view(output)

      /** Section 2.3: learns the chosen value, and answers everybody who waits for it. */
      function decide(value: number): void {
        invariant(value !== 0, 'a decision must be for a value')
        state.role = next(state.role, events.learn)
        state.decided = value
        host.note(noteKind.code.decided, value)
        host.cancelTimer(RETRY)
        for (let client = 0; client < settings.clients; client++) {
          const pending = state.pending.at(client)
          if (pending.kind !== requestKind.code.none)
            replyTo(client, pending.sequence, pending.kind, pending.value)
          pending.kind = requestKind.code.none
          pending.value = 0
          pending.sequence = 0
        }
      }

      function receiveDecided(value: number): void {
        proposer.forgetProposal()
        decide(value)
      }

      function replyTo(client: number, sequence: number, kind: number, value: number): void {
        const { code } = replyKind
        output.setUint32(0, 0, true)
        if (kind === requestKind.code.get) answer.kind = code.value
        else answer.kind = value === state.decided ? code.ok : code.taken
        answer.value = state.decided
        host.reply(client, sequence, 0, reply.sizeBytes)
      }

      function ask(): void {
        for (let peer = 0; peer < host.nodes; peer++) if (peer !== host.self) post.ask(peer)
      }

      return {
        start(recovered, length) {
          if (recovered) acceptor.recover(length)
          proposer.setRetry()
        },

        message(from) {
          const { kind } = received.kind
          switch (messageKind.nameOf(kind)) {
            case 'prepare':
              return acceptor.receivePrepare(from, received.prepare.ballot)
            case 'promise': {
              const { ballot, acceptedBallot, acceptedValue } = received.promise
              return proposer.receivePromise(from, ballot, acceptedBallot, acceptedValue)
            }
            case 'accept':
              return acceptor.receiveAccept(from, received.accept.ballot, received.accept.value)
            case 'accepted':
              return proposer.receiveAccepted(from, received.accepted.ballot)
            case 'nack':
              return proposer.receiveNack(received.nack.ballot, received.nack.promised)
            case 'decided':
              return state.role === role.decided ? undefined : receiveDecided(received.decided.value)
            case 'ask':
              return state.role === role.decided ? post.decided(from, state.decided) : undefined
          }
        },

        /** Answers from the decision; else remembers the client's latest request and sees to it that there is one. */
        request(client, sequence) {
          const { kind, value } = requested
          if (state.role === role.decided) return replyTo(client, sequence, kind, value)
          const pending = state.pending.at(client)
          if (pending.kind !== requestKind.code.none && sequence < pending.sequence) return
          pending.kind = kind
          pending.value = value
          pending.sequence = sequence
          if (kind === requestKind.code.put) proposer.begin()
          else if (state.role === role.waiting) ask()
        },

        /** Undecided after a while: goes on proposing or begins to; with nothing to propose, asks. */
        timer() {
          if (state.role === role.decided) return
          if (!proposer.resume()) ask()
          proposer.setRetry()
        },

        stored(token, status) {
          acceptor.stored(token, status)
        },
      }
    },
  })
}
