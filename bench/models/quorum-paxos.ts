/**
 * Single-decree Paxos behind a register, with the semantics of Stateright's example `paxos`.
 *
 * Source of the algorithm: Lamport, "Paxos Made Simple" (2001). A server proposes when a client puts, with a ballot one
 * round above the one it knows, and once only; it sends to itself without a message. What a server ignores it refuses,
 * and it stays in flight: nothing is lost, and nothing is delivered twice. The ordinary system `paxos` of Aviary is
 * another model, with disks, retries and faults.
 */
import {
  type CoreDefinition,
  array,
  boolean,
  defineCore,
  nodeSet,
  struct,
  u32,
  u8,
} from '../../protocol/index.js'
import {
  broadcast,
  countOf,
  majorityOf,
  message,
  messageKind,
  openPost,
  putOf,
  stampOf,
} from './register-clients.js'
import { registerSystem } from './register-system.js'

const { code } = messageKind

function server(servers: number): CoreDefinition {
  const promise = struct({ known: boolean, ballot: u32, value: u8 })
  return defineCore({
    state: struct({
      ballot: u32,
      // Leader. A proposal is a value: the client that puts it, and its request, follow from it. 0 is none.
      proposal: u8,
      promises: array(promise, servers),
      acceptances: nodeSet,
      // Acceptor. Ballot 0 is none.
      acceptedBallot: u32,
      accepted: u8,
      isDecided: boolean,
    }),
    scratchBytes: 64,
    create({ host, state, input, output }) {
      const received = message.view(input)
      const post = openPost(host, output)
      const quorum = majorityOf(servers)
      const requestOf = (value: number): number => putOf(value - 1)

      function learn(from: number, ballot: number, value: number): void {
        const promise = state.promises.at(from)
        promise.known = true
        promise.ballot = ballot
        promise.value = value
      }

      function propose(value: number): void {
        if (state.proposal !== 0) return host.refuse()
        state.proposal = value
        state.ballot = stampOf(countOf(state.ballot) + 1, host.self)
        learn(host.self, state.acceptedBallot, state.accepted)
        broadcast(post, servers, host.self, code.prepare, 0, 0, state.ballot)
      }

      function receivePrepare(from: number, ballot: number): void {
        if (state.ballot >= ballot) return host.refuse()
        state.ballot = ballot
        post(from, code.prepared, 0, state.accepted, ballot, state.acceptedBallot)
      }

      function receivePromise(from: number, ballot: number, acceptedBallot: number, value: number): void {
        if (ballot !== state.ballot) return host.refuse()
        learn(from, acceptedBallot, value)
        let known = 0
        let latest = 0
        let proposal = state.proposal
        for (let each = 0; each < servers; each++) {
          const promise = state.promises.at(each)
          if (!promise.known) continue
          known++
          if (promise.ballot <= latest) continue
          latest = promise.ballot
          proposal = promise.value
        }
        if (known !== quorum) return
        state.proposal = proposal
        state.acceptedBallot = ballot
        state.accepted = state.proposal
        state.acceptances.add(host.self)
        broadcast(post, servers, host.self, code.accept, 0, state.proposal, ballot)
      }

      function receiveAccept(from: number, ballot: number, value: number): void {
        if (state.ballot > ballot) return host.refuse()
        state.ballot = ballot
        state.acceptedBallot = ballot
        state.accepted = value
        post(from, code.accepted, 0, 0, ballot)
      }

      function receiveAcceptance(from: number, ballot: number): void {
        if (ballot !== state.ballot) return host.refuse()
        state.acceptances.add(from)
        if (state.acceptances.size !== quorum) return
        state.isDecided = true
        broadcast(post, servers, host.self, code.decided, 0, state.proposal, ballot)
        post(servers, code['put-ok'], requestOf(state.proposal))
      }

      function receiveDecision(ballot: number, value: number): void {
        state.ballot = ballot
        state.acceptedBallot = ballot
        state.accepted = value
        state.isDecided = true
      }

      return {
        start() {},
        message(from) {
          const { kind, request, value, stamp, lastStamp } = received
          if (state.isDecided) {
            if (kind !== code.get) return host.refuse()
            return post(from, code['get-ok'], request, state.accepted)
          }
          switch (kind) {
            case code.put:
              return propose(value)
            case code.prepare:
              return receivePrepare(from, stamp)
            case code.prepared:
              return receivePromise(from, stamp, lastStamp, value)
            case code.accept:
              return receiveAccept(from, stamp, value)
            case code.accepted:
              return receiveAcceptance(from, stamp)
            case code.decided:
              return receiveDecision(stamp, value)
            default:
              return host.refuse()
          }
        },
      }
    },
  })
}

export const quorumPaxos = registerSystem({
  name: 'stateright-paxos',
  summary: 'Single-decree Paxos behind a register, as Stateright models it.',
  servers: 3,
  fewest: 2,
  answers: 'somebody',
  server,
})
