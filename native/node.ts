/**
 * A node's hardware: registered memory that peers read and write, queue pairs to them, and a durable log, behind one ring.
 *
 * Requests gather in a typed array; `turn` hands them over in one native call, makes progress, and fills the completions.
 * Nothing is allocated in steady state. A node belongs to the thread that opened it. It has no thread for the fabric: peers
 * are met, and revocations made final, inside `turn`, so call it again and again.
 *
 * Statuses, flags, rights, control calls and keys are those of `protocol/contract.ts`.
 */
import { markAsUntransferable } from 'node:worker_threads'
import { type NodeHandle, loadAddon } from './addon.js'
import {
  Operation,
  completionField,
  completionWords,
  headerField,
  requestField,
  requestWords,
} from './batch-layout.js'
import { MisuseError, NativeError, typed } from './errors.js'
import type { NodeOptions } from './options.js'

export const peerStates = ['absent', 'connected', 'incompatible'] as const
export const endStates = ['reset', 'init', 'readyToReceive', 'readyToSend', 'drained', 'error'] as const

const field = requestField

/**
 * Opens a node. Throws {@link NativeError}.
 *
 * @param options a fabric, a log, or both
 */
export function openNode(options: NodeOptions): NativeNode {
  const { open } = loadAddon()
  try {
    return new NativeNode(open(options), options.batch?.requests ?? 256)
  } catch (error) {
    throw typed(error)
  }
}

/**
 * Ends the {@link NativeNode.wait} of a node, from any thread of its process, or its next one before it begins. Nothing
 * happens when the node is closed.
 *
 * @param waker what {@link NativeNode.waker} of the node has returned; else {@link NativeError} `ERR_ARGUMENT`
 */
export function wake(waker: number): void {
  const addon = loadAddon()
  try {
    addon.wake(waker)
  } catch (error) {
    throw typed(error)
  }
}

export class NativeNode {
  /**
   * Registered memory; empty without a fabric. Load and store at will: `turn` begins and ends with the fences. Of length 0
   * once the node is closed.
   */
  readonly memory: ArrayBuffer
  /** Byte offset of each own region in `memory`. */
  readonly regionsAt: readonly number[]
  /** Whether the words of a WRITE become visible in ascending order, so that a canary behind them may be trusted. */
  readonly placesInOrder: boolean
  /** Bytes that go out: inline payloads, messages, records, what is published. Taken during `turn`. */
  readonly output: Uint8Array
  /** Bytes that came in with the last `turn`; completions say where. */
  readonly input: Uint8Array
  /** The watched windows, as of the end of the last `turn`. */
  readonly windows: readonly DataView[]
  /** Completions of the last `turn`: see `completionField`, `completionWords` for each. */
  readonly completions: Uint32Array
  /** What the log held when it was opened, as `forEachRecord` of the contract reads it; empty without a log. */
  readonly recovered: ArrayBuffer
  readonly #handle: NodeHandle
  readonly #header: Uint32Array
  readonly #requests: Uint32Array
  readonly #requestsMax: number
  #count = 0

  /** @internal Use {@link openNode}. */
  constructor(handle: NodeHandle, requestsMax: number) {
    const { batch, requestsAt, completionsAt, outputAt, inputAt, windowsAt } = handle
    this.#handle = handle
    this.#requestsMax = requestsMax
    this.#header = new Uint32Array(batch, 0, requestsAt / 4)
    this.#requests = new Uint32Array(batch, requestsAt, requestsMax * requestWords)
    this.completions = new Uint32Array(batch, completionsAt, (outputAt - completionsAt) / 4)
    this.output = new Uint8Array(batch, outputAt, inputAt - outputAt)
    this.input = new Uint8Array(batch, inputAt, (windowsAt[0] ?? batch.byteLength) - inputAt)
    this.windows = windowsAt.map(
      (at, i) => new DataView(batch, at, (windowsAt[i + 1] ?? batch.byteLength) - at),
    )
    this.memory = handle.memory ?? new ArrayBuffer(0)
    this.regionsAt = handle.regionsAt ?? []
    this.placesInOrder = handle.placesInOrder ?? false
    this.recovered = handle.recovered ?? new ArrayBuffer(0)
    // It ends with this thread, whoever may hold it then.
    markAsUntransferable(batch)
    markAsUntransferable(this.memory)
  }

  // ---- one-sided operations. Lengths in bytes.

