/**
 * Recovery of a replica that has lost its memory. It must not vote, confirm or acknowledge before it holds again whatever
 * it may have acknowledged before: it may have been the one whose word made a majority.
 *
 * It begins a new life and asks everybody. When a majority has answered, and with them the leader of the highest view
 * that any of these knows, it may follow that leader, and it is a member again when it has all that the leader had when it
 * first answered (Liskov and Cowling, "Viewstamped Replication Revisited", section 4.3). Who answers remembers the new life, so
 * that votes of a former one are not counted any more (`election.ts`). Replicas that are recovering themselves do not
 * answer; when they are so many that no majority remembers, service is refused.
 */
import type { NodeId } from '../contract.js'
import { leaderOf, majorityOf } from './layout.js'
import { noteKind } from './notes.js'
import { type Replica, Timer } from './replica.js'
import { replicaRoles } from './roles.js'

export function createRecovery(replica: Replica) {
  const { context, layouts } = replica
  const { host, state } = context
  const { nodes, pace } = layouts
  const { states: role, events, next } = replicaRoles
  const majority = majorityOf(nodes)
  const votesTooEarly = replica.is('votes-before-caught-up')
  const believesAnyone = replica.is('recovered-from-anyone')

  /** Whether this replica remembers what it has promised. */
  function hasMemory(): boolean {
    return state.role !== role.recovering && state.role !== role.refusing
  }

  function begin(): void {
    state.role = next(state.role, events.FORGET)
    state.life = host.incarnation
    state.lives.set(host.self, state.life)
    host.note(noteKind.code.amnesia, state.life)
    ask()
  }

  function ask(): void {
    replica.post.recoverAll()
    host.setTimer(Timer.retry, pace.retry)
  }

  /** A replica has lost its memory and asks. */
  function asked(from: NodeId, life: number): void {
    const isNews = life > state.lives.get(from)
    if (isNews) state.lives.set(from, life)
    if (!hasMemory()) {
      state.amnesiacs.add(from)
      if (state.amnesiacs.size + 1 > nodes - majority && state.role === role.recovering) {
        state.role = next(state.role, events.REFUSE)
        host.note(noteKind.code['memory-lost'], state.amnesiacs.size + 1)
      }
      return
    }
    const leads = state.role === role.leader
    replica.post.state(from, life, leads)
    if (leads && isNews) replica.links.restarted(from)
    else if (leaderOf(state.view, nodes) === from && !state.suspecting && state.target === 0) {
      replica.election.suspect()
    }
  }

  /** A replica with memory has answered this life. */
  function answered(from: NodeId, life: number, view: number, leads: boolean, end: number): void {
    if (hasMemory() || life !== state.life) return
    const its = state.states.at(from)
    // A leader has all that counts when it answers this life first. Where it has come since then moves on under load, and
    // who had to have that would follow it for ever.
    const isKnown = leads && its.leads && its.view === view + 1
    its.view = view + 1
    its.leads = leads
    if (!isKnown) its.end = end
    state.amnesiacs.delete(from)
    if (state.role === role.refusing && state.amnesiacs.size + 1 <= nodes - majority) {
      state.role = next(state.role, events.HEAR)
    }
    weigh()
    holds()
  }

  /**
   * Looks for a leader that a majority, with itself, puts in no later view than its own. Any answers of this life will do,
   * one of each replica: who has spoken of a later view may have forgotten it since, or be gone with it.
   */
  function weigh(): void {
    state.quorate = false
    let highest = 0
    for (let leader = 0; leader < nodes; leader++) {
      const { view, leads, end } = state.states.at(leader)
      if (!leads || view < highest) continue
      let answers = 0
      for (let node = 0; node < nodes; node++) {
        const { view: its } = state.states.at(node)
        if (its > 0 && its <= view) answers++
      }
      if (answers < (believesAnyone ? 1 : majority)) continue
      highest = view
      state.heardView = view - 1
      state.catchUpTo = end
      state.quorate = true
    }
  }

  /** Whether a leader may be followed. */
  function mayJoin(view: number, leads: boolean): boolean {
    return state.quorate && leads && view >= state.heardView
  }

  /** Follows the leader of a view, whose log ended there when it asked. */
  function joins(view: number, end: number): void {
    // A view that was being joined when a later one was heard of does not make a member.
    if (view <= state.heardView) return
    // A later view than any that was heard of: its leader has all that counts, and it began after this life.
    const its = state.states.at(leaderOf(view, nodes))
    its.view = view + 1
    its.leads = true
    its.end = end
    state.heardView = view
    state.catchUpTo = end
  }

  /**
   * Becomes a member again when it has stored what is needed of the log of the leader that it follows. What the answers
   * said stays, for the spec to look at.
   */
  function holds(): void {
    if (hasMemory() || !state.quorate || state.view !== state.heardView) return
    if (!state.open.has(leaderOf(state.view, nodes)) || replica.storage.isKeepingView()) return
    if (Math.min(state.cursor, state.stored) < state.catchUpTo && !votesTooEarly) return
    state.role = next(state.role, events.CATCH_UP)
    host.cancelTimer(Timer.retry)
    host.note(noteKind.code.recovered, state.view)
    replica.election.publishStatus()
    replica.election.lookAgain()
    replica.storage.keepMembership()
  }

  return { hasMemory, begin, ask, asked, answered, mayJoin, joins, holds }
}
