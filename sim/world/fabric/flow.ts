/**
 * The bytes of one direction of a queue pair: the end that posts (its state, rights and connection), its send queue, and
 * what is on its way or has arrived at the other side.
 *
 * `flow x→y #k` belongs to the end of queue pair k at node x. Its `rights` say what y may do to x's memory.
 *
 * A request of the send queue is posted, fetched (its payload is captured), arrives packet by packet (`arrived`), is
 * placed word by word (`placed`), and is then executed. A WRITE may complete before it is executed; what is left of it
 * then moves to an `accepted` slot. A request that was given up while it was under way is kept as the late one.
 */
import { type RdmaFabric, array, bytes, remoteAddress, struct, u32 } from '../../../protocol/index.js'
import type { MemoryPlan, Part } from '../memory.js'

/** States of one end (IBTA 10.3.1, queue pair state machine; `ibv_modify_qp(3)`). */
export const EndState = {
  reset: 0,
  init: 1,
  readyToReceive: 2,
  readyToSend: 3,
  drained: 4,
  error: 5,
} as const

export const Operation = {
  write: 1,
  writeImmediate: 2,
  read: 3,
  compareSwap: 4,
  fetchAdd: 5,
  send: 6,
  bind: 7,
} as const
export const operationNames = [
  'none',
  'write',
  'writeImmediate',
  'read',
  'compareSwap',
  'fetchAdd',
  'send',
  'bind',
] as const
export const isWrite = (operation: number): boolean => operation <= Operation.writeImmediate
export const isAtomic = (operation: number): boolean =>
  operation === Operation.compareSwap || operation === Operation.fetchAdd
/** Requests that bring something back. */
export const hasAnswer = (operation: number): boolean => operation === Operation.read || isAtomic(operation)
/** Operations that take a receive buffer of the responder. */
export const takesBuffer = (operation: number): boolean =>
  operation === Operation.send || operation === Operation.writeImmediate

/**
 * Where a work request stands. `loaded`: an atomic has read and not yet written. `executed`: all of it is done at the
 * responder. `answered`: what a READ or atomic brought is in the memory of the requester. `failed`: its status says how.
 */
export const Phase = {
  free: 0,
  posted: 1,
  fetched: 2,
  loaded: 3,
  executed: 4,
  answered: 5,
  failed: 6,
} as const

// Words of the end.
export const stateAt = 0
export const rightsAt = 1
export const connectionAt = 2
/** 0: none; 1: asked for; 2: in effect, not yet reported. */
export const controlPhaseAt = 3
export const controlChangeAt = 4
export const controlArgumentAt = 5
export const controlTokenAt = 6
export const controlStatusAt = 7
/** Packets sent and packets expected since the connection began, up to {@link mostPsn}; counted with constant PSNs only. */
export const sentPsnAt = 8
export const expectedPsnAt = 9
/** PSNs are counted no further: a reset of one end makes at most so many packets look like repetitions. */
export const mostPsn = 15

// Words of the queue before its requests.
export const countAt = 0
/** Requests of which something has arrived and is still to be placed, accepted ones included. */
export const openAt = 1
/** 1 + connection of the late request, or 0; and its PSN. */
export const lateAt = 2
export const latePsnAt = 3
export const receivedCountAt = 4
export const acceptedCountAt = 5
const requestsAt = 6

// Words of a request.
export const operationAt = 0
export const flagsAt = 1
export const statusAt = 2
export const tokenAt = 3
export const phaseAt = 4
export const remoteAt = 5
export const localAt = 6
export const lengthAt = 7
/** Immediate value; of a bind its rights. */
export const immediateAt = 8
/**
 * Packets that the responder has accepted. Until a payload is fetched `statusAt` says which words of it are; until a READ
 * is executed, whether it was sent again.
 */
export const arrivedAt = 9
/** Own address at the responder (region and offset), as resolved when a packet was accepted; or {@link taken}. */
export const targetAt = 10
/** The first packet was taken for a repetition: nothing of the request is to be placed. */
export const taken = 0xffffffff
/** Packets in which it travels; a READ or an atomic asks in one. */
export const packetsAt = 11
export const placedAt = 12
/** Word of an atomic's payload at which stands what it read; its two operands come before. */
export const loadedAt = 4

/** Kinds of what has arrived for the core. */
export const Arrival = { message: 0, immediate: 1 } as const

/** A piece of a request must be nameable (see `pieceOf`). */
const mostRequestBytes = 32_768
const defaultPacketBytes = 1024

