/**
 * A remembered function of a state, as a decision tree over the slots that the function looks at.
 *
 * A function that is deterministic and sees a state only slot by slot chooses where it looks next by what it has seen.
 * So its answer follows from the slots that one evaluation looked at, and a node of the tree branches on the first few
 * of them. A node may hold more than the function would have looked at on some branch; that costs room, not truth.
 */
import { grownInt32 } from './growth.js'
import type { Packing } from './packing.js'

/** Bits on which one node branches, unless its first slot alone has more. */
const nodeBits = 10
// Words of a node: how many slots, then for each its word, shift and mask; then the children.
const fieldWords = 3

export class MemoTree {
  /** Children: 0 unknown, the place of a node where positive, else minus the answer minus one. */
  #pool = new Int32Array(256)
  /** The first child is the root. */
  #end = 1
  #packing: Packing

  constructor(packing: Packing) {
    this.#packing = packing
  }

  clear(packing: Packing): void {
    this.#packing = packing
    this.#pool[0] = 0
    this.#end = 1
  }

  /** The answer for the packed state at `at`, or -1 when it is not known. */
  find(states: Int32Array, at: number): number {
    const pool = this.#pool
    let child = pool[0]!
    while (child > 0) child = pool[childOf(pool, child, states, at)]!
    return child === 0 ? -1 : -child - 1
  }

  /** Remembers an answer (from 0) that was found by looking at these slots. */
  learn(states: Int32Array, at: number, looked: readonly number[], answer: number): void {
    const left = looked.filter((slot) => this.#packing.bitsOf[slot]! > 0)
    let place = 0
    for (;;) {
      let child = this.#pool[place]!
      if (child === 0) {
        if (left.length === 0) break
        child = this.#newNode(left)
        this.#pool[place] = child
      }
      this.#consume(child, left)
      place = childOf(this.#pool, child, states, at)
    }
    this.#pool[place] = -answer - 1
  }

  #newNode(slots: readonly number[]): number {
    const { bitsOf, wordOf, shiftOf } = this.#packing
    let count = 0
    let bits = 0
    while (count < slots.length && (count === 0 || bits + bitsOf[slots[count]!]! <= nodeBits))
      bits += bitsOf[slots[count++]!]!
    const node = this.#end
    this.#end = node + 1 + count * fieldWords + 2 ** bits
    if (this.#end > this.#pool.length) this.#pool = grownInt32(this.#pool, this.#end)
    const pool = this.#pool
    pool.fill(0, node, this.#end)
    pool[node] = count
    for (let i = 0; i < count; i++) {
      const slot = slots[i]!
      const field = node + 1 + i * fieldWords
      pool[field] = wordOf[slot]!
      pool[field + 1] = shiftOf[slot]!
      pool[field + 2] = this.#packing.maskOf(slot)
    }
    return node
  }

  /** Takes the slots on which a node branches out of a list. */
  #consume(node: number, slots: number[]): void {
    const { wordOf, shiftOf } = this.#packing
    const pool = this.#pool
    for (let i = 0; i < pool[node]!; i++) {
      const field = node + 1 + i * fieldWords
      const at = slots.findIndex((slot) => wordOf[slot] === pool[field] && shiftOf[slot] === pool[field + 1])
      if (at >= 0) slots.splice(at, 1)
    }
  }

  get bytes(): number {
    return this.#pool.length * 4
  }
}

function childOf(pool: Int32Array, node: number, states: Int32Array, at: number): number {
  const end = node + 1 + pool[node]! * fieldWords
  let index = 0
  for (let field = node + 1; field < end; field += fieldWords) {
    const mask = pool[field + 2]!
    index = index * (mask + 1) + ((states[at + pool[field]!]! >>> pool[field + 1]!) & mask)
  }
  return end + index
}
