/**
 * What APUS promises, as checked. `agreement` and `linearizable` are the promise itself; the others say what each piece of
 * the protocol sees to, and name the piece that failed (`spec-of-pieces.ts`).
 */
import { equals } from '../layout/index.js'
import type { HistoryProperty, Observer, Spec, StateInvariant, StepInvariant, Workload } from '../system.js'
import { type ApusLayouts, entryKind, leaderOf, majorityOf } from './layout.js'
import { replicaRoles } from './roles.js'
import { invariantsOfPieces } from './spec-of-pieces.js'
import { hasEitherChanged, isAlive, isIn, isMember, isMemberAt, membersOf } from './spec-views.js'

const { states: role } = replicaRoles

export function specOf(layouts: ApusLayouts, workload: Workload): Spec {
  const { application } = layouts
  return {
    invariants: [agreement(layouts), ...invariantsOfPieces(layouts, workload), ...applicationHolds(layouts)],
    stepInvariants: [neverGoesBack(layouts), votesAreOfThisLife(layouts), membersHoldEnough(layouts)],
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
      regions: [],
      reached: (observer) => hasConverged(layouts, observer),
    },
  }
}

function hasConverged(layouts: ApusLayouts, observer: Observer): boolean {
  const majority = majorityOf(observer.nodes)
  let members = 0
  let first = -1
  let leaders = 0
  for (let node = 0; node < observer.nodes; node++) {
    if (!isMemberAt(layouts, observer, node)) continue
    members++
    if (first < 0) first = node
    if (observer.state(node, layouts.state).role === role.leader) leaders++
  }
  if (members < majority) return true
  if (observer.clientsBusy > 0 || leaders !== 1) return false
  const one = observer.state(first, layouts.state)
  for (let node = 0; node < observer.nodes; node++) {
    if (!isAlive(observer, node)) continue
    const state = observer.state(node, layouts.state)
    if (!isMember(state) || state.view !== one.view || hasRequestToApply(layouts, state)) return false
    if (!sameMachine(layouts, state, one)) return false
  }
  return true
}

/** Whether the log holds a request that is not applied. Behind what the leader has sent is what an earlier one left. */
function hasRequestToApply(layouts: ApusLayouts, state: View): boolean {
  for (let index = state.machine.applied + 1; index <= state.cursor; index++)
    if (state.log.at(index % layouts.retained).kind === entryKind.code.request) return true
  return false
}

type View = ReturnType<ApusLayouts['state']['view']>

/** Whether the same requests have had the same effect: NOPs may come behind them. */
function sameMachine(layouts: ApusLayouts, a: View, b: View): boolean {
  return (
    equals(layouts.application.layout, a.machine.application, b.machine.application) &&
    equals(layouts.machineTable, a.machine.table, b.machine.table)
  )
}

function agreement(layouts: ApusLayouts): StateInvariant {
  return {
    name: 'agreement',
    meaning:
      'replicas that have applied the same number of entries have applied the same entries to the same effect',
    regions: [],
    check(observer) {
      const members = membersOf(layouts, observer)
      for (let a = 0; a < observer.nodes; a++) {
        if (!isIn(members, a)) continue
        const one = observer.state(a, layouts.state)
        const { applied, digest } = one.machine
        // To be equal is transitive: each is held against the next that has applied as much.
        for (let b = a + 1; b < observer.nodes; b++) {
          if (!isIn(members, b)) continue
          const other = observer.state(b, layouts.state)
          if (other.machine.applied !== applied) continue
          if (!hasEitherChanged(observer, a, b)) break
          if (other.machine.digest !== digest)
            return `replicas ${a} and ${b} have applied ${applied} entries each, and not the same ones`
          if (!sameMachine(layouts, one, other))
            return `replicas ${a} and ${b} have applied the same ${applied} entries to different effect`
          break
        }
      }
      return undefined
    },
  }
}

function applicationHolds(layouts: ApusLayouts): readonly StateInvariant[] {
  const { application } = layouts
  if (application.invariant === undefined) return []
  return [
    {
      ...application.invariant,
      regions: [],
      check(observer) {
        for (let node = 0; node < observer.nodes; node++) {
          if (!observer.hasChanged(node) || !isMemberAt(layouts, observer, node)) continue
          const found = application.check(observer.state(node, layouts.state).machine.application)
          if (found !== undefined) return `at replica ${node} ${found}`
        }
        return undefined
      },
    },
  ]
}