export interface Flow {
  readonly index: number
  readonly from: number
  readonly to: number
  readonly pair: number
  readonly name: string
  /** State, rights, connection and control call of the end that posts. */
  readonly end: Part
  /** Its send queue, the late request, and the SENDs that have arrived. */
  readonly queue: Part
  /** First words of the two parts. */
  readonly endBase: number
  readonly queueBase: number
  /** Words of a request, of its placed mask and where its payload begins inside it. */
  readonly requestWords: number
  readonly maskWords: number
  readonly payloadAt: number
  readonly packetWords: number
  /** First word of the late request, of the accepted ones and of what has arrived for the core. */
  readonly late: number
  readonly accepted: number
  readonly received: number
  readonly receivedWords: number
  readonly depth: number
  readonly receiveDepth: number
  /** Side slots: ordinal of the next request; ordinals of the queue, of the accepted; instants at which each was posted, then arrived. */
  readonly side: number
}

export function planFlow(
  plan: MemoryPlan,
  fabric: RdmaFabric,
  index: number,
  from: number,
  to: number,
  pair: number,
  name: string,
): Flow {
  if (fabric.requestBytes % 8 !== 0 || fabric.requestBytes < 16 || fabric.requestBytes > mostRequestBytes)
    throw new RangeError(
      `requestBytes must be a multiple of 8 from 16 to ${String(mostRequestBytes)}, not ${String(fabric.requestBytes)}`,
    )
  const packetBytes = fabric.packetBytes ?? defaultPacketBytes
  if (packetBytes % 64 !== 0 || packetBytes < 64)
    throw new RangeError(`packetBytes must be a multiple of 64, not ${String(packetBytes)}`)
  const maskWords = Math.max(1, Math.ceil(fabric.requestBytes / 256))
  const request = struct({
    operation: u32,
    flags: u32,
    status: u32,
    token: u32,
    phase: u32,
    remote: remoteAddress,
    local: remoteAddress,
    length: u32,
    immediate: u32,
    arrived: u32,
    target: remoteAddress,
    packets: u32,
    placed: array(u32, maskWords),
    // An atomic needs room for two operands and what it read.
    payload: bytes(Math.max(24, fabric.requestBytes)),
  })
  const arrival = struct({ kind: u32, length: u32, content: bytes(fabric.requestBytes) })
  const end = struct({
    state: u32,
    rights: u32,
    connection: u32,
    controlPhase: u32,
    controlChange: u32,
    controlArgument: u32,
    controlToken: u32,
    controlStatus: u32,
    sentPsn: u32,
    expectedPsn: u32,
  })
  const queue = struct({
    count: u32,
    open: u32,
    late: u32,
    latePsn: u32,
    receivedCount: u32,
    acceptedCount: u32,
    requests: array(request, fabric.sendQueueDepth),
    lateRequest: request,
    // As many as can be outstanding may be acknowledged before they are placed.
    accepted: array(request, fabric.sendQueueDepth),
    received: array(arrival, Math.max(1, fabric.receiveQueueDepth)),
  })
  const endPart = plan.part(`${name} end`, 'end', from, end)
  const queuePart = plan.part(`${name} queue`, 'queue', from, queue)
  const requestWords = request.sizeBytes / 4
  const queueBase = queuePart.offset / 4
  const late = queueBase + requestsAt + fabric.sendQueueDepth * requestWords
  return {
    index,
    from,
    to,
    pair,
    name,
    end: endPart,
    queue: queuePart,
    endBase: endPart.offset / 4,
    queueBase,
    requestWords,
    maskWords,
    payloadAt: placedAt + maskWords,
    packetWords: packetBytes / 8,
    late,
    accepted: late + requestWords,
    received: late + (1 + fabric.sendQueueDepth) * requestWords,
    receivedWords: arrival.sizeBytes / 4,
    depth: fabric.sendQueueDepth,
    receiveDepth: fabric.receiveQueueDepth,
    side: plan.side(1 + 3 * fabric.sendQueueDepth),
  }
}

/** Side slot of the ordinal of request `i` of the queue, of accepted request `i`, and of the instant of request `i`. */
export const ordinalSlot = (flow: Flow, i: number): number => flow.side + 1 + i
export const acceptedSlot = (flow: Flow, i: number): number => flow.side + 1 + flow.depth + i
export const instantSlot = (flow: Flow, i: number): number => flow.side + 1 + 2 * flow.depth + i

/** Word index of accepted request `i`. */
export const acceptedOf = (flow: Flow, i: number): number => flow.accepted + i * flow.requestWords

/** Word index of request `i` of a flow's queue. */
export const requestOf = (flow: Flow, i: number): number =>
  flow.queueBase + requestsAt + i * flow.requestWords

/** The lowest `count` bits, 0 … 32. */
export const lowBits = (count: number): number => (count >= 32 ? -1 : (1 << count) - 1)
export function bitCount(word: number): number {
  let v = word - ((word >>> 1) & 0x55555555)
  v = (v & 0x33333333) + ((v >>> 2) & 0x33333333)
  return Math.imul((v + (v >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}
