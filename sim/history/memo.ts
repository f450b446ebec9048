/**
 * The memory of a linearizability search: configurations that need not be searched again.
 *
 * Contract. A configuration is a place in the history, the set of pending operations already placed there (a bitset),
 * the key of the model state, and the set of operations of unknown outcome that have been used. It is remembered
 * exactly: the hash only finds the bucket, all words are compared (as in Porcupine's cache, after Lowe 2017).
 *
 * One configuration covers another when they differ at most in that it has used fewer operations of unknown outcome:
 * whatever the other could still do, it can do too. So only configurations that no remembered one covers are new.
 *
 * Memory is linear in the number of configurations: used sets share their tails.
 */

/** Sets of used operations, each an earlier set plus one operation; 0 is the empty set. */
export class UsedSets {
  readonly #operation: number[] = [-1]
  readonly #rest: number[] = [0]
  readonly #size: number[] = [0]

  with(operation: number, rest: number): number {
    this.#operation.push(operation)
    this.#rest.push(rest)
    this.#size.push(this.#size[rest]! + 1)
    return this.#operation.length - 1
  }

  operation(set: number): number {
    return this.#operation[set]!
  }

  rest(set: number): number {
    return this.#rest[set]!
  }

  /** Is `small` a subset of `large`? Costs no more than the part in which they differ. */
  isSubset(small: number, large: number): boolean {
    if (small === large) return true
    if (this.#size[small]! > this.#size[large]!) return false
    const surplus = new Set<number>()
    const missing: number[] = []
    while (small !== large) {
      if (this.#size[large]! >= this.#size[small]!) {
        surplus.add(this.#operation[large]!)
        large = this.#rest[large]!
      } else {
        missing.push(this.#operation[small]!)
        small = this.#rest[small]!
      }
    }
    return missing.every((operation) => surplus.has(operation))
  }
}

export class ConfigurationMemo {
  readonly #used: UsedSets
  readonly #words: number
  readonly #stride: number
  #entries: Int32Array
  #count = 0
  #buckets: Int32Array

  constructor(words: number, used: UsedSets) {
    this.#used = used
    this.#words = words
    this.#stride = words + 5 // place, state, used set, hash, next entry of the bucket, then the bitset
    this.#entries = new Int32Array(this.#stride * 64)
    this.#buckets = new Int32Array(64).fill(-1)
  }

  get size(): number {
    return this.#count
  }

  /** Remembers the configuration and says true, or says false when a remembered one covers it. */
  add(place: number, placed: Int32Array, state: number, used: number): boolean {
    const hash = this.#hash(place, placed, state)
    const entries = this.#entries
    const bucket = hash & (this.#buckets.length - 1)
    for (let entry = this.#buckets[bucket]!; entry >= 0; entry = entries[entry * this.#stride + 4]!) {
      const at = entry * this.#stride
      if (entries[at] !== place || entries[at + 1] !== state || entries[at + 3] !== hash) continue
      if (this.#sameBits(at + 5, placed) && this.#used.isSubset(entries[at + 2]!, used)) return false
    }
    this.#append(place, placed, state, used, hash)
    return true
  }

  #hash(place: number, placed: Int32Array, state: number): number {
    let hash = Math.imul(place ^ 0x9e3779b9, 0x85ebca6b)
    hash = Math.imul(hash ^ (hash >>> 15) ^ state, 0xc2b2ae35)
    for (let word = 0; word < this.#words; word++) {
      hash = Math.imul(hash ^ (hash >>> 13) ^ placed[word]!, 0x27d4eb2f)
    }
    return hash ^ (hash >>> 16)
  }

  #sameBits(at: number, placed: Int32Array): boolean {
    for (let word = 0; word < this.#words; word++) {
      if (this.#entries[at + word] !== placed[word]) return false
    }
    return true
  }

  #append(place: number, placed: Int32Array, state: number, used: number, hash: number): void {
    if ((this.#count + 1) * this.#stride > this.#entries.length) this.#grow()
    const at = this.#count * this.#stride
    const bucket = hash & (this.#buckets.length - 1)
    this.#entries[at] = place
    this.#entries[at + 1] = state
    this.#entries[at + 2] = used
    this.#entries[at + 3] = hash
    this.#entries[at + 4] = this.#buckets[bucket]!
    this.#entries.set(placed, at + 5)
    this.#buckets[bucket] = this.#count++
  }

  #grow(): void {
    const entries = new Int32Array(this.#entries.length * 2)
    entries.set(this.#entries)
    this.#entries = entries
    this.#buckets = new Int32Array(this.#buckets.length * 2).fill(-1)
    for (let entry = 0; entry < this.#count; entry++) {
      const bucket = entries[entry * this.#stride + 3]! & (this.#buckets.length - 1)
      entries[entry * this.#stride + 4] = this.#buckets[bucket]!
      this.#buckets[bucket] = entry
    }
  }
}
