/**
 * The inputs of all nodes of a run in one order: by the machine's clock, and never a message before it was sent.
 *
 * The clock tells when the turn began in which an input was taken, so two nodes' inputs of the same microsecond may stand
 * the wrong way round; what a node did stays in its order. Arrows of messages are certain: they are numbered. Those of
 * one-sided WRITEs are drawn where the bytes that were written are the bytes that were seen.
 */
import { Handler, byteOffsetOf, regionOf } from '../../../protocol/index.js'
import { EffectKind } from '../../../sim/world/effects.js'
import type { Recording } from './parse.js'
import type { ReplayedInput } from './replay.js'
import { type Effect, type Input, type Vocabulary, effectWords, inputWords } from './words.js'

/** A bound on WRITEs that are waited for at a node: their bytes were overwritten before anybody looked. */
const MOST_WRITES = 256

/** An input of some node. */
export interface RunInput {
  readonly node: number
  readonly life: number
  readonly number: number
  /** Nanoseconds since the first recording of the run began. */
  readonly nanos: number
  readonly input: Input
  /** Of a poll: the words of all windows. */
  readonly windows: readonly Uint32Array[]
  readonly words: string
  readonly effects: readonly string[]
  /** Inputs that led to this one, by where they stand in the merged order; filled in by {@link mergeInputs}. */
  readonly causes: number[]
  /** The messages that it sent, and the one that it is. */
  readonly sends: readonly SentMessage[]
  readonly arrives: string | undefined
  readonly writes: readonly OneSided[]
  /** Stretches of own shared memory that it has seen. */
  readonly seen: readonly Stretch[]
}

/** A message that left a node; `key` names it in the whole run. */
export interface SentMessage {
  readonly key: string
  readonly to: number
  readonly bytes: Uint8Array
}

interface Stretch {
  readonly region: number
  readonly offset: number
  readonly bytes: Uint8Array
}
interface OneSided extends Stretch {
  readonly to: number
}

/** Collects the inputs of one recording while it is replayed. */
export class InputCollector {
  readonly inputs: RunInput[] = []
  readonly #recording: Recording
  readonly #words: Vocabulary
  readonly #base: bigint
  readonly #keep: number
  readonly #watched = new Map<number, { readonly region: number; readonly offset: number }>()
  /** Own shared memory, as far as the node itself has written it. */
  readonly #published: readonly Uint8Array[]
  readonly #observed = new Map<number, { readonly region: number; readonly offset: number }[]>()

  /**
   * @param base nanoseconds of the machine's clock that count as 0
   * @param keep how many inputs, the last ones; Infinity: all
   */
  constructor(recording: Recording, words: Vocabulary, base: bigint, keep: number) {
    this.#recording = recording
    this.#words = words
    this.#base = base
    this.#keep = keep
    this.#published = words.definition.regions.map(({ layout }) => new Uint8Array(layout.sizeBytes))
  }

