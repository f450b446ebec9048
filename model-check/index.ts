/** The model checker, and the plain enumerator, which is the twin that it is compared with. */
export { type Neighbourhood, type Repetition, neighbourhoodOf } from './along.js'
export * from './graph-formats.js'
export * from './plain.js'
export * from './plain-graph.js'
export * from './search/index.js'
export { UnknownField } from './ceilings.js'
export { type Scenario, sentencesOf } from './scenario.js'
export { promptKinds } from './urgency.js'
