/**
 * A remembered function of a state, as a decision tree over the slots that the function looks at.
 *
 * A function that is deterministic and sees a state only slot by slot chooses where it looks next by what it has seen.
 * So its answer follows from the slots that one evaluation looked at, and a node of the tree branches on the first few
 * of them. A node may hold more than the function would have looked at on some branch; that costs room, not truth.
 *
 * Nodes of few bits have their children in an array; of wider ones only the children that are known are kept, in one
 * table for all nodes.
 */
import { Room } from './growth.js'
import type { Packing } from './packing.js'

/** Bits on which one node branches, unless its first slot alone has more. */
const nodeBits = 10
// Words of a node: how many fields, whether it is wide, then for each field its word, shift and mask; then the children.
const fieldWords = 3
const nodeWords = 2
// Words of an entry of the table of children of wide nodes: node, index, child.
const entryWords = 3
/** What is remembered is dropped beyond this many words. */
const mostWords = 1 << 26

/** Bits of a word that belong to one slot, or to several that lie side by side. */
interface Field {
  readonly word: number
  readonly shift: number
  bits: number
}

export class MemoTree {
  /** Children: 0 unknown, the place of a node where positive, else minus the answer minus one. */
  #pool: Int32Array
  /** The first word is the root. */
  #end = 1
  /** Children of wide nodes; at most half full. */
  #wide: Int32Array
  #wideCount = 0
  #packing: Packing

  readonly #room: Room

  constructor(packing: Packing, room = new Room(false)) {
    this.#room = room
    this.#pool = room.int32(256)
    this.#wide = room.int32(16 * entryWords)
    this.#packing = packing
  }

  clear(packing: Packing): void {
    this.#packing = packing
    this.#pool[0] = 0
    this.#end = 1
    this.#wide = this.#room.int32(16 * entryWords)
    this.#wideCount = 0
  }

