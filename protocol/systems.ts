/** The systems that come with Aviary. */
import { apus } from './apus/index.js'
import { paxos } from './paxos/index.js'
import { rdmaRegister } from './rdma-register/index.js'
import type { SystemDefinition } from './system.js'
import { twoPhaseCommit } from './two-phase-commit/index.js'

export const systems: readonly SystemDefinition[] = [twoPhaseCommit, paxos, rdmaRegister, apus]
