/** Typed arrays that grow, and that several threads may share. */

/** Makes arrays of zeros: of its own, or in memory that worker threads can be given. */
export class Room {
  readonly #isShared: boolean

  constructor(isShared: boolean) {
    this.#isShared = isShared
  }
  int32(length: number): Int32Array {
    return this.#isShared ? new Int32Array(new SharedArrayBuffer(length * 4)) : new Int32Array(length)
  }
  /** A copy of at least twice the room and at least `least` elements. */
  grown(array: Int32Array, least: number): Int32Array {
    const copy = this.int32(Math.max(array.length * 2, least))
    copy.set(array)
    return copy
  }
}

const ownRoom = new Room(false)
export const grownInt32 = (array: Int32Array, least: number): Int32Array => ownRoom.grown(array, least)

/** The least power of two that is not below a number. */
export function powerOfTwo(least: number): number {
  let size = 1
  while (size < least) size *= 2
  return size
}
