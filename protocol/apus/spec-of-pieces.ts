/** What each piece of the protocol sees to. */
import type { StateInvariant, Workload } from '../system.js'
import {
  type ApusLayouts,
  connectionOf,
  entryKind,
  leaderOf,
  Region,
  type ReplicaView,
  majorityOf,
} from './layout.js'
import {
  entryText,
  hasEitherChanged,
  isAlive,
  isIn,
  isLeaderAt,
  isMember,
  isMemberAt,
  isRetained,
  membersOf,
  sameEntry,
} from './spec-views.js'

export function invariantsOfPieces(layouts: ApusLayouts, workload: Workload): readonly StateInvariant[] {
  return [
    logPrefixAgreement(layouts),
    leaderHasAllCommitted(layouts),
    committedIsStored(layouts),
    storedBeforeAcknowledged(layouts),
    acceptedFromOwnLeader(layouts),
    entriesAreWhole(layouts, workload),
    fetchedAsPosted(layouts),
    confirmedByMembers(layouts),
    confirmedInThisRound(layouts),
    votesAreRemembered(layouts),
    ownViewCommittedFirst(layouts),
    boundedLog(layouts),
  ]
}

function logPrefixAgreement(layouts: ApusLayouts): StateInvariant {
  return {
    name: 'log-prefix-agreement',
    meaning: 'an index that two replicas know to be committed holds the same entry in both logs',
    regions: [],
    check(observer) {
      const members = membersOf(layouts, observer)
      for (let a = 0; a < observer.nodes; a++) {
        if (!isIn(members, a)) continue
        const one = observer.state(a, layouts.state)
        for (let b = a + 1; b < observer.nodes; b++) {
          if (!isIn(members, b) || !hasEitherChanged(observer, a, b)) continue
          const other = observer.state(b, layouts.state)
          const last = Math.min(one.commit, other.commit)
          for (let index = Math.max(1, one.head, other.head); index <= last; index++) {
            if (sameEntry(layouts, one, other, index)) continue
            return `index ${index} is committed, but holds ${entryText(layouts, one, index)} at replica ${a} and ${entryText(layouts, other, index)} at replica ${b}`
          }
        }
      }
      return undefined
    },
  }
}

function leaderHasAllCommitted(layouts: ApusLayouts): StateInvariant {
  return {
    name: 'leader-has-all-committed',
    meaning: 'a leader has every entry that is committed at a replica of its own or an earlier view',
    regions: [],
    check(observer) {
      for (let node = 0; node < observer.nodes; node++) {
        if (!isLeaderAt(layouts, observer, node)) continue
        const leader = observer.state(node, layouts.state)
        for (let peer = 0; peer < observer.nodes; peer++) {
          if (peer === node || !hasEitherChanged(observer, node, peer)) continue
          if (!isMemberAt(layouts, observer, peer)) continue
          const other = observer.state(peer, layouts.state)
          const { commit } = other
          if (other.view > leader.view || commit === 0) continue
          if (commit > leader.end)
            return `replica ${node} leads view ${leader.view} with ${leader.end} entries, but replica ${peer} knows that ${commit} are committed`
          if (!isRetained(other, commit) || !isRetained(leader, commit)) continue
          if (sameEntry(layouts, leader, other, commit)) continue
          return `replica ${node} leads view ${leader.view} and holds ${entryText(layouts, leader, commit)} at index ${commit}, where replica ${peer} knows ${entryText(layouts, other, commit)} to be committed`
        }
      }
      return undefined
    },
  }
}

/**
 * Whether a log has stored the entry that a leader holds at an index: it is retained, or was applied so long ago that it
 * was dropped. Of a NOP it does not matter which one is stored: a new leader replaces that of its predecessor.
 */
function hasStored(layouts: ApusLayouts, leader: ReplicaView, state: ReplicaView, index: number): boolean {
  if (index > state.end) return false
  const isNop = leader.log.at(index % layouts.retained).kind === entryKind.code.nop
  if (index > state.stored && !isNop) return false
  return index < state.head || sameEntry(layouts, leader, state, index)
}

function committedIsStored(layouts: ApusLayouts): StateInvariant {
  return {
    name: 'committed-is-stored',
    meaning:
      'an entry that a leader has committed is stored at a majority; a replica that lost its memory later is not held against it',
    regions: [],
    check(observer) {
      const { nodes } = observer
      const minority = nodes - majorityOf(nodes)
      for (let node = 0; node < nodes; node++) {
        if (!isLeaderAt(layouts, observer, node)) continue
        const leader = observer.state(node, layouts.state)
        const { commit } = leader
        if (!isRetained(leader, commit)) continue
        let without = 0
        for (let peer = 0; peer < nodes; peer++) {
          if (!isMemberAt(layouts, observer, peer)) continue
          if (!hasStored(layouts, leader, observer.state(peer, layouts.state), commit)) without++
        }
        if (without > minority)
          return `replica ${node} has committed index ${commit}, but ${without} of ${nodes} replicas have not stored it`
      }
      return undefined
    },
  }
}

