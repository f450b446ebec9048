/**
 * Election and fencing. A replica that hears nothing of its leader first asks whether a majority feels the same (as in
 * Raft's pre-vote, Ongaro 2014, section 9.6), so that one with a bad link cannot unseat a leader that others hear. Then
 * it stands for the next view that is its own.
 *
 * To join a view a replica revokes: it resets its queue pairs to everybody but the new leader, and connects that one
 * under the number of the view. Both take a while and race with WRITEs under way. Only when all control calls have
 * returned is the log final: it is compared with the candidate's, and the vote is given. So no entry that the old leader
 * can still commit is missing in what was compared.
 */
import { Control, type NodeId } from '../contract.js'
import { connectionOf, queuePairOf, Region, statusLayout, leaderOf, majorityOf } from './layout.js'
import { linkStates, replicaRoles } from './roles.js'
import { noteKind } from './notes.js'
import { type Replica, Timer, Token } from './replica.js'

export function createElection(replica: Replica) {
  const { context, layouts } = replica
  const { host, state, output } = context
  const { nodes, pace } = layouts
  const { states: role, events, next } = replicaRoles
  const majority = majorityOf(nodes)
  const status = statusLayout.view(output)

  const fenceForgotten = replica.is('fence-forgotten')
  const positionReadEarly = replica.is('position-read-before-revocation')
  const votesForAnyone = replica.is('votes-for-anyone')
  const longestWins = replica.is('longest-log-wins')
  const countsFormerLives = replica.is('vote-of-a-former-life')
  const suffixTrusted = replica.is('suffix-trusted')

  // ---- suspicion

  function lookAgain(): void {
    host.setTimer(Timer.suspect, pace.suspect + pace.stagger * host.self)
  }

  /** Every 3T: whether the leader has given a sign of life since the last look. */
  function review(): void {
    lookAgain()
    if (state.target !== 0) return
    const beat = replica.following.lastBeat()
    if (beat !== state.beatMarked) {
      state.beatMarked = beat
      state.suspecting = false
      if (state.role === role.probing) state.role = next(state.role, events.HEAR)
      replica.following.acknowledgeAgain()
    } else suspect()
  }

  function suspect(): void {
    if (!state.suspecting) host.note(noteKind.code.suspected, state.view)
    state.suspecting = true
    // What comes from now on is a sign of life.
    state.beatMarked = replica.following.lastBeat()
    if (state.role === role.follower || state.role === role.candidate) {
      state.role = next(state.role, events.SUSPECT)
      host.cancelTimer(Timer.retry)
    }
    if (state.role !== role.probing) return
    state.probeView = nextOwnView(Math.max(state.view, state.heardView))
    state.grants.clear()
    state.grants.add(host.self)
    host.note(noteKind.code.probed, state.probeView)
    replica.post.probeAll(state.probeView)
  }

  /** The next view that this replica leads. */
  function nextOwnView(view: number): number {
    const distance = (host.self - leaderOf(view, nodes) + nodes) % nodes
    return view + (distance === 0 ? nodes : distance)
  }

  function isUpToDate(endView: number, end: number): boolean {
    if (votesForAnyone) return true
    if (longestWins) return end >= state.end
    return replica.log.isUpToDate(endView, end)
  }

  function probed(from: NodeId, view: number, endView: number, end: number): void {
    const isWilling =
      state.suspecting && state.role !== role.leader && replica.recovery.hasMemory() && state.target === 0
    if (!isWilling || !isUpToDate(endView, end)) return
    if (view <= state.view) return replica.post.ahead(from)
    host.note(noteKind.code.granted, view)
    replica.post.grant(from, view)
  }

  function granted(from: NodeId, view: number): void {
    if (state.role !== role.probing || view !== state.probeView) return
    if (state.target !== 0 || state.changing.size > 0) return
    state.grants.add(from)
    if (state.grants.size >= majority) fence(view, 0, false, state.endView, state.end)
  }

  // ---- fencing and joining

  /** Begins to join a view: revokes the access of everybody but its leader. */
  function fence(view: number, attempt: number, leads: boolean, endView: number, end: number): void {
    if (state.role === role.leader || state.role === role.candidate) giveUp()
    state.target = view + 1
    state.targetAttempt = attempt
    state.targetLeads = leads
    state.targetEndView = endView
    state.targetEnd = end
    replica.following.lookAway()
    const to = leaderOf(view, nodes)
    for (let peer = 0; peer < nodes; peer++) {
      if (peer === host.self) continue
      if (peer === to) {
        host.control(queuePairOf(peer), Control.connect, connectionOf(view, attempt), Token.control)
      } else if (state.open.has(peer) && !fenceForgotten) {
        host.control(queuePairOf(peer), Control.reset, 0, Token.control)
      } else continue
      state.changing.add(peer)
    }
    if (state.changing.size === 0) join()
  }

  /** Leads or stands no more. */
  function giveUp(): void {
    state.role = next(state.role, events.JOIN)
    host.cancelTimer(Timer.beat)
    host.cancelTimer(Timer.retry)
    replica.clients.forgetWaiting()
  }

  /** A control call on the queue pair to a peer has returned. */
  function changed(peer: NodeId): void {
    state.changing.delete(peer)
    if (state.target === 0) {
      // The own end of a link.
      state.open.add(peer)
      if (state.links.at(peer).state === linkStates.states.connecting) replica.links.connected(peer)
      return
    }
    if (peer === leaderOf(state.target - 1, nodes)) state.open.add(peer)
    else state.open.delete(peer)
    if (state.changing.size === 0) join()
  }

  /** All control calls have returned: nobody but the leader of the new view reaches this replica's memory. */
  function join(): void {
    const view = state.target - 1
    const isNewView = view !== state.view || !replica.recovery.hasMemory() || replica.storage.isKeepingView()
    host.note(noteKind.code.fenced, view)
    state.target = 0
    for (let peer = 0; peer < nodes; peer++) replica.links.forgetPosted(peer)
    state.attempt = state.targetAttempt
    if (!isNewView) {
      // A new connection within the view: what was accepted on the former one stays accepted.
      replica.following.watch()
      vote()
      return
    }
    replica.links.reset()
    state.view = view
    state.suspecting = false
    state.votes.clear()
    state.grants.clear()
    for (let peer = 0; peer < nodes; peer++) state.voteLives.set(peer, 0)
    if (leaderOf(view, nodes) === host.self) stand()
    else follow()
  }

  function stand(): void {
    state.role = next(state.role, events.STAND)
    state.cursor = state.end
    replica.storage.keepView()
  }

  function follow(): void {
    if (state.role === role.probing) state.role = next(state.role, events.JOIN)
    if (!replica.recovery.hasMemory()) replica.recovery.joins(state.view, state.targetEnd)
    replica.following.begin(suffixTrusted ? state.end : state.commit)
    replica.storage.keepView()
  }

  /** The view is where it cannot be forgotten. */
  function viewKept(): void {
    const to = leaderOf(state.view, nodes)
    publishStatus()
    lookAgain()
    host.note(noteKind.code.joined, state.view)
    if (to === host.self) {
      // It may have grown impatient meanwhile.
      if (state.role !== role.candidate) return
      state.votes.add(host.self)
      state.voteLives.set(host.self, state.life)
      replica.links.askAll()
      count()
      return
    }
    // After a restart nobody has asked yet.
    if (!state.open.has(to)) return
    replica.recovery.holds()
    vote()
  }

  /** Says to the leader or candidate of the view that it is followed, if it may be. */
  function vote(): void {
    const to = leaderOf(state.view, nodes)
    if (!state.targetLeads && !positionReadEarly && !isUpToDate(state.targetEndView, state.targetEnd)) {
      host.note(noteKind.code.refused, state.view)
      return
    }
    // What is told here need not be acknowledged any more.
    state.acknowledged = Math.min(state.stored, state.cursor)
    replica.post.joined(to, state.acknowledged)
  }

  /** What peers may read as a confirmation that this replica has not left its view. */
  function publishStatus(): void {
    const isMember = replica.recovery.hasMemory()
    status.view = isMember ? state.view : 0
    status.member = isMember ? 1 : 0
    host.publish(Region.status, 0, 0, statusLayout.sizeBytes)
  }

  /** A candidate asks for the vote, or a leader to be followed. */
  function asked(
    from: NodeId,
    view: number,
    attempt: number,
    leads: boolean,
    endView: number,
    end: number,
  ): void {
    if (state.target !== 0 || state.changing.size > 0) return
    if (leaderOf(view, nodes) !== from) return
    if (view < state.view) return replica.post.ahead(from)
    if (!replica.recovery.hasMemory() && !replica.recovery.mayJoin(view, leads)) return
    if (view === state.view && state.open.has(from)) {
      if (attempt < state.attempt || replica.storage.isKeepingView()) return
      if (attempt === state.attempt) {
        state.targetLeads = leads
        vote()
        return
      }
    } else if (!leads && !positionReadEarly && !isUpToDate(endView, end)) {
      host.note(noteKind.code.refused, view)
      return
    }
    fence(view, attempt, leads, endView, end)
  }

  /**
   * A replica that was asked is in a later view, which it stood for or voted in, and cannot go back. A leader that has a
   * majority nevertheless takes it along to a view that is later still; who wants to lead must ask for one.
   */
  function outrun(view: number): void {
    if (!replica.recovery.hasMemory() || view <= state.view) return
    if (view > state.heardView) state.heardView = view
    if (state.role !== role.leader) return
    if (state.target === 0 && state.changing.size === 0)
      fence(nextOwnView(view), 0, false, state.endView, state.end)
  }

  // ---- votes

  /** A replica has joined the own view. */
  function joinedBy(from: NodeId, life: number): void {
    state.votes.add(from)
    state.voteLives.set(from, life)
    if (state.role === role.candidate) count()
  }

  /**
   * Takes office with the votes of a majority. A vote counts only if its voter has not lost its memory since, as far as
   * anybody among the voters knows; else it may have forgotten the vote, and have helped an earlier leader to commit
   * afterwards (Michael and others, "Recovering Shared Objects Without Stable Storage", DISC 2017).
   */
  function count(): void {
    let votes = 0
    for (let node = 0; node < nodes; node++) {
      if (!state.votes.has(node)) continue
      if (countsFormerLives || state.voteLives.get(node) >= state.lives.get(node)) votes++
    }
    if (votes >= majority) replica.leading.takeOffice()
  }

  return {
    review,
    suspect,
    probed,
    granted,
    asked,
    outrun,
    changed,
    joinedBy,
    viewKept,
    publishStatus,
    lookAgain,
  }
}
