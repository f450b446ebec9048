/**
 * Moves one 8-byte word by one 8-byte access, so that a word which a peer writes meanwhile is never torn.
 *
 * The value goes from one Float64Array element to another and is never used as a number: the engine moves the bits,
 * NaN payloads included (tested cold and hot). BigInt64Array would allocate, two 4-byte accesses would tear.
 */
export function moveWord(from: Float64Array, fromIndex: number, to: Float64Array, toIndex: number): void {
  to[toIndex] = from[fromIndex]!
}
