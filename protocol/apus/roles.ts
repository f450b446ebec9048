/** The role of a replica, and the states of a link to a peer. */
import { defineRoles } from '../roles.js'

export const replicaRoles = defineRoles({
  id: 'apus replica',
  initial: 'follower',
  states: {
    /** In its view, under the leader of that view. */
    follower: {
      on: { APPOINT: 'leader', FORGET: 'recovering', SUSPECT: 'probing', STAND: 'candidate' },
    },
    /** Hears nothing of the leader and asks whether a majority feels the same (pre-vote). */
    probing: { on: { HEAR: 'follower', JOIN: 'follower', STAND: 'candidate' } },
    /** In a view of its own: old access is revoked here, votes are being gathered. */
    candidate: { on: { WIN: 'leader', JOIN: 'follower', SUSPECT: 'probing' } },
    /** Who has nobody to revoke goes straight on to a later view. */
    leader: { on: { JOIN: 'follower', STEP_DOWN: 'probing', STAND: 'candidate' } },
    /** Has lost its memory: neither votes nor confirms before it holds again what it may have acknowledged. */
    recovering: { on: { REFUSE: 'refusing', CATCH_UP: 'follower' } },
    /** As recovering, and knows of so many others in the same state that no majority remembers. */
    refusing: { on: { HEAR: 'recovering', CATCH_UP: 'follower' } },
  },
})

/** The own end of the queue pair to a peer, as candidate or leader. */
export const linkStates = defineRoles({
  id: 'apus link',
  initial: 'down',
  states: {
    /** The peer has been asked to join, or will be. */
    down: { on: { JOINED: 'connecting' } },
    /** The peer's end is ready; the own one is being connected. */
    connecting: { on: { CONNECTED: 'up', BREAK: 'down' } },
    up: { on: { BREAK: 'down' } },
  },
})
