/** Two-phase commit (system `2pc`). */
export { twoPhaseCommit } from './system.js'
