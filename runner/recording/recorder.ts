/**
 * Writes down what a core is given and a hash of each thing it asks for, as the stream of records that `format.ts`
 * describes. Belongs to the thread of the core.
 *
 * Contract. It never waits for whoever takes the stream, but for the first input of a life. What cannot be taken is lost,
 * and everything after it: the recording then ends in a hole, and says how many inputs are missing. Allocates nothing in
 * steady state.
 */
import { Handler } from '../../protocol/index.js'
import type { EffectTap, Tap, Tapped } from '../tap.js'
import { EffectKind } from '../../sim/world/effects.js'
import type { ClientEvent, ClientEventKind } from '../order.js'
import { AFTER_POLLS, BLOCK_BYTES, NO_MORE, Tag, clientEventKinds, hasBytes } from './format.js'
import { type Scratch, hashBytes, hashEffect, scratchOf } from './hash.js'

/** Takes the stream, block by block. */
export interface Sink {
  /** Returns false when there is no room: these bytes are lost, and no more will come. */
  take(bytes: Uint8Array, length: number): boolean
  /** As `take`, before the core has begun: may wait for room. */
  takePatiently(bytes: Uint8Array, length: number): boolean
  /** How much it takes to be readable by itself, told before the core begins. */
  expect(wholeBytes: number): void
  /** Whether what follows should be readable by itself; asked between records, and not for files. */
  wantsWhole(): boolean
  /** Begins anew with what follows. */
  beginAnew(): void
  /** There is nothing more; `lost` inputs are missing at the end. */
  end(lost: number): void
}

/** Milliseconds between two pieces that are handed on, at most; and between two hashes of a piece of private memory. */
const FLUSH_MILLIS = 5
const STATE_MILLIS = 100
/** Bytes of private memory that are hashed at once: some tens of microseconds. */
const HASHED_BYTES = 2 ** 16
/** Room for the fields of any record, without bytes and windows. */
const FIELDS_BYTES = 96

const NOTHING = new Uint8Array(0)

/** The moment from which a recording counts, on two clocks: that of the machine, and `performance.now` of a thread. */
export interface Origin {
  readonly nanos: bigint
  readonly millis: number
}
/** @param nanos of the machine's monotonic clock */
export function originAt(nanos: bigint): Origin {
  return { nanos, millis: performance.now() - Number(process.hrtime.bigint() - nanos) / 1e6 }
}

export class Recorder implements Tap, EffectTap {
  readonly effects = this
  /** Inputs that have been lost. */
  lost = 0
  readonly #sink: Sink
  readonly #stage = new Uint8Array(BLOCK_BYTES)
  #at = 0
  #isLost = false
  #isEnded = false
  #hasBegun = false
  /** Quiet polls since the last record. */
  #polls = 0
  /** The handler that runs is a poll of unchanged windows that has asked for nothing yet. */
  #isQuiet = false
  /** A record of an input has begun and has not ended. */
  #isOpen = false
  #lastNanos = 0
  readonly #origin: Origin
  #nextFlush = 0
  #nextState = 0
  #inputs = 0
  #flushedInputs = 0
  #hashedInputs = 0
  /** Where the piece of private memory ends that was hashed last. */
  #hashedTo = 0
  readonly #sent: Float64Array
  #tapped: Tapped | undefined
  #output: Scratch = scratchOf(new ArrayBuffer(0))
  #state: Scratch = scratchOf(new ArrayBuffer(0))
  #windows: readonly Uint32Array[] = []
  #seen: readonly Uint32Array[] = []

  constructor(sink: Sink, nodes: number, origin: Origin) {
    this.#sink = sink
    this.#origin = origin
    this.#sent = new Float64Array(nodes)
  }