function storedBeforeAcknowledged(layouts: ApusLayouts): StateInvariant {
  return {
    name: 'stored-before-acknowledged',
    meaning: 'what a follower has acknowledged to its leader is stored in its log',
    regions: [Region.cells],
    check(observer) {
      for (let node = 0; node < observer.nodes; node++) {
        if (!isLeaderAt(layouts, observer, node)) continue
        const leader = observer.state(node, layouts.state)
        const { view } = leader
        const { cells } = observer.region(node, Region.cells, layouts.cells)
        for (let peer = 0; peer < observer.nodes; peer++) {
          if (peer === node || !hasEitherChanged(observer, node, peer)) continue
          if (!isMemberAt(layouts, observer, peer)) continue
          const state = observer.state(peer, layouts.state)
          if (state.view !== view) continue
          const { connection, value } = cells.at(peer)
          const written = connection === connectionOf(view, state.attempt) ? value : 0
          // What was written and seen before a restart counts as well.
          const acknowledged = Math.max(written, leader.links.at(peer).acked)
          const upTo = Math.min(state.end, state.stored)
          if (acknowledged > upTo)
            return `replica ${peer} has acknowledged index ${acknowledged} to leader ${node}, but has stored ${upTo}`
        }
      }
      return undefined
    },
  }
}

function acceptedFromOwnLeader(layouts: ApusLayouts): StateInvariant {
  return {
    name: 'accepted-from-own-leader',
    meaning: 'what a follower has accepted in a view is what the leader of that view has in its log',
    regions: [],
    check(observer) {
      for (let peer = 0; peer < observer.nodes; peer++) {
        if (!isMemberAt(layouts, observer, peer)) continue
        const follower = observer.state(peer, layouts.state)
        const node = leaderOf(follower.view, observer.nodes)
        if (node === peer || !hasEitherChanged(observer, node, peer)) continue
        if (!isLeaderAt(layouts, observer, node)) continue
        const leader = observer.state(node, layouts.state)
        const { cursor, view } = follower
        if (leader.view !== view) continue
        if (cursor > leader.end)
          return `replica ${peer} has accepted index ${cursor} in view ${view}, but its leader ${node} has ${leader.end} entries`
        if (!isRetained(follower, cursor) || !isRetained(leader, cursor)) continue
        if (sameEntry(layouts, leader, follower, cursor)) continue
        return `replica ${peer} has accepted ${entryText(layouts, follower, cursor)} at index ${cursor} in view ${view}, where its leader ${node} has ${entryText(layouts, leader, cursor)}`
      }
      return undefined
    },
  }
}

function entriesAreWhole(layouts: ApusLayouts, workload: Workload): StateInvariant {
  const scripts = workload.clients.map(({ script }) =>
    script.map((operation) => new DataView(operation.buffer, operation.byteOffset, operation.byteLength)),
  )
  return {
    name: 'entries-are-whole',
    meaning: 'an entry in a log is, byte for byte, what a client has asked',
    regions: [],
    check(observer) {
      for (let node = 0; node < observer.nodes; node++) {
        if (!observer.hasChanged(node) || !isMemberAt(layouts, observer, node)) continue
        const { head, end, log } = observer.state(node, layouts.state)
        for (let index = Math.max(1, head); index <= end; index++) {
          const entry = log.at(index % layouts.retained)
          if (entry.kind !== entryKind.code.request) continue
          const { client, sequence, bytes, operation } = entry
          const asked = scripts[client]?.[sequence - 1]
          let isSame = asked?.byteLength === bytes
          for (let k = 0; isSame && k < bytes; k += 4)
            isSame = asked!.getUint32(k, true) === operation.memory.getUint32(operation.base + k, true)
          if (!isSame)
            return `replica ${node} holds at index ${index} what client ${client} has never asked as its request ${sequence}`
        }
      }
      return undefined
    },
  }
}

function fetchedAsPosted(layouts: ApusLayouts): StateInvariant {
  return {
    name: 'fetched-as-posted',
    meaning: 'while the WRITE of an entry may still be fetching, the leader keeps the entry',
    regions: [],
    check(observer) {
      for (let node = 0; node < observer.nodes; node++) {
        if (!observer.hasChanged(node) || !isLeaderAt(layouts, observer, node)) continue
        const state = observer.state(node, layouts.state)
        for (let peer = 0; peer < observer.nodes; peer++) {
          if (state.queues.at(peer).outstanding === 0) continue
          const { fetched, next } = state.links.at(peer)
          if (next > fetched + 1 && fetched + 1 < state.head)
            return `leader ${node} has dropped its entries before ${state.head}, but the WRITE of entry ${fetched + 1} to replica ${peer} may still be fetching`
        }
      }
      return undefined
    },
  }
}