  add({ number, nanos, reader, effects, sent }: ReplayedInput): void {
    const { node, incarnation, begunNanos } = this.#recording.header
    const { tag, a, b, c, bytes } = reader
    const input = { handler: tag, a, b, c, bytes: bytes.slice() }
    const seen = this.#seen(reader)
    const counts = [...sent]
    const sends = effects
      .filter(({ kind }) => kind === EffectKind.send)
      .map(({ numbers, bytes: sentBytes }) => {
        const to = numbers[0]!
        return { key: messageKey(node, incarnation, to, ++counts[to]!), to, bytes: sentBytes }
      })
    this.inputs.push({
      node,
      life: incarnation,
      number,
      nanos: Number(BigInt(begunNanos) - this.#base) + nanos,
      input,
      windows: tag === Handler.poll ? reader.windows.map((words) => words.slice()) : [],
      words: inputWords(this.#words, input),
      effects: effects.map((effect) => effectWords(this.#words, effect)),
      causes: [],
      sends,
      arrives:
        tag === Handler.message && c > 0
          ? messageKey(a, Math.floor(c / 2 ** 32), node, c % 2 ** 32)
          : undefined,
      writes: effects.flatMap((effect) => this.#writeOf(effect)),
      seen,
    })
    // Twice as many are let in before the old ones go, so that this happens rarely.
    if (this.inputs.length >= 2 * this.#keep) this.inputs.splice(0, this.inputs.length - this.#keep)
    this.#learn(effects)
  }

  #learn(effects: readonly Effect[]): void {
    for (const { kind, numbers } of effects) {
      const [a, b, c, d] = numbers as [number, number, number, number]
      if (kind === EffectKind.watch) this.#watched.set(a, { region: b, offset: c })
      if (kind === EffectKind.observe) {
        const waiting = this.#observed.get(d) ?? []
        waiting.push({ region: a, offset: b })
        this.#observed.set(d, waiting)
      }
    }
  }

  #seen(reader: ReplayedInput['reader']): Stretch[] {
    if (reader.tag === Handler.observed) {
      const place = this.#observed.get(reader.a)?.shift()
      return place === undefined ? [] : [{ ...place, bytes: reader.bytes.slice() }]
    }
    if (reader.tag !== Handler.poll) return []
    return reader.windows.flatMap((words, window) => {
      const place = this.#watched.get(window)
      return place === undefined ? [] : [{ ...place, bytes: new Uint8Array(words.slice().buffer) }]
    })
  }

  /** A WRITE with the bytes that it has brought along, or that the node had published where it is fetched from. */
  #writeOf({ kind, numbers, bytes }: Effect): OneSided[] {
    const [queuePair, remote, local, length] = numbers as [number, number, number, number]
    if (kind === EffectKind.publish) {
      this.#published[queuePair]?.set(bytes, remote)
      return []
    }
    if (kind !== EffectKind.write && kind !== EffectKind.writeImmediate) return []
    const from = byteOffsetOf(local)
    const written = bytes.length > 0 ? bytes : this.#published[regionOf(local)]?.slice(from, from + length)
    if (written === undefined) return []
    const to = Math.floor(queuePair / Math.max(1, this.#words.pairsPerPeer))
    return [{ to, region: regionOf(remote), offset: byteOffsetOf(remote), bytes: written }]
  }
}

const messageKey = (from: number, life: number, to: number, number: number): string =>
  `${String(from)}.${String(life)}→${String(to)} ${String(number)}`

/** Merges the inputs of nodes, each in its order, and draws the arrows. */
export function mergeInputs(nodes: readonly (readonly RunInput[])[]): readonly RunInput[] {
  const merged: RunInput[] = []
  const heads = nodes.map(() => 0)
  const unsent = new Set(
    nodes.flatMap((inputs) => inputs.flatMap(({ sends }) => sends.map(({ key }) => key))),
  )
  const sentAt = new Map<string, number>()
  const writes = new Map<number, { readonly at: number; readonly write: OneSided }[]>()
  for (;;) {
    const next = nextNode(nodes, heads, unsent)
    if (next < 0) return merged
    const input = nodes[next]![heads[next]!++]!
    const at = merged.push(input) - 1
    if (input.arrives !== undefined) {
      const from = sentAt.get(input.arrives)
      if (from !== undefined) input.causes.push(from)
    }
    matchWrites(input, writes)
    for (const { key } of input.sends) {
      unsent.delete(key)
      sentAt.set(key, at)
    }
    for (const write of input.writes) {
      const waiting = writes.get(write.to) ?? []
      waiting.push({ at, write })
      if (waiting.length > MOST_WRITES) waiting.shift()
      writes.set(write.to, waiting)
    }
  }
}

/** The node whose next input comes first and does not wait for a message that is yet to be sent. */
function nextNode(
  nodes: readonly (readonly RunInput[])[],
  heads: readonly number[],
  unsent: ReadonlySet<string>,
): number {
  let best = -1
  let bestBlocked = -1
  for (let i = 0; i < nodes.length; i++) {
    const input = nodes[i]![heads[i]!]
    if (input === undefined) continue
    const isBlocked = input.arrives !== undefined && unsent.has(input.arrives)
    const first = isBlocked ? bestBlocked : best
    if (first >= 0 && nodes[first]![heads[first]!]!.nanos <= input.nanos) continue
    if (isBlocked) bestBlocked = i
    else best = i
  }
  return best >= 0 ? best : bestBlocked
}

function matchWrites(
  input: RunInput,
  writes: ReadonlyMap<number, { readonly at: number; readonly write: OneSided }[]>,
): void {
  const waiting = writes.get(input.node)
  if (waiting === undefined || input.seen.length === 0) return
  for (let i = 0; i < waiting.length; i++) {
    const { at, write } = waiting[i]!
    if (!input.seen.some((stretch) => shows(stretch, write))) continue
    if (!input.causes.includes(at)) input.causes.push(at)
    waiting.splice(i--, 1)
  }
}

/** Whether a stretch of memory shows all that was written. */
function shows(stretch: Stretch, write: Stretch): boolean {
  const begin = write.offset - stretch.offset
  if (stretch.region !== write.region || begin < 0 || begin + write.bytes.length > stretch.bytes.length)
    return false
  for (let i = 0; i < write.bytes.length; i++) if (stretch.bytes[begin + i] !== write.bytes[i]) return false
  return true
}
