/** Roles of two-phase commit: the values of `tmState` and `rmState` of the TLA+ module TwoPhase, and their legal changes. */
import { defineRoles } from '../roles.js'

/** The transaction manager (`tmState`; `committed` and `aborted` are both "done" in later versions of the module). */
export const managerRoles = defineRoles({
  id: 'transaction manager',
  initial: 'init',
  states: {
    init: { on: { commit: 'committed', abort: 'aborted' } },
    committed: {},
    aborted: {},
  },
})

/** A resource manager (`rmState`). What it is told by the transaction manager it takes in any state that is not final. */
export const resourceRoles = defineRoles({
  id: 'resource manager',
  initial: 'working',
  states: {
    working: { on: { prepare: 'prepared', commit: 'committed', abort: 'aborted' } },
    prepared: { on: { commit: 'committed', abort: 'aborted' } },
    committed: {},
    aborted: {},
  },
})
