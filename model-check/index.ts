/** The model checker. Today: the plain enumerator, which is the twin that a faster one will be compared with. */
export * from './plain.js'
