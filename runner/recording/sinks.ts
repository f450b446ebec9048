/** Where the stream of a recorder goes: to the control thread, which writes a file, or round and round in memory. */
import { RingWriter } from '../ring.js'
import { BlockKind } from './format.js'
import type { Sink } from './recorder.js'

/** How long the first input of a life waits for room: what a disk has given back may be large. */
const PATIENCE_MILLIS = 10_000
/** And the end: nobody may take it any more. */
const END_MILLIS = 500

/** Hands the stream to another thread of this process, through a ring. The tag of its records is the kind of a block. */
export class RingSink implements Sink {
  readonly #ring: RingWriter
  constructor(ring: SharedArrayBuffer) {
    this.#ring = new RingWriter(ring)
  }
  take(bytes: Uint8Array, length: number): boolean {
    return this.#ring.push(BlockKind.records, 0, bytes, 0, length)
  }
  takePatiently(bytes: Uint8Array, length: number): boolean {
    const pause = new Int32Array(new SharedArrayBuffer(4))
    for (const end = performance.now() + PATIENCE_MILLIS; !this.take(bytes, length);) {
      if (performance.now() >= end) return false
      Atomics.wait(pause, 0, 0, 1)
    }
    return true
  }
  expect(): void {
    // A file has all from the beginning.
  }
  wantsWhole(): boolean {
    return false
  }
  beginAnew(): void {
    // A file has all from the beginning.
  }
  end(lost: number): void {
    const pause = new Int32Array(new SharedArrayBuffer(4))
    const kind = lost > 0 ? BlockKind.hole : BlockKind.end
    const text = new TextEncoder().encode(String(lost))
    for (const end = performance.now() + END_MILLIS; performance.now() < end;) {
      if (this.#ring.push(kind, lost, text, 0, text.length)) return
      Atomics.wait(pause, 0, 0, 1)
    }
  }
}

/** Keeps the last of the stream: two halves take turns, and each begins with everything that is needed to read on. */
export class FlightSink implements Sink {
  #size: number
  #halves: Uint8Array[]
  readonly #used = [0, 0]
  #current = 0
  /** Neither half can be read from here on: something did not fit. */
  #isSpoiled = false

  /** @param bytes of both halves together */
  constructor(bytes: number) {
    this.#size = bytes / 2
    this.#halves = [new Uint8Array(this.#size), new Uint8Array(this.#size)]
  }
  expect(wholeBytes: number): void {
    if (4 * wholeBytes <= this.#size) return
    this.#size = 4 * wholeBytes
    this.#halves = [new Uint8Array(this.#size), new Uint8Array(this.#size)]
  }
  take(bytes: Uint8Array, length: number): boolean {
    const used = this.#used[this.#current]!
    // Lost for now; the next input begins anew.
    if (used + length > this.#size) this.#isSpoiled = true
    if (this.#isSpoiled) return true
    this.#halves[this.#current]!.set(bytes.subarray(0, length), used)
    this.#used[this.#current] = used + length
    return true
  }
  takePatiently(bytes: Uint8Array, length: number): boolean {
    return this.take(bytes, length)
  }
  wantsWhole(): boolean {
    // An eighth is left for the record that is the last.
    return this.#isSpoiled || this.#used[this.#current]! > (this.#size * 7) / 8
  }
  beginAnew(): void {
    const other = 1 - this.#current
    if (this.#isSpoiled) this.#used[this.#current] = 0
    this.#isSpoiled = false
    this.#current = other
    this.#used[other] = 0
  }
  end(): void {
    // It is asked for.
  }
  /** What is kept, oldest first; empty if nothing of it can be read. */
  pieces(): readonly Uint8Array[] {
    if (this.#isSpoiled) return []
    return [1 - this.#current, this.#current].map((half) => this.#halves[half]!.subarray(0, this.#used[half]))
  }
}
