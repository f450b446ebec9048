/** 32-bit hashes of effects and of private memory, alike where they are recorded and where they are compared. */

const SEED = 0x811c9dc5
const ODD = 0x85ebca6b

const mix = (hash: number, word: number): number => {
  const mixed = Math.imul(hash ^ word, ODD)
  return mixed ^ (mixed >>> 15)
}

/** Memory as bytes and as words. */
export interface Scratch {
  readonly bytes: Uint8Array
  readonly words: Uint32Array
}

export function scratchOf(buffer: ArrayBuffer): Scratch {
  return { bytes: new Uint8Array(buffer), words: new Uint32Array(buffer, 0, buffer.byteLength >> 2) }
}

/** Hash of one effect: its kind, its arguments modulo 2^32, and `length` bytes at `at` of the core's output. */
export function hashEffect(
  kind: number,
  a: number,
  b: number,
  c: number,
  d: number,
  e: number,
  f: number,
  g: number,
  from: Scratch,
  at: number,
  length: number,
): number {
  let hash = mix(mix(mix(mix(SEED ^ kind, a), b), c), d)
  hash = mix(mix(mix(mix(hash, e), f), g), length)
  let i = at
  const end = at + length
  if ((at & 3) === 0) {
    const { words } = from
    for (; i + 4 <= end; i += 4) hash = mix(hash, words[i >> 2]!)
  }
  const { bytes } = from
  for (; i < end; i++) hash = mix(hash, bytes[i]!)
  return hash >>> 0
}

/** Hash of bytes, such as those of private memory; `from` is a multiple of 4. */
export function hashBytes({ bytes, words }: Scratch, from: number, to: number): number {
  let hash = SEED
  const wordsTo = to >> 2
  for (let i = from >> 2; i < wordsTo; i++) hash = mix(hash, words[i]!)
  for (let i = Math.max(from, 4 * wordsTo); i < to; i++) hash = mix(hash, bytes[i]!)
  return hash >>> 0
}
