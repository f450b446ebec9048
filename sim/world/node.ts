/**
 * A node: one core bound to its private bytes, and the host-side bytes around it (status, timers; see also `windows.ts`
 * and `waiting-effects.ts`).
 *
 * Guarantees: a handler sees private bytes and one input, nothing else; its effects are applied after it has returned,
 * in program order.
 */
import {
  type Context,
  type Core,
  type CoreDefinition,
  Handler,
  InvariantViolation,
  type StructLayout,
  callHandler,
  handlerNames,
} from '../../protocol/index.js'
import { EffectKind, type EffectLog, RecordingHost, effectLog, recordWords, resetEffects } from './effects.js'
import { HiddenState } from './hidden-state.js'
import {
  type NodeParts,
  NodeStatus,
  incarnationAt,
  loadingAt,
  payloadCapacity,
  statusAt,
  timersAt,
} from './node-parts.js'
import { Outcome } from './site.js'
import { WaitingEffects } from './waiting-effects.js'
import { Windows } from './windows.js'
import type { World } from './world.js'

/** Longer stretches of words are copied natively. */
const mostWordsOfLoop = 48

export class Node {
  readonly index: number
  readonly definition: CoreDefinition
  readonly parts: NodeParts
  readonly core: Core
  readonly host: RecordingHost
  readonly log: EffectLog
  readonly inputWords: Uint32Array
  readonly inputBytes: Uint8Array
  readonly outputBytes: Uint8Array
  /** Parts that decide whether a handler may run. */
  readonly readyParts: readonly number[]
  readonly reads: readonly number[]
  /** Parts that a handler may write; completed by the world when all parts are known. */
  readonly writes: number[]
  readonly windows: Windows
  readonly waiting: WaitingEffects
  readonly #world: World
  readonly #words: Uint32Array
  readonly #status: number
  readonly #control: number
  readonly #state: number
  readonly #stateWords: number
  /** Word of the own clock, or -1. */
  readonly #clock: number
  readonly #stateView: Uint32Array
  readonly #before: Uint32Array
  // What a self-test remembers, beyond the bytes before.
  readonly #again: EffectLog
  readonly #after: Uint32Array
  readonly #inputAgain: Uint8Array
  readonly timerSites: number[] = []
  #firing = -1
  #rearmed = false

  constructor(world: World, index: number, definition: CoreDefinition, parts: NodeParts) {
    const { memory } = world
    this.#world = world
    this.index = index
    this.definition = definition
    this.parts = parts
    this.#words = memory.words
    this.#status = parts.status.offset / 4
    this.#control = parts.control.offset / 4
    this.#state = parts.state.offset / 4
    this.#stateWords = parts.state.sizeBytes / 4
    this.#stateView = memory.words.subarray(this.#state, this.#state + this.#stateWords)
    this.#before = new Uint32Array(this.#stateWords)
    this.#after = new Uint32Array(this.#stateWords)
    this.readyParts =
      world.knobs.poll === 'loads' ? [parts.status.index, parts.effects.index] : [parts.status.index]
    const clock = world.clocks?.parts[index]
    this.reads = clock === undefined ? [parts.state.index] : [parts.state.index, clock.index]
    this.#clock = clock === undefined ? -1 : clock.offset / 4
    this.writes = [
      parts.state.index,
      parts.status.index,
      parts.control.index,
      parts.effects.index,
      ...parts.regions.map((r) => r.index),
    ]
    const scratch = (definition.scratchBytes + 7) & ~7
    const input = new ArrayBuffer(scratch)
    const output = new ArrayBuffer(scratch)
    this.inputWords = new Uint32Array(input)
    this.inputBytes = new Uint8Array(input)
    this.#inputAgain = new Uint8Array(world.selfTest ? scratch : 0)
    this.outputBytes = new Uint8Array(output)
    this.log = effectLog(payloadCapacity(definition))
    this.#again = effectLog(payloadCapacity(definition))
    this.host = new RecordingHost(index, world.nodeCount, this.log, this.outputBytes)
    this.windows = new Windows(world, this)
    this.waiting = new WaitingEffects(world, this)
    const context: Context<StructLayout> = {
      host: this.host,
      state: definition.state.view(memory.view, parts.state.offset, 'state'),
      input: new DataView(input),
      output: new DataView(output),
      window: <L extends StructLayout>(window: number, layout: L) =>
        layout.view(this.windows.view, this.windows.offsetOf(window)) as ReturnType<L['view']> as never,
    }
    this.core = definition.create(context)
  }

