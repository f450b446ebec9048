/**
 * Fingerprints of states, kept up to date part by part: after an action only the parts that it touched are hashed again.
 *
 * Contract. A fingerprint is 32 bits; two states that differ have equal ones with probability 2^-32. Beside it each part
 * has a fold of 16 bits, stored where the part changed: the fingerprint tells *that* two runs differ, the folds tell in
 * *which* parts (a part that differs hides with probability 2^-16). What is not state (ordinals, generations, virtual
 * time) is left out.
 */
import type { World } from '../world/world.js'

/**
 * Actions between two fingerprints unless said otherwise: 64, or as many as the world has parts. A fingerprint names each
 * part that has changed in some 3 bytes, so that a trace takes as much for them as for its actions at the most.
 */
export function defaultFingerprintEvery(world: World): number {
  return Math.max(64, world.memory.parts.length)
}

/** Traces this short have a fingerprint after each action, so that a replay can name the very step that differs. */
const closelyWatched = 1_000
/** Actions between two fingerprints of a trace that is kept for people; undefined: {@link defaultFingerprintEvery}. */
export const fingerprintEvery = (actions: number): number | undefined =>
  actions <= closelyWatched ? 1 : undefined

/** Which parts changed before each fingerprint, and the folds they had then. */
interface Components {
  /** Where the entries of each fingerprint begin; one more than there are fingerprints. */
  readonly starts: Uint32Array
  /** Part numbers, ascending within a fingerprint. The first fingerprint has all parts. */
  readonly parts: Uint16Array
  readonly folds: Uint16Array
}

export interface FingerprintPoints {
  /** Point 0 is the initial state; point p is after `min(p * every, actions)` actions. */
  readonly fingerprints: Uint32Array
  readonly components: Components
}

/** How many points a trace of that many actions has. */
export const pointCount = (actions: number, every: number): number => 1 + Math.ceil(actions / every)

export const foldOf = (hash: number): number => (hash ^ (hash >>> 16)) & 0xffff

/** The fingerprint of one part; independent of where the part lies. */
function fingerprintOfWords(words: Uint32Array, from: number, count: number): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < count; i++) {
    const word = words[from + i]!
    if (word === 0) continue
    hash ^= Math.imul(word ^ Math.imul(i + 1, 0x9e3779b1), 0x85ebca6b)
    hash = Math.imul(hash ^ (hash >>> 15), 0xc2b2ae35)
  }
  return (hash ^ (hash >>> 16)) >>> 0
}

