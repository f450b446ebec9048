/**
 * What APUS promises, as checked. `agreement` and `linearizable` are the promise itself; the others say what each piece of
 * the protocol sees to, and name the piece that failed.
 */
import type { NodeId } from '../contract.js'
import { equals } from '../layout/index.js'
import type { HistoryProperty, Observer, Spec, StateInvariant, StepInvariant, Workload } from '../system.js'
import {
  type ApusLayouts,
  connectionOf,
  entryKind,
  leaderOf,
  MOST_ATTEMPTS,
  Region,
  type ReplicaView,
} from './layout.js'
import { replicaRoles } from './roles.js'

const { states: role } = replicaRoles

export function specOf(layouts: ApusLayouts, workload: Workload): Spec {
  const { application } = layouts
  const applicationInvariant = applicationHolds(layouts)
  return {
    invariants: [
      agreement(layouts),
      logPrefixAgreement(layouts),
      leaderHasAllCommitted(layouts),
      committedIsStored(layouts),
      storedBeforeAcknowledged(layouts),
      acceptedFromOwnLeader(layouts),
      entriesAreWhole(layouts, workload),
      fetchedAsPosted(layouts),
      confirmedByMembers(layouts),
      boundedLog(layouts),
      ...(applicationInvariant === undefined ? [] : [applicationInvariant]),
    ],
    stepInvariants: [neverGoesBack(layouts)],
    history: {
      name: 'linearizable',
      meaning:
        'the requests have an order that respects real time, takes each into effect once and explains every reply',
      model: application.model,
      decodeRequest: (operation) => application.decodeRequest(operation),
      decodeReply: (memory, at, length) => application.decodeReply(memory, at, length),
    } satisfies HistoryProperty,
    goal: {
      name: 'all requests are answered and all replicas agree',
      meaning:
        'every client is done, and every replica that runs is a member of the same view and has applied every request; or a majority of memories is lost',
      reached: (observer) => hasConverged(layouts, observer),
    },
  }
}

/** Whether a node has its memory: a paused process does nothing, but will go on with what it has. */
function isAlive(observer: Observer, node: NodeId): boolean {
  return observer.isUp(node) || observer.isPaused(node)
}

function isMember(state: ReplicaView): boolean {
  return state.role !== role.recovering && state.role !== role.refusing
}

/** Members whose process is alive. */
function membersOf(layouts: ApusLayouts, observer: Observer): NodeId[] {
  const members: NodeId[] = []
  for (let node = 0; node < observer.nodes; node++)
    if (isAlive(observer, node) && isMember(observer.state(node, layouts.state))) members.push(node)
  return members
}

/** What is at an index, as text. Entries are the same if they stand for the same request, or are both a NOP. */
function entryAt(layouts: ApusLayouts, state: ReplicaView, index: number): string {
  const { kind, client, sequence } = state.log.at(index % layouts.retained)
  return kind === entryKind.code.request ? `request ${sequence} of client ${client}` : entryKind.nameOf(kind)
}

function isRetained(state: ReplicaView, index: number): boolean {
  return index >= state.head && index <= state.end && index > 0
}

/**
 * Whether an entry is stored in a log: retained, or applied so long ago that it was dropped. Of a NOP it does not matter
 * which one is stored: a new leader replaces that of its predecessor.
 */
function holds(layouts: ApusLayouts, state: ReplicaView, index: number, entry: string): boolean {
  if (index > state.end || (index > state.stored && entry !== 'nop')) return false
  return index < state.head || entryAt(layouts, state, index) === entry
}

function hasConverged(layouts: ApusLayouts, observer: Observer): boolean {
  const majority = Math.floor(observer.nodes / 2) + 1
  const members = membersOf(layouts, observer)
  if (members.length < majority) return true
  if (observer.clientsBusy > 0) return false
  const first = members[0]!
  const { view } = observer.state(first, layouts.state)
  for (let node = 0; node < observer.nodes; node++) {
    if (!isAlive(observer, node)) continue
    const state = observer.state(node, layouts.state)
    if (!isMember(state) || state.view !== view || state.lastRequest > state.machine.applied) return false
    const other = observer.state(first, layouts.state)
    if (!sameMachine(layouts, state, other)) return false
  }
  return members.some((node) => observer.state(node, layouts.state).role === role.leader)
}

/** Whether the same requests have been applied: NOPs may come behind them. */
function sameMachine(layouts: ApusLayouts, a: ReplicaView, b: ReplicaView): boolean {
  return (
    equals(layouts.application.layout, a.machine.application, b.machine.application) &&
    equals(layouts.machineTable, a.machine.table, b.machine.table)
  )
}

