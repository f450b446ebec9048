/**
 * A node: one core bound to its private bytes, and the host-side bytes around it (status, armed timers, windows, copies
 * under way, publishes under way).
 *
 * Guarantees: a handler sees private bytes and one input, nothing else; its effects are applied after it has returned,
 * in program order. With `poll: atomic` a poll copies all windows in one step and a publish lands in one. With
 * `poll: loads` windows and observed bytes are copied one 8-byte word per step, and a publish lands one word per step;
 * until its last word has landed no other handler of the node runs (a handler ends with a fence).
 */
import {
  type Context,
  type Core,
  type CoreDefinition,
  InvariantViolation,
  type StructLayout,
  array,
  bytes,
  enumeration,
  struct,
  u32,
} from '../../protocol/index.js'
import {
  type EffectLog,
  EffectKind,
  RecordingHost,
  effectLog,
  payloadAt,
  payloadLength,
  recordWords,
  resetEffects,
} from './effects.js'
import { applyEffect } from './apply.js'
import type { MemoryPlan, Part } from './memory.js'
import { Outcome } from './site.js'
import type { World } from './world.js'

/** Inputs of a core, as {@link Node.run} takes them. */
export const Handler = {
  start: 0,
  poll: 1,
  observed: 2,
  timer: 3,
  message: 4,
  completion: 5,
  request: 6,
  stored: 7,
  input: 8,
} as const
export const handlerNames: readonly string[] = Object.keys(Handler)

export const NodeStatus = { up: 0, paused: 1, down: 2 } as const
const statusLayout = enumeration(['up', 'paused', 'down'] as const)

// Words of the status part.
const statusAt = 0
const incarnationAt = 1
/** 0: nothing; 1: a poll is copying windows; 2 + n: observe slot n is copying. */
const loadingAt = 2
// Words of the control part.
const timersAt = 0
const loadedWordsAt = 1
const windowsAt = 2
const observeWords = 4
export const mostObserves = 4

export interface NodeParts {
  readonly state: Part
  readonly regions: readonly Part[]
  /** Whether the process runs; what decides if a handler may run is here and in `effects`. */
  readonly status: Part
  /** Armed timers, watched windows, copies under way. */
  readonly control: Part
  /** Effects that wait behind a publish that lands word by word; empty unless `poll: loads`. */
  readonly effects: Part
  /** Words copied so far by a poll or observe under way; all zero between. */
  readonly copies: Part
  /** Side slots: per timer its generation and its duration in microseconds. */
  readonly timerSide: number
}

const mostWaitingEffects = 48

export function planNode(
  plan: MemoryPlan,
  name: string,
  node: number,
  definition: CoreDefinition,
  loads: boolean,
): NodeParts {
  for (const region of definition.regions)
    if (region.layout.sizeBytes % 8 !== 0)
      throw new RangeError(`region ${region.name} must be a multiple of 8 bytes long`)
  let copyBytes = 8
  for (const window of definition.windows) copyBytes += window.layout.sizeBytes
  const window = struct({ region: u32, offset: u32 })
  const observation = struct({ region: u32, offset: u32, length: u32, token: u32 })
  const status = struct({ status: statusLayout, incarnation: u32, loading: u32 })
  const control = struct({
    timers: u32,
    loadedWords: u32,
    windows: array(window, Math.max(1, definition.windows.length)),
    observes: array(observation, mostObserves),
  })
  const record = array(u32, recordWords)
  const effects = struct({
    count: u32,
    publishedWords: u32,
    records: array(record, loads ? mostWaitingEffects : 1),
    payload: bytes(loads ? payloadCapacity(definition) : 8),
  })
  return {
    state: plan.part(`${name} private`, 'private', node, definition.state),
    status: plan.part(`${name} status`, 'status', node, status),
    control: plan.part(`${name} control`, 'control', node, control),
    regions: definition.regions.map((region) =>
      plan.part(`${name} ${region.name}`, 'region', node, region.layout),
    ),
    effects: plan.part(`${name} effects`, 'effects', node, effects),
    copies: plan.part(
      `${name} copies`,
      'effects',
      node,
      struct({ bytes: bytes(loads ? Math.max(copyBytes, definition.scratchBytes) : 8) }),
    ),
    timerSide: plan.side(2 * Math.max(1, definition.timers.length)),
  }
}

