/** What must hold of two-phase commit. Managers that are down are not looked at: their memory is gone. */
import type { Observer, Spec, StateInvariant } from '../system.js'
import { MANAGER, managerState, resourceState } from './layout.js'
import { managerRoles, resourceRoles } from './roles.js'

const { working, committed, aborted } = resourceRoles.states

/** The first resource manager that is up and in that role, or -1. */
function firstIn(observer: Observer, role: number): number {
  for (let rm = MANAGER + 1; rm < observer.nodes; rm++)
    if (observer.isUp(rm) && observer.state(rm, resourceState).role === role) return rm
  return -1
}

const consistency: StateInvariant = {
  name: 'consistency',
  meaning: 'No resource manager has committed while another has aborted (TCConsistent).',
  check(observer) {
    const commits = firstIn(observer, committed)
    if (commits < 0) return undefined
    const aborts = firstIn(observer, aborted)
    return aborts < 0 ? undefined : `resource manager ${commits} has committed, but ${aborts} has aborted`
  },
}

const commitNeedsEveryVote: StateInvariant = {
  name: 'commit-needs-every-vote',
  meaning: 'When the transaction manager has committed, no resource manager is still working or has aborted.',
  check(observer) {
    if (!observer.isUp(MANAGER)) return undefined
    if (observer.state(MANAGER, managerState).role !== managerRoles.states.committed) return undefined
    const missing = Math.max(firstIn(observer, working), firstIn(observer, aborted))
    if (missing < 0) return undefined
    const role = resourceRoles.stateNames[observer.state(missing, resourceState).role]!
    return `the transaction manager has committed, but resource manager ${missing} is ${role}`
  },
}

const voteBinds: StateInvariant = {
  name: 'vote-binds',
  meaning:
    'A resource manager whose vote the transaction manager has counted is prepared or did as the transaction manager decided.',
  check(observer) {
    if (!observer.isUp(MANAGER)) return undefined
    const manager = observer.state(MANAGER, managerState)
    for (let rm = MANAGER + 1; rm < observer.nodes; rm++) {
      if (!observer.isUp(rm) || !manager.prepared.has(rm)) continue
      const { role } = observer.state(rm, resourceState)
      if (role === working) return `the vote of resource manager ${rm} is counted, but it is still working`
      if (role === aborted && manager.role !== managerRoles.states.aborted)
        return `the vote of resource manager ${rm} is counted and the transaction manager has not aborted, but it has`
    }
    return undefined
  },
}

const commitIsTheManagers: StateInvariant = {
  name: 'commit-is-the-managers',
  meaning: 'A resource manager commits only what the transaction manager has committed.',
  check(observer) {
    const commits = firstIn(observer, committed)
    if (commits < 0 || !observer.isUp(MANAGER)) return undefined
    if (observer.state(MANAGER, managerState).role === managerRoles.states.committed) return undefined
    return `resource manager ${commits} has committed, but the transaction manager has not`
  },
}

export const spec: Spec = {
  invariants: [consistency, commitNeedsEveryVote, voteBinds, commitIsTheManagers],
  stepInvariants: [],
  history: undefined,
  goal: {
    name: 'everybody-decides',
    meaning:
      'Every resource manager that is up has committed or aborted. Promised only while the transaction manager runs: without it, those that have prepared are blocked.',
    reached(observer) {
      if (!observer.isUp(MANAGER) || observer.isPaused(MANAGER)) return true
      for (let rm = MANAGER + 1; rm < observer.nodes; rm++) {
        if (!observer.isUp(rm) || observer.isPaused(rm)) continue
        const { role } = observer.state(rm, resourceState)
        if (role !== committed && role !== aborted) return false
      }
      return true
    },
  },
}