  status(): number {
    return this.#words[this.#status + statusAt]! & 0xff
  }
  setStatus(status: number): void {
    this.#words[this.#status + statusAt] = status
    this.#world.touch(this.parts.status.index)
  }
  incarnation(): number {
    return this.#words[this.#status + incarnationAt]!
  }
  /** Whether a handler may run: the process runs, and no copy or publish is under way. */
  ready(): boolean {
    const words = this.#words
    const status = this.#status
    return words[status + statusAt] === 0 && words[status + loadingAt] === 0 && !this.waiting.isAny()
  }
  isRunning(): boolean {
    return this.#words[this.#status + statusAt] === 0
  }

  // ---- handlers

  #call(handler: number, a: number, b: number, c: number): void {
    const core = this.core
    this.host.incarnation = this.#words[this.#status + incarnationAt]!
    if (this.#clock >= 0) this.host.clock = this.#words[this.#clock]!
    callHandler(core, handler, a, b, c)
  }

  /** Runs one handler and applies its effects. */
  run(handler: number, a: number, b: number, c: number): Outcome {
    const world = this.#world
    this.#keepState()
    resetEffects(this.log)
    let pollWasIdle = false
    if (world.selfTest) {
      this.#rehearse(handler, a, b, c)
      if (this.definition.pollFollowsWindows === true && handler > Handler.poll) {
        this.windows.copyWindows()
        pollWasIdle = this.#pollIsIdle()
      }
    }
    this.#call(handler, a, b, c)
    if (pollWasIdle && !this.#pollIsIdle())
      throw new InvariantViolation(
        `pollFollowsWindows is promised, but after ${handlerNames[handler] ?? '?'} a poll of the same windows has something to do`,
      )
    world.coverage.handlers[this.index * 16 + handler]!++
    const changed = this.#stateChanged()
    if (this.log.refused) {
      if (changed || this.log.count > 0)
        throw new InvariantViolation('a handler that refuses its input must change and ask for nothing')
      return Outcome.refused
    }
    const mark = world.changes
    if (changed) world.touch(this.parts.state.index)
    if (this.log.count > 0) this.waiting.apply(this.log)
    return world.changes === mark ? Outcome.idle : Outcome.moved
  }

  /** Remembers the private bytes as they are before a handler. */
  #keepState(): void {
    const words = this.#words
    const start = this.#state
    const size = this.#stateWords
    const before = this.#before
    // A native copy costs as much as some fifty words in a loop, and next to nothing for each word more.
    if (size > mostWordsOfLoop) before.set(this.#stateView)
    else for (let i = 0; i < size; i++) before[i] = words[start + i]!
  }
  #stateChanged(): boolean {
    const words = this.#words
    const start = this.#state
    const before = this.#before
    // Four words at a time: most that is looked at is the same.
    const size = this.#stateWords
    let i = 0
    for (; i + 4 <= size; i += 4) {
      const at = start + i
      const difference =
        (before[i]! ^ words[at]!) |
        (before[i + 1]! ^ words[at + 1]!) |
        (before[i + 2]! ^ words[at + 2]!) |
        (before[i + 3]! ^ words[at + 3]!)
      if (difference !== 0) return true
    }
    for (; i < size; i++) if (before[i] !== words[start + i]) return true
    return false
  }