function neverGoesBack(layouts: ApusLayouts): StepInvariant {
  const columns = ['incarnation', 'view', 'commit index', 'applied index'] as const
  const width = columns.length
  return {
    name: 'commit-never-goes-back',
    meaning: 'in one incarnation of a replica its view, its commit index and what it has applied never fall',
    regions: [],
    residue: width * layouts.nodes,
    remember(observer, into) {
      for (let node = 0; node < observer.nodes; node++) {
        const at = width * node
        into[at] = -1
        if (!isAlive(observer, node)) continue
        const state = observer.state(node, layouts.state)
        into[at] = observer.incarnation(node)
        into[at + 1] = state.view
        into[at + 2] = state.commit
        into[at + 3] = state.machine.applied
      }
    },
    check(before, after, observer) {
      for (let node = 0; node < observer.nodes; node++) {
        const at = width * node
        if (after[at] === -1 || before[at] !== after[at]) continue
        for (let column = 1; column < width; column++) {
          const from = before[at + column]!
          const to = after[at + column]!
          if (to < from) return `the ${columns[column]!} of replica ${node} went back from ${from} to ${to}`
        }
      }
      return undefined
    },
  }
}

function votesAreOfThisLife(layouts: ApusLayouts): StepInvariant {
  return {
    name: 'votes-are-of-this-life',
    meaning:
      'a replica takes office with the votes of a majority that, as far as it knows, has not lost its memory since',
    residue: layouts.nodes,
    remember(observer, into) {
      for (let node = 0; node < observer.nodes; node++)
        into[node] = isAlive(observer, node) ? observer.state(node, layouts.state).role : role.follower
    },
    check(before, after, observer) {
      const majority = majorityOf(observer.nodes)
      for (let node = 0; node < observer.nodes; node++) {
        if (after[node] !== role.leader || before[node] === role.leader) continue
        const { view, votes, voteLives, lives } = observer.state(node, layouts.state)
        // The first view is led without an election.
        if (view === 0) continue
        let counted = 0
        for (let voter = 0; voter < observer.nodes; voter++)
          if (votes.has(voter) && voteLives.get(voter) >= lives.get(voter)) counted++
        if (counted < majority)
          return `replica ${node} leads view ${view} with ${votes.size} votes, and knows that the voters of all but ${counted} have lost their memory since`
      }
      return undefined
    },
  }
}

/**
 * What makes a member of a replica that has lost its memory (Viewstamped Replication Revisited, section 4.3): the answers
 * of a majority, the leader of the highest view among them, and what that leader had when it answered.
 */
function membersHoldEnough(layouts: ApusLayouts): StepInvariant {
  return {
    name: 'members-hold-enough',
    meaning:
      'a replica that recovers becomes a member again when a majority has answered, in no later view than the leader that it follows, and when it has stored what that leader had',
    residue: layouts.nodes,
    remember(observer, into) {
      for (let node = 0; node < observer.nodes; node++) {
        const isRecovering = isAlive(observer, node) && !isMember(observer.state(node, layouts.state))
        into[node] = isRecovering ? 1 + observer.incarnation(node) : 0
      }
    },
    check(before, _after, observer) {
      const { nodes } = observer
      for (let node = 0; node < nodes; node++) {
        if (before[node] === 0 || !isMemberAt(layouts, observer, node)) continue
        if (before[node] !== 1 + observer.incarnation(node)) continue
        const { states, view, cursor, stored } = observer.state(node, layouts.state)
        let answers = 0
        for (let peer = 0; peer < nodes; peer++) {
          const { view: its } = states.at(peer)
          if (its > 0 && its <= view + 1) answers++
        }
        if (answers < majorityOf(nodes))
          return `replica ${node} is a member of view ${view} again, and ${answers} of ${nodes} replicas have told it of no later view`
        const { view: its, leads, end } = states.at(leaderOf(view, nodes))
        if (!leads || its !== view + 1)
          return `replica ${node} is a member of view ${view} again, of whose leader it has not heard`
        const held = Math.min(cursor, stored)
        if (held < end)
          return `replica ${node} is a member again with ${held} entries, but may have acknowledged ${end} before it lost its memory`
      }
      return undefined
    },
  }
}