function forPairs(
  layouts: ApusLayouts,
  observer: Observer,
  judge: (a: NodeId, b: NodeId) => string | undefined,
): string | undefined {
  const members = membersOf(layouts, observer)
  for (const a of members) {
    for (const b of members) {
      if (a >= b) continue
      const found = judge(a, b)
      if (found !== undefined) return found
    }
  }
  return undefined
}

function agreement(layouts: ApusLayouts): StateInvariant {
  return {
    name: 'agreement',
    meaning:
      'replicas that have applied the same number of entries have applied the same entries to the same effect',
    check(observer) {
      return forPairs(layouts, observer, (a, b) => {
        const one = observer.state(a, layouts.state)
        const other = observer.state(b, layouts.state)
        const { applied, digest } = one.machine
        if (applied !== other.machine.applied) return undefined
        if (digest !== other.machine.digest)
          return `replicas ${a} and ${b} have applied ${applied} entries each, and not the same ones`
        if (!sameMachine(layouts, one, other))
          return `replicas ${a} and ${b} have applied the same ${applied} entries to different effect`
        return undefined
      })
    },
  }
}

function logPrefixAgreement(layouts: ApusLayouts): StateInvariant {
  return {
    name: 'log-prefix-agreement',
    meaning: 'an index that two replicas know to be committed holds the same entry in both logs',
    check(observer) {
      return forPairs(layouts, observer, (a, b) => {
        const one = observer.state(a, layouts.state)
        const other = observer.state(b, layouts.state)
        const last = Math.min(one.commit, other.commit)
        for (let index = Math.max(1, one.head, other.head); index <= last; index++) {
          const mine = entryAt(layouts, one, index)
          const its = entryAt(layouts, other, index)
          if (mine !== its)
            return `index ${index} is committed, but holds ${mine} at replica ${a} and ${its} at replica ${b}`
        }
        return undefined
      })
    },
  }
}

function leaderHasAllCommitted(layouts: ApusLayouts): StateInvariant {
  return {
    name: 'leader-has-all-committed',
    meaning: 'a leader has every entry that is committed at a replica of its own or an earlier view',
    check(observer) {
      for (const node of membersOf(layouts, observer)) {
        const leader = observer.state(node, layouts.state)
        if (leader.role !== role.leader) continue
        for (const other of membersOf(layouts, observer)) {
          const { commit, view, head, end } = observer.state(other, layouts.state)
          if (view > leader.view || commit === 0) continue
          if (commit > leader.end)
            return `replica ${node} leads view ${leader.view} with ${leader.end} entries, but replica ${other} knows that ${commit} are committed`
          if (commit < head || commit > end || !isRetained(leader, commit)) continue
          const its = entryAt(layouts, observer.state(other, layouts.state), commit)
          const mine = entryAt(layouts, observer.state(node, layouts.state), commit)
          if (its !== mine)
            return `replica ${node} leads view ${leader.view} and holds ${mine} at index ${commit}, where replica ${other} knows ${its} to be committed`
        }
      }
      return undefined
    },
  }
}

function committedIsStored(layouts: ApusLayouts): StateInvariant {
  return {
    name: 'committed-is-stored',
    meaning: 'an entry that a leader has committed is stored at a majority, not counting memories lost since',
    check(observer) {
      const minority = observer.nodes - (Math.floor(observer.nodes / 2) + 1)
      for (const node of membersOf(layouts, observer)) {
        const leader = observer.state(node, layouts.state)
        const { commit } = leader
        if (leader.role !== role.leader || !isRetained(leader, commit)) continue
        const entry = entryAt(layouts, leader, commit)
        const without = membersOf(layouts, observer).filter(
          (other) => !holds(layouts, observer.state(other, layouts.state), commit, entry),
        )
        if (without.length > minority)
          return `replica ${node} has committed index ${commit}, but replicas ${without.join(', ')} do not have it`
      }
      return undefined
    },
  }
}