function confirmedByMembers(layouts: ApusLayouts): StateInvariant {
  return {
    name: 'confirmed-by-members',
    meaning: 'a replica that has lost its memory does not confirm a leader',
    regions: [],
    check(observer) {
      for (let node = 0; node < observer.nodes; node++) {
        if (!isLeaderAt(layouts, observer, node)) continue
        const leader = observer.state(node, layouts.state)
        if (!leader.confirming) continue
        for (let peer = 0; peer < observer.nodes; peer++) {
          if (!hasEitherChanged(observer, node, peer)) continue
          if (!leader.confirmed.has(peer) || !isAlive(observer, peer)) continue
          const state = observer.state(peer, layouts.state)
          // One that follows the leader already and has not caught up; else its word may be from before.
          if (!isMember(state) && state.attempt > 0 && state.view === leader.view)
            return `leader ${node} counts the confirmation of replica ${peer}, which has lost its memory`
        }
      }
      return undefined
    },
  }
}

function confirmedInThisRound(layouts: ApusLayouts): StateInvariant {
  return {
    name: 'confirmed-in-this-round',
    meaning: 'a leader counts in a round of confirmations only what READs of that round have brought',
    regions: [],
    check(observer) {
      for (let node = 0; node < observer.nodes; node++) {
        if (!observer.hasChanged(node) || !isLeaderAt(layouts, observer, node)) continue
        const leader = observer.state(node, layouts.state)
        if (!leader.confirming) continue
        for (let peer = 0; peer < observer.nodes; peer++) {
          if (peer === node || !leader.confirmed.has(peer)) continue
          if (!leader.asked.has(peer) || leader.queues.at(peer).reading)
            return `leader ${node} counts a confirmation of replica ${peer} for reads that came after it: no READ of this round has brought it`
        }
      }
      return undefined
    },
  }
}

function votesAreRemembered(layouts: ApusLayouts): StateInvariant {
  return {
    name: 'votes-are-remembered',
    meaning: 'a leader has been elected by a majority of which nobody has forgotten the vote',
    regions: [],
    check(observer) {
      const { nodes } = observer
      const majority = majorityOf(nodes)
      for (let node = 0; node < nodes; node++) {
        if (!isLeaderAt(layouts, observer, node)) continue
        const { view, votes } = observer.state(node, layouts.state)
        // The first view is led without an election.
        if (view === 0) continue
        let counted = votes.size
        for (let peer = 0; peer < nodes; peer++) {
          if (!votes.has(peer) || !isMemberAt(layouts, observer, peer)) continue
          if (observer.state(peer, layouts.state).view < view) counted--
        }
        if (counted < majority)
          return `replica ${node} leads view ${view}, and of its ${votes.size} voters all but ${counted} have forgotten their votes`
      }
      return undefined
    },
  }
}

function ownViewCommittedFirst(layouts: ApusLayouts): StateInvariant {
  return {
    name: 'own-view-committed-first',
    meaning: 'a leader commits nothing by counting before an entry of its own view',
    regions: [],
    check(observer) {
      for (let node = 0; node < observer.nodes; node++) {
        if (!observer.hasChanged(node) || !isLeaderAt(layouts, observer, node)) continue
        const { commit, office, told, view } = observer.state(node, layouts.state)
        if (commit < office && commit > told)
          return `replica ${node} leads view ${view} and has committed index ${commit}, but its first own entry is ${office}`
      }
      return undefined
    },
  }
}

function boundedLog(layouts: ApusLayouts): StateInvariant {
  return {
    name: 'bounded-log',
    meaning: 'the log holds no more than it has room for, and nothing that is not applied is dropped',
    regions: [],
    check(observer) {
      for (let node = 0; node < observer.nodes; node++) {
        if (!observer.hasChanged(node) || !isMemberAt(layouts, observer, node)) continue
        const { head, end, machine, commit } = observer.state(node, layouts.state)
        if (end - head >= layouts.retained)
          return `replica ${node} retains ${end - head + 1} entries, ${layouts.retained} at most`
        if (head > machine.applied + 1)
          return `replica ${node} has dropped the entries before ${head} and applied ${machine.applied}`
        if (machine.applied > commit || commit > end)
          return `replica ${node} has ${end} entries, of which ${commit} are committed and ${machine.applied} applied`
      }
      return undefined
    },
  }
}
