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

  /**
   * Takes the world's present state as the initial one.
   *
   * @param classOf by part: parts of one class have their contents, and so their ids, in common
   */
  constructor(world: World, classOf?: Int32Array) {
    const { parts } = world.memory
    this.#world = world
    const tables = parts.map((part) => new TupleTable(part.sizeBytes / 4))
    this.#tables = tables.map((own, part) => tables[classOf?.[part] ?? part] ?? own)
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

  /** The ids of what all parts hold now, whoever put it there. */
  captureAll(ids: Int32Array): void {
    for (let part = 0; part < this.#held.length; part++) ids[part] = this.capture(part)
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

  /** A copy of the contents with an id. */
  content(part: number, id: number): Uint32Array<ArrayBuffer> {
    const { tuples, width } = this.#tables[part]!
    return Uint32Array.from(tuples.subarray(id * width, (id + 1) * width))
  }

  /** The id of contents that the world need not hold. */
  intern(part: number, content: Uint32Array): number {
    return this.#tables[part]!.intern(content)
  }

  /** After a step that failed: which bytes it changed is not known. */
  forgetHeld(): void {
    this.#held.fill(-1)
  }

  /** Bytes that the contents take. */
  get bytes(): number {
    let words = 0
    for (const table of new Set(this.#tables)) words += table.tuples.length
    return words * 4
  }
}