  /** The answer for the packed state at `at`, or -1 when it is not known. */
  find(states: Int32Array, at: number): number {
    return findIn(this.#pool, this.#wide, states, at)
  }

  /** All that `findIn` needs, for another thread. */
  get known(): KnownAnswers {
    return { pool: this.#pool, wide: this.#wide }
  }

  /** Remembers an answer (from 0) that was found by looking at these slots. */
  learn(states: Int32Array, at: number, looked: readonly number[], answer: number): void {
    if (this.#end + this.#wide.length > mostWords) this.clear(this.#packing)
    const left = looked.filter((slot) => this.#packing.bitsOf[slot]! > 0)
    let node = 0
    for (;;) {
      let child = node === 0 ? this.#pool[0]! : this.#childOf(node, states, at)
      if (child <= 0) {
        child = left.length === 0 ? -answer - 1 : this.#newNode(left)
        if (node === 0) this.#pool[0] = child
        else this.#setChild(node, states, at, child)
        if (child < 0) return
      }
      this.#consume(child, left)
      node = child
    }
  }

  #childOf(node: number, states: Int32Array, at: number): number {
    const pool = this.#pool
    const index = indexOf(pool, node, states, at)
    return pool[node + 1] === 0
      ? pool[childrenOf(pool, node) + index]!
      : this.#wide[entryOf(this.#wide, node, index) + 2]!
  }

  #setChild(node: number, states: Int32Array, at: number, child: number): void {
    const index = indexOf(this.#pool, node, states, at)
    if (this.#pool[node + 1] === 0) {
      this.#pool[childrenOf(this.#pool, node) + index] = child
      return
    }
    if ((this.#wideCount + 1) * 2 * entryWords > this.#wide.length) this.#growWide()
    const entry = entryOf(this.#wide, node, index)
    if (this.#wide[entry] === 0) this.#wideCount++
    this.#wide[entry] = node
    this.#wide[entry + 1] = index
    this.#wide[entry + 2] = child
  }

  #growWide(): void {
    const old = this.#wide
    this.#wide = this.#room.int32(old.length * 2)
    for (let from = 0; from < old.length; from += entryWords) {
      if (old[from] === 0) continue
      const entry = entryOf(this.#wide, old[from]!, old[from + 1]!)
      for (let i = 0; i < entryWords; i++) this.#wide[entry + i] = old[from + i]!
    }
  }

  #newNode(slots: readonly number[]): number {
    const fields = this.#fieldsOf(slots)
    const bits = fields.reduce((sum, field) => sum + field.bits, 0)
    const isWide = bits > nodeBits
    const node = this.#end
    this.#end = node + nodeWords + fields.length * fieldWords + (isWide ? 0 : 2 ** bits)
    if (this.#end > this.#pool.length) this.#pool = this.#room.grown(this.#pool, this.#end)
    const pool = this.#pool
    pool.fill(0, node, this.#end)
    pool[node] = fields.length
    pool[node + 1] = isWide ? 1 : 0
    fields.forEach(({ word, shift, bits }, i) => {
      const at = node + nodeWords + i * fieldWords
      pool[at] = word
      pool[at + 1] = shift
      pool[at + 2] = 2 ** bits - 1
    })
    return node
  }

  /** The bits of the first few slots; of neighbours in one piece. */
  #fieldsOf(slots: readonly number[]): Field[] {
    const { bitsOf, wordOf, shiftOf } = this.#packing
    const fields: Field[] = []
    let sum = 0
    for (const slot of slots) {
      const bits = bitsOf[slot]!
      if (sum > 0 && sum + bits > nodeBits) break
      sum += bits
      const last = fields.at(-1)
      if (last !== undefined && last.word === wordOf[slot] && last.shift + last.bits === shiftOf[slot])
        last.bits += bits
      else fields.push({ word: wordOf[slot]!, shift: shiftOf[slot]!, bits })
    }
    return fields
  }

  /** Takes the slots on which a node branches out of a list. */
  #consume(node: number, slots: number[]): void {
    const { wordOf, shiftOf } = this.#packing
    const pool = this.#pool
    const end = childrenOf(pool, node)
    let left = 0
    for (const slot of slots) {
      let isHere = false
      for (let field = node + nodeWords; field < end; field += fieldWords) {
        const bit = shiftOf[slot]! - pool[field + 1]!
        isHere ||= wordOf[slot] === pool[field] && bit >= 0 && bit < 32 && pool[field + 2]! >>> bit !== 0
      }
      if (!isHere) slots[left++] = slot
    }
    slots.length = left
  }

  get bytes(): number {
    return (this.#pool.length + this.#wide.length) * 4
  }
}

/** Where the fields of a node end, and its children begin. */
const childrenOf = (pool: Int32Array, node: number): number => node + nodeWords + pool[node]! * fieldWords

function indexOf(pool: Int32Array, node: number, states: Int32Array, at: number): number {
  const end = childrenOf(pool, node)
  let index = 0
  for (let field = node + nodeWords; field < end; field += fieldWords) {
    const mask = pool[field + 2]!
    index = index * (mask + 1) + ((states[at + pool[field]!]! >>> pool[field + 1]!) & mask)
  }
  return index
}

/** The answers that a tree has learned so far. */
export interface KnownAnswers {
  readonly pool: Int32Array
  readonly wide: Int32Array
}

/** The answer for the packed state at `at`, or -1 when it is not known. */
export function findIn(pool: Int32Array, wide: Int32Array, states: Int32Array, at: number): number {
  let child = pool[0]!
  while (child > 0) {
    const index = indexOf(pool, child, states, at)
    child =
      pool[child + 1] === 0 ? pool[childrenOf(pool, child) + index]! : wide[entryOf(wide, child, index) + 2]!
  }
  return child === 0 ? -1 : -child - 1
}

/** Place of an entry in the table of wide nodes, or of the empty one where it belongs. */
function entryOf(wide: Int32Array, node: number, index: number): number {
  const entries = wide.length / entryWords
  let hash = Math.imul(index ^ Math.imul(node, 0x85ebca6b), 0x9e3779b1)
  hash = (hash ^ (hash >>> 15)) & (entries - 1)
  for (;;) {
    const entry = hash * entryWords
    if (wide[entry] === 0 || (wide[entry] === node && wide[entry + 1] === index)) return entry
    hash = (hash + 1) & (entries - 1)
  }
}
