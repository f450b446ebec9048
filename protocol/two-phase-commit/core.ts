/**
 * Two-phase commit: the cores of the transaction manager (TM) and of the resource managers (RMs).
 *
 * Source: the TLA+ module TwoPhase (Gray and Lamport, "Consensus on Transaction Commit", 2006, section 3, and the TLA+
 * Examples repository). Each handler is one action of its next-state relation and carries that action's name; an
 * action's guard that is false refuses the input. A broadcast is one message for each RM, sent in one step.
 *
 * Guarantees: no RM commits while another aborts. Assumes: the network keeps every message (a growing set); a manager
 * that stops never comes back, because nothing here is on disk.
 * Deviates in one point, which only wrong variants can reach: an RM that has decided does not heed a contrary message,
 * where the TLA+ module overwrites its state.
 */
import { type CoreDefinition, defineCore, type NodeId } from '../contract.js'
import { MANAGER, managerState, messageKind, messageLayout, resourceState } from './layout.js'
import { managerRoles, resourceRoles } from './roles.js'

const { prepared, commit, abort } = messageKind.code

/** The order of the spontaneous inputs. */
const managerInputs = ['commit', 'abort'] as const
const resourceInputs = ['prepare', 'abort'] as const

export function transactionManager(bug: string | undefined): CoreDefinition {
  const commitOnHalf = bug === 'commit-on-half'
  const commitCountsMessages = bug === 'commit-counts-messages'
  const abortAfterCommit = bug === 'abort-after-commit'

  return defineCore({
    state: managerState,
    inputs: managerInputs,
    scratchBytes: 128,
    role: { field: 'role', machine: managerRoles },
    create({ host, state, input, output }) {
      const { states, events, next } = managerRoles
      const message = messageLayout.view(input)
      const announcement = messageLayout.view(output)
      const resources = host.nodes - 1

      /** TMRcvPrepared(rm) */
      function receivePrepared(rm: NodeId): void {
        if (state.role !== states.init) return host.refuse()
        state.prepared.add(commitCountsMessages ? firstUnprepared(rm) : rm)
      }

      /** TMCommit */
      function decideToCommit(): void {
        const answers = state.prepared.size
        const enough = commitOnHalf ? answers * 2 >= resources : answers === resources
        if (state.role !== states.init || !enough) return host.refuse()
        state.role = next(state.role, events.commit)
        broadcast(commit)
      }

      /** TMAbort */
      function decideToAbort(): void {
        if (abortAfterCommit && state.role === states.committed) return broadcast(abort)
        if (state.role !== states.init) return host.refuse()
        state.role = next(state.role, events.abort)
        broadcast(abort)
      }

      function broadcast(kind: number): void {
        announcement.kind = kind
        for (let rm = MANAGER + 1; rm < host.nodes; rm++) host.send(rm, 0, messageLayout.sizeBytes)
      }

      /** Wrong: a message stands for "one more RM", whoever sent it. */
      function firstUnprepared(rm: NodeId): NodeId {
        for (let other = MANAGER + 1; other < host.nodes; other++)
          if (!state.prepared.has(other)) return other
        return rm
      }

      return {
        start() {},
        message(from) {
          if (message.kind === prepared) receivePrepared(from)
          else host.refuse()
        },
        input(kind) {
          if (managerInputs[kind] === 'commit') decideToCommit()
          else decideToAbort()
        },
      }
    },
  })
}

export function resourceManager(bug: string | undefined): CoreDefinition {
  const abortAfterPrepared = bug === 'abort-after-prepared'
  const commitOnSilence = bug === 'commit-on-silence'

  return defineCore({
    state: resourceState,
    inputs: resourceInputs,
    scratchBytes: 16,
    role: { field: 'role', machine: resourceRoles },
    create({ host, state, input, output }) {
      const { states, events, next, accepts } = resourceRoles
      const message = messageLayout.view(input)
      const vote = messageLayout.view(output)

      /** RMPrepare(rm) */
      function prepare(): void {
        if (state.role !== states.working) return host.refuse()
        state.role = next(state.role, events.prepare)
        vote.kind = prepared
        host.send(MANAGER, 0, messageLayout.sizeBytes)
      }

      /** RMChooseToAbort(rm) */
      function chooseToAbort(): void {
        if (commitOnSilence && state.role === states.prepared) return decide(events.commit)
        const mayChoose =
          state.role === states.working || (abortAfterPrepared && state.role === states.prepared)
        if (!mayChoose) return host.refuse()
        state.role = next(state.role, events.abort)
      }

      /** RMRcvCommitMsg(rm) and RMRcvAbortMsg(rm): no guard but that the message is there. */
      function decide(event: number): void {
        if (accepts(state.role, event)) state.role = next(state.role, event)
      }

      return {
        start() {},
        message() {
          if (message.kind === commit) decide(events.commit)
          else if (message.kind === abort) decide(events.abort)
          else host.refuse()
        },
        input(kind) {
          if (resourceInputs[kind] === 'prepare') prepare()
          else chooseToAbort()
        },
      }
    },
  })
}
