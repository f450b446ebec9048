/** The simulator's only source of chance: a seeded generator (xoroshiro128+, of pure-rand). */
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'
import type { Draw } from '../protocol/index.js'

export class Random implements Draw {
  readonly #generator: { next(): number }

  /** @param seed any whole number; equal seeds give equal draws */
  constructor(seed: number) {
    this.#generator = xoroshiro128plus(mix(seed))
  }
  /** Uniform below `bound` (1 … 2^31), without the last ulp of uniformity: a multiply instead of a rejection loop. */
  below(bound: number): number {
    return Math.floor(((this.#generator.next() >>> 0) / 0x1_0000_0000) * bound)
  }
  between(minimum: number, maximum: number): number {
    return minimum + this.below(maximum - minimum + 1)
  }
  /** 32 uniform bits, as a number from 0. */
  bits(): number {
    return this.#generator.next() >>> 0
  }
  /** Uniform in [0, 1). */
  fraction(): number {
    return (this.#generator.next() >>> 0) / 0x1_0000_0000
  }
  chance(probability: number): boolean {
    return this.fraction() < probability
  }
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!
  }
}

/** Spreads neighbouring seeds apart (the finaliser of murmur3), so that seeds 1, 2, 3 … are unrelated runs. */
function mix(seed: number): number {
  let h = (seed ^ Math.floor(seed / 0x1_0000_0000)) | 0
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}

/** A seed for a purpose of its own, drawn from a run's seed, so that purposes do not disturb each other. */
export function derivedSeed(seed: number, purpose: number): number {
  return (Math.imul(mix(seed), 31) + Math.imul(purpose, 0x9e3779b1)) >>> 0
}
