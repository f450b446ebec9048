/** What must hold of Paxos. Servers that are down are not looked at: their memory is gone. */
import type { Observer, Spec, StateInvariant, StepInvariant } from '../system.js'
import { diskHealth, requestKind, type ServerState, type ServerView } from './layout.js'
import { linearizable } from './register.js'
import { serverRoles } from './roles.js'

const role = serverRoles.states
const health = diskHealth.code

export interface SpecSettings {
  readonly layout: ServerState
  readonly clients: number
  readonly rounds: number
  /** Values that clients put. */
  readonly values: readonly number[]
  readonly roundOf: (ballot: number) => number
}

export function specFor({ layout, clients, rounds, values, roundOf }: SpecSettings): Spec {
  const serverAt = (observer: Observer, node: number): ServerView => observer.state(node, layout)

  const agreement: StateInvariant = {
    name: 'agreement',
    meaning: 'No two servers have decided different values.',
    check(observer) {
      let first = -1
      let value = 0
      for (let node = 0; node < observer.nodes; node++) {
        if (!observer.isUp(node)) continue
        const { decided } = serverAt(observer, node)
        if (decided === 0 || decided === value) continue
        if (value !== 0) return `server ${first} has decided v${value}, but server ${node} v${decided}`
        first = node
        value = decided
      }
      return undefined
    },
  }

  const validity: StateInvariant = {
    name: 'validity',
    meaning: 'Only values that clients put are accepted or decided.',
    check(observer) {
      for (let node = 0; node < observer.nodes; node++) {
        if (!observer.isUp(node)) continue
        const { decided, acceptedValue } = serverAt(observer, node)
        if (decided !== 0 && !values.includes(decided))
          return `server ${node} has decided v${decided}, which no client puts`
        if (acceptedValue !== 0 && !values.includes(acceptedValue))
          return `server ${node} has accepted v${acceptedValue}, which no client puts`
      }
      return undefined
    },
  }

  const promiseIsKept: StateInvariant = {
    name: 'promise-is-kept',
    meaning:
      'A server that a proposer counts among its promises has promised that ballot or a higher one, restarts or not, or has retired.',
    check(observer) {
      for (let proposer = 0; proposer < observer.nodes; proposer++) {
        if (!observer.isUp(proposer)) continue
        const { ballot } = serverAt(observer, proposer)
        if (ballot === 0) continue
        const { bits } = serverAt(observer, proposer).promises
        for (let node = 0; node < observer.nodes; node++) {
          if (((bits >>> node) & 1) === 0 || !observer.isUp(node)) continue
          const { promised, disk } = serverAt(observer, node)
          if (promised < ballot && disk !== health.lost)
            return `server ${proposer} counts on a promise of server ${node} for ballot ${ballot}, but that one has promised ${promised} only`
        }
      }
      return undefined
    },
  }

  const acceptanceIsKept: StateInvariant = {
    name: 'acceptance-is-kept',
    meaning:
      'A server that a proposer counts among its acceptances has accepted that ballot or a higher one, restarts or not, or has retired.',
    check(observer) {
      for (let proposer = 0; proposer < observer.nodes; proposer++) {
        if (!observer.isUp(proposer)) continue
        const { ballot } = serverAt(observer, proposer)
        if (ballot === 0) continue
        const { bits } = serverAt(observer, proposer).acceptances
        for (let node = 0; node < observer.nodes; node++) {
          if (((bits >>> node) & 1) === 0 || !observer.isUp(node)) continue
          const { acceptedBallot, disk } = serverAt(observer, node)
          if (acceptedBallot < ballot && disk !== health.lost)
            return `server ${proposer} counts on server ${node} for having accepted ballot ${ballot}, but that one has accepted ${acceptedBallot || 'nothing'}`
        }
      }
      return undefined
    },
  }

  const quorumIsAMajority: StateInvariant = {
    name: 'quorum-is-a-majority',
    meaning: 'A server proposes a value only when more than half of all servers have promised.',
    check(observer) {
      for (let node = 0; node < observer.nodes; node++) {
        if (!observer.isUp(node)) continue
        const server = serverAt(observer, node)
        if (server.role !== role.proposing || server.promises.size * 2 > observer.nodes) continue
        return `server ${node} proposes v${server.value} with ${server.promises.size} of ${observer.nodes} promises`
      }
      return undefined
    },
  }

  const ballotIsFresh: StateInvariant = {
    name: 'ballot-is-fresh',
    meaning: 'While a server asks for promises for a ballot, nobody has accepted that ballot yet.',
    check(observer) {
      for (let proposer = 0; proposer < observer.nodes; proposer++) {
        if (!observer.isUp(proposer)) continue
        const { role: doing, ballot } = serverAt(observer, proposer)
        if (doing !== role.preparing) continue
        for (let node = 0; node < observer.nodes; node++)
          if (observer.isUp(node) && serverAt(observer, node).acceptedBallot === ballot)
            return `server ${proposer} prepares ballot ${ballot}, under which server ${node} has accepted v${serverAt(observer, node).acceptedValue} already`
      }
      return undefined
    },
  }

  const oneValuePerBallot: StateInvariant = {
    name: 'one-value-per-ballot',
    meaning: 'No two servers have accepted different values under the same ballot.',
    check(observer) {
      for (let node = 0; node < observer.nodes; node++) {
        if (!observer.isUp(node)) continue
        const { acceptedBallot, acceptedValue } = serverAt(observer, node)
        if (acceptedBallot === 0) continue
        for (let other = node + 1; other < observer.nodes; other++) {
          if (!observer.isUp(other)) continue
          const peer = serverAt(observer, other)
          if (peer.acceptedBallot === acceptedBallot && peer.acceptedValue !== acceptedValue)
            return `under ballot ${acceptedBallot} server ${node} has accepted v${acceptedValue}, but server ${other} v${peer.acceptedValue}`
        }
      }
      return undefined
    },
  }

  const acceptedIsSafe: StateInvariant = {
    name: 'accepted-is-safe',
    meaning:
      'Once a majority has accepted a value, no higher ballot is proposed or accepted with another (P2b of the paper).',
    check(observer) {
      for (let node = 0; node < observer.nodes; node++) {
        if (!observer.isUp(node)) continue
        const { acceptedBallot, acceptedValue } = serverAt(observer, node)
        if (acceptedBallot === 0 || !isChosen(observer, acceptedBallot)) continue
        for (let other = 0; other < observer.nodes; other++) {
          if (!observer.isUp(other)) continue
          const peer = serverAt(observer, other)
          if (peer.acceptedBallot > acceptedBallot && peer.acceptedValue !== acceptedValue)
            return `a majority has accepted v${acceptedValue} at ballot ${acceptedBallot}, but server ${other} v${peer.acceptedValue} at ballot ${peer.acceptedBallot}`
          if (peer.role === role.proposing && peer.ballot > acceptedBallot && peer.value !== acceptedValue)
            return `a majority has accepted v${acceptedValue} at ballot ${acceptedBallot}, but server ${other} proposes v${peer.value} at ballot ${peer.ballot}`
        }
      }
      return undefined
    },
  }

  /** Whether a majority of all servers is up and has accepted this very ballot. */
  function isChosen(observer: Observer, ballot: number): boolean {
    let holders = 0
    for (let node = 0; node < observer.nodes; node++)
      if (observer.isUp(node) && serverAt(observer, node).acceptedBallot === ballot) holders++
    return holders * 2 > observer.nodes
  }

  const promiseNeverFalls: StepInvariant = {
    name: 'promise-never-falls',
    meaning: 'While a server runs, the ballot it has promised never goes down.',
    // Of each server its promise, or -1 while it is down; the observer has at most 32 nodes.
    residue: 32,
    remember(observer, into) {
      for (let node = 0; node < observer.nodes; node++)
        into[node] = observer.isUp(node) ? serverAt(observer, node).promised : -1
    },
    check(before, after, observer) {
      for (let node = 0; node < observer.nodes; node++) {
        const promised = after[node]!
        if (promised >= 0 && promised < before[node]!)
          return `server ${node} had promised ballot ${before[node]!} and now promises ${promised}`
      }
      return undefined
    },
  }

  /** Whether a server knows of a value that it can get decided: decided, accepted or waiting to be put. */
  function knowsAValue(server: ServerView): boolean {
    if (server.disk !== health.good) return server.decided !== 0
    if (server.decided !== 0 || server.acceptedBallot !== 0) return true
    for (let client = 0; client < clients; client++)
      if (server.pending.at(client).kind === requestKind.code.put) return true
    return false
  }

  return {
    invariants: [
      agreement,
      validity,
      quorumIsAMajority,
      promiseIsKept,
      acceptanceIsKept,
      ballotIsFresh,
      oneValuePerBallot,
      acceptedIsSafe,
    ],
    stepInvariants: [promiseNeverFalls],
    history: linearizable,
    goal: {
      name: 'everybody-decides',
      meaning:
        'Clients are served, and if a running server knows of a value, every running server has decided. Promised as long as there are rounds left and a majority of acceptors runs on good disks.',
      reached(observer) {
        let known = false
        let undecided = false
        let acceptors = 0
        for (let node = 0; node < observer.nodes; node++) {
          if (!observer.isUp(node) || observer.isPaused(node)) continue
          const server = serverAt(observer, node)
          if (roundOf(server.seen) >= rounds) return true
          if (server.disk === health.good) acceptors++
          known ||= knowsAValue(server)
          undecided ||= server.decided === 0
        }
        if (acceptors * 2 <= observer.nodes) return true
        return observer.clientsBusy === 0 && !(known && undecided)
      },
    },
  }
}
