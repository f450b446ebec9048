/** What a session is given to open recordings of real processes: reading them is the runner's, which no page imports. */
import type { Trace } from '../../sim/trace/index.js'
import type { NamedBytes, Progress } from './protocol.js'
import type { KnownSystem } from './stage.js'

export interface RecordingReader {
  /** Whether a file says that it is a recording. */
  isRecording(bytes: Uint8Array): boolean
  /**
   * Looks for a schedule of the world that gives every node of a run what was recorded. Throws and rejects with
   * SessionError, which names the file and the mend.
   */
  schedule(
    name: string,
    files: readonly NamedBytes[],
    systems: readonly KnownSystem[],
  ): Promise<Generator<Progress & { readonly what: string }, Trace>>
}

/** Where there is no reader: says so of each. */
export const noRecordings: RecordingReader = {
  isRecording: () => false,
  schedule: () => Promise.reject(new Error('this session opens no recordings')),
}
