/**
 * Packing: a state as few 32-bit words. Each slot of the tuple has just enough bits for the ids that it has had, none
 * while it has had only one; slots are put first-fit into words. The highest bits of the first two words are set in
 * every packed state, so that neither is zero: zero is what has not been written yet.
 */

/** Set in the first two words of every packed state. */
export const occupied = 0x80000000 | 0
const wordBits = 32
/** A slot of more ids than that is taken to go on growing. */
const growsFrom = 8
/** No slot gets more bits than that beyond those that it needs; the second is for slots that go on growing. */
const mostSpare = 2
const mostSpareOfGrowing = 3

export class Packing {
  /** Words of a packed state; at least as many as asked for. */
  words: number
  readonly slots: number
  /** Per slot its word, its lowest bit and how many bits it has. */
  readonly wordOf: Int32Array
  readonly shiftOf: Int32Array
  readonly bitsOf: Int32Array
  /** Per slot how many bits its ids need; it may have more. */
  readonly neededOf: Int32Array
  /** The slots that have bits. */
  varying: readonly number[] = []

  readonly #leastWords: number

  constructor(slots: number, leastWords = 2) {
    this.slots = slots
    this.words = leastWords
    this.#leastWords = leastWords
    this.wordOf = new Int32Array(slots)
    this.shiftOf = new Int32Array(slots)
    this.bitsOf = new Int32Array(slots)
    this.neededOf = new Int32Array(slots)
  }

  /** Whether an id has a place in the bits of its slot. */
  fits(slot: number, id: number): boolean {
    return id >>> this.bitsOf[slot]! === 0
  }

  /**
   * The same slots laid out for so many ids each. What is left of the words is given away, a bit to a slot, so that
   * states are packed anew less often: first to slots that go on growing, then to those that have no room for another id,
   * since what happens late (the one decision that needs everybody) brings an id to many slots, when states are most.
   */
  widened(counts: Int32Array): Packing {
    const least = counts.map(bitsFor)
    const tight = this.#laidOut(least)
    const wider = least.map((bits, slot) => Math.max(bits, this.bitsOf[slot]!))
    const growing = tight.varying.filter((slot) => counts[slot]! > growsFrom)
    for (const slot of growing) wider[slot] = wider[slot]! + 1
    let best = this.#laidOut(wider)
    if (best.words > tight.words) best = tight
    const give = (slots: readonly number[], mostBits: number): void => {
      for (let most = slots.length; most > 0; most >>= 1) {
        const generous = best.bitsOf.slice()
        for (const slot of slots.slice(0, most))
          if (generous[slot]! < least[slot]! + mostBits) generous[slot] = generous[slot]! + 1
        const next = this.#laidOut(generous)
        if (next.words === best.words) best = next
      }
    }
    give(
      tight.varying.filter((slot) => counts[slot] === 2 ** least[slot]!),
      1,
    )
    for (let bit = 0; bit < mostSpareOfGrowing; bit++) give(growing, mostSpareOfGrowing)
    give(best.varying, mostSpare)
    best.neededOf.set(least)
    return best
  }

  #laidOut(bits: Int32Array): Packing {
    const packing = new Packing(this.slots, this.#leastWords)
    packing.#place(bits)
    return packing
  }

  #place(bits: Int32Array): void {
    const used = [1, 1, ...new Array<number>(this.#leastWords - 2).fill(0)]
    for (let slot = 0; slot < this.slots; slot++) {
      const need = bits[slot]!
      this.bitsOf[slot] = need
      if (need === 0) continue
      let word = used.findIndex((taken) => taken + need <= wordBits)
      if (word < 0) word = used.push(0) - 1
      // All are filled from below; what counts as taken in the first two is the highest bit.
      this.shiftOf[slot] = word < 2 ? used[word]! - 1 : used[word]!
      this.wordOf[slot] = word
      used[word]! += need
    }
    this.words = used.length
    this.varying = [...bits.keys()].filter((slot) => bits[slot]! > 0)
  }

  /** Adds the bits of one slot to words of zeros, or takes them out again. */
  flip(slot: number, id: number, words: Int32Array, at: number): void {
    if (this.bitsOf[slot]! > 0) words[at + this.wordOf[slot]!]! ^= id << this.shiftOf[slot]!
  }

  pack(ids: Int32Array, words: Int32Array, at: number): void {
    for (let i = 0; i < this.words; i++) words[at + i] = 0
    words[at] = occupied
    words[at + 1] = occupied
    for (const slot of this.varying) this.flip(slot, ids[slot]!, words, at)
  }

  unpack(words: Int32Array, at: number, ids: Int32Array): void {
    ids.fill(0)
    const { varying } = this
    for (let i = 0; i < varying.length; i++) {
      const slot = varying[i]!
      ids[slot] = (words[at + this.wordOf[slot]!]! >>> this.shiftOf[slot]!) & this.maskOf(slot)
    }
  }

  /** The id in one slot of a packed state. */
  idAt(slot: number, words: Int32Array, at: number): number {
    const bits = this.bitsOf[slot]!
    return bits === 0 ? 0 : (words[at + this.wordOf[slot]!]! >>> this.shiftOf[slot]!) & this.maskOf(slot)
  }

  /** The bits of a slot, at the lowest place. */
  maskOf(slot: number): number {
    return this.bitsOf[slot] === wordBits ? -1 : (1 << this.bitsOf[slot]!) - 1
  }

  /** Sets the bits of these slots in a mask of as many words as a state. */
  maskInto(slots: Iterable<number>, mask: Int32Array, at: number): void {
    for (const slot of slots)
      if (this.bitsOf[slot]! > 0) mask[at + this.wordOf[slot]!]! |= this.maskOf(slot) << this.shiftOf[slot]!
  }
}

/** Bits of a word that go to another place together. */
interface Block {
  readonly from: number
  readonly to: number
  /** To the left where it is positive. */
  readonly shift: number
  mask: number
}

/** Packs states anew: takes packed states of one layout to those of another. */
export class Repacking {
  readonly #before: Packing
  readonly #after: Packing
  readonly #blocks: readonly Block[]

  constructor(before: Packing, after: Packing) {
    this.#before = before
    this.#after = after
    const blocks: Block[] = []
    for (const slot of before.varying) {
      const from = before.wordOf[slot]!
      const to = after.wordOf[slot]!
      const shift = after.shiftOf[slot]! - before.shiftOf[slot]!
      const mask = before.maskOf(slot) << before.shiftOf[slot]!
      const same = blocks.find((block) => block.from === from && block.to === to && block.shift === shift)
      if (same === undefined) blocks.push({ from, to, shift, mask })
      else same.mask |= mask
    }
    this.#blocks = blocks
  }

  /** Puts the first `count` states of `states`, packed as after, into an array of zeros, which it returns. */
  repack(states: Int32Array, count: number, packed: Int32Array): Int32Array {
    const width = this.#before.words
    const newWidth = this.#after.words
    const blocks = this.#blocks
    for (let state = 0; state < count; state++) {
      const source = state * width
      const target = state * newWidth
      packed[target] = occupied
      packed[target + 1] = occupied
      for (let i = 0; i < blocks.length; i++) {
        const { from, to, shift, mask } = blocks[i]!
        const bits = states[source + from]! & mask
        packed[target + to]! |= shift < 0 ? bits >>> -shift : bits << shift
      }
    }
    return packed
  }
}

/** Bits that tell so many ids apart. */
const bitsFor = (count: number): number => wordBits - Math.clz32(count - 1)
