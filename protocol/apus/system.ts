/** APUS as a system: replicas with registered logs, queue pairs between every two, clients, and what may go wrong. */
import { anyNumberOf, defineSystem, everydayFaults, type FaultAtlas, type SystemModel } from '../system.js'
import type { Application } from './application.js'
import { bank } from './bank.js'
import { bugs, hardware, needs } from './bugs.js'
import { replicaCore } from './core.js'
import { hardwareOf, MESSAGES_IN_FLIGHT } from './hardware.js'
import { keyValueStore } from './key-value-store.js'
import { ringsOf } from './picture.js'
import { apusLayouts, Durability, Reads, usualPace } from './layout.js'
import { service } from './service.js'
import { specOf } from './spec.js'
import { MOST_CLIENTS, MOST_OPERATIONS, workloadOf } from './workload.js'

const KEYS = 2
const VALUE_WORDS = 3
const ACCOUNTS = 3

const parameters = {
  clients: { minimum: 1, maximum: MOST_CLIENTS, default: 2, meaning: 'clients' },
  operations: { minimum: 1, maximum: MOST_OPERATIONS, default: 3, meaning: 'operations of each client' },
  window: { minimum: 1, maximum: 3, default: 2, meaning: 'entries that may be uncommitted at the same time' },
  retained: { minimum: 1, maximum: 4, default: 2, meaning: 'entries that a replica keeps beyond the window' },
  reads: {
    minimum: Reads.throughLog,
    maximum: Reads.confirmed,
    default: Reads.confirmed,
    meaning: 'how reads are served: 0 through the log, 1 by the leader when a majority has confirmed it',
  },
  durability: {
    minimum: Durability.memory,
    maximum: Durability.disk,
    default: Durability.memory,
    meaning: 'what an acknowledgement stands for: 0 a majority of memories, 1 a flush that has returned',
  },
  application: {
    minimum: 0,
    maximum: 1,
    default: 0,
    meaning: 'what is replicated: 0 a key-value store, 1 a bank',
  },
} as const

function atlasOf(nodes: number, isOnDisk: boolean): FaultAtlas {
  return {
    safety: {
      ...anyNumberOf(...everydayFaults),
      ...anyNumberOf('sever', 'mend', 'retransmit'),
      // What a disk loses for good is recovered from the peers.
      ...(isOnDisk ? anyNumberOf('fail-flush', 'rot', 'misdirect') : {}),
    },
    unavailable: Math.floor((nodes - 1) / 2),
    beyond: [
      {
        name: 'wiped-disk',
        story:
          'In disk mode a replica restarts with an empty disk, which looks like one on which nothing was ever stored. It has forgotten what it acknowledged and whom it voted for, and takes part as if it had not.',
        faults: { crash: 2, wipe: 1, restart: 2, drop: 4 },
        caughtBy: [
          'committed-is-stored',
          'stored-before-acknowledged',
          'votes-are-remembered',
          'leader-has-all-committed',
          'log-prefix-agreement',
          'accepted-from-own-leader',
          'agreement',
          'linearizable',
        ],
      },
    ],
  }
}

export const apus = defineSystem({
  name: 'apus',
  summary: 'APUS: state-machine replication by RDMA Paxos, with fencing, recovery and catch-up',
  nodes: { minimum: 3, maximum: 9, default: 3, noun: 'replicas' },
  parameters,
  bugs,
  service,
  build(choice): SystemModel {
    const { nodes, bug } = choice
    const forced = bug === undefined ? undefined : needs[bug]
    const parameter = (name: keyof typeof parameters): number =>
      forced?.[name] ?? choice.parameters[name] ?? parameters[name].default
    const clients = parameter('clients')
    const operations = parameter('operations')
    const window = parameter('window')
    const application: Application =
      parameter('application') === 0 ? keyValueStore(KEYS, VALUE_WORDS) : bank(ACCOUNTS)
    const layouts = apusLayouts({
      nodes,
      clients,
      window,
      // A NOP of a new leader comes on top of a full window.
      retained: window + 1 + parameter('retained'),
      pace: usualPace,
      durability: parameter('durability'),
      reads: parameter('reads'),
      application,
    })
    const isOnDisk = layouts.durability === Durability.disk
    const core = replicaCore(layouts, bug)
    const workload = workloadOf(application, nodes, clients, operations, choice.draw)
    return {
      cores: Array.from({ length: nodes }, () => core),
      ...hardwareOf(layouts),
      workload,
      atlas: atlasOf(nodes, isOnDisk),
      spec: specOf(layouts, workload),
      rings: ringsOf(layouts),
      ...(bug === undefined || hardware[bug] === undefined ? {} : { requires: hardware[bug] }),
      bounds: {
        replicas: nodes,
        clients,
        'operations of each client': operations,
        'uncommitted entries': window,
        'entries retained': layouts.retained,
        'different messages in flight between two replicas': MESSAGES_IN_FLIGHT,
      },
    }
  },
})
