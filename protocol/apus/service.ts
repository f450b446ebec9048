/** APUS for callers from outside. */
import type { NodeId } from '../contract.js'
import { StoreGroup } from '../store/group.js'
import { store } from '../store/store.js'
import { type Service, type ServiceChoice, type ServiceModel, Standing } from '../service.js'
import { REFUSAL_BYTES } from './clients.js'
import { replicaCore } from './core.js'
import { hardwareOf } from './hardware.js'
import { apusLayouts, Durability, entryKind, leaderOf, Reads } from './layout.js'
import { noteKind } from './notes.js'
import { replicaRoles } from './roles.js'

/** Client numbers travel in a byte. */
const MOST_SESSIONS = 252

const parameters = {
  sessions: {
    minimum: 1,
    maximum: 84,
    default: 64,
    meaning: 'requests that callers of one replica may have under way',
  },
  window: {
    minimum: 1,
    maximum: 1024,
    default: 128,
    meaning: 'entries that may be uncommitted at the same time',
  },
  retained: {
    minimum: 1,
    maximum: 8192,
    default: 1024,
    meaning: 'entries that a replica keeps beyond the window; who is further behind gets a snapshot',
  },
  keys: { minimum: 1, maximum: 2 ** 22, default: 16_384, meaning: 'most keys of the store' },
  storeBytes: {
    minimum: 4096,
    maximum: 2 ** 28,
    default: 4 * 2 ** 20,
    meaning:
      'bytes of the store for keys and values; a snapshot copies all of it, which stops a replica for about 2 ms a MiB',
  },
  operationBytes: {
    minimum: 128,
    maximum: 65_520,
    default: 4096,
    meaning: 'most bytes of an operation, and of a reply; a multiple of 8',
  },
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
  beatMicros: {
    minimum: 50,
    maximum: 1_000_000,
    default: 1_000,
    meaning: 'between two heartbeats of the leader',
  },
  suspectMicros: {
    minimum: 150,
    maximum: 10_000_000,
    default: 5_000,
    meaning: 'without a heartbeat before a replica suspects the leader',
  },
} as const

export const service: Service = {
  parameters,
  build({ nodes, parameters: chosen }: ServiceChoice): ServiceModel {
    const parameter = (name: keyof typeof parameters): number => chosen[name] ?? parameters[name].default
    const sessions = nodes * Math.min(parameter('sessions'), Math.floor(MOST_SESSIONS / nodes))
    const window = parameter('window')
    const application = store({
      slots: parameter('keys'),
      arenaBytes: 64 * Math.ceil(parameter('storeBytes') / 64),
      operationBytes: parameter('operationBytes'),
      replyBytes: parameter('operationBytes'),
    })
    const beat = parameter('beatMicros')
    const suspect = parameter('suspectMicros')
    const layouts = apusLayouts({
      nodes,
      clients: sessions,
      window,
      // A NOP of a new leader comes on top of a full window.
      retained: window + 1 + parameter('retained'),
      durability: parameter('durability'),
      reads: parameter('reads'),
      application,
      pace: { beat, suspect, stagger: Math.max(1, Math.floor(suspect / 8)), retry: beat },
    })
    const core = replicaCore(layouts, undefined)
    return {
      cores: Array.from({ length: nodes }, () => core),
      ...hardwareOf(layouts),
      sessions,
      operationBytes: application.operationBytes,
      replyBytes: application.replyBytes,
      durability:
        layouts.durability === Durability.disk
          ? 'flushed by a majority of disks'
          : 'in a majority of memories',
      newGroup: () => new StoreGroup(application),
      isRefusal: (length) => length === REFUSAL_BYTES,
      replicated: (memory) => {
        const { machine } = layouts.state.view(memory)
        // Not how many NOPs were applied, nor whose: one is as good as another (see `dropNop`).
        const from = layouts.machine.offsetOf('table')
        const at = memory.byteOffset + machine.base + from
        return new Uint8Array(memory.buffer, at, layouts.machine.sizeBytes - from)
      },
      history: {
        appliedNote: noteKind.code.applied,
        requestAt(memory, index) {
          const { log } = layouts.state.view(memory)
          const { kind, client, sequence, bytes, operation } = log.at(index % layouts.retained)
          if (kind !== entryKind.code.request) return undefined
          const at = operation.memory.byteOffset + operation.base
          return { client, sequence, operation: new Uint8Array(memory.buffer, at, bytes).slice() }
        },
        joined(operations) {
          const group = new StoreGroup(application)
          for (const operation of operations)
            if (!group.add(operation, operation.length)) return new Uint8Array(0)
          return group.bytes.slice(0, group.length)
        },
        program() {
          const held = application.layout.view(new DataView(new ArrayBuffer(application.layout.sizeBytes)))
          const reply = new DataView(new ArrayBuffer(application.replyBytes))
          return (operation) => {
            const { buffer, byteOffset, length } = operation
            const view = new DataView(buffer, byteOffset, length)
            const bytes = application.apply(held, view, 0, length, reply, 0)
            return new Uint8Array(reply.buffer, 0, bytes).slice()
          }
        },
        isRead: ({ buffer, byteOffset, length }) =>
          application.isRead(new DataView(buffer, byteOffset, length), 0),
        describe: (operation, reply) =>
          `${application.describeRequest(operation)} -> ${reply === undefined ? '?' : application.describeReply(new DataView(reply.slice().buffer), 0, reply.length)}`,
      },
      look: (_node: NodeId, memory: DataView) => {
        const state = layouts.state.view(memory)
        const { states } = replicaRoles
        return (into) => {
          const { role, view, machine } = state
          into[Standing.leads] = role === states.leader ? 1 : 0
          into[Standing.leader] = leaderOf(view, nodes)
          into[Standing.view] = view
          into[Standing.commit] = state.commit
          into[Standing.applied] = machine.applied
          into[Standing.end] = state.end
          into[Standing.isMember] = role === states.recovering || role === states.refusing ? 0 : 1
        }
      },
    }
  },
}