  /** Runs the handler once beforehand on the same bytes with other scratch: any difference is hidden state. */
  #rehearse(handler: number, a: number, b: number, c: number): void {
    const words = this.#words
    const start = this.#state
    this.outputBytes.fill(0xa5)
    this.#call(handler, a, b, c)
    this.#after.set(this.#stateView)
    this.#stateView.set(this.#before)
    const rehearsal = this.#again
    rehearsal.count = this.log.count
    rehearsal.refused = this.log.refused
    rehearsal.payloadBytes = this.log.payloadBytes
    rehearsal.records.set(this.log.records.subarray(0, this.log.count * recordWords))
    rehearsal.payload.set(this.log.payload.subarray(0, this.log.payloadBytes))
    resetEffects(this.log)
    this.outputBytes.fill(0x5a)
    this.#call(handler, a, b, c)
    const name = handlerNames[handler] ?? '?'
    for (let i = 0; i < this.#stateWords; i++)
      if (words[start + i] !== this.#after[i])
        throw new HiddenState(this.#world.nodeName(this.index), name, this.parts.state, i * 4)
    const same =
      rehearsal.count === this.log.count &&
      rehearsal.refused === this.log.refused &&
      rehearsal.payloadBytes === this.log.payloadBytes &&
      equalWords(rehearsal.records, this.log.records, this.log.count * recordWords) &&
      equalWords(rehearsal.payload, this.log.payload, this.log.payloadBytes)
    if (!same) throw new HiddenState(this.#world.nodeName(this.index), name, undefined, 0)
    this.#stateView.set(this.#before)
    resetEffects(this.log)
  }

  /** Whether a poll would come to nothing with the private bytes as they are and the windows as copied last. */
  #pollIsIdle(): boolean {
    const words = this.#words
    const start = this.#state
    const { log } = this
    const { count, payloadBytes, refused } = log
    this.#inputAgain.set(this.inputBytes)
    this.#after.set(this.#stateView)
    const spare = this.#again
    spare.records.set(log.records.subarray(0, count * recordWords))
    spare.payload.set(log.payload.subarray(0, payloadBytes))
    resetEffects(log)
    this.#call(Handler.poll, 0, 0, 0)
    let idle = true
    for (let i = 0; i < log.count; i++) idle &&= log.records[i * recordWords] === EffectKind.note
    for (let i = 0; i < this.#stateWords; i++) idle &&= words[start + i] === this.#after[i]
    this.#stateView.set(this.#after)
    log.records.set(spare.records.subarray(0, count * recordWords))
    log.payload.set(spare.payload.subarray(0, payloadBytes))
    log.count = count
    log.payloadBytes = payloadBytes
    log.refused = refused
    this.inputBytes.set(this.#inputAgain)
    return idle
  }

  // ---- timers

  timerIsArmed(timer: number): boolean {
    return ((this.#words[this.#control + timersAt]! >>> timer) & 1) === 1
  }
  timerGeneration(timer: number): number {
    return this.#world.memory.side[this.parts.timerSide + 2 * timer]!
  }
  timerMicros(timer: number): number {
    return this.#world.memory.side[this.parts.timerSide + 2 * timer + 1]!
  }
  setTimer(timer: number, micros: number): void {
    if (timer >= this.definition.timers.length)
      throw new InvariantViolation(`timer ${String(timer)} is not declared`)
    const side = this.#world.memory.side
    side[this.parts.timerSide + 2 * timer]!++
    side[this.parts.timerSide + 2 * timer + 1] = micros
    if (timer === this.#firing) this.#rearmed = true
    this.#setTimerBit(timer, true)
    this.#world.wake(this.timerSites[timer]!)
  }
  cancelTimer(timer: number): void {
    this.#setTimerBit(timer, false)
  }
  #setTimerBit(timer: number, on: boolean): void {
    const at = this.#control + timersAt
    const before = this.#words[at]!
    const after = (on ? before | (1 << timer) : before & ~(1 << timer)) >>> 0
    if (after === before) return
    this.#words[at] = after
    this.#world.touch(this.parts.control.index)
  }
  /** Fires a timer: it is disarmed unless the handler arms it again. Idle when that is all that the handler did. */
  fire(timer: number): Outcome {
    this.#firing = timer
    this.#rearmed = false
    const outcome = this.run(Handler.timer, timer, 0, 0)
    this.#firing = -1
    if (this.#rearmed) return outcome
    this.#setTimerBit(timer, false)
    return Outcome.moved
  }

  // ---- life and death

  /** Loses everything that is not on disk: private and shared memory, timers, windows, copies. Keeps the incarnation. */
  loseMemory(): void {
    const { state, status, control, regions, effects, copies } = this.parts
    const incarnation = this.incarnation()
    for (const part of [state, status, control, effects, copies, ...regions]) {
      this.#words.fill(0, part.offset / 4, (part.offset + part.sizeBytes) / 4)
      this.#world.touch(part.index)
    }
    this.#words[this.#status + incarnationAt] = incarnation
  }
  /** Comes up as incarnation 0, or as the next one after a crash, and runs `start`. */
  boot(recovered: boolean, recoveredBytes: number): void {
    if (recovered) this.#words[this.#status + incarnationAt] = this.incarnation() + 1
    this.setStatus(NodeStatus.up)
    this.definition.regions.forEach(({ initial }, i) => {
      if (initial === undefined) return
      const part = this.parts.regions[i]!
      this.#world.memory.bytes.set(initial, part.offset)
      this.#world.touch(part.index)
    })
    this.run(Handler.start, recovered ? 1 : 0, recoveredBytes, 0)
  }
}

function equalWords(a: Uint32Array | Uint8Array, b: Uint32Array | Uint8Array, count: number): boolean {
  for (let i = 0; i < count; i++) if (a[i] !== b[i]) return false
  return true
}
