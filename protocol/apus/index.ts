/** APUS: RDMA Paxos as one core (system `apus`). */
export { apus } from './system.js'
