/**
 * Gives a core the inputs of a recording, and demands the same effects and the same private memory.
 *
 * A core is a function of its private bytes and one input, so a poll that changed nothing and asked for nothing does so
 * again while its windows stay: of a run of quiet polls only those are repeated that may still change something.
 */
import {
  type Context,
  type Core,
  type CoreDefinition,
  Handler,
  callHandler,
} from '../../../protocol/index.js'
import { EffectKind } from '../../../sim/world/effects.js'
import { type ClientEvent } from '../../order.js'
import type { EffectTap } from '../../tap.js'
import { TappedHost, effectNames } from '../../tapped-host.js'
import { RunError } from '../../errors.js'
import { areAlike } from './bytes.js'
import type { Recording } from './parse.js'
import { Tag, clientEventKinds } from '../format.js'
import { type Scratch, hashBytes, hashEffect, scratchOf } from '../hash.js'
import { RecordReader, type Shape } from './reader.js'
import { type StepProgress, type Steps, finished } from './steps.js'
import { type Effect, type Vocabulary, effectWords, inputWords } from './words.js'

/** Quiet polls that are run before private memory is compared to see whether more of them can matter. */
const POLLS_BEFORE_LOOK = 8
/** Records of one piece of work: a few milliseconds. */
const SLICE = 1024

/** A core at work on recorded inputs. */
export class OfflineCore implements EffectTap {
  readonly definition: CoreDefinition
  /** What the last input has led to. */
  readonly effects: Effect[] = []
  /** What it threw. */
  thrown: string | undefined
  readonly state: Scratch
  readonly #core: Core
  readonly #input: Uint8Array
  readonly #output: Scratch
  readonly #windows: readonly Uint32Array[]
  readonly #before: Uint8Array
  readonly #watch: NodeReplayOptions['watch']
  readonly #memory: DataView

