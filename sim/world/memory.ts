/**
 * The bytes of a world. All state lives in one buffer, cut into named parts; a snapshot is one copy. What is needed to
 * name and time actions, but is not state (ordinals, generations, instants), lives in a second buffer, `side`, which is
 * copied with a snapshot and left out of fingerprints and comparisons.
 *
 * State bytes hold contents only: no run-local ids, rising counters, deadlines or scratch.
 */
import { type StructLayout, roundUp8 } from '../../protocol/index.js'

export type PartKind =
  | 'private'
  | 'region'
  | 'status'
  | 'control'
  | 'effects'
  | 'channel'
  | 'end'
  | 'queue'
  | 'registrations'
  | 'disk'
  | 'clock'
  | 'client'
  | 'replies'
  | 'links'
  | 'budgets'

/** A stretch of the world's state: the unit of footprints, fingerprints and differences. */
export interface Part {
  readonly index: number
  readonly name: string
  readonly kind: PartKind
  /** The node it belongs to, or -1. */
  readonly node: number
  /** Byte offset in the state buffer; a multiple of 8. */
  readonly offset: number
  /** A multiple of 8. */
  readonly sizeBytes: number
  readonly layout: StructLayout
}

export interface Memory {
  readonly parts: readonly Part[]
  readonly buffer: ArrayBuffer
  readonly view: DataView
  readonly bytes: Uint8Array
  /** The state as 32-bit words; index = byte offset / 4. */
  readonly words: Uint32Array
  readonly side: Float64Array
}

/** Collects declarations, then lays out the memory once. */
export class MemoryPlan {
  readonly parts: Part[] = []
  #stateBytes = 0
  #sideSlots = 0

  part(name: string, kind: PartKind, node: number, layout: StructLayout): Part {
    const part: Part = {
      index: this.parts.length,
      name,
      kind,
      node,
      offset: this.#stateBytes,
      sizeBytes: roundUp8(layout.sizeBytes),
      layout,
    }
    this.parts.push(part)
    this.#stateBytes += part.sizeBytes
    return part
  }

  /** Reserves side slots (numbers) and returns the index of the first. */
  side(slots: number): number {
    const first = this.#sideSlots
    this.#sideSlots += slots
    return first
  }

  build(): Memory {
    const buffer = new ArrayBuffer(this.#stateBytes)
    return {
      parts: this.parts,
      buffer,
      view: new DataView(buffer),
      bytes: new Uint8Array(buffer),
      words: new Uint32Array(buffer),
      side: new Float64Array(this.#sideSlots),
    }
  }
}

// Lists inside the state. Plain loops: for the few words of a short list they take a tenth of what `copyWithin` and `fill`
// do, which compiled code cannot inline.

/** Makes room for `size` words at `at` in a list that ends before `end`. */
export function openGap(words: Uint32Array, at: number, size: number, end: number): void {
  for (let k = end - 1; k >= at; k--) words[k + size] = words[k]!
}
/** Takes `size` words at `at` out of a list that ends before `end`; what is freed is zero. */
export function closeGap(words: Uint32Array, at: number, size: number, end: number): void {
  const left = end - size
  for (let k = at; k < left; k++) words[k] = words[k + size]!
  for (let k = left; k < end; k++) words[k] = 0
}
/** As `openGap`, for one side slot. */
export function openSlot(side: Float64Array, at: number, end: number): void {
  for (let k = end - 1; k >= at; k--) side[k + 1] = side[k]!
}
/** As `closeGap`, for one side slot; what is freed keeps its value. */
export function closeSlot(side: Float64Array, at: number, end: number): void {
  for (let k = at + 1; k < end; k++) side[k - 1] = side[k]!
}