  attach(tapped: Tapped): void {
    this.#tapped = tapped
    this.#output = scratchOf(tapped.output)
    this.#state = scratchOf(tapped.state.buffer as ArrayBuffer)
    this.#windows = tapped.windows.map(
      ({ buffer, byteOffset }, i) => new Uint32Array(buffer, byteOffset, (tapped.windowBytes[i]! + 3) >> 2),
    )
    this.#seen = this.#windows.map(({ length }) => new Uint32Array(length))
    this.#sink.expect(this.#state.bytes.length)
  }

  // ---- inputs

  before(handler: number, a: number, b: number, c: number, input: Uint8Array, length: number): void {
    this.#inputs++
    if (this.#isLost) {
      this.lost++
      return
    }
    if (handler === Handler.poll && !this.#windowsHaveChanged()) {
      this.#isQuiet = true
      return
    }
    this.#begin(handler)
    switch (handler) {
      case Handler.poll:
        this.#putWindows()
        break
      case Handler.message:
        this.#put(a)
        this.#put(c)
        break
      case Handler.request:
      case Handler.stored:
      case Handler.notified:
        this.#put(a)
        this.#put(b)
        break
      case Handler.completion:
        this.#put(a)
        this.#put(b)
        this.#put(c)
        break
      default:
        this.#put(a)
    }
    if (hasBytes(handler)) this.#putBytes(input, length)
    if (!this.#hasBegun) this.#flushPatiently()
  }

  effect(
    kind: number,
    a: number,
    b: number,
    c: number,
    d: number,
    e: number,
    f: number,
    g: number,
    at: number,
    length: number,
  ): void {
    if (this.#isLost) return
    if (this.#isQuiet) {
      this.#isQuiet = false
      this.#begin(Handler.poll)
      this.#put(0)
    }
    if (kind === EffectKind.send) this.#sent[a]!++
    this.#room(8)
    const hash = hashEffect(kind, a, b, c, d, e, f, g, this.#output, at, length)
    this.#stage[this.#at++] = kind
    this.#putWord(hash)
  }

  after(): void {
    if (this.#isQuiet) {
      this.#isQuiet = false
      this.#polls++
      return
    }
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#stage[this.#at++] = NO_MORE
    if (!this.#hasBegun) {
      this.#flushPatiently()
      this.#hasBegun = true
    }
    if (this.#sink.wantsWhole()) this.#putWhole()
  }

  // ---- what is not an input

  /** What a client of this node's script did or learned. */
  client(client: number, { kind, operation, at, reply = NOTHING }: ClientEvent): void {
    this.#putClient(kind, client, operation, Number(at - this.#origin.nanos), reply, reply.length)
  }

  /** What a caller of this node's service did or learned, at this moment; `length` bytes of `from` go with it. */
  caller(kind: ClientEventKind, client: number, sequence: number, from: Uint8Array, length: number): void {
    const nanos = Math.round((performance.now() - this.#origin.millis) * 1e6)
    this.#putClient(kind, client, sequence, nanos, from, length)
  }

  /** @param nanos not those of the turn: what one client knew before another asked must stay before it */
  #putClient(
    kind: ClientEventKind,
    client: number,
    operation: number,
    nanos: number,
    from: Uint8Array,
    length: number,
  ): void {
    if (this.#isLost || this.#isEnded) return
    this.#begin(Tag.client)
    this.#put(clientEventKinds.indexOf(kind))
    this.#put(client)
    this.#put(operation)
    this.#put(nanos)
    this.#putBytes(from, length)
  }

  /** Hands on what there is, now and then. Call it between turns. */
  tick(now: number): void {
    if (now < this.#nextFlush || this.#isLost) return
    this.#nextFlush = now + FLUSH_MILLIS
    if (now >= this.#nextState && this.#inputs !== this.#hashedInputs) {
      this.#nextState = now + STATE_MILLIS
      this.#putState()
    }
    if (this.#at > 0) this.#flush()
  }

  /** The thread is about to sleep: hands on what there is. */
  rest(): void {
    if (this.#at > 0) this.#flush()
  }

  /** The core has thrown, or the loop around it has. */
  failed(message: string): void {
    if (this.#isQuiet) {
      this.#isQuiet = false
      this.#begin(Handler.poll)
      this.#put(0)
    }
    if (this.#isLost) return
    const isInside = this.#isOpen
    if (isInside) this.#stage[this.#at++] = NO_MORE
    this.#begin(Tag.failed)
    const text = new TextEncoder().encode(message)
    this.#put(isInside ? 1 : 0)
    this.#putBytes(text, text.length)
  }

  /** There is nothing more. */
  end(): void {
    if (this.#isEnded) return
    this.#isEnded = true
    if (!this.#isLost && this.#tapped !== undefined) {
      // Now nobody waits: all of it.
      this.#hashedTo = 0
      do this.#putState()
      while (this.#hashedTo < this.#state.bytes.length)
      this.#flush()
    }
    this.#sink.end(this.lost)
  }

  // ---- records

  #begin(tag: number): void {
    this.#room(FIELDS_BYTES)
    const polls = this.#polls
    this.#stage[this.#at++] = polls > 0 ? tag | AFTER_POLLS : tag
    if (polls > 0) {
      this.#polls = 0
      this.#put(polls)
    }
    const nanos = Math.round((this.#tapped!.clock.now - this.#origin.millis) * 1e6)
    const since = nanos - this.#lastNanos
    this.#put(since > 0 ? since : 0)
    if (since > 0) this.#lastNanos = nanos
    this.#isOpen = tag < Tag.polls
  }

  #putState(): void {
    const size = this.#state.bytes.length
    const from = this.#hashedTo < size ? this.#hashedTo : 0
    const to = Math.min(size, from + HASHED_BYTES)
    this.#hashedTo = to
    if (to === size) this.#hashedInputs = this.#inputs
    this.#begin(Tag.state)
    this.#put(from)
    this.#put(to - from)
    this.#putWord(hashBytes(this.#state, from, to))
  }

  #putWhole(): void {
    if (this.#at > 0) this.#flush()
    this.#sink.beginAnew()
    this.#begin(Tag.whole)
    this.#put(this.#inputs - this.#polls)
    this.#put(this.#lastNanos)
    this.#put(this.#state.bytes.length)
    this.#flush()
    // In one copy: it may be large, and the core waits.
    if (!this.#sink.take(this.#state.bytes, this.#state.bytes.length)) this.#lose()
    for (const seen of this.#seen) {
      this.#room(FIELDS_BYTES + 4 * seen.length)
      for (let i = 0; i < seen.length; i++) this.#putWord(seen[i]!)
    }
    this.#room(10 * this.#sent.length)
    for (let node = 0; node < this.#sent.length; node++) this.#put(this.#sent[node]!)
  }

  #windowsHaveChanged(): boolean {
    const windows = this.#windows
    for (let w = 0; w < windows.length; w++) {
      const now = windows[w]!
      const seen = this.#seen[w]!
      for (let i = 0; i < now.length; i++) if (now[i] !== seen[i]) return true
    }
    return false
  }

  /** For each word that is another now: how far it is behind the last such one, and what it is; then 0. */
  #putWindows(): void {
    let place = 0
    let last = 0
    const windows = this.#windows
    for (let w = 0; w < windows.length; w++) {
      const now = windows[w]!
      const seen = this.#seen[w]!
      for (let i = 0; i < now.length; i++) {
        place++
        const word = now[i]!
        if (word === seen[i]) continue
        seen[i] = word
        this.#room(16)
        this.#put(place - last)
        this.#putWord(word)
        last = place
      }
    }
    this.#room(FIELDS_BYTES)
    this.#put(0)
  }

  // ---- bytes

  #put(value: number): void {
    const stage = this.#stage
    let left = value
    while (left >= 0x80000000) {
      stage[this.#at++] = (left % 0x80) | 0x80
      left = Math.floor(left / 0x80)
    }
    while (left >= 0x80) {
      stage[this.#at++] = (left & 0x7f) | 0x80
      left >>>= 7
    }
    stage[this.#at++] = left
  }

  #putWord(word: number): void {
    const stage = this.#stage
    const at = this.#at
    stage[at] = word
    stage[at + 1] = word >>> 8
    stage[at + 2] = word >>> 16
    stage[at + 3] = word >>> 24
    this.#at = at + 4
  }

  #putBytes(from: Uint8Array, length: number): void {
    this.#put(length)
    const stage = this.#stage
    if (length <= 64) {
      this.#room(length + FIELDS_BYTES)
      const at = this.#at
      for (let i = 0; i < length; i++) stage[at + i] = from[i]!
      this.#at = at + length
      return
    }
    for (let done = 0; done < length;) {
      this.#room(2 * FIELDS_BYTES)
      const piece = Math.min(length - done, stage.length - FIELDS_BYTES - this.#at)
      stage.set(from.subarray(done, done + piece), this.#at)
      this.#at += piece
      done += piece
    }
  }

  #room(bytes: number): void {
    if (this.#at + bytes <= this.#stage.length) return
    if (this.#hasBegun) this.#flush()
    else this.#flushPatiently()
  }
  #flush(): void {
    if (!this.#isLost && !this.#sink.take(this.#stage, this.#at)) this.#lose()
    this.#at = 0
    this.#flushedInputs = this.#inputs
  }
  #flushPatiently(): void {
    if (!this.#isLost && !this.#sink.takePatiently(this.#stage, this.#at)) this.#lose()
    this.#at = 0
    this.#flushedInputs = this.#inputs
  }
  #lose(): void {
    this.#isLost = true
    this.#isOpen = false
    this.lost = Math.max(1, this.#inputs - this.#flushedInputs)
  }
}
