/**
 * Effects that wait behind a publish. With `poll: loads` a publish lands one 8-byte word per step; what the handler asked
 * for after it, the next publish included, waits in the node's bytes until it has landed. Until then no handler of the
 * node runs: a handler ends with a fence.
 */
import { InvariantViolation } from '../../protocol/index.js'
import { applyEffect } from './apply.js'
import { EffectKind, type EffectLog, payloadAt, payloadLength, recordWords } from './effects.js'
import { mostWaitingEffects } from './node-parts.js'
import type { Node } from './node.js'
import type { World } from './world.js'

/** Words of the part before its records: how many wait, words of the publish that have landed, bytes of payload. */
export const waitingRecordsAt = 3

export class WaitingEffects {
  readonly #world: World
  readonly #node: Node
  readonly #words: Uint32Array
  readonly #effects: number
  /** Without word-by-word publishes nothing ever waits, and the part is no guard of anything. */
  readonly #mayWait: boolean

  constructor(world: World, node: Node) {
    this.#world = world
    this.#node = node
    this.#words = world.memory.words
    this.#effects = node.parts.effects.offset / 4
    this.#mayWait = world.knobs.poll === 'loads'
  }

  /** Whether a publish is landing. */
  isAny(): boolean {
    return this.#mayWait && this.#words[this.#effects] !== 0
  }

  /** Applies the records of a log; stops before the first publish if it lands word by word, and keeps the rest. */
  apply(log: EffectLog): void {
    for (let i = 0; i < log.count; i++) {
      const at = i * recordWords
      if (this.#mayWait && log.records[at] === EffectKind.publish) {
        this.#keepFrom(log, i)
        return
      }
      applyEffect(this.#world, this.#node, log.records, at, log.payload, log.records[at + payloadAt]!)
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
    words[base + 2] = log.payloadBytes
    for (let i = first; i < log.count; i++) {
      const at = i * recordWords
      if (log.records[at] === EffectKind.publish)
        this.#node.windows.checkRegion(
          log.records[at + 1]!,
          log.records[at + 2]!,
          log.records[at + payloadLength]!,
          'publish',
        )
    }
    const shift = base + waitingRecordsAt - first * recordWords
    for (let i = first * recordWords; i < log.count * recordWords; i++) words[shift + i] = log.records[i]!
    const payload =
      this.#node.parts.effects.offset + (waitingRecordsAt + mostWaitingEffects * recordWords) * 4
    const bytes = this.#world.memory.bytes
    for (let i = 0; i < log.payloadBytes; i++) bytes[payload + i] = log.payload[i]!
    this.#world.touch(this.#node.parts.effects.index)
  }

  /** Lands the next word of the publish at the front; after its last word goes on to the next publish. */
  storeWord(): void {
    const world = this.#world
    const words = this.#words
    const base = this.#effects
    const payload =
      this.#node.parts.effects.offset + (waitingRecordsAt + mostWaitingEffects * recordWords) * 4
    const first = base + waitingRecordsAt
    const length = words[first + payloadLength]!
    const done = words[base + 1]!
    const source = (payload + words[first + payloadAt]!) / 4 + done * 2
    const region = this.#node.parts.regions[words[first + 1]!]!
    const target = (region.offset + words[first + 2]!) / 4 + done * 2
    if (words[target] !== words[source] || words[target + 1] !== words[source + 1]) {
      words[target] = words[source]!
      words[target + 1] = words[source + 1]!
      world.touch(region.index)
    }
    world.touch(this.#node.parts.effects.index)
    if ((done + 1) * 8 < length) {
      words[base + 1] = done + 1
      return
    }
    const count = words[base]!
    let next = 1
    for (; next < count; next++) {
      const at = first + next * recordWords
      if (words[at] === EffectKind.publish) break
      applyEffect(world, this.#node, words, at, world.memory.bytes, payload + words[at + payloadAt]!)
    }
    if (next === count) {
      this.clear()
      return
    }
    words[base] = count - next
    words[base + 1] = 0
    words.copyWithin(first, first + next * recordWords, first + count * recordWords)
    words.fill(0, first + (count - next) * recordWords, first + count * recordWords)
  }

  clear(): void {
    const words = this.#words
    const base = this.#effects
    const payload = base + waitingRecordsAt + mostWaitingEffects * recordWords
    words.fill(0, payload, payload + (words[base + 2]! >>> 2))
    words.fill(0, base, base + waitingRecordsAt + words[base]! * recordWords)
    this.#world.touch(this.#node.parts.effects.index)
  }
}
