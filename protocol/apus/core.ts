/**
 * A replica of APUS: RDMA Paxos as one core. The pieces are in files of their own; this one joins them and hands each
 * input to the piece that it is for.
 *
 * Sources: Wang and others, "APUS: Fast and Scalable Paxos on RDMA" (SoCC 2017); Liskov and Cowling, "Viewstamped
 * Replication Revisited" (2012), which APUS leaves elections and recovery to. Deviations and what was added:
 * docs/apus.md.
 */
import {
  type CoreDefinition,
  type NodeId,
  type Status,
  Status as StatusCode,
  defineCore,
} from '../contract.js'
import type { BugName } from './bugs.js'
import { createClients } from './clients.js'
import { createElection } from './election.js'
import { createFollowing } from './following.js'
import { type ApusLayouts, leaderOf, messageKind, Region } from './layout.js'
import { createLeading } from './leading.js'
import { createLinks } from './links.js'
import { createLog } from './log.js'
import { openPostOffice } from './messages.js'
import { noteKind } from './notes.js'
import { createReads } from './reads.js'
import { createRecovery } from './recovery.js'
import { Observe, type Replica, Timer, timerNames, Token, Window } from './replica.js'
import { linkStates, replicaRoles } from './roles.js'
import { createSnapshots } from './snapshots.js'
import { createStorage } from './storage.js'

export function replicaCore(layouts: ApusLayouts, bug: string | undefined): CoreDefinition {
  return defineCore({
    state: layouts.state,
    regions: [
      { name: 'log', layout: layouts.log },
      { name: 'cells', layout: layouts.cells },
      { name: 'status', layout: layouts.status },
      { name: 'snapshot', layout: layouts.snapshot },
      { name: 'answers', layout: layouts.answers },
    ],
    windows: [
      { name: 'cells', layout: layouts.cells },
      { name: 'header', layout: layouts.header },
      { name: 'trailer', layout: layouts.trailer },
    ],
    timers: timerNames,
    notes: noteKind.names,
    decisions: ['committed'],
    scratchBytes: layouts.scratchBytes,
    // A variant that accepts whatever lies there finds something in bytes that it has seen before.
    pollFollowsWindows: bug !== 'index-unchecked',
    role: { field: 'role', machine: replicaRoles },

    create(context) {
      const { host, state, input, output } = context
      const { nodes, pace } = layouts
      const { states: role, events, next } = replicaRoles
      const { code: kind } = messageKind
      const message = layouts.message.view(input)
      const amnesiacVotes = bug === 'vote-from-amnesia'

      const replica = { context, layouts, is: (name: BugName) => bug === name } as {
        -readonly [K in keyof Replica]: Replica[K]
      }
      replica.post = openPostOffice(host, layouts, state, output)
      replica.storage = createStorage(replica)
      replica.log = createLog(replica)
      replica.links = createLinks(replica)
      replica.recovery = createRecovery(replica)
      replica.snapshots = createSnapshots(replica)
      replica.following = createFollowing(replica)
      replica.reads = createReads(replica)
      replica.clients = createClients(replica)
      replica.leading = createLeading(replica)
      replica.election = createElection(replica)
      const { election, following, leading, links, recovery, snapshots, clients, reads } = replica

      /** A cluster begins in view 0, under replica 0, with all queue pairs connected under number 0. */
      function found(): void {
        for (let peer = 0; peer < nodes; peer++) if (peer !== host.self) state.open.add(peer)
        following.begin(0)
        election.publishStatus()
        if (leaderOf(0, nodes) !== host.self) {
          election.lookAgain()
          return
        }
        state.role = next(state.role, events.APPOINT)
        for (let peer = 0; peer < nodes; peer++) {
          if (peer === host.self) continue
          const link = state.links.at(peer)
          link.state = linkStates.next(link.state, linkStates.events.JOINED)
          link.state = linkStates.next(link.state, linkStates.events.CONNECTED)
          link.next = 1
          link.alive = true
        }
        host.setTimer(Timer.beat, pace.beat)
        host.setTimer(Timer.suspect, pace.suspect)
      }

      /**
       * A replica that remembers what it has promised goes on as a follower; its queue pairs are gone. Nothing leaves it
       * before all that it remembers is stored again. Its life begins anew all the same: if its disk could not be read for
       * a while, the others know of a life in which it remembered nothing, and would not count its votes.
       */
      function resume(): void {
        state.life = host.incarnation
        state.lives.set(host.self, state.life)
        following.begin(state.commit)
        replica.storage.keepReadBack()
      }

      return {
        start(_recovered, length) {
          host.watch(Window.cells, Region.cells, 0)
          if (host.incarnation === 0) return found()
          if (replica.storage.recover(length)) return resume()
          if (!amnesiacVotes) {
            following.lookAway()
            return recovery.begin()
          }
          resume()
        },

        poll() {
          const isNews = links.hear()
          if (!leading.isLeading()) following.poll()
          else if (isNews) leading.heard()
        },

        observed(token, length) {
          if (token === Observe.entry) following.observed(length)
          else if (token === Observe.snapshot) snapshots.observed()
          else reads.observed()
        },

        timer(timer) {
          if (timer === Timer.beat) leading.beatAll()
          else if (timer === Timer.look) following.look()
          else if (timer === Timer.retry) {
            if (recovery.hasMemory()) links.askAll()
            else recovery.ask()
          } else if (leading.isLeading()) leading.review()
          else election.review()
        },

        completion(peer: NodeId, token: number, status: Status) {
          if (token === Token.control) return election.changed(peer)
          if (status !== StatusCode.ok) {
            if (links.isUp(peer)) links.broke(peer)
            else links.forgetPosted(peer)
            return
          }
          if (token === Token.confirm) return reads.arrived(peer)
          if (token === Token.snapshot) return snapshots.fetched(peer)
          links.succeeded(peer)
          if (leading.isLeading()) leading.advance()
          else following.acknowledge()
        },

        message(from) {
          const { kind: its, view, attempt, leads, life, endView, end, cursor } = message
          if (its === kind.join) election.asked(from, view, attempt, leads, endView, end)
          else if (its === kind.joined) joined(from, view, attempt, life, cursor)
          else if (its === kind.probe) election.probed(from, view, endView, end)
          else if (its === kind.grant) election.granted(from, view)
          else if (its === kind.recover) recovery.asked(from, life)
          else if (its === kind.state) recovery.answered(from, life, view, leads, end)
          else if (its === kind.ahead) election.outrun(view)
          else snapshots.offered(from, view, attempt, cursor)
        },

        stored(_token, status) {
          replica.storage.flushed(status)
        },

        request(client, sequence, length) {
          clients.request(client, sequence, length)
        },
      }

      function joined(from: NodeId, view: number, attempt: number, life: number, cursor: number): void {
        if (view !== state.view || state.target !== 0) return
        if (state.role !== role.candidate && state.role !== role.leader) return
        for (let node = 0; node < nodes; node++) {
          const known = message.lives.get(node)
          if (known > state.lives.get(node)) state.lives.set(node, known)
        }
        links.joined(from, attempt, Math.min(cursor, state.end))
        election.joinedBy(from, life)
      }
    },
  })
}
