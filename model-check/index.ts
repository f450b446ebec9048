/** The model checker, and the plain enumerator, which is the twin that it is compared with. */
export * from './plain.js'
export * from './search/index.js'
