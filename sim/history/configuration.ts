/**
 * Configurations: where an order of the operations can stand at one event of the history.
 *
 * Contract. One configuration covers another of the same state when no operation is due in it that is not due in the
 * other, and every operation that may still change the state in the other may do so in it. It can then do whatever the
 * other can: an operation of unknown outcome that has not been used, or one that has a place already (see moves.ts),
 * need never be placed again. So the other can be dropped without losing an order.
 */

/** A set of lanes, 32 to a word. Plain arrays are much cheaper to copy than typed ones of this size. */
export type Lanes = number[]

/** The arrays `due` and `spent` are its own; `used` is shared, and replaced when it changes. */
export class Configuration<S> {
  constructor(
    public state: S,
    public key: number,
    /** Lanes of pending operations that still need a place. */
    public readonly due: Lanes,
    /** Lanes of pending operations that can change the state no more. */
    public readonly spent: Lanes,
    /** For each class of operations of unknown outcome how many have taken effect. */
    public used: readonly number[],
    public usedCount: number,
    public path: number,
    public count: number,
    /** The event at which the state was last overwritten, whatever it was; and the path up to there. */
    /** The price of the operations of unknown outcome that have taken effect. */
    public price: number,
    public overwrittenAt: number,
    public overwrittenPath: number,
  ) {}

  copy(): Configuration<S> {
    return new Configuration(
      this.state,
      this.key,
      this.due.slice(),
      this.spent.slice(),
      this.used,
      this.usedCount,
      this.path,
      this.count,
      this.price,
      this.overwrittenAt,
      this.overwrittenPath,
    )
  }

  /** Makes this, of the same plan, a copy of the other. */
  become(other: Configuration<S>): void {
    this.state = other.state
    this.key = other.key
    for (let word = 0; word < this.due.length; word++) {
      this.due[word] = other.due[word]!
      this.spent[word] = other.spent[word]!
    }
    this.used = other.used
    this.usedCount = other.usedCount
    this.path = other.path
    this.count = other.count
    this.price = other.price
    this.overwrittenAt = other.overwrittenAt
    this.overwrittenPath = other.overwrittenPath
  }

  /**
   * Whatever the other can still do, this one can too. Where the state was overwritten is not compared: what hides
   * there (see moves.ts) has other places too.
   */
  covers(other: Configuration<S>): boolean {
    if (this.usedCount > other.usedCount) return false
    for (let word = 0; word < this.due.length; word++) {
      if (this.due[word]! & ~other.due[word]!) return false
      if (this.spent[word]! & ~other.spent[word]!) return false
    }
    if (this.used === other.used || this.usedCount === 0) return true
    for (let index = 0; index < this.used.length; index++)
      if (this.used[index]! > other.used[index]!) return false
    return true
  }
}

/** Configurations at one place, none of which another one covers. */
export class Level<S> {
  readonly #buckets = new Map<number | string, Configuration<S>[]>()
  size = 0
  readonly #shaped: boolean

  constructor(shaped: boolean) {
    this.#shaped = shaped
  }

  /** False when another one covers it, and it is not kept; those that it covers itself go. */
  add(configuration: Configuration<S>): boolean {
    const name = this.#shaped ? configuration.key : `${configuration.key} ${configuration.due.join()}`
    const bucket = this.#buckets.get(name)
    if (bucket === undefined) {
      this.#buckets.set(name, [configuration])
      this.size++
      return true
    }
    for (const other of bucket) if (other.covers(configuration)) return false
    let kept = 0
    for (const other of bucket) if (!configuration.covers(other)) bucket[kept++] = other
    this.size -= bucket.length - kept - 1
    bucket.length = kept
    bucket.push(configuration)
    return true
  }

  /** Those that used the fewest operations of unknown outcome first. */
  list(): Configuration<S>[] {
    const all: Configuration<S>[] = []
    for (const bucket of this.#buckets.values()) all.push(...bucket)
    return all.sort((a, b) => a.price - b.price)
  }
}

export function isIn(set: Lanes, lane: number): boolean {
  return (set[lane >> 5]! & (1 << (lane & 31))) !== 0
}

export function add(set: Lanes, lane: number): void {
  set[lane >> 5]! |= 1 << (lane & 31)
}

export function remove(set: Lanes, lane: number): void {
  set[lane >> 5]! &= ~(1 << (lane & 31))
}
