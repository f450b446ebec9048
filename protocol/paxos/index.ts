/** Single-decree Paxos (system `paxos`). */
export { paxos } from './system.js'
