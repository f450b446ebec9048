/**
 * `rdma-register`: one writer publishes a value of several words into the memory of readers, which poll.
 *
 * Node 0 is the writer, all others are readers. See `writer-core.ts` and `reader-core.ts` for the rules, `spec.ts` for
 * what is promised, and reference/rdma-consensus.md section 5 for what RDMA does and does not promise.
 */
import { Right } from '../contract.js'
import { anyNumberOf, defineSystem, everydayFaults } from '../system.js'
import type { FaultAtlas, SystemModel } from '../system.js'
import { bugs, hardware, needs } from './bugs.js'
import { Integrity, messageKind, messageLayout, PAIRS_PER_PEER, registerLayouts, WRITER } from './layout.js'
import { readerCore } from './reader-core.js'
import { specOf } from './spec.js'
import { workloadOf } from './workload.js'
import { writerCore } from './writer-core.js'

/** Different messages in flight between two nodes: a few of each kind. What is lost beyond is sent again by timers. */
const MESSAGES_IN_FLIGHT = 8

const parameters = {
  words: { minimum: 2, maximum: 8, default: 4, meaning: 'words of a value' },
  slots: { minimum: 1, maximum: 4, default: 2, meaning: 'publications that may be outstanding' },
  clients: { minimum: 1, maximum: 2, default: 1, meaning: 'clients that put' },
  operations: { minimum: 1, maximum: 20, default: 3, meaning: 'operations of each client' },
  attempts: { minimum: 1, maximum: 50, default: 8, meaning: 'attempts of a client at one operation' },
  integrity: {
    minimum: Integrity.checksum,
    maximum: Integrity.canary,
    default: Integrity.checksum,
    meaning: 'how readers notice torn values: 0 by a checksum, 1 by a canary, which needs in-order placement',
  },
} as const

function atlasOf(nodes: number): FaultAtlas {
  const readers = Array.from({ length: nodes - 1 }, (_, index) => index + 1)
  return {
    safety: {
      ...anyNumberOf(...everydayFaults),
      ...anyNumberOf('sever', 'mend', 'retransmit'),
    },
    // A put waits for every reader, so none may stay away.
    unavailable: 0,
    // The writer's memory is the register. Losing it is safe as long as the writer stays down, but then nothing can be
    // published any more, so it is spared from crashes too: otherwise no progress could be promised at all.
    spared: { crash: [WRITER], restart: [WRITER], kill: [WRITER], halt: [WRITER] },
    beyond: [
      {
        name: 'writer-restart',
        story:
          'The writer is restarted without its memory. Its sequences start again, readers take new puts for old ones, and their old acknowledgements are taken for new.',
        faults: { crash: 1, restart: 1 },
        spared: { crash: readers, restart: readers, kill: [WRITER, ...readers], halt: [WRITER, ...readers] },
        caughtBy: ['integrity', 'one-sequence-per-put', 'linearizable'],
      },
    ],
  }
}

export const rdmaRegister = defineSystem({
  name: 'rdma-register',
  summary: 'A value of several words, published to readers by one-sided RDMA WRITEs',
  nodes: { minimum: 2, maximum: 6, default: 3, noun: 'replicas' },
  parameters,
  bugs,
  build(choice): SystemModel {
    const { nodes, bug } = choice
    const forced = bug === undefined ? undefined : needs[bug]
    const parameter = (name: keyof typeof parameters): number =>
      forced?.[name] ?? choice.parameters[name] ?? parameters[name].default

    const words = parameter('words')
    const slots = parameter('slots')
    const clients = parameter('clients')
    const integrity = parameter('integrity')
    const operations = parameter('operations')
    const attempts = parameter('attempts')
    const layouts = registerLayouts({ nodes, words, slots, clients, integrity })
    const reader = readerCore(layouts, bug)

    return {
      cores: Array.from({ length: nodes }, (_, node) =>
        node === WRITER ? writerCore(layouts, bug) : reader,
      ),
      network: {
        kind: 'unordered',
        messageBytes: messageLayout.sizeBytes,
        capacity: MESSAGES_IN_FLIGHT,
        lossy: true,
        describe(memory, at) {
          const kind = messageKind.nameOf(memory.getUint8(at + messageLayout.offsetOf('kind')))
          const connection = memory.getUint32(at + messageLayout.offsetOf('connection'), true)
          const incarnation = memory.getUint32(at + messageLayout.offsetOf('incarnation'), true)
          return `${kind} connection=${connection} incarnation=${incarnation}`
        },
      },
      fabric: {
        pairsPerPeer: PAIRS_PER_PEER,
        // The writer has at most one WRITE a slot under way to a reader, a reader one acknowledgement.
        sendQueueDepth: slots,
        requestBytes: layouts.slot.sizeBytes,
        // No SENDs are used; a queue has room for one at least.
        receiveQueueDepth: 0,
        initialRights: Right.write,
      },
      workload: workloadOf(layouts, operations, attempts, choice.draw),
      atlas: atlasOf(nodes),
      spec: specOf(layouts),
      // Ends of different connections must not hear each other; a canary needs words to be placed in order.
      requires: {
        psn: 'derived',
        ...(integrity === Integrity.canary ? { placement: 'in-order' } : {}),
        ...(bug === undefined ? {} : hardware[bug]),
      },
      bounds: {
        readers: nodes - 1,
        words,
        slots,
        'put clients': clients,
        'operations of each client': operations,
        'attempts at an operation': attempts,
        'different messages in flight between two nodes': MESSAGES_IN_FLIGHT,
      },
    }
  },
})