  constructor(
    definition: CoreDefinition,
    place: { readonly self: number; readonly nodes: number; readonly incarnation: number },
    mostInputBytes: number,
    watch?: NodeReplayOptions['watch'],
  ) {
    this.definition = definition
    this.#watch = watch
    const scratch = roundUp8(definition.scratchBytes)
    const input = new ArrayBuffer(Math.max(scratch, roundUp8(mostInputBytes)))
    const output = new ArrayBuffer(scratch)
    const state = new ArrayBuffer(definition.state.sizeBytes)
    const windows = definition.windows.map(
      ({ layout }) => new DataView(new ArrayBuffer(roundUp8(layout.sizeBytes))),
    )
    this.#input = new Uint8Array(input)
    this.#output = scratchOf(output)
    this.state = scratchOf(state)
    this.#before = new Uint8Array(state.byteLength)
    this.#memory = new DataView(state)
    this.#windows = windows.map(({ buffer }) => new Uint32Array(buffer))
    const context: Context<typeof definition.state> = {
      host: new TappedHost(place, this),
      state: definition.state.view(this.#memory, 0),
      input: new DataView(input),
      output: new DataView(output),
      window: (index, layout) => layout.view(windows[index]!, 0) as never,
    }
    this.#core = definition.create(context)
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
    const hash = hashEffect(kind, a, b, c, d, e, f, g, this.#output, at, length)
    const bytes = this.#output.bytes.slice(at, at + length)
    const effect = { kind, hash, numbers: [a, b, c, d, e, f, g], bytes }
    this.effects.push(effect)
    this.#watch?.(effect, this.#memory)
  }

  /** Gives it the input that a reader stands at. */
  run({ tag, a, b, c, bytes, windows }: RecordReader): void {
    this.effects.length = 0
    this.thrown = undefined
    if (tag === Handler.poll) windows.forEach((words, i) => this.#windows[i]!.set(words))
    this.#input.set(bytes)
    try {
      callHandler(this.#core, tag, a, b, c)
    } catch (error) {
      this.thrown = error instanceof Error ? error.message : String(error)
    }
  }

  /** Runs polls of the windows as they are. Returns how many of them were run; the last one asked for something if any did. */
  poll(count: number): number {
    const { bytes } = this.state
    for (let done = 1; done <= count; done++) {
      const looks = done >= POLLS_BEFORE_LOOK
      if (looks) this.#before.set(bytes)
      this.effects.length = 0
      this.thrown = undefined
      try {
        callHandler(this.#core, Handler.poll, 0, 0, 0)
      } catch (error) {
        this.thrown = error instanceof Error ? error.message : String(error)
      }
      if (this.effects.length > 0 || this.thrown !== undefined) return done
      if (looks && areAlike(this.#before, bytes)) return count
    }
    return count
  }

  /** Makes it what it was where a recording begins in the middle. */
  resume({ bytes, windows }: RecordReader): void {
    if (bytes.length !== this.state.bytes.length)
      throw new RunError(
        `private memory had ${String(bytes.length)} bytes, and has ${String(this.state.bytes.length)} here`,
        'replay it with the system and the code that were recorded.',
      )
    this.state.bytes.set(bytes)
    windows.forEach((words, i) => this.#windows[i]!.set(words))
  }
}

/** Where a core first did something else than was recorded. */
export interface Divergence {
  /** Number of the input, from 1, quiet polls included. */
  readonly input: number
  readonly nanos: number
  readonly given: string
  readonly what: string
  /** Effects of the recorded core in words, as far as they are known, and of the one at hand. */
  readonly recorded: readonly string[]
  readonly here: readonly string[]
}

export interface NodeReplay {
  readonly recording: Recording
  /** Inputs by handler; quiet polls are counted apart. */
  readonly byHandler: readonly number[]
  readonly inputs: number
  readonly quietPolls: number
  /** Inputs before the first that is recorded; 0 but for a flight recorder. */
  readonly before: number
  readonly nanos: number
  readonly effects: number
  readonly notes: readonly number[]
  /** Hashes of private memory that were compared. */
  readonly statesCompared: number
  /** Private memory in the end. */
  readonly state: Uint8Array
  readonly stateHash: number
  readonly divergence: Divergence | undefined
  /** What the recorded core, or the loop around it, has thrown. */
  readonly failure: { readonly message: string; readonly inHandler: boolean } | undefined
  readonly clients: ReadonlyMap<number, readonly ClientEvent[]>
}

/** An input that has been replayed, with its effects. */
export interface ReplayedInput {
  readonly number: number
  readonly nanos: number
  readonly reader: RecordReader
  readonly effects: readonly Effect[]
  /** Messages sent to each node before this input. */
  readonly sent: readonly number[]
}

export interface NodeReplayOptions {
  readonly words: Vocabulary
  /** The core that was recorded, where it is known to be another one than that at hand: it then tells its effects. */
  readonly original?: CoreDefinition | undefined
  readonly visit?: ((input: ReplayedInput) => void) | undefined
  /** Told of each effect at the moment at which it is asked for, with private memory as it is then. */
  readonly watch?: ((effect: Effect, state: DataView) => void) | undefined
}

/** Replays one node; stops at the first difference. Throws {@link RunError} for a recording that cannot be read. */
export const replayNode = (recording: Recording, options: NodeReplayOptions): NodeReplay =>
  finished(replaySteps(recording, options))

/** As {@link replayNode}, in pieces. */
export function* replaySteps(recording: Recording, options: NodeReplayOptions): Steps<NodeReplay> {
  const { words, visit } = options
  const { definition } = words
  const { header } = recording
  const shape = {
    windowBytes: definition.windows.map(({ layout }) => layout.sizeBytes),
    nodes: header.nodes,
  }
  const place = { self: header.node, nodes: header.nodes, incarnation: header.incarnation }
  const mostBytes = yield* mostInputBytes(recording, shape)
  const core = new OfflineCore(definition, place, mostBytes, options.watch)
  const original =
    options.original === undefined ? undefined : new OfflineCore(options.original, place, mostBytes)
  const reader = new RecordReader(recording, shape)
  const byHandler = Array.from({ length: 10 }, () => 0)
  const notes = definition.notes.map(() => 0)
  const clients = new Map<number, ClientEvent[]>()
  const sent = Array.from({ length: header.nodes }, () => 0)
  const begun = BigInt(header.begunNanos)
  let inputs = 0
  let quietPolls = 0
  let before = 0
  let effects = 0
  let statesCompared = 0
  let divergence: Divergence | undefined
  let failure: NodeReplay['failure']
  let isFirst = true

  const differs = (given: string, what: string, recorded: readonly string[]): void => {
    const here = core.effects.map((effect) => effectWords(words, effect))
    if (core.thrown !== undefined) here.push(`throws: ${core.thrown}`)
    divergence = { input: before + inputs, nanos: reader.nanos, given, what, recorded, here }
  }
  for (let records = 1; divergence === undefined && reader.next(); records++) {
    if (records % SLICE === 0) yield progressOf('replaying', recording, reader)
    if (reader.polls > 0) {
      const done = core.poll(reader.polls)
      original?.poll(reader.polls)
      inputs += done
      quietPolls += done
      if (core.effects.length > 0 || core.thrown !== undefined) {
        differs('poll of the same windows', 'it asked for nothing when it was recorded', [])
        break
      }
      inputs += reader.polls - done
      quietPolls += reader.polls - done
    }
    const { tag } = reader
    if (tag < Tag.polls) {
      if (isFirst && tag !== Handler.start)
        throw new RunError(
          `${recording.path}: it begins neither with the first input of a life nor with a picture of memory`,
          'record it again.',
        )
      isFirst = false
      inputs++
      byHandler[tag]!++
      core.run(reader)
      original?.run(reader)
      const what = difference(reader, core)
      if (what !== undefined) {
        const given = inputWords(words, {
          handler: tag,
          a: reader.a,
          b: reader.b,
          c: reader.c,
          bytes: reader.bytes,
        })
        differs(given, what, recordedWords(words, reader, core, original))
        break
      }
      visit?.({ number: before + inputs, nanos: reader.nanos, reader, effects: core.effects, sent })
      effects += core.effects.length
      for (const { kind, numbers } of core.effects) {
        if (kind === EffectKind.note) notes[numbers[0]!]!++
        if (kind === EffectKind.send) sent[numbers[0]!]!++
      }
      if (core.thrown !== undefined) {
        const { thrown } = core
        if (!reader.next() || reader.tag !== Tag.failed || reader.a !== 1)
          differs('', `it throws here, and did not when it was recorded: ${thrown}`, [])
        else if (textOf(reader.bytes) !== thrown)
          differs('', 'it throws something else', [`throws: ${textOf(reader.bytes)}`])
        else failure = { message: thrown, inHandler: true }
        if (failure !== undefined) break
      }
    } else if (tag === Tag.state) {
      statesCompared++
      if (
        reader.a + reader.b > core.state.bytes.length ||
        hashBytes(core.state, reader.a, reader.a + reader.b) !== reader.c
      ) {
        core.effects.length = 0
        differs('', 'private memory is another than it was after this input', [])
      }
    } else if (tag === Tag.client) {
      const events = clients.get(reader.b) ?? []
      const at = begun + BigInt(reader.clientNanos)
      const kind = clientEventKinds[reader.a] ?? 'abandon'
      const bytes = reader.bytes.slice()
      const event = { kind, operation: reader.c, at }
      if (kind === 'return') events.push({ ...event, reply: bytes })
      else events.push(kind === 'call' && bytes.length > 0 ? { ...event, request: bytes } : event)
      clients.set(reader.b, events)
    } else if (tag === Tag.failed) {
      failure = { message: textOf(reader.bytes), inHandler: reader.a === 1 }
      if (failure.inHandler)
        differs('', 'it did not throw here, and did when it was recorded', [`throws: ${failure.message}`])
    } else if (tag === Tag.whole) {
      if (isFirst) {
        core.resume(reader)
        original?.resume(reader)
        before = reader.inputs
        reader.sent.forEach((count, node) => (sent[node] = count))
      } else if (!areAlike(core.state.bytes, reader.bytes)) {
        core.effects.length = 0
        differs('', 'private memory is another than it was after this input', [])
      } else statesCompared++
      isFirst = false
    }
  }
  return {
    recording,
    byHandler,
    inputs,
    quietPolls,
    before,
    nanos: reader.nanos,
    effects,
    notes,
    statesCompared,
    state: core.state.bytes,
    stateHash: hashBytes(core.state, 0, core.state.bytes.length),
    divergence,
    failure,
    clients,
  }
}

function* mostInputBytes(recording: Recording, shape: Shape): Steps<number> {
  const reader = new RecordReader(recording, shape)
  let most = 0
  for (let records = 1; reader.next(); records++) {
    if (records % SLICE === 0) yield progressOf('reading', recording, reader)
    if (reader.tag < Tag.polls) most = Math.max(most, reader.bytes.length)
  }
  return most
}

const progressOf = (doing: string, { path, stream }: Recording, { at }: RecordReader): StepProgress => ({
  what: `${doing} ${path}`,
  done: at,
  total: stream.length,
})

const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

/** What is not as it was recorded, in a sentence. */
function difference({ kinds, hashes }: RecordReader, { effects }: OfflineCore): string | undefined {
  for (let i = 0; i < Math.min(kinds.length, effects.length); i++) {
    const nth = `effect ${String(i + 1)}`
    if (effects[i]!.kind !== kinds[i]) return `${nth} is of another kind`
    if (effects[i]!.hash !== hashes[i]) return `${nth} has other arguments or bytes`
  }
  if (kinds.length === effects.length) return undefined
  return `it has ${String(effects.length)} effects, and had ${String(kinds.length)}`
}

/** Only hashes are recorded: what they stand for is known where the core at hand, or the original, did the same. */
function recordedWords(
  words: Vocabulary,
  { kinds, hashes }: RecordReader,
  core: OfflineCore,
  original: OfflineCore | undefined,
): string[] {
  return kinds.map((kind, i) => {
    const same = [original?.effects[i], core.effects[i]].find(
      (effect) => effect?.kind === kind && effect.hash === hashes[i],
    )
    return same === undefined
      ? `${effectNames[kind] ?? '?'} (its arguments were not recorded)`
      : effectWords(words, same)
  })
}

function roundUp8(bytes: number): number {
  return Math.ceil(bytes / 8) * 8
}
