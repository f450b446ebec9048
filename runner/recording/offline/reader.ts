/** Reads the stream of records of one recording, one at a time. */
import { Handler } from '../../../protocol/index.js'
import { RunError } from '../../errors.js'
import type { Recording } from './parse.js'
import { AFTER_POLLS, NO_MORE, Tag, hasBytes } from '../format.js'

/** What a reader must know of the core. */
export interface Shape {
  /** Bytes of each window. */
  readonly windowBytes: readonly number[]
  readonly nodes: number
}

/** Says that a record has no end; inside only. */
class Ended extends Error {}

export class RecordReader {
  /** Of the record that `next` found last. A handler, or another tag. */
  tag = 0
  /** Quiet polls before it. */
  polls = 0
  /** Nanoseconds since the beginning. */
  nanos = 0
  /** As its handler takes them; of a client: kind, client, operation. A message's mark comes third. */
  a = 0
  b = 0
  c = 0
  /** Nanoseconds of what a client did. */
  clientNanos = 0
  bytes: Uint8Array = new Uint8Array(0)
  /** Words of all windows, one after the other, as of this record. */
  readonly windows: readonly Uint32Array[]
  /** Of an input: kind and hash of each effect. */
  readonly kinds: number[] = []
  readonly hashes: number[] = []
  /** Of `whole`: inputs before it, and messages sent to each node. */
  inputs = 0
  sent: readonly number[] = []
  /** Bytes at the end that are no whole record: a file that is cut has some. */
  leftOver = 0
  readonly #recording: Recording
  readonly #shape: Shape
  readonly #view: DataView
  #at = 0

  constructor(recording: Recording, shape: Shape) {
    const { stream } = recording
    this.#recording = recording
    this.#shape = shape
    this.#view = new DataView(stream.buffer, stream.byteOffset, stream.byteLength)
    this.windows = shape.windowBytes.map((bytes) => new Uint32Array((bytes + 3) >> 2))
  }

  /** Bytes of the stream that have been read. */
  get at(): number {
    return this.#at
  }

  /**
   * Goes to the next record; returns false behind the last. A record without an end is left out where the file was cut
   * (there is then a hole, or its process was killed); else {@link RunError}, as for whatever cannot be.
   */
  next(): boolean {
    const begin = this.#at
    if (begin === this.#recording.stream.length) return false
    try {
      this.#read()
      return true
    } catch (error) {
      if (!(error instanceof Ended)) throw error
      if (this.#recording.ending === 'whole') throw this.#wrong(begin, 'a record has no end')
      this.leftOver = this.#recording.stream.length - begin
      this.#at = this.#recording.stream.length
      return false
    }
  }

  #read(): void {
    const begin = this.#at
    const first = this.#byte()
    this.tag = first & ~AFTER_POLLS
    this.polls = (first & AFTER_POLLS) === 0 ? 0 : this.#number()
    this.nanos += this.#number()
    this.a = this.b = this.c = 0
    this.bytes = this.#recording.stream.subarray(0, 0)
    this.kinds.length = 0
    this.hashes.length = 0
    if (this.tag < Tag.polls) return this.#readInput()
    switch (this.tag) {
      case Tag.polls:
        return
      case Tag.state:
        this.a = this.#number()
        this.b = this.#number()
        this.c = this.#word()
        return
      case Tag.client:
        this.a = this.#number()
        this.b = this.#number()
        this.c = this.#number()
        this.clientNanos = this.#number()
        this.bytes = this.#take(this.#number())
        return
      case Tag.failed:
        this.a = this.#number()
        this.bytes = this.#take(this.#number())
        return
      case Tag.whole:
        this.inputs = this.#number()
        this.nanos = this.#number()
        this.bytes = this.#take(this.#number())
        for (const window of this.windows) for (let i = 0; i < window.length; i++) window[i] = this.#word()
        this.sent = Array.from({ length: this.#shape.nodes }, () => this.#number())
        return
    }
    throw this.#wrong(begin, `records of kind ${String(this.tag)} are not known`)
  }

  #readInput(): void {
    switch (this.tag) {
      case Handler.poll:
        this.#readWindows()
        break
      case Handler.message:
        this.a = this.#number()
        this.c = this.#number()
        break
      case Handler.request:
      case Handler.stored:
      case Handler.notified:
        this.a = this.#number()
        this.b = this.#number()
        break
      case Handler.completion:
        this.a = this.#number()
        this.b = this.#number()
        this.c = this.#number()
        break
      default:
        this.a = this.#number()
    }
    if (hasBytes(this.tag)) {
      const length = this.#number()
      this.bytes = this.#take(length)
      if (this.tag === Handler.request) this.c = length
      else this.b = length
    }
    for (let kind = this.#byte(); kind !== NO_MORE; kind = this.#byte()) {
      this.kinds.push(kind)
      this.hashes.push(this.#word())
    }
  }

  #readWindows(): void {
    const { windows } = this
    let w = 0
    let i = -1
    for (let step = this.#number(); step > 0; step = this.#number()) {
      i += step
      while (w < windows.length && i >= windows[w]!.length) i -= windows[w++]!.length
      if (w === windows.length) throw this.#wrong(this.#at, 'a word stands behind the last window')
      windows[w]![i] = this.#word()
    }
  }

  #byte(): number {
    const { stream } = this.#recording
    if (this.#at === stream.length) throw new Ended()
    return stream[this.#at++]!
  }
  #number(): number {
    let value = 0
    for (let weight = 1; ; weight *= 0x80) {
      const byte = this.#byte()
      value += (byte & 0x7f) * weight
      if (!Number.isSafeInteger(value)) throw this.#wrong(this.#at, 'a number is too large')
      if (byte < 0x80) return value
    }
  }
  #word(): number {
    this.#at += 4
    if (this.#at > this.#recording.stream.length) throw new Ended()
    return this.#view.getUint32(this.#at - 4, true)
  }
  #take(length: number): Uint8Array {
    if (length > this.#recording.stream.length - this.#at) throw new Ended()
    this.#at += length
    return this.#recording.stream.subarray(this.#at - length, this.#at)
  }

  #wrong(at: number, what: string): RunError {
    return new RunError(
      `${this.#recording.path}: byte ${String(at)} of the records: ${what}`,
      'the system is not the one that was recorded, or the recording is damaged.',
    )
  }
}
