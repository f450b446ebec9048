/**
 * The bytes of one direction of a queue pair: the end that posts (its state, rights and connection), its send queue, and
 * what has arrived of its SENDs at the other side.
 *
 * `flow x→y #k` belongs to the end of queue pair k at node x. Its `rights` say what y may do to x's memory.
 */
import { type RdmaFabric, array, bytes, remoteAddress, struct, u32 } from '../../../protocol/index.js'
import type { MemoryPlan, Part } from '../memory.js'

/** States of one end (InfiniBand architecture, queue pair state machine; `ibv_modify_qp(3)`). */
export const EndState = { reset: 0, init: 1, readyToReceive: 2, readyToSend: 3, error: 4 } as const

export const Operation = { write: 1, read: 2, compareSwap: 3, fetchAdd: 4, send: 5 } as const
export const operationNames = ['none', 'write', 'read', 'compareSwap', 'fetchAdd', 'send'] as const

/** Where a work request stands. `executed`: all of it is placed at the responder. `failed`: its status says how. */
export const Phase = { free: 0, posted: 1, fetched: 2, executed: 3, failed: 4 } as const

// Words of the end.
export const stateAt = 0
export const rightsAt = 1
export const connectionAt = 2
/** 0: none; 1: asked for; 2: in effect, not yet reported. */
export const controlPhaseAt = 3
export const controlChangeAt = 4
export const controlArgumentAt = 5
export const controlTokenAt = 6
// Words of the queue before its requests.
export const countAt = 0
/** 1 + connection of a late request, or 0. */
export const lateAt = 1
export const receivedCountAt = 2
export const requestsAt = 3

// Words of a request.
export const operationAt = 0
export const flagsAt = 1
export const statusAt = 2
export const tokenAt = 3
export const phaseAt = 4
export const remoteAt = 5
export const localAt = 6
export const lengthAt = 7
export const placedAt = 8

/** A piece of a request must be nameable (see `piecesPerRequest`). */
const mostRequestBytes = 32_768

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
  /** First word of the late request and of the received SENDs. */
  readonly late: number
  readonly received: number
  readonly receivedWords: number
  readonly depth: number
  readonly receiveDepth: number
  /** Side slots: ordinal of the next request, spare, ordinals of the queue. */
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
    placed: array(u32, maskWords),
    payload: bytes(fabric.requestBytes),
  })
  const arrival = struct({ length: u32, content: bytes(fabric.requestBytes) })
  const end = struct({
    state: u32,
    rights: u32,
    connection: u32,
    controlPhase: u32,
    controlChange: u32,
    controlArgument: u32,
    controlToken: u32,
  })
  const queue = struct({
    count: u32,
    late: u32,
    receivedCount: u32,
    requests: array(request, fabric.sendQueueDepth),
    lateRequest: request,
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
    late,
    received: late + requestWords,
    receivedWords: arrival.sizeBytes / 4,
    depth: fabric.sendQueueDepth,
    receiveDepth: fabric.receiveQueueDepth,
    side: plan.side(2 + fabric.sendQueueDepth),
  }
}

/** Word index of request `i` of a flow's queue. */
export const requestOf = (flow: Flow, i: number): number =>
  flow.queueBase + requestsAt + i * flow.requestWords
