/**
 * How a core sees its own shared memory: windows, which are copied in before each poll, and observes, which are longer
 * copies that arrive as inputs of their own.
 *
 * With `poll: atomic` a poll copies all windows in one step. With `poll: loads` it copies one 8-byte word per step, in
 * declared order, and the handler runs in the step of the last word; remote writes fall between any two of them. A poll
 * that came to nothing, and in whose course no region changed, says so to the world (`settled`).
 */
import { Handler, InvariantViolation } from '../../protocol/index.js'
import { loadedWordsAt, loadingAt, mostObserves, observeWords, windowsAt } from './node-parts.js'
import type { Node } from './node.js'
import { Outcome } from './site.js'
import type { World } from './world.js'

export class Windows {
  /** Bytes of the windows in the order of declaration, as the core sees them. */
  readonly view: DataView
  /** The site at which this node polls, or -1. */
  pollSite = -1
  readonly #world: World
  readonly #node: Node
  readonly #words: Uint32Array
  readonly #status: number
  readonly #control: number
  readonly #windowWords: Uint32Array
  /** Where each window begins, in 4-byte words. */
  readonly #windowOffsets: readonly number[]
  readonly #windowTotalWords: number
  /** Changes of own regions when the poll under way began: whether it may have missed one. */
  #regionChanges = -1

  constructor(world: World, node: Node) {
    this.#world = world
    this.#node = node
    this.#words = world.memory.words
    this.#status = node.parts.status.offset / 4
    this.#control = node.parts.control.offset / 4
    const offsets: number[] = []
    let total = 0
    for (const window of node.definition.windows) {
      offsets.push(total)
      total += window.layout.sizeBytes / 4
    }
    this.#windowOffsets = offsets
    this.#windowTotalWords = total
    const windows = new ArrayBuffer(total * 4 + 8)
    this.#windowWords = new Uint32Array(windows)
    this.view = new DataView(windows)
  }

  /** Byte offset of a window in `view`. */
  offsetOf(window: number): number {
    const offset = this.#windowOffsets[window]
    if (offset === undefined) throw new RangeError(`window ${String(window)} is not declared`)
    return offset * 4
  }

