/** Two-phase commit (system `2pc`). */
export { twoPhaseCommit } from './system.js'
export { managerState, messageKind, messageLayout, resourceState } from './layout.js'
export { managerRoles, resourceRoles } from './roles.js'