/** What a part contributes to the sum that is the state's fingerprint. */
function weightOf(part: number, hash: number): number {
  let mixed = Math.imul(hash ^ Math.imul(part + 1, 0x9e3779b1), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}

/** The fingerprint of a world's state, followed through its steps. */
export class Fingerprinter {
  readonly #world: World
  readonly #hashes: Uint32Array
  readonly #isDirty: Uint8Array
  readonly #dirty: Int32Array
  #dirtyCount = 0
  #total = 0

  constructor(world: World) {
    const parts = world.memory.parts.length
    this.#world = world
    this.#hashes = new Uint32Array(parts)
    this.#isDirty = new Uint8Array(parts)
    this.#dirty = new Int32Array(parts)
    this.reset()
  }
  /** Hashes everything anew. */
  reset(): void {
    this.#isDirty.fill(0)
    this.#dirtyCount = 0
    this.#total = 0
    for (let part = 0; part < this.#hashes.length; part++) {
      const hash = this.#hash(part)
      this.#hashes[part] = hash
      this.#total = (this.#total + weightOf(part, hash)) >>> 0
    }
  }
  #hash(part: number): number {
    const { offset, sizeBytes } = this.#world.memory.parts[part]!
    return fingerprintOfWords(this.#world.memory.words, offset / 4, sizeBytes / 4)
  }

  /** To be called after each step that moved something: remembers what it touched. */
  afterStep(): void {
    const world = this.#world
    // A step that failed may have left bytes behind that it did not announce.
    if (world.failure !== undefined) for (let part = 0; part < this.#isDirty.length; part++) this.#mark(part)
    for (let i = 0; i < world.touchedCount; i++) this.#mark(world.touchedPart(i))
  }
  #mark(part: number): void {
    if (this.#isDirty[part] === 1) return
    this.#isDirty[part] = 1
    this.#dirty[this.#dirtyCount++] = part
  }

  /**
   * The fingerprint now. Calls `visit` for each part that has changed since the last settling, in ascending order; a
   * part that was touched but has its old bytes again has not changed.
   */
  settle(visit?: (part: number, hash: number) => void): number {
    const dirty = this.#dirty.subarray(0, this.#dirtyCount).sort()
    for (let i = 0; i < dirty.length; i++) {
      const part = dirty[i]!
      this.#isDirty[part] = 0
      const hash = this.#hash(part)
      if (hash === this.#hashes[part]) continue
      this.#total = (this.#total - weightOf(part, this.#hashes[part]!) + weightOf(part, hash)) >>> 0
      this.#hashes[part] = hash
      visit?.(part, hash)
    }
    this.#dirtyCount = 0
    return this.#total
  }
  hash(part: number): number {
    return this.#hashes[part]!
  }
  forEach(visit: (part: number, hash: number) => void): void {
    for (let part = 0; part < this.#hashes.length; part++) visit(part, this.#hashes[part]!)
  }
  /** The fingerprint as of the last settling. */
  get settled(): number {
    return this.#total
  }
}

/**
 * Fingerprints of a world while it is stepped: per action the parts that were touched are marked, every `every` actions
 * those are hashed. Begins at the state that the world is in.
 */
export class FingerprintLog {
  readonly every: number
  readonly #fingerprinter: Fingerprinter
  readonly #points = new PointLog()
  readonly #component = (part: number, hash: number): void => this.#points.component(part, hash)
  #left: number

  constructor(world: World, every = defaultFingerprintEvery(world)) {
    if (!Number.isInteger(every) || every < 1)
      throw new RangeError('fingerprints are taken every 1 or more actions')
    this.every = every
    this.#left = every
    this.#fingerprinter = new Fingerprinter(world)
    this.#begin()
  }
  /** Begins anew at the world's present state. */
  clear(): void {
    this.#left = this.every
    this.#points.clear()
    this.#fingerprinter.reset()
    this.#begin()
  }
  #begin(): void {
    this.#fingerprinter.forEach(this.#component)
    this.#points.point(this.#fingerprinter.settled)
  }

  /** To be called after each step that moved something. */
  afterAction(): void {
    this.#fingerprinter.afterStep()
    if (--this.#left === 0) this.#settle()
  }
  #settle(): void {
    this.#left = this.every
    this.#points.point(this.#fingerprinter.settle(this.#component))
  }

  /** All points, with one for the present state at the end. Ends the log: what is taken after it is not recorded. */
  finish(): FingerprintPoints {
    if (this.#left < this.every) this.#settle()
    return this.#points.take()
  }
}

/** Growing typed arrays of points and of their components. */
class PointLog {
  #fingerprints = new Uint32Array(64)
  #starts = new Uint32Array(64)
  #parts = new Uint16Array(256)
  #folds = new Uint16Array(256)
  #points = 0
  #components = 0

  component(part: number, hash: number): void {
    if (this.#components === this.#parts.length) {
      this.#parts = grown(this.#parts, new Uint16Array(this.#parts.length * 2))
      this.#folds = grown(this.#folds, new Uint16Array(this.#folds.length * 2))
    }
    this.#parts[this.#components] = part
    this.#folds[this.#components++] = foldOf(hash)
  }
  point(fingerprint: number): void {
    if (this.#points + 1 === this.#fingerprints.length) {
      this.#fingerprints = grown(this.#fingerprints, new Uint32Array(this.#fingerprints.length * 2))
      this.#starts = grown(this.#starts, new Uint32Array(this.#starts.length * 2))
    }
    this.#fingerprints[this.#points++] = fingerprint
    this.#starts[this.#points] = this.#components
  }
  clear(): void {
    this.#points = 0
    this.#components = 0
  }
  take(): FingerprintPoints {
    return {
      fingerprints: this.#fingerprints.slice(0, this.#points),
      components: {
        starts: this.#starts.slice(0, this.#points + 1),
        parts: this.#parts.slice(0, this.#components),
        folds: this.#folds.slice(0, this.#components),
      },
    }
  }
}

function grown<A extends Uint16Array | Uint32Array>(from: A, to: A): A {
  to.set(from)
  return to
}

export const noPoints: FingerprintPoints = {
  fingerprints: new Uint32Array(0),
  components: { starts: new Uint32Array(1), parts: new Uint16Array(0), folds: new Uint16Array(0) },
}
