/** The store that a cluster replicates, and its operations and replies as bytes. */
export * from './encode.js'
export * from './group.js'
export * from './integers.js'
export * from './operation.js'
export * from './reply.js'
export { padded, type StoreCapacity } from './layout.js'
export { store } from './store.js'
