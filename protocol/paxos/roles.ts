/** What a server is doing as a proposer and learner. As an acceptor it has no role: it always answers. */
import { defineRoles } from '../roles.js'

export const serverRoles = defineRoles({
  id: 'server',
  initial: 'waiting',
  states: {
    /** Proposes nothing. */
    waiting: { on: { prepare: 'preparing', learn: 'decided' } },
    /** Phase 1: waits for a quorum of promises. */
    preparing: { on: { propose: 'proposing', renounce: 'waiting', learn: 'decided' } },
    /** Phase 2: waits for a quorum of acceptances. */
    proposing: { on: { renounce: 'waiting', learn: 'decided' } },
    /** Knows the chosen value. */
    decided: {},
  },
})
