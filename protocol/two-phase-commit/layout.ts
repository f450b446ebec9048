/** The bytes of two-phase commit: what either kind of manager remembers, and the messages between them. */
import { enumeration, nodeSet, struct } from '../layout/index.js'
import { managerRoles, resourceRoles } from './roles.js'

/** The transaction manager is node 0; the resource managers are the nodes from 1 on. */
export const MANAGER = 0

/** `tmState` and `tmPrepared`. */
export const managerState = struct({ role: managerRoles.layout, prepared: nodeSet })

/** `rmState[rm]`. */
export const resourceState = struct({ role: resourceRoles.layout })

/** The `type` of a message; the `rm` of a Prepared message is its sender. */
export const messageKind = enumeration(['prepared', 'commit', 'abort'])

/** `Message` of the TLA+ module. */
export const messageLayout = struct({ kind: messageKind })
