/** What the thread of a core keeps of its inputs: all of them, or the last seconds. */
import type { RecordingOrder } from '../order.js'
import { RunError } from '../errors.js'
import type { SessionsListener } from '../sessions.js'
import { RecordingFile } from './file.js'
import { BlockKind } from './format.js'
import { Recorder, originAt } from './recorder.js'
import { FlightSink, RingSink } from './sinks.js'

/** Memory of the flight recorder. */
const FLIGHT_BYTES = 2 ** 23

export interface CoreRecording {
  readonly recorder: Recorder
  /** Keeps what callers of a service see, where all is kept: of the last seconds alone nothing could be judged. */
  readonly noted: SessionsListener | undefined
  /** The core has ended in peace. */
  ended(): void
  /** The core has failed. Returns what to tell the user of the recording. */
  failed(message: string): string
}

/** Begins a recording. */
export function recordCore({ header, ring, path }: RecordingOrder): CoreRecording {
  const origin = originAt(BigInt(header.begunNanos))
  if (ring !== undefined) {
    const recorder = new Recorder(new RingSink(ring), header.nodes, origin)
    return {
      recorder,
      noted: (kind, client, sequence, from, length) => {
        recorder.caller(kind, client, sequence, from, length)
      },
      ended: () => {
        recorder.end()
      },
      failed(message) {
        recorder.failed(message)
        recorder.end()
        return replayHint(path)
      },
    }
  }
  const sink = new FlightSink(FLIGHT_BYTES)
  const recorder = new Recorder(sink, header.nodes, origin)
  return {
    recorder,
    noted: undefined,
    ended: () => undefined,
    failed(message) {
      recorder.failed(message)
      recorder.end()
      const pieces = sink.pieces()
      if (pieces.length === 0) return ''
      try {
        const file = new RecordingFile(path, header)
        for (const piece of pieces) file.add(BlockKind.records, piece)
        file.add(BlockKind.end, new TextEncoder().encode('0'))
        file.close()
        return replayHint(path)
      } catch (error) {
        if (error instanceof RunError) return `The last seconds are lost: ${error.message}.`
        throw error
      }
    },
  }
}

const replayHint = (path: string): string => `What it was given is in ${path}; see: aviary replay ${path}`
