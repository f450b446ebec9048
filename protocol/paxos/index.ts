/** Single-decree Paxos (system `paxos`). */
export { paxos } from './system.js'
export { acceptorRecord, ballotOf, ownerOf, roundOf, serverState } from './layout.js'
export { describeMessage, layouts as messageLayouts, messageKind } from './messages.js'
export { serverRoles } from './roles.js'
