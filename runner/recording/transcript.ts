/** Takes a recording from the thread of a core and writes its file: the part of the control thread. */
import { RunError } from '../errors.js'
import { RingReader, ringMemory } from '../ring.js'
import { RecordingFile } from './file.js'
import type { RecordingHeader } from './format.js'

const RING_BYTES = 2 ** 23
/** Between two looks: what a killed process loses, and the recorder's own pace on top. */
const LOOK_MILLIS = 10

export class Transcript {
  readonly ring = ringMemory(RING_BYTES)
  readonly #reader = new RingReader(this.ring)
  readonly #file: RecordingFile
  readonly #timer: NodeJS.Timeout
  readonly #complain: (message: string) => void

  /** Throws {@link RunError} when the file cannot be written. What goes wrong later is complained about; the core goes on. */
  constructor(path: string, header: RecordingHeader, complain: (message: string) => void) {
    this.#complain = complain
    this.#file = new RecordingFile(path, header)
    this.#timer = setInterval(() => {
      this.#drain()
    }, LOOK_MILLIS)
    this.#timer.unref()
  }

  /** The thread of the core has ended: writes what is left. */
  close(): void {
    this.#drain()
    clearInterval(this.#timer)
    this.#file.close()
  }

  #drain(): void {
    try {
      this.#file.drain(this.#reader)
    } catch (error) {
      if (!(error instanceof RunError)) throw error
      this.#complain(`the recording ends here: ${error.message}`)
      clearInterval(this.#timer)
      this.#file.close()
    }
  }
}