  watch(window: number, region: number, offset: number): void {
    const size = this.#node.definition.windows[window]?.layout.sizeBytes ?? 0
    this.checkRegion(region, offset, size, 'watch')
    const at = this.#control + windowsAt + window * 2
    if (this.#words[at] === region + 1 && this.#words[at + 1] === offset) return
    this.#words[at] = region + 1
    this.#words[at + 1] = offset
    this.#world.touch(this.#node.parts.control.index)
    this.#world.wake(this.pollSite)
  }

  observe(region: number, offset: number, length: number, token: number): void {
    this.checkRegion(region, offset, length, 'observe')
    if (length > this.#node.inputBytes.length)
      throw new InvariantViolation(
        `observe of ${String(length)} bytes must fit the input (${String(this.#node.inputBytes.length)})`,
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
      this.#world.touch(this.#node.parts.control.index)
      return
    }
    throw new InvariantViolation(`at most ${String(mostObserves)} observes may be under way`)
  }

  /** Asserts that bytes are whole words inside a declared region. */
  checkRegion(region: number, offset: number, length: number, what: string): void {
    const part = this.#node.parts.regions[region]
    if (part === undefined)
      throw new InvariantViolation(`${what} names region ${String(region)}, which is not declared`)
    if (offset % 8 !== 0 || length % 8 !== 0 || offset + length > part.sizeBytes)
      throw new InvariantViolation(
        `${what} of ${String(length)} bytes at ${String(offset)} must be whole words inside region ${part.name}`,
      )
  }

  #observeSlot(slot: number): number {
    return (
      this.#control + windowsAt + Math.max(1, this.#node.definition.windows.length) * 2 + slot * observeWords
    )
  }

  /** Copies for one step of a poll; runs the handler when all windows are in. */
  pollStep(): Outcome {
    const words = this.#words
    const control = this.#control
    const total = this.#windowTotalWords
    if (this.#world.knobs.poll === 'atomic') {
      this.copyWindows()
      return this.#node.run(Handler.poll, 0, 0, 0)
    }
    const copies = this.#node.parts.copies.offset / 4
    let done = words[control + loadedWordsAt]!
    if (done === 0) this.#regionChanges = this.#countRegionChanges()
    words[copies + done] = this.#windowWord(done)
    words[copies + done + 1] = this.#windowWord(done + 1)
    done += 2
    const world = this.#world
    if (done < total) {
      if (words[this.#status + loadingAt] === 0) {
        words[this.#status + loadingAt] = 1
        world.touch(this.#node.parts.status.index)
      }
      words[control + loadedWordsAt] = done
      world.touch(this.#node.parts.control.index)
      world.touch(this.#node.parts.copies.index)
      world.wake(this.pollSite)
      return Outcome.moved
    }
    for (let i = 0; i < total; i++) this.#windowWords[i] = words[copies + i]!
    words.fill(0, copies, copies + total)
    if (total === 2) return this.#node.run(Handler.poll, 0, 0, 0)
    words[this.#status + loadingAt] = 0
    words[control + loadedWordsAt] = 0
    world.touch(this.#node.parts.status.index)
    world.touch(this.#node.parts.control.index)
    world.touch(this.#node.parts.copies.index)
    const outcome = this.#node.run(Handler.poll, 0, 0, 0)
    if (outcome !== Outcome.moved && this.#regionChanges === this.#countRegionChanges())
      world.settled = this.pollSite
    this.#regionChanges = -1
    return Outcome.moved
  }

  #countRegionChanges(): number {
    let changes = 0
    for (const region of this.#node.parts.regions) changes += this.#world.partChanges[region.index]!
    return changes
  }

  /** Copies all windows at once. */
  copyWindows(): void {
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
      const shift = (this.#node.parts.regions[region - 1]!.offset + words[at + 1]!) / 4 - begin
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
    const part = this.#node.parts.regions[region - 1]!
    return this.#words[(part.offset + this.#words[at + 1]!) / 4 + i - offsets[window]!]!
  }

  /** 8-byte words that a poll copies. */
  get windowWords(): number {
    return this.#windowTotalWords / 2
  }

  /** Whether the node runs and may begin or go on with a poll. */
  canPoll(): boolean {
    const words = this.#words
    return this.#node.isRunning() && !this.#node.waiting.isAny() && words[this.#status + loadingAt]! <= 1
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
      this.#node.isRunning() &&
      !this.#node.waiting.isAny() &&
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
    const region = this.#node.parts.regions[words[at]! - 1]!
    const source = (region.offset + words[at + 1]!) / 4
    const length = words[at + 2]!
    const token = words[at + 3]!
    const world = this.#world
    world.touch(this.#node.parts.control.index)
    if (world.knobs.poll === 'loads') {
      const copies = this.#node.parts.copies.offset / 4
      const done = words[control + loadedWordsAt]!
      words[copies + done] = words[source + done]!
      words[copies + done + 1] = words[source + done + 1]!
      world.touch(this.#node.parts.copies.index)
      if ((done + 2) * 4 < length) {
        words[this.#status + loadingAt] = 2 + slot
        words[control + loadedWordsAt] = done + 2
        world.touch(this.#node.parts.status.index)
        world.wake(site)
        return Outcome.moved
      }
      for (let i = 0; i < length / 4; i++) this.#node.inputWords[i] = words[copies + i]!
      words.fill(0, copies, copies + length / 4)
      words[this.#status + loadingAt] = 0
      words[control + loadedWordsAt] = 0
      world.touch(this.#node.parts.status.index)
      world.touch(this.#node.parts.copies.index)
    } else for (let i = 0; i < length / 4; i++) this.#node.inputWords[i] = words[source + i]!
    // The rest is shifted to the front, so that equal situations have equal bytes.
    const end = this.#observeSlot(mostObserves)
    for (let i = at; i < end; i++) words[i] = i + observeWords < end ? words[i + observeWords]! : 0
    this.#node.run(Handler.observed, token, length, 0)
    return Outcome.moved
  }
}
