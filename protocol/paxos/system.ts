/** Paxos as a system: servers with disks, a lossy network that reorders, and clients that race to put a value. */
import { anyNumberOf, defineSystem, everydayFaults, type FaultAtlas } from '../system.js'
import { bugs } from './bugs.js'
import { server } from './core.js'
import { roundOf, serverState } from './layout.js'
import { describeMessage, messageBytes } from './messages.js'
import { decodeOperation } from './register.js'
import { specFor } from './spec.js'
import { diskBytes } from './stable-storage.js'
import { drawWorkload, MOST_CLIENTS, MOST_OPERATIONS } from './workload.js'

const RETRY_MICROS = 500
const MOST_ROUNDS = 1_000_000

export const paxos = defineSystem({
  name: 'paxos',
  summary: 'Single-decree Paxos with durable acceptors: a replicated register that is written once.',
  nodes: { minimum: 3, maximum: 7, default: 3, noun: 'replicas' },
  parameters: {
    clients: { minimum: 1, maximum: MOST_CLIENTS, default: 2, meaning: 'clients that put and get' },
    operations: { minimum: 1, maximum: MOST_OPERATIONS, default: 2, meaning: 'operations of each client' },
    rounds: {
      minimum: 1,
      maximum: MOST_ROUNDS,
      default: MOST_ROUNDS,
      meaning: 'rounds of ballots that may be begun; few make the state space finite',
      drawn: false,
    },
  },
  bugs,
  build(choice) {
    const { clients = 2, operations = 2, rounds = MOST_ROUNDS } = choice.parameters
    const core = server({ clients, retryMicros: RETRY_MICROS, rounds, bug: choice.bug })
    const workload = drawWorkload(choice, clients, operations)
    const values = workload.clients
      .flatMap((client) => client.script.map((bytes) => decodeOperation(bytes).value))
      .filter((value) => value !== 0)
    return {
      cores: Array.from({ length: choice.nodes }, () => core),
      network: {
        kind: 'unordered',
        messageBytes,
        capacity: 8,
        lossy: true,
        describe: describeMessage,
      },
      disk: {
        capacityBytes: diskBytes,
        flushes: 1,
      },
      workload,
      atlas: atlasFor(choice.nodes),
      spec: specFor({ layout: serverState(clients), clients, rounds, values, roundOf }),
      bounds: { replicas: choice.nodes, clients, operations, rounds },
    }
  },
})

function atlasFor(replicas: number): FaultAtlas {
  return {
    safety: {
      ...anyNumberOf(...everydayFaults),
      // What a disk loses for good costs an acceptor at most, and the goal wants a majority that has lost nothing.
      ...anyNumberOf('fail-flush', 'rot', 'misdirect'),
    },
    unavailable: Math.floor((replicas - 1) / 2),
    beyond: [
      {
        name: 'wiped-acceptor',
        story:
          'A server restarts with an empty disk and has forgotten what it promised and accepted. With it a second quorum forms that knows nothing of the value that is chosen.',
        faults: { crash: 1, wipe: 1, restart: 1, drop: 4 },
        caughtBy: [
          'promise-is-kept',
          'acceptance-is-kept',
          'ballot-is-fresh',
          'one-value-per-ballot',
          'accepted-is-safe',
          'agreement',
          'linearizable',
        ],
      },
    ],
  }
}
