/** What a server is doing as a proposer and learner. As an acceptor it always answers, unless it is retired. */
import { defineRoles } from '../roles.js'

export const serverRoles = defineRoles({
  id: 'server',
  initial: 'waiting',
  states: {
    /** Proposes nothing. */
    waiting: { on: { prepare: 'preparing', learn: 'decided', retire: 'retired' } },
    /** Phase 1: waits for a quorum of promises. */
    preparing: { on: { propose: 'proposing', renounce: 'waiting', learn: 'decided' } },
    /** Phase 2: waits for a quorum of acceptances. */
    proposing: { on: { renounce: 'waiting', learn: 'decided' } },
    /** Has found at its start that its disk has lost what it may have promised: from now on it only learns. */
    retired: { on: { learn: 'decided' } },
    /** Knows the chosen value. */
    decided: {},
  },
})
