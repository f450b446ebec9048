/**
 * Cells: the pieces of a state that accesses are told apart by, where reductions ask what commutes. A region has a cell
 * for each 8-byte word, budgets and limits one for each number. Whether a node runs is one cell, what it is copying
 * another. The queue of a flow has one for each thing that is done to requests. Every other part is one cell, and so is
 * the residue of the history.
 */
import type { Part } from '../../sim/world/memory.js'
import type { World } from '../../sim/world/world.js'
import { type BitSet, add, bitSet } from './bit-set.js'

const regionWordBytes = 8
const countBytes = 4
/** Cells of a queue: each stands for how far one thing has come. */
export const QueueCell = {
  /** Which requests have been posted. */
  posted: 0,
  /** Of which the payload is still to be fetched. */
  source: 1,
  /** Which packets have arrived, and so what is acknowledged. */
  arrivals: 2,
  /** What of that has been placed. */
  placed: 3,
  /** What has landed of what READs and atomics bring. */
  answers: 4,
  /** Which requests have been completed, so that there is room for others. */
  room: 5,
  /** What has arrived for the core. */
  received: 6,
  /** The late request. */
  late: 7,
} as const
export type QueueCell = (typeof QueueCell)[keyof typeof QueueCell]
const queueCells = Object.keys(QueueCell).length
/** Cells of a status. */
export const StatusCell = { life: 0, loading: 1 } as const
export type StatusCell = (typeof StatusCell)[keyof typeof StatusCell]
const statusCells = 2

export class Cells {
  readonly count: number
  readonly #parts: readonly Part[]
  /** The first cell of each slot, and behind the last one the number of cells. */
  readonly #first: Int32Array

  /** @param slots of a state: its parts, and maybe a residue */
  constructor({ memory }: World, slots: number) {
    this.#parts = memory.parts
    this.#first = new Int32Array(slots + 1)
    for (let slot = 0; slot < slots; slot++)
      this.#first[slot + 1] = this.#first[slot]! + cellsOf(memory.parts[slot])
    this.count = this.#first[slots]!
  }

  none(): BitSet {
    return bitSet(this.count)
  }
  /** All cells of a slot. */
  addWhole(set: BitSet, slot: number): boolean {
    let isNew = false
    for (let cell = this.#first[slot]!; cell < this.#first[slot + 1]!; cell++) isNew = add(set, cell) || isNew
    return isNew
  }
  /** The words of a region that bytes lie in. */
  addBytes(set: BitSet, region: number, offset: number, length: number): boolean {
    let isNew = false
    const first = this.#first[region]!
    const end = Math.min(first + Math.ceil((offset + length) / regionWordBytes), this.#first[region + 1]!)
    for (let cell = first + Math.floor(offset / regionWordBytes); cell < end; cell++)
      isNew = add(set, cell) || isNew
    return isNew
  }
  /** Cell `i` of a slot: of budgets and limits a number, else a QueueCell or StatusCell. */
  addOne(set: BitSet, slot: number, i: number): boolean {
    return add(set, this.#first[slot]! + i)
  }
  /** The cell of a word of a region, by the word's byte offset. */
  wordOf(region: number, offset: number): number {
    return this.#first[region]! + Math.floor(offset / regionWordBytes)
  }
  kindOf(slot: number): Part['kind'] | undefined {
    return this.#parts[slot]?.kind
  }
}

function cellsOf(part: Part | undefined): number {
  switch (part?.kind) {
    case 'region':
      return part.sizeBytes / regionWordBytes
    case 'budgets':
      return part.sizeBytes / countBytes
    case 'queue':
      return queueCells
    case 'status':
      return statusCells
    default:
      return 1
  }
}
