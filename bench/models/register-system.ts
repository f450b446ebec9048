/** A system of servers that offer one register, and of clients that use it: what the models of Stateright have in common. */
import { type CoreDefinition, type SystemDefinition, defineSystem } from '../../protocol/index.js'
import { clientsCore, clientsState, linearizable, message, messageKind } from './register-clients.js'

export interface RegisterServers {
  readonly name: string
  readonly summary: string
  /** How many there are by default, and at least. */
  readonly servers: number
  readonly fewest: number
  /** Whether every client is promised an answer, or only one of them: who loses a race of Paxos is told nothing. */
  readonly answers: 'everybody' | 'somebody'
  server(servers: number): CoreDefinition
}

/** Nodes 0 … servers - 1 are the servers, the last node is all the clients. The network is a bag that loses nothing. */
export function registerSystem({
  name,
  summary,
  servers,
  fewest,
  answers,
  server,
}: RegisterServers): SystemDefinition {
  return defineSystem({
    name,
    summary,
    nodes: { minimum: fewest, maximum: 5, default: servers, noun: 'servers' },
    parameters: {
      clients: {
        minimum: 1,
        maximum: 4,
        default: 2,
        meaning: 'clients, each of which puts once and gets once',
        drawn: false,
      },
    },
    bugs: {},
    build({ nodes, parameters }) {
      const clients = parameters['clients']!
      const core = server(nodes)
      const layout = clientsState(clients)
      return {
        cores: [...Array.from({ length: nodes }, () => core), clientsCore(nodes, clients)],
        network: {
          kind: 'unordered',
          messageBytes: message.sizeBytes,
          // What nobody wants any more stays in flight: at most all that an operation sends, for each operation.
          capacity: 4 * clients,
          lossy: false,
          keepsRefused: true,
          layout: message,
          describe: (memory, at) => messageKind.nameOf(memory.getUint8(at)),
        },
        atlas: { safety: {}, unavailable: 0, beyond: [] },
        spec: {
          invariants: [linearizable(nodes, clients)],
          stepInvariants: [],
          history: undefined,
          goal: {
            name: `${answers}-is-answered`,
            meaning:
              answers === 'everybody'
                ? 'Every put and every get has returned.'
                : 'The put and the get of some client have returned.',
            reached(observer) {
              const state = observer.state(nodes, layout)
              let done = 0
              for (let client = 0; client < clients; client++)
                if (state.clients.at(client).returned === 2) done++
              return done === clients || (answers === 'somebody' && done > 0)
            },
          },
        },
        bounds: { servers: nodes, clients, operationsOfAClient: 2 },
      }
    },
  })
}
