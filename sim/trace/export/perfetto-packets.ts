/**
 * TracePackets of Perfetto: processes with lanes, and events in them. Written from the public field numbers of
 * `trace_packet.proto`, `track_event.proto` and `track_descriptor.proto`.
 */
import { Message } from './protobuf.js'

// Field numbers.
const tracePacket = 1
const packet = {
  timestamp: 8,
  sequenceId: 10,
  trackEvent: 11,
  sequenceFlags: 13,
  trackDescriptor: 60,
} as const
export const event = {
  annotations: 4,
  type: 9,
  track: 11,
  categories: 22,
  name: 23,
  flows: 47,
  endingFlows: 48,
} as const
export const annotation = { uint: 3, name: 10 } as const
const descriptor = { uuid: 1, name: 2, process: 3, thread: 4, parent: 5 } as const
const processField = { pid: 1, name: 6 } as const
const threadField = { pid: 1, tid: 2, name: 5 } as const
export const eventType = { sliceBegin: 1, sliceEnd: 2, instant: 3 } as const
const incrementalStateCleared = 1

const lanesPerProcess = 4096
/** The uuid of a lane, from 1, of a process; lane 0 is the process itself. */
export const laneOf = (process: number, lane: number): number => process * lanesPerProcess + lane

/** Writes an event. */
export function emit(out: Message, nanos: number, trackEvent: Message): void {
  out.message(
    tracePacket,
    new Message()
      .uint(packet.timestamp, nanos)
      .uint(packet.sequenceId, 1)
      .message(packet.trackEvent, trackEvent),
  )
}

/** Returns what describes a process and its lanes; call it before there are events. */
export function describeProcesses(
  out: Message,
): (number: number, name: string, lanes: readonly string[]) => void {
  let first = true
  const track = (message: Message): void => {
    const wrapped = new Message().uint(packet.sequenceId, 1)
    if (first) wrapped.uint(packet.sequenceFlags, incrementalStateCleared)
    first = false
    out.message(tracePacket, wrapped.message(packet.trackDescriptor, message))
  }
  return (number, name, lanes) => {
    const named = new Message().uint(processField.pid, number).string(processField.name, name)
    track(new Message().uint(descriptor.uuid, laneOf(number, 0)).message(descriptor.process, named))
    lanes.forEach((lane, i) => {
      const uuid = laneOf(number, i + 1)
      const thread = new Message()
        .uint(threadField.pid, number)
        .uint(threadField.tid, uuid)
        .string(threadField.name, lane)
      track(
        new Message()
          .uint(descriptor.uuid, uuid)
          .uint(descriptor.parent, laneOf(number, 0))
          .message(descriptor.thread, thread),
      )
    })
  }
}
