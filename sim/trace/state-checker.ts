/**
 * Compares the states of a world with those that a trace tells of, while its actions are executed again.
 *
 * Contract. Looks only; says at the first fingerprint that differs which parts differ, and which of their fields this
 * execution changed since the last equal one (exactly which are wrong where the trace has the bytes: at its end).
 */
import { type Difference, diff } from '../../protocol/index.js'
import type { World } from '../world/world.js'
import { Fingerprinter, foldOf } from './fingerprints.js'
import type { Trace, TracedPart } from './trace.js'

/** What a trace tells of its states. */
export interface RecordedStates extends Pick<Trace, 'fingerprints' | 'components' | 'image'> {
  readonly header: Pick<Trace['header'], 'fingerprintEvery'>
  readonly actions: { readonly length: number }
}

export interface FingerprintDivergence {
  readonly kind: 'fingerprint'
  /** The states after `after` actions were equal, those after step `step` are not; both -1: the initial ones are not. */
  readonly after: number
  readonly step: number
  readonly components: readonly Component[]
}

export interface Component {
  readonly part: string
  /** `exact`: recorded and replayed value of each field that differs. Else the fields that the replay changed in the window. */
  readonly exact: boolean
  readonly fields: readonly Difference[]
}

const mostNames = 10
const mostFields = 20

/** Names of parts that are not the same in both, at most ten. */
export function layoutDifferences(traced: readonly TracedPart[], own: readonly TracedPart[]): string[] {
  const names: string[] = []
  for (let i = 0; i < Math.max(traced.length, own.length) && names.length < mostNames; i++) {
    const a = traced[i]
    const b = own[i]
    if (a?.name !== b?.name || a?.layout !== b?.layout || a?.sizeBytes !== b?.sizeBytes)
      names.push((a ?? b)!.name)
  }
  return names
}

/** Compares a world with a trace's fingerprints while it is replayed. */
export class StateChecker {
  readonly #trace: RecordedStates
  readonly #world: World
  readonly #fingerprinter: Fingerprinter
  /** The state at the last equal fingerprint. */
  readonly #before: Uint8Array
  readonly #folds: Uint16Array
  /** Parts that the replay has changed since the last equal fingerprint. */
  #changed: number[] = []
  #point = 0

  constructor(trace: RecordedStates, world: World) {
    this.#trace = trace
    this.#world = world
    this.#fingerprinter = new Fingerprinter(world)
    this.#before = world.memory.bytes.slice()
    this.#folds = new Uint16Array(world.memory.parts.length)
  }

  afterAction(index: number): FingerprintDivergence | undefined {
    this.#fingerprinter.afterStep()
    const taken = index + 1
    const last = taken === this.#trace.actions.length
    return last || taken % this.#trace.header.fingerprintEvery === 0 ? this.check(taken) : undefined
  }

  /** Looks at the fingerprint that is due after `taken` actions. */
  check(taken: number): FingerprintDivergence | undefined {
    const { fingerprints, header, actions, image } = this.#trace
    const expected = fingerprints[this.#point]
    const here = this.#fingerprinter.settle((part) => this.#changed.push(part))
    const isLast = taken === actions.length
    if (expected !== undefined) this.#learnFolds(this.#point)
    const sameImage = !isLast || image === undefined || equal(image, this.#world.memory.bytes)
    if ((expected === undefined || expected === here) && sameImage) {
      for (const part of this.#changed) this.#keep(part)
      this.#changed = []
      this.#point++
      return undefined
    }
    const after = expected === undefined ? 0 : (this.#point - 1) * header.fingerprintEvery
    const components = isLast && image !== undefined ? this.#exactly(image) : this.#roughly()
    return taken === 0
      ? { kind: 'fingerprint', after: -1, step: -1, components }
      : { kind: 'fingerprint', after, step: taken - 1, components }
  }
  #learnFolds(point: number): void {
    const { starts, parts, folds } = this.#trace.components
    for (let i = starts[point]!; i < starts[point + 1]!; i++) this.#folds[parts[i]!] = folds[i]!
  }
  #keep(part: number): void {
    const { offset, sizeBytes } = this.#world.memory.parts[part]!
    this.#before.set(this.#world.memory.bytes.subarray(offset, offset + sizeBytes), offset)
  }

  #exactly(image: Uint8Array): Component[] {
    const { parts } = this.#world.memory
    return parts.flatMap((part) => {
      const fields = fieldsThatDiffer(image, this.#world, part.index)
      return fields.length === 0 ? [] : [{ part: part.name, exact: true, fields }]
    })
  }
  #roughly(): Component[] {
    const { parts } = this.#world.memory
    return parts.flatMap((part) => {
      if (foldOf(this.#fingerprinter.hash(part.index)) === this.#folds[part.index]) return []
      return [
        { part: part.name, exact: false, fields: fieldsThatDiffer(this.#before, this.#world, part.index) },
      ]
    })
  }
}

/** The fields of a part that have other values in the world than in `bytes`, a whole state; at most twenty. */
function fieldsThatDiffer(bytes: Uint8Array, world: World, part: number): readonly Difference[] {
  const { offset, layout } = world.memory.parts[part]!
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return diff(layout, view, offset, world.memory.view, offset).slice(0, mostFields)
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

// ---- words

export const layoutWords = (parts: readonly string[]): string =>
  `The system's memory has changed: ${parts.join(', ')} ${parts.length === 1 ? 'is' : 'are'} not laid out as in the trace.`

export function fingerprintWords({ after, step, components }: FingerprintDivergence): string {
  const where =
    step < 0
      ? 'Before the first step'
      : step <= after
        ? `After step ${String(step)}`
        : `Somewhere in steps ${String(after)} to ${String(step)}`
  if (components.length === 0)
    return `${where} the state became another one; which part differs is not stored.`
  return `${where} the state became another one: ${components.map(describeComponent).join('; ')}.`
}

function describeComponent({ part, exact, fields }: Component): string {
  const value = (of: Difference['before']): string => JSON.stringify(of)
  const list = (show: (field: Difference) => string): string =>
    fields.slice(0, 3).map(show).join(', ') +
    (fields.length > 3 ? ` and ${String(fields.length - 3)} more` : '')
  if (exact)
    return `${part} differs in ${list((field) => `${field.path} (recorded ${value(field.before)}, replayed ${value(field.after)})`)}`
  if (fields.length === 0) return `${part} differs; the replay did not change it there, the recorded run did`
  return `${part} differs; the replay changed there ${list((field) => `${field.path} (${value(field.before)} → ${value(field.after)})`)}`
}
