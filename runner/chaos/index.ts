/** Faults on purpose, and what clients see of them. */
export * from './chaos.js'
export * from './load.js'
export * from './model.js'
export * from './nemesis.js'
export * from './plan.js'
export * from './verdict.js'