function storedBeforeAcknowledged(layouts: ApusLayouts): StateInvariant {
  return {
    name: 'stored-before-acknowledged',
    meaning: 'what a follower has acknowledged to its leader is stored in its log',
    check(observer) {
      for (const node of membersOf(layouts, observer)) {
        const { role: its, view } = observer.state(node, layouts.state)
        if (its !== role.leader) continue
        const cells = observer.region(node, Region.cells, layouts.cells).cells
        for (const other of membersOf(layouts, observer)) {
          const { view: followed, attempt, end, stored } = observer.state(other, layouts.state)
          if (other === node || followed !== view) continue
          const { connection, value } = cells.at(other)
          if (connection === connectionOf(view, attempt) && value > Math.min(end, stored))
            return `replica ${other} has acknowledged index ${value} to leader ${node}, but has stored ${Math.min(end, stored)}`
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
    check(observer) {
      for (const node of membersOf(layouts, observer)) {
        const { view, role: its } = observer.state(node, layouts.state)
        if (its !== role.leader) continue
        for (const other of membersOf(layouts, observer)) {
          const follower = observer.state(other, layouts.state)
          if (other === node || follower.view !== view) continue
          const leader = observer.state(node, layouts.state)
          const { cursor } = follower
          if (cursor > leader.end)
            return `replica ${other} has accepted index ${cursor} in view ${view}, but its leader ${node} has ${leader.end} entries`
          if (!isRetained(follower, cursor) || !isRetained(leader, cursor)) continue
          const accepted = entryAt(layouts, observer.state(other, layouts.state), cursor)
          const given = entryAt(layouts, observer.state(node, layouts.state), cursor)
          if (accepted !== given)
            return `replica ${other} has accepted ${accepted} at index ${cursor} in view ${view}, where its leader ${node} has ${given}`
        }
      }
      return undefined
    },
  }
}

function entriesAreWhole(layouts: ApusLayouts, workload: Workload): StateInvariant {
  return {
    name: 'entries-are-whole',
    meaning: 'an entry in a log is, byte for byte, what a client has asked',
    check(observer) {
      for (const node of membersOf(layouts, observer)) {
        const { head, end, log } = observer.state(node, layouts.state)
        for (let index = Math.max(1, head); index <= end; index++) {
          const { kind, client, sequence, bytes, operation } = log.at(index % layouts.retained)
          if (kind !== entryKind.code.request) continue
          const asked = workload.clients[client]?.script[sequence - 1]
          if (asked?.length !== bytes || asked.some((byte, k) => byte !== operation.get(k)))
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
    check(observer) {
      for (const node of membersOf(layouts, observer)) {
        const { role: its, head } = observer.state(node, layouts.state)
        if (its !== role.leader) continue
        for (let peer = 0; peer < observer.nodes; peer++) {
          const state = observer.state(node, layouts.state)
          if (state.queues.at(peer).outstanding === 0) continue
          const { fetched, next } = state.links.at(peer)
          if (next > fetched + 1 && fetched + 1 < head)
            return `leader ${node} has dropped its entries before ${head}, but the WRITE of entry ${fetched + 1} to replica ${peer} may still be fetching`
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
    check(observer) {
      for (const node of membersOf(layouts, observer)) {
        const { role: its, confirming } = observer.state(node, layouts.state)
        if (its !== role.leader || !confirming) continue
        for (let peer = 0; peer < observer.nodes; peer++) {
          if (!observer.state(node, layouts.state).confirmed.has(peer) || !isAlive(observer, peer)) continue
          const state = observer.state(peer, layouts.state)
          if (isMember(state) || state.attempt === 0) continue
          if (leaderOf(state.view, observer.nodes) === node && state.attempt < MOST_ATTEMPTS)
            return `leader ${node} counts the confirmation of replica ${peer}, which has lost its memory`
        }
      }
      return undefined
    },
  }
}

function boundedLog(layouts: ApusLayouts): StateInvariant {
  return {
    name: 'bounded-log',
    meaning: 'the log holds no more than it has room for, and nothing that is not applied is dropped',
    check(observer) {
      for (const node of membersOf(layouts, observer)) {
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

function applicationHolds(layouts: ApusLayouts): StateInvariant | undefined {
  const { application } = layouts
  if (application.invariant === undefined) return undefined
  return {
    ...application.invariant,
    check(observer) {
      for (const node of membersOf(layouts, observer)) {
        const found = application.check(observer.state(node, layouts.state).machine.application)
        if (found !== undefined) return `at replica ${node} ${found}`
      }
      return undefined
    },
  }
}

function neverGoesBack(layouts: ApusLayouts): StepInvariant {
  const columns = 4
  return {
    name: 'commit-never-goes-back',
    meaning: 'in one life of a replica its view, its commit index and what it has applied never fall',
    residue: columns * layouts.nodes,
    remember(observer, into) {
      into.fill(0)
      for (let node = 0; node < observer.nodes; node++) {
        if (!isAlive(observer, node)) continue
        const { view, commit, machine } = observer.state(node, layouts.state)
        into[columns * node] = observer.incarnation(node)
        into[columns * node + 1] = view
        into[columns * node + 2] = commit
        into[columns * node + 3] = machine.applied
      }
    },
    check(before, after, observer) {
      for (let node = 0; node < observer.nodes; node++) {
        if (!isAlive(observer, node) || before[columns * node] !== after[columns * node]) continue
        for (const [column, name] of [
          [1, 'view'],
          [2, 'commit index'],
          [3, 'applied index'],
        ] as const) {
          const from = before[columns * node + column]!
          const to = after[columns * node + column]!
          if (to < from) return `the ${name} of replica ${node} went back from ${from} to ${to}`
        }
      }
      return undefined
    },
  }
}
