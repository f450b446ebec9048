/** The runner: cores as real processes. */
export * from './errors.js'
export * from './proposer.js'
export * from './replica.js'
export * from './service-replica.js'
