/** Litmus programs: read, enumerated over all choices of the world, compared with what is expected. */
export { LitmusError } from './errors.js'
export { type LitmusOptions, type Schedule, enumerateLitmus, runSchedule } from './enumerate.js'
export { type Expectation, judgeLitmus } from './judge.js'
export { parseLitmus } from './parse.js'
export type { LitmusProgram } from './program.js'
export { litmusSetup, litmusSystem } from './system.js'
export { outcomeKey } from './values.js'
