/**
 * The host of a core that runs for real: what a handler asks for becomes requests of the native batch, which take effect
 * with the next turn. Allocates nothing in steady state.
 *
 * Messages travel as SENDs on a queue pair of their own (`post.ts`), timers are deadlines that the loop looks at.
 */
import { type Host, type NodeId, Flag, byteOffsetOf, regionOf } from '../protocol/index.js'
import type { NativeNode } from '../native/index.js'

/** What a host cannot do by itself. Bytes lie in the core's output. */
export interface HostEnds {
  send(to: NodeId, at: number, length: number): void
  reply(client: number, sequence: number, at: number, length: number): void
  deliver(index: number, at: number, length: number): void
}

export interface HostOptions {
  readonly native: NativeNode
  readonly self: NodeId
  readonly nodes: number
  readonly incarnation: number
  /** Queue pairs to each peer that the core knows of; the native node has one more, for messages. */
  readonly pairsPerPeer: number
  readonly timers: number
  readonly notes: number
  readonly output: Uint8Array
  readonly ends: HostEnds
}

export class CoreHost implements Host {
  readonly self: NodeId
  readonly nodes: number
  readonly incarnation: number
  clock = 0
  /** Whether the handler that ran last refused its input. */
  refused = false
  /** Effects so far. */
  effects = 0
  /** Whether a window has been moved; whoever looks sets it back. */
  hasWatched = false
  /** Milliseconds, as `performance.now` has them, at the beginning of this round of the loop; set by the loop. */
  now = 0
  /** When each timer is due, on the same clock; Infinity: not set. */
  readonly deadlines: Float64Array
  /** The earliest deadline, or one before it: looked for anew when it has come. */
  nextDeadline = Infinity
  /** How often each note was made. */
  readonly noteCounts: Float64Array
  readonly #native: NativeNode
  readonly #pairs: number
  readonly #output: Uint8Array
  readonly #ends: HostEnds
  /** End of what the handlers since the last turn have put into the output arena. */
  #used = 0

  constructor(options: HostOptions) {
    this.self = options.self
    this.nodes = options.nodes
    this.incarnation = options.incarnation
    this.deadlines = new Float64Array(options.timers).fill(Infinity)
    this.noteCounts = new Float64Array(options.notes)
    this.#native = options.native
    this.#pairs = options.pairsPerPeer
    this.#output = options.output
    this.#ends = options.ends
  }

  /** What was captured has been taken by a turn. */
  turned(): void {
    this.#used = 0
  }

  /** Bytes of the arena that are taken. */
  get captured(): number {
    return this.#used
  }

