/**
 * Checksums of 32 bits for what may be torn, stale or rotten: the rounds of MurmurHash3. They find accidents, not
 * attacks: of two different inputs one in 2^32 shares the checksum of the other.
 */

/** The finaliser of MurmurHash3: every bit of the input reaches every bit of the result. A bijection on 32 bits. */
export function avalanche(bits: number): number {
  let h = bits | 0
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}

/** Adds 32 bits to a hash under way. */
export function blend(hash: number, bits: number): number {
  const k = Math.imul(bits, 0xcc9e2d51)
  const mixed = hash ^ Math.imul((k << 15) | (k >>> 17), 0x1b873593)
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0
}

/** Adds `length` bytes (a multiple of 4) at `at` to a hash under way. */
export function blendBytes(hash: number, memory: DataView, at: number, length: number): number {
  let h = hash
  for (let k = 0; k < length; k += 4) h = blend(h, memory.getInt32(at + k, true))
  return h
}
