/**
 * Components: the contents that each part of a world has had, interned. A state of the world is a tuple with an id for
 * each part. Equal ids are equal bytes, since ids are assigned by comparison; the initial contents have id 0.
 */
import type { World } from '../../sim/world/world.js'
import { TupleTable } from './tuple-table.js'

export class Components {
  readonly #world: World
  readonly #tables: readonly TupleTable[]
  /** Per part its first word in the state. */
  readonly #starts: Int32Array
  /** Per part the id of the contents that the world's memory holds. */
  readonly #held: Int32Array

  /** Takes the world's present state as the initial one. */
  constructor(world: World) {
    const { parts } = world.memory
    this.#world = world
    this.#tables = parts.map((part) => new TupleTable(part.sizeBytes / 4))
    this.#starts = Int32Array.from(parts, (part) => part.offset / 4)
    this.#held = new Int32Array(parts.length)
    for (let part = 0; part < parts.length; part++) this.capture(part)
  }

  /** How many contents a part has had. */
  count(part: number): number {
    return this.#tables[part]!.count
  }

  /** The id of what a part holds now. */
  capture(part: number): number {
    const id = this.#tables[part]!.intern(this.#world.memory.words, this.#starts[part])
    this.#held[part] = id
    return id
  }

  /** Gives a part the contents with an id. */
  hold(part: number, id: number): void {
    if (this.#held[part] === id) return
    this.#held[part] = id
    const { tuples, width } = this.#tables[part]!
    const { words } = this.#world.memory
    const target = this.#starts[part]!
    const start = id * width
    for (let i = 0; i < width; i++) words[target + i] = tuples[start + i]!
  }

  /** Gives every part the contents of a tuple of ids. */
  holdAll(ids: Int32Array): void {
    const held = this.#held
    for (let part = 0; part < held.length; part++) if (held[part] !== ids[part]) this.hold(part, ids[part]!)
  }

  /** After a step that failed: which bytes it changed is not known. */
  forgetHeld(): void {
    this.#held.fill(-1)
  }

  /** Bytes that the contents take. */
  get bytes(): number {
    let words = 0
    for (const table of this.#tables) words += table.tuples.length
    return words * 4
  }
}
