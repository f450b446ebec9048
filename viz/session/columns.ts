/** Lists of numbers that grow, as typed arrays. */

type Numbers = Uint8Array | Int8Array | Uint16Array | Uint32Array | Int32Array | Float64Array

export class Column<T extends Numbers> {
  #array: T
  length = 0
  readonly #make: new (length: number) => T

  constructor(make: new (length: number) => T, room = 256) {
    this.#make = make
    this.#array = new make(room)
  }
  push(value: number): void {
    if (this.length === this.#array.length) this.#grow(this.length + 1)
    this.#array[this.length++] = value
  }
  at(i: number): number {
    return this.#array[i]!
  }
  set(i: number, value: number): void {
    this.#array[i] = value
  }
  /** Sets bits of an entry. */
  mark(i: number, bits: number): void {
    this.#array[i] = this.#array[i]! | bits
  }
  /** Makes it this long; new entries are zero. */
  extend(length: number): void {
    if (length > this.#array.length) this.#grow(length)
    this.length = Math.max(this.length, length)
  }
  #grow(least: number): void {
    const larger = new this.#make(Math.max(least, this.#array.length * 2))
    larger.set(this.#array)
    this.#array = larger
  }
  /** A copy of a stretch, to be given away. */
  slice(from = 0, to = this.length): T {
    return this.#array.slice(from, Math.min(to, this.length)) as T
  }
  /** The entries as they are now, to be looked at only. */
  view(): T {
    return this.#array.subarray(0, this.length) as T
  }
}

/** How many entries of an ascending list are at most `value`. */
export function countUpTo(list: ArrayLike<number>, value: number, length = list.length): number {
  let low = 0
  let high = length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (list[middle]! <= value) low = middle + 1
    else high = middle
  }
  return low
}