  /** Copies bytes into the output arena; returns where they stand. Throws RangeError when it is full. */
  capture(from: Uint8Array, at: number, length: number): number {
    const to = this.#used
    const target = this.#native.output
    // Short pieces are copied faster in a loop than by a call.
    if (length <= 64) for (let i = 0; i < length; i++) target[to + i] = from[at + i]!
    else target.set(from.subarray(at, at + length), to)
    this.#used = to + ((length + 7) & ~7)
    if (this.#used > target.length)
      throw new RangeError(`handlers hand out at most ${String(target.length)} bytes between two turns`)
    return to
  }

  /** The number that the native node has for a queue pair of the core. */
  #nativePair(queuePair: number): number {
    return queuePair + Math.floor(queuePair / this.#pairs)
  }

  refuse(): void {
    this.effects++
    this.refused = true
  }
  note(kind: number): void {
    this.effects++
    this.noteCounts[kind]!++
  }
  deliver(index: number, at: number, length: number): void {
    this.effects++
    this.#ends.deliver(index, at, length)
  }
  send(to: NodeId, at: number, length: number): void {
    this.effects++
    this.#ends.send(to, at, length)
  }
  reply(client: number, sequence: number, at: number, length: number): void {
    this.effects++
    this.#ends.reply(client, sequence, at, length)
  }

  watch(window: number, region: number, offset: number): void {
    this.effects++
    this.hasWatched = true
    this.#native.watch(window, region, offset)
  }
  observe(region: number, offset: number, length: number, token: number): void {
    this.effects++
    this.#native.observe(region, offset, length, token)
  }
  publish(region: number, offset: number, at: number, length: number): void {
    this.effects++
    this.#native.publish(region, offset, this.capture(this.#output, at, length), length)
  }

  write(
    queuePair: number,
    remote: number,
    local: number,
    length: number,
    token: number,
    flags: number,
  ): void {
    this.effects++
    const isInline = (flags & Flag.inline) !== 0
    this.#native.write(
      this.#nativePair(queuePair),
      regionOf(remote),
      byteOffsetOf(remote),
      isInline ? 0 : regionOf(local),
      isInline ? this.capture(this.#output, local, length) : byteOffsetOf(local),
      length,
      token,
      flags,
    )
  }
  writeImmediate(
    queuePair: number,
    remote: number,
    local: number,
    length: number,
    token: number,
    flags: number,
    immediate: number,
  ): void {
    this.effects++
    const isInline = (flags & Flag.inline) !== 0
    this.#native.writeImmediate(
      this.#nativePair(queuePair),
      regionOf(remote),
      byteOffsetOf(remote),
      isInline ? 0 : regionOf(local),
      isInline ? this.capture(this.#output, local, length) : byteOffsetOf(local),
      length,
      token,
      flags,
      immediate,
    )
  }
  read(
    queuePair: number,
    remote: number,
    local: number,
    length: number,
    token: number,
    flags: number = Flag.signaled,
  ): void {
    this.effects++
    this.#native.read(
      this.#nativePair(queuePair),
      regionOf(remote),
      byteOffsetOf(remote),
      regionOf(local),
      byteOffsetOf(local),
      length,
      token,
      flags,
    )
  }
  compareSwap(
    queuePair: number,
    remote: number,
    local: number,
    expected: number,
    desired: number,
    token: number,
    flags: number = Flag.signaled,
  ): void {
    this.effects++
    this.#native.compareSwap(
      this.#nativePair(queuePair),
      regionOf(remote),
      byteOffsetOf(remote),
      regionOf(local),
      byteOffsetOf(local),
      expected,
      desired,
      token,
      flags,
    )
  }
  fetchAdd(
    queuePair: number,
    remote: number,
    local: number,
    addend: number,
    token: number,
    flags: number = Flag.signaled,
  ): void {
    this.effects++
    this.#native.fetchAdd(
      this.#nativePair(queuePair),
      regionOf(remote),
      byteOffsetOf(remote),
      regionOf(local),
      byteOffsetOf(local),
      addend,
      token,
      flags,
    )
  }
  post(queuePair: number, at: number, length: number, token: number, flags: number): void {
    this.effects++
    const from = this.capture(this.#output, at, length)
    this.#native.send(this.#nativePair(queuePair), from, length, token, flags)
  }
  control(queuePair: number, change: number, argument: number, token: number): void {
    this.effects++
    this.#native.control(this.#nativePair(queuePair), change, argument, token)
  }
  protect(region: number, rights: number, token: number): void {
    this.effects++
    this.#native.protect(region, rights, token)
  }
  bind(): void {
    throw new Error('memory windows are not there: a system that binds them cannot be run')
  }

  setTimer(timer: number, micros: number): void {
    this.effects++
    const due = this.now + micros / 1000
    this.deadlines[timer] = due
    if (due < this.nextDeadline) this.nextDeadline = due
  }
  cancelTimer(timer: number): void {
    this.effects++
    this.deadlines[timer] = Infinity
  }
  /** The first timer that is due, which is unset; -1 when there is none. */
  dueTimer(): number {
    if (this.now < this.nextDeadline) return -1
    const { deadlines } = this
    let next = Infinity
    let due = -1
    for (let timer = 0; timer < deadlines.length; timer++) {
      const deadline = deadlines[timer]!
      if (due < 0 && deadline <= this.now) due = timer
      else if (deadline < next) next = deadline
    }
    if (due >= 0) deadlines[due] = Infinity
    else this.nextDeadline = next
    return due
  }

  append(at: number, length: number): void {
    this.effects++
    this.#native.append(this.capture(this.#output, at, length), length)
  }
  flush(token: number): void {
    this.effects++
    this.#native.flush(token)
  }
  truncate(records: number): void {
    this.effects++
    this.#native.truncate(records)
  }
}
