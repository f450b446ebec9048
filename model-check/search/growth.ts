/** Typed arrays that grow. */

/** A copy of at least twice the room and at least `least` elements. */
export function grownInt32(array: Int32Array, least: number): Int32Array<ArrayBuffer> {
  const copy = new Int32Array(Math.max(array.length * 2, least))
  copy.set(array)
  return copy
}

/** The least power of two that is not below a number. */
export function powerOfTwo(least: number): number {
  let size = 1
  while (size < least) size *= 2
  return size
}