const payloadCapacity = (definition: CoreDefinition): number => 8 * definition.scratchBytes

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
  /** Bytes of the windows in the order of declaration, as the core sees them. */
  readonly #windowWords: Uint32Array
  readonly #windowOffsets: number[] = []
  #windowTotalWords = 0
  readonly #world: World
  readonly #words: Uint32Array
  readonly #status: number
  readonly #control: number
  readonly #effects: number
  /** Whether effects can wait behind a publish; where they cannot, their part is no guard. */
  readonly #mayWait: boolean
  readonly #state: number
  readonly #stateWords: number
  readonly #before: Uint32Array
  readonly #again: EffectLog
  readonly #after: Uint32Array
  readonly timerSites: number[] = []
  /** Changes of own regions when the poll under way began: whether it may have missed one. */
  #regionChanges = -1
  #firing = -1
  #rearmed = false
  pollSite = -1

  constructor(world: World, index: number, definition: CoreDefinition, parts: NodeParts) {
    const { memory } = world
    this.#world = world
    this.index = index
    this.definition = definition
    this.parts = parts
    this.#words = memory.words
    this.#status = parts.status.offset / 4
    this.#control = parts.control.offset / 4
    this.#effects = parts.effects.offset / 4
    this.#mayWait = world.knobs.poll === 'loads'
    this.#state = parts.state.offset / 4
    this.#stateWords = parts.state.sizeBytes / 4
    this.#before = new Uint32Array(this.#stateWords)
    this.#after = new Uint32Array(this.#stateWords)
    this.readyParts =
      world.knobs.poll === 'loads' ? [parts.status.index, parts.effects.index] : [parts.status.index]
    this.reads = [parts.state.index]
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
    this.outputBytes = new Uint8Array(output)
    this.log = effectLog(payloadCapacity(definition))
    this.#again = effectLog(payloadCapacity(definition))
    this.host = new RecordingHost(index, world.nodeCount, this.log, this.outputBytes)
    for (const window of definition.windows) {
      this.#windowOffsets.push(this.#windowTotalWords)
      this.#windowTotalWords += window.layout.sizeBytes / 4
    }
    const windows = new ArrayBuffer(this.#windowTotalWords * 4 + 8)
    this.#windowWords = new Uint32Array(windows)
    const windowView = new DataView(windows)
    const context: Context<StructLayout> = {
      host: this.host,
      state: definition.state.view(memory.view, parts.state.offset, 'state'),
      input: new DataView(input),
      output: new DataView(output),
      window: <L extends StructLayout>(window: number, layout: L) => {
        const offset = this.#windowOffsets[window]
        if (offset === undefined) throw new RangeError(`window ${String(window)} is not declared`)
        return layout.view(windowView, offset * 4) as ReturnType<L['view']> as never
      },
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
    return words[status + statusAt] === 0 && words[status + loadingAt] === 0 && !this.#isWaiting()
  }
  /** Whether effects wait behind a publish. */
  #isWaiting(): boolean {
    return this.#mayWait && this.#words[this.#effects] !== 0
  }
  isRunning(): boolean {
    return this.#words[this.#status + statusAt] === 0
  }

  // ---- handlers

  #call(handler: number, a: number, b: number, c: number): void {
    const core = this.core
    this.host.incarnation = this.#words[this.#status + incarnationAt]!
    switch (handler) {
      case Handler.start:
        core.start(a !== 0, b)
        return
      case Handler.poll:
        core.poll?.()
        return
      case Handler.observed:
        core.observed?.(a, b)
        return
      case Handler.timer:
        core.timer?.(a)
        return
      case Handler.message:
        core.message?.(a, b)
        return
      case Handler.completion:
        core.completion?.(a, b, c as never)
        return
      case Handler.request:
        core.request?.(a, b, c)
        return
      case Handler.stored:
        core.stored?.(a, b as never)
        return
      case Handler.input:
        core.input?.(a)
        return
    }
  }

  /** Runs one handler and applies its effects. */
  run(handler: number, a: number, b: number, c: number): Outcome {
    const world = this.#world
    const words = this.#words
    const start = this.#state
    const size = this.#stateWords
    const before = this.#before
    for (let i = 0; i < size; i++) before[i] = words[start + i]!
    resetEffects(this.log)
    if (world.selfTest) this.#rehearse(handler, a, b, c)
    this.#call(handler, a, b, c)
    world.coverage.handlers[this.index * 16 + handler]!++
    let changed = false
    for (let i = 0; i < size; i++)
      if (before[i] !== words[start + i]) {
        changed = true
        break
      }
    if (this.log.refused) {
      if (changed || this.log.count > 0)
        throw new InvariantViolation('a handler that refuses its input must change and ask for nothing')
      return Outcome.refused
    }
    const mark = world.changes
    if (changed) world.touch(this.parts.state.index)
    if (this.log.count > 0) this.#applyFrom(this.log, 0)
    return world.changes === mark ? Outcome.idle : Outcome.moved
  }

  /** Runs the handler once beforehand on the same bytes with other scratch: any difference is hidden state. */
  #rehearse(handler: number, a: number, b: number, c: number): void {
    const words = this.#words
    const start = this.#state
    this.outputBytes.fill(0xa5)
    this.#call(handler, a, b, c)
    for (let i = 0; i < this.#stateWords; i++) {
      this.#after[i] = words[start + i]!
      words[start + i] = this.#before[i]!
    }
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
    for (let i = 0; i < this.#stateWords; i++) words[start + i] = this.#before[i]!
    resetEffects(this.log)
  }

  // ---- effects

  /** Applies records from `first` on. With word-by-word publishes, stops before the first publish and keeps the rest. */
  #applyFrom(log: EffectLog, first: number): void {
    const loads = this.#world.knobs.poll === 'loads'
    for (let i = first; i < log.count; i++) {
      const at = i * recordWords
      if (loads && log.records[at] === EffectKind.publish) {
        this.#keepFrom(log, i)
        return
      }
      applyEffect(this.#world, this, log.records, at, log.payload, log.records[at + payloadAt]!)
    }
  }

  #keepFrom(log: EffectLog, first: number): void {
    const words = this.#words
    const count = log.count - first
    if (count > mostWaitingEffects)
      throw new InvariantViolation(`at most ${String(mostWaitingEffects)} effects may wait behind a publish`)
    const base = this.#effects
    words[base] = count
    words[base + 1] = 0
    for (let i = first; i < log.count; i++) {
      const at = i * recordWords
      if (log.records[at] === EffectKind.publish)
        this.checkRegion(
          log.records[at + 1]!,
          log.records[at + 2]!,
          log.records[at + payloadLength]!,
          'publish',
        )
    }
    const shift = base + 2 - first * recordWords
    for (let i = first * recordWords; i < log.count * recordWords; i++) words[shift + i] = log.records[i]!
    const payload = this.parts.effects.offset + (2 + mostWaitingEffects * recordWords) * 4
    const bytes = this.#world.memory.bytes
    for (let i = 0; i < log.payloadBytes; i++) bytes[payload + i] = log.payload[i]!
    this.#world.touch(this.parts.effects.index)
  }

  /** Whether a publish is landing word by word. */
  isStoring(): boolean {
    return this.#words[this.#effects]! > 0 && this.isRunning()
  }

  /** Lands the next word of the publish at the front; after its last word goes on to the next publish. */
  storeWord(): void {
    const world = this.#world
    const words = this.#words
    const base = this.#effects
    const payload = this.parts.effects.offset + (2 + mostWaitingEffects * recordWords) * 4
    const first = base + 2
    const length = words[first + payloadLength]!
    const done = words[base + 1]!
    const source = (payload + words[first + payloadAt]!) / 4 + done * 2
    const region = this.parts.regions[words[first + 1]!]!
    const target = (region.offset + words[first + 2]!) / 4 + done * 2
    if (words[target] !== words[source] || words[target + 1] !== words[source + 1]) {
      words[target] = words[source]!
      words[target + 1] = words[source + 1]!
      world.touch(region.index)
    }
    world.touch(this.parts.effects.index)
    if ((done + 1) * 8 < length) {
      words[base + 1] = done + 1
      return
    }
    const count = words[base]!
    let next = 1
    for (; next < count; next++) {
      const at = first + next * recordWords
      if (words[at] === EffectKind.publish) break
      applyEffect(world, this, words, at, world.memory.bytes, payload + words[at + payloadAt]!)
    }
    if (next === count) {
      this.clearEffects()
      return
    }
    words[base] = count - next
    words[base + 1] = 0
    words.copyWithin(first, first + next * recordWords, first + count * recordWords)
    words.fill(0, first + (count - next) * recordWords, first + count * recordWords)
  }

  clearEffects(): void {
    const { offset, sizeBytes, index } = this.parts.effects
    this.#words.fill(0, offset / 4, (offset + sizeBytes) / 4)
    this.#world.touch(index)
  }

  // ---- windows and observes

  watch(window: number, region: number, offset: number): void {
    const size = this.definition.windows[window]?.layout.sizeBytes ?? 0
    this.checkRegion(region, offset, size, 'watch')
    const at = this.#control + windowsAt + window * 2
    if (this.#words[at] === region + 1 && this.#words[at + 1] === offset) return
    this.#words[at] = region + 1
    this.#words[at + 1] = offset
    this.#world.touch(this.parts.control.index)
    this.#world.wake(this.pollSite)
  }

  observe(region: number, offset: number, length: number, token: number): void {
    this.checkRegion(region, offset, length, 'observe')
    if (length > this.inputBytes.length)
      throw new InvariantViolation(
        `observe of ${String(length)} bytes must fit the input (${String(this.inputBytes.length)})`,
      )
    for (let slot = 0; slot < mostObserves; slot++) {
      const at = this.#observeSlot(slot)
      if (this.#words[at] !== 0) {
        if (this.#words[at + 3] === token)
          throw new InvariantViolation(`token ${String(token)} must name one observe at a time`)
        continue
      }
      this.#words[at] = region + 1
      this.#words[at + 1] = offset
      this.#words[at + 2] = length
      this.#words[at + 3] = token
      this.#world.touch(this.parts.control.index)
      return
    }
    throw new InvariantViolation(`at most ${String(mostObserves)} observes may be under way`)
  }

  /** Asserts that bytes are whole words inside a declared region. */
  checkRegion(region: number, offset: number, length: number, what: string): void {
    const part = this.parts.regions[region]
    if (part === undefined)
      throw new InvariantViolation(`${what} names region ${String(region)}, which is not declared`)
    if (offset % 8 !== 0 || length % 8 !== 0 || offset + length > part.sizeBytes)
      throw new InvariantViolation(
        `${what} of ${String(length)} bytes at ${String(offset)} must be whole words inside region ${part.name}`,
      )
  }

  #observeSlot(slot: number): number {
    return this.#control + windowsAt + Math.max(1, this.definition.windows.length) * 2 + slot * observeWords
  }

  /** Copies for one step of a poll; runs the handler when all windows are in. */
  pollStep(): Outcome {
    const words = this.#words
    const control = this.#control
    const total = this.#windowTotalWords
    if (this.#world.knobs.poll === 'atomic') {
      this.#copyWindows()
      return this.run(Handler.poll, 0, 0, 0)
    }
    const copies = this.parts.copies.offset / 4
    let done = words[control + loadedWordsAt]!
    if (done === 0) this.#regionChanges = this.#countRegionChanges()
    words[copies + done] = this.#windowWord(done)
    words[copies + done + 1] = this.#windowWord(done + 1)
    done += 2
    const world = this.#world
    if (done < total) {
      if (words[this.#status + loadingAt] === 0) {
        words[this.#status + loadingAt] = 1
        world.touch(this.parts.status.index)
      }
      words[control + loadedWordsAt] = done
      world.touch(this.parts.control.index)
      world.touch(this.parts.copies.index)
      world.wake(this.pollSite)
      return Outcome.moved
    }
    for (let i = 0; i < total; i++) this.#windowWords[i] = words[copies + i]!
    words.fill(0, copies, copies + total)
    if (total === 2) return this.run(Handler.poll, 0, 0, 0)
    words[this.#status + loadingAt] = 0
    words[control + loadedWordsAt] = 0
    world.touch(this.parts.status.index)
    world.touch(this.parts.control.index)
    world.touch(this.parts.copies.index)
    const outcome = this.run(Handler.poll, 0, 0, 0)
    if (outcome !== Outcome.moved && this.#regionChanges === this.#countRegionChanges())
      world.settled = this.pollSite
    this.#regionChanges = -1
    return Outcome.moved
  }

  #countRegionChanges(): number {
    let changes = 0
    for (const region of this.parts.regions) changes += this.#world.partChanges[region.index]!
    return changes
  }

  #copyWindows(): void {
    const words = this.#words
    const target = this.#windowWords
    const offsets = this.#windowOffsets
    for (let window = 0; window < offsets.length; window++) {
      const at = this.#control + windowsAt + window * 2
      const begin = offsets[window]!
      const end = window + 1 < offsets.length ? offsets[window + 1]! : this.#windowTotalWords
      const region = words[at]!
      if (region === 0) {
        for (let i = begin; i < end; i++) target[i] = 0
        continue
      }
      const shift = (this.parts.regions[region - 1]!.offset + words[at + 1]!) / 4 - begin
      for (let i = begin; i < end; i++) target[i] = words[shift + i]!
    }
  }

  /** Word `i` (4 bytes) of the windows in declared order, read from shared memory; an unwatched window reads as zero. */
  #windowWord(i: number): number {
    const offsets = this.#windowOffsets
    let window = offsets.length - 1
    while (offsets[window]! > i) window--
    const at = this.#control + windowsAt + window * 2
    const region = this.#words[at]!
    if (region === 0) return 0
    const part = this.parts.regions[region - 1]!
    return this.#words[(part.offset + this.#words[at + 1]!) / 4 + i - offsets[window]!]!
  }

  /** 8-byte words that a poll copies. */
  get windowWords(): number {
    return this.#windowTotalWords / 2
  }

  /** Whether the node runs and may begin or go on with a poll. */
  canPoll(): boolean {
    const words = this.#words
    return this.isRunning() && !this.#isWaiting() && words[this.#status + loadingAt]! <= 1
  }
  isPolling(): boolean {
    return this.#words[this.#status + loadingAt] === 1
  }
  loadedWords(): number {
    return this.#words[this.#control + loadedWordsAt]! / 2
  }

  /** The observe slots that may be stepped: all when none is copying, else the one that is. */
  observeArmed(slot: number): boolean {
    const loading = this.#words[this.#status + loadingAt]!
    return (
      this.isRunning() &&
      !this.#isWaiting() &&
      this.#words[this.#observeSlot(slot)] !== 0 &&
      (loading === 0 || loading === 2 + slot)
    )
  }
  observeToken(slot: number): number {
    return this.#words[this.#observeSlot(slot) + 3]!
  }

  observeStep(slot: number, site: number): Outcome {
    const words = this.#words
    const control = this.#control
    const at = this.#observeSlot(slot)
    const region = this.parts.regions[words[at]! - 1]!
    const source = (region.offset + words[at + 1]!) / 4
    const length = words[at + 2]!
    const token = words[at + 3]!
    const world = this.#world
    world.touch(this.parts.control.index)
    if (world.knobs.poll === 'loads') {
      const copies = this.parts.copies.offset / 4
      const done = words[control + loadedWordsAt]!
      words[copies + done] = words[source + done]!
      words[copies + done + 1] = words[source + done + 1]!
      world.touch(this.parts.copies.index)
      if ((done + 2) * 4 < length) {
        words[this.#status + loadingAt] = 2 + slot
        words[control + loadedWordsAt] = done + 2
        world.touch(this.parts.status.index)
        world.wake(site)
        return Outcome.moved
      }
      for (let i = 0; i < length / 4; i++) this.inputWords[i] = words[copies + i]!
      words.fill(0, copies, copies + length / 4)
      words[this.#status + loadingAt] = 0
      words[control + loadedWordsAt] = 0
      world.touch(this.parts.status.index)
      world.touch(this.parts.copies.index)
    } else for (let i = 0; i < length / 4; i++) this.inputWords[i] = words[source + i]!
    // The rest is shifted to the front, so that equal situations have equal bytes.
    const end = this.#observeSlot(mostObserves)
    for (let i = at; i < end; i++) words[i] = i + observeWords < end ? words[i + observeWords]! : 0
    this.run(Handler.observed, token, length, 0)
    return Outcome.moved
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
    this.run(Handler.start, recovered ? 1 : 0, recoveredBytes, 0)
  }
}

function equalWords(a: Uint32Array | Uint8Array, b: Uint32Array | Uint8Array, count: number): boolean {
  for (let i = 0; i < count; i++) if (a[i] !== b[i]) return false
  return true
}

/** A core answered differently to the same bytes and the same input: it keeps state outside its private memory. */
export class HiddenState extends Error {
  constructor(
    readonly node: string,
    readonly handler: string,
    readonly part: Part | undefined,
    readonly offset: number,
  ) {
    super(
      `${node} ${handler} has hidden state: run twice on the same bytes and input it ${part ? `left different bytes in ${part.name}` : 'had different effects'}`,
    )
    this.name = 'HiddenState'
  }
}
