/** How big everything is that the native node of a replica makes when it is opened. */
import type { FabricOptions, NodeOptions } from '../native/index.js'
import type { ReplicaOptions } from './replica.js'
import { logOptions } from './stable-folder.js'

/** SENDs that may be outstanding to a peer, and messages that wait for a core. */
export const MAIL_DEPTH = 64
/** What a turn takes in and hands out at most. */
const COMPLETIONS = 128
const REQUESTS = 8192
/** What the native node grants; only what is used takes memory. */
const MOST_ARENA_BYTES = 2 ** 28
/** The least room for what handlers hand out between two turns. */
const LEAST_OUTPUT_BYTES = 2 ** 20
/** Each request that may be queued has room for so many. */
const MOST_INLINE_BYTES = 4096

/**
 * What a replica needs of its native node.
 *
 * @param mailBytes most bytes of a message between runners, header and all
 * @param scratch bytes of the core's scratch
 */
export function nativeOptions(options: ReplicaOptions, mailBytes: number, scratch: number): NodeOptions {
  const { hardware, self, nodes, incarnation, logFolder } = options
  const { cores, fabric, disk } = hardware
  const definition = cores[self]!
  const pairs = fabric?.pairsPerPeer ?? 0
  const common: FabricOptions = {
    self,
    nodes,
    pairsPerPeer: pairs + 1,
    loopback: fabric?.loopback ?? false,
    regionBytes:
      definition.regions.length === 0 ? [8] : definition.regions.map(({ layout }) => layout.sizeBytes),
    sendQueueDepth: Math.max(fabric?.sendQueueDepth ?? 0, MAIL_DEPTH),
    receiveQueueDepth: Math.max(fabric?.receiveQueueDepth ?? 0, MAIL_DEPTH),
    // Cores that receive SENDs get them whole.
    messageBytes: Math.max(
      mailBytes,
      fabric !== undefined && fabric.receiveQueueDepth > 0 ? fabric.requestBytes : 0,
    ),
    ...(fabric === undefined ? {} : { inlineBytes: Math.min(fabric.requestBytes, MOST_INLINE_BYTES) }),
    initialRights: fabric?.initialRights ?? 0,
    isRestarted: incarnation > 0,
    receiverRetriesFinite: fabric?.receiverRetries === 'finite',
  }
  return {
    ...fabricOf(options, common),
    ...(disk === undefined || logFolder === undefined
      ? {}
      : { log: logOptions(logFolder, definition.scratchBytes) }),
    batch: {
      requests: REQUESTS,
      completions: COMPLETIONS,
      outputBytes: Math.min(
        MOST_ARENA_BYTES,
        Math.max(LEAST_OUTPUT_BYTES, 10 * scratch, MAIL_DEPTH * nodes * mailBytes),
      ),
      inputBytes: Math.min(MOST_ARENA_BYTES, Math.max(2 ** 18, 4 * Math.max(scratch, mailBytes))),
      windowBytes: definition.windows.map(({ layout }) => layout.sizeBytes),
    },
  }
}

function fabricOf(
  { hardware, cluster, fabric = { kind: 'shm' }, retryMillis }: ReplicaOptions,
  common: FabricOptions,
): Pick<NodeOptions, 'shm' | 'verbs'> {
  const retry = retryMillis === undefined ? {} : { retryMicros: Math.round(retryMillis * 1000) }
  if (fabric.kind === 'verbs') {
    const { kind: _, ...choice } = fabric
    return { verbs: { ...common, ...retry, ...choice } }
  }
  const packetBytes = hardware.fabric?.packetBytes
  return { shm: { ...common, ...retry, cluster, ...(packetBytes === undefined ? {} : { packetBytes }) } }
}
