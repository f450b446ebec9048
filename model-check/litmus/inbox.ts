/**
 * Messages and notices that have arrived at a node and wait to be received: slots of its private memory, the oldest
 * first. A slot is 1 + sender (of a notice 0x100 more), the length in 8-byte words, the words.
 */

/** Most messages that wait at a node, and their longest. */
export interface InboxShape {
  readonly slots: number
  readonly words: number
}

const head = 2
const noticeMark = 0x100

export const inboxWords = ({ slots, words }: InboxShape): number => slots * (head + 2 * words)

interface Words {
  get(index: number): number
  set(index: number, value: number): void
}

export class Inbox {
  readonly #slotWords: number
  readonly #end: number
  readonly #cells: Words

  constructor(shape: InboxShape, cells: Words) {
    this.#slotWords = head + 2 * shape.words
    this.#end = inboxWords(shape)
    this.#cells = cells
  }

  put(notice: boolean, from: number, content: DataView, words: number): void {
    const cells = this.#cells
    let slot = 0
    while (cells.get(slot) !== 0) slot += this.#slotWords
    cells.set(slot, 1 + from + (notice ? noticeMark : 0))
    cells.set(slot + 1, words)
    for (let i = 0; i < 2 * words; i++) cells.set(slot + head + i, content.getUint32(4 * i, true))
  }

  /** The oldest slot of this kind from this sender, or -1. */
  find(notice: boolean, from: number): number {
    const wanted = 1 + from + (notice ? noticeMark : 0)
    for (let slot = 0; slot < this.#end; slot += this.#slotWords)
      if (this.#cells.get(slot) === wanted) return slot
    return -1
  }
  length(slot: number): number {
    return this.#cells.get(slot + 1)
  }
  low(slot: number, word: number): number {
    return this.#cells.get(slot + head + 2 * word)
  }
  high(slot: number, word: number): number {
    return this.#cells.get(slot + head + 2 * word + 1)
  }

  /** What came later moves to the front. */
  remove(slot: number): void {
    const cells = this.#cells
    const size = this.#slotWords
    for (let i = slot; i < this.#end; i++) cells.set(i, i + size < this.#end ? cells.get(i + size) : 0)
  }
}