  /** WRITE of inline bytes at `output[local]` (with `Flag.inline`), or of own region `localRegion`. */
  write(
    queuePair: number,
    region: number,
    offset: number,
    localRegion: number,
    local: number,
    length: number,
    token: number,
    flags: number,
  ): void {
    this.#post(Operation.write, queuePair, region, offset, localRegion, local, length, token, flags, 0)
  }
  /** As `write`, and the peer gets a notice with 32 bits when all of it is there. */
  writeImmediate(
    queuePair: number,
    region: number,
    offset: number,
    localRegion: number,
    local: number,
    length: number,
    token: number,
    flags: number,
    immediate: number,
  ): void {
    const operation = Operation.writeImmediate
    this.#post(operation, queuePair, region, offset, localRegion, local, length, token, flags, immediate)
  }
  /** READ into an own region. */
  read(
    queuePair: number,
    region: number,
    offset: number,
    localRegion: number,
    local: number,
    length: number,
    token: number,
    flags: number,
  ): void {
    this.#post(Operation.read, queuePair, region, offset, localRegion, local, length, token, flags, 0)
  }
  /** Compare-and-swap of 8 bytes; the former value lands in an own region. Operands are safe integers. */
  compareSwap(
    queuePair: number,
    region: number,
    offset: number,
    localRegion: number,
    local: number,
    expected: number,
    desired: number,
    token: number,
    flags: number,
  ): void {
    const at = this.#post(
      Operation.compareSwap,
      queuePair,
      region,
      offset,
      localRegion,
      local,
      8,
      token,
      flags,
      0,
    )
    this.#operand(at + field.operandLow, expected)
    this.#operand(at + field.desiredLow, desired)
  }
  /** Fetch-and-add of 8 bytes; the former value lands in an own region. The addend is a safe integer. */
  fetchAdd(
    queuePair: number,
    region: number,
    offset: number,
    localRegion: number,
    local: number,
    addend: number,
    token: number,
    flags: number,
  ): void {
    const at = this.#post(
      Operation.fetchAdd,
      queuePair,
      region,
      offset,
      localRegion,
      local,
      8,
      token,
      flags,
      0,
    )
    this.#operand(at + field.operandLow, addend)
  }
  /** SEND of `length` bytes at `output[local]`. */
  send(queuePair: number, local: number, length: number, token: number, flags: number): void {
    this.#post(Operation.send, queuePair, 0, 0, 0, local, length, token, flags, 0)
  }

  // ---- control: takes time, completes

  /**
   * A `Control` call for the own end of a queue pair.
   *
   * @param argument rights, or a connection number of 32 bits; another number is refused with `ERR_ARGUMENT`, lest two
   *   connections be taken for one
   */
  control(queuePair: number, change: number, argument: number, token: number): void {
    if (argument >>> 0 !== argument)
      throw new NativeError('ERR_ARGUMENT', 'the argument of control must be a whole number of 32 bits')
    const at = this.#post(Operation.control, queuePair, 0, 0, 0, 0, 0, token, 0, change)
    this.#requests[at + field.operandLow] = argument
  }
  /** Registers an own region anew with other rights, under the next key. Completes with queue pair 0xffff. */
  protect(region: number, rights: number, token: number): void {
    this.#post(Operation.protect, 0, 0, 0, region, 0, 0, token, 0, rights)
  }

  // ---- own memory

  /** Copies window `window` in from `offset` of an own region at the end of each turn, word by word. */
  watch(window: number, region: number, offset: number): void {
    this.#post(Operation.watch, window, 0, 0, region, offset, 0, 0, 0, 0)
  }
  /** Copies bytes of an own region in, word by word; they come with a completion of kind `observed`. */
  observe(region: number, offset: number, length: number, token: number): void {
    this.#post(Operation.observe, 0, 0, 0, region, offset, length, token, 0, 0)
  }
  /** Copies `length` bytes at `output[local]` into an own region, word by word in ascending order, then a full fence. */
  publish(region: number, offset: number, local: number, length: number): void {
    this.#post(Operation.publish, 0, region, offset, 0, local, length, 0, 0, 0)
  }

  // ---- the log

  /** Appends a record of `length` bytes at `output[local]`. */
  append(local: number, length: number): void {
    this.#post(Operation.append, 0, 0, 0, 0, local, length, 0, 0, 0)
  }
  /** Asks that everything asked for so far become durable; completes with kind `stored`. 64 may be in flight. */
  flush(token: number): void {
    this.#post(Operation.flush, 0, 0, 0, 0, 0, 0, token, 0, 0)
  }
  /** Drops the first `records` records; durable with the next flush. */
  truncate(records: number): void {
    this.#post(Operation.truncate, 0, 0, 0, 0, 0, records, 0, 0, 0)
  }

  // ---- all together

  /**
   * Hands over the requests since the last turn, makes progress, and fills the completions.
   *
   * Throws {@link MisuseError} for a request that cannot be taken: those before it have been taken, those behind it are
   * dropped; what has ended is told by the next turn.
   *
   * @returns how many completions there are
   */
  turn(): number {
    const header = this.#header
    header[headerField.requests] = this.#count
    this.#count = 0
    try {
      this.#handle.turn()
    } catch (error) {
      throw typed(error)
    }
    const misuse = header[headerField.misuse]!
    if (misuse !== 0) throw new MisuseError(misuse, header[headerField.misuseIndex]!)
    return header[headerField.completions]!
  }

  /**
   * Puts the thread to sleep until a turn may find something, `micros` at most (0 to 60 000 000, whole): a peer has written,
   * sent, or moved an end to ERR; one has come or gone; a flush has ended; another thread has called `wake`; this thread
   * has got a signal. Returns at once when that was so since the last `wait`, or when requests wait for `turn`; soon (0.1 ms)
   * when requests or control calls are under way, which go on in turns alone; and after 5 ms at most, to look again, while a
   * peer with a lower number is absent. A READ wakes nobody. Over verbs what a peer has written is found within 2 ms, if
   * its bell has got lost (`verbs/bells.h`). See docs/native.md for what is guaranteed. Throws
   * {@link NativeError}.
   *
   * Nothing else runs in the thread meanwhile, and its end, too, has to wait for it.
   *
   * @returns false when the time was over; true when a turn may find something, and it may find nothing after all
   */
  wait(micros: number): boolean {
    this.#header[headerField.requests] = this.#count
    try {
      return this.#handle.wait(micros)
    } catch (error) {
      throw typed(error)
    }
  }
  /**
   * Lets another thread have the processor, if one waits for it. Who looks again and again does so now and then: on a
   * software device a thread of the kernel moves the bytes, which a looking thread keeps from its processor until the
   * scheduler's next tick.
   */
  yield(): void {
    try {
      this.#handle.yield()
    } catch (error) {
      throw typed(error)
    }
  }
  /** A number by which other threads of this process {@link wake} this one: the same at each call, and never another's. */
  waker(): number {
    return this.#ask(() => this.#handle.waker())
  }

  /** Whether bytes under a watched window are others since the turn before the last. */
  get windowsChanged(): boolean {
    return this.#header[headerField.windowsChanged] !== 0
  }

  /** One field of completion `i` of the last turn. In hot paths read `completions`: a field by its name is looked up. */
  completion(i: number, name: keyof typeof completionField): number {
    return this.completions[i * completionWords + completionField[name]]!
  }

  // ---- the rest is not for the hot path

  peerState(node: number): (typeof peerStates)[number] {
    return peerStates[this.#ask(() => this.#handle.peerState(node))]!
  }
  /** What a peer must be told so that it can reach this node; empty on shared memory, where nodes find each other. */
  addressFor(peer: number): Uint8Array {
    return this.#ask(() => this.#handle.addressFor(peer))
  }
  /** Grows when addresses have changed, by `protect`: peers must be told again. */
  addressRevision(): number {
    return this.#ask(() => this.#handle.addressRevision())
  }
  /**
   * A peer has told its address; again when it was restarted or its address has changed.
   *
   * @returns false when it is none that this node can do with: the peer has other options, or another version
   */
  meet(peer: number, address: Uint8Array): boolean {
    return this.#ask(() => this.#handle.meet(peer, address))
  }
  /** State of the own end of a queue pair. */
  endState(queuePair: number): (typeof endStates)[number] {
    return endStates[this.#ask(() => this.#handle.endState(queuePair))]!
  }
  /** Loses requests, or answers, of one queue pair from here on: a link that is cut in one direction. On shared memory alone. */
  impair(queuePair: number, losesRequests: boolean, losesAnswers: boolean): void {
    this.#ask(() => {
      this.#handle.impair(queuePair, losesRequests, losesAnswers)
    })
  }
  /** How often this node has woken a peer: the system calls that sleeping peers have cost it. */
  wakes(): number {
    return this.#ask(() => this.#handle.wakes())
  }
  /** How often the memory has moved away from a stopped writer: on shared memory alone. */
  relocations(): number {
    return this.#ask(() => this.#handle.relocations())
  }
  /** Ends everything at once; peers find nobody there. Memory and views have length 0 from here on. */
  close(): void {
    this.#ask(() => {
      this.#handle.close()
    })
  }

  #ask<T>(question: () => T): T {
    try {
      return question()
    } catch (error) {
      throw typed(error)
    }
  }

  /** Fills the next request, and returns where its words begin. */
  #post(
    operation: number,
    queuePair: number,
    remoteRegion: number,
    remoteOffset: number,
    localRegion: number,
    localOffset: number,
    length: number,
    token: number,
    flags: number,
    argument: number,
  ): number {
    if (this.#count === this.#requestsMax)
      throw new NativeError(
        'ERR_ARGUMENT',
        `a turn takes ${String(this.#count)} requests at most: call turn first`,
      )
    const words = this.#requests
    const at = this.#count++ * requestWords
    words[at + field.operation] = operation
    words[at + field.queuePair] = queuePair
    words[at + field.remoteRegion] = remoteRegion
    words[at + field.remoteOffset] = remoteOffset
    words[at + field.localRegion] = localRegion
    words[at + field.localOffset] = localOffset
    words[at + field.length] = length
    words[at + field.token] = token
    words[at + field.flags] = flags
    words[at + field.argument] = argument
    return at
  }
  #operand(at: number, value: number): void {
    this.#requests[at] = value
    this.#requests[at + 1] = Math.floor(value / 0x1_0000_0000)
  }
}
