/**
 * A node's disk: an append-only log of records.
 *
 * Guarantees: what a flush that returned `ok` covers survives a crash; of what was appended later a crash keeps either
 * nothing or all (choice of the crash action). A truncation takes effect with the next flush. Appends beyond the
 * capacity are not stored, and the next flush (and others in flight) say `diskFull`. Flushes return in order.
 */
import {
  type DiskModel,
  InvariantViolation,
  Status,
  array,
  bytes,
  struct,
  u32,
} from '../../protocol/index.js'
import type { MemoryPlan, Part } from './memory.js'
import { Handler, type Node } from './node.js'
import { Outcome, single } from './site.js'
import type { World } from './world.js'

// Words of the part.
const flushedAt = 0
const totalAt = 1
const truncatedAt = 2
const overflowAt = 3
const flushCountAt = 4
const flushesAt = 5
const flushWords = 4
/** Whether a record was lost that no flush has been asked about, or one that a flush in flight will tell of. */
const Overflow = { none: 0, unsaid: 1, asked: 2 } as const

export interface DiskParts {
  readonly part: Part
  readonly side: number
}

export function planDisk(plan: MemoryPlan, name: string, node: number, model: DiskModel): DiskParts {
  const flush = struct({ token: u32, covers: u32, truncates: u32, overflowed: u32 })
  const layout = struct({
    flushedBytes: u32,
    totalBytes: u32,
    truncatedBytes: u32,
    overflowed: u32,
    flushCount: u32,
    flushes: array(flush, model.flushes),
    records: bytes(model.capacityBytes),
  })
  return { part: plan.part(`${name} disk`, 'disk', node, layout), side: plan.side(1) }
}

export class Disk {
  readonly part: Part
  readonly #side: number
  readonly #world: World
  readonly #words: Uint32Array
  readonly #base: number
  readonly #records: number
  readonly #model: DiskModel

  constructor(world: World, parts: DiskParts, model: DiskModel) {
    this.part = parts.part
    this.#side = parts.side
    this.#world = world
    this.#words = world.memory.words
    this.#base = parts.part.offset / 4
    this.#records = parts.part.offset + (flushesAt + model.flushes * flushWords) * 4
    this.#model = model
  }

  append(payload: Uint8Array, from: number, length: number): void {
    const words = this.#words
    const base = this.#base
    const total = words[base + totalAt]!
    const size = 4 + ((length + 3) & ~3)
    if (total + size > this.#model.capacityBytes) {
      if (words[base + overflowAt] === Overflow.unsaid) return
      words[base + overflowAt] = Overflow.unsaid
      this.#world.touch(this.part.index)
      return
    }
    this.#world.touch(this.part.index)
    const bytes = this.#world.memory.bytes
    const at = this.#records + total
    words[at / 4] = length
    for (let i = 0; i < length; i++) bytes[at + 4 + i] = payload[from + i]!
    words[base + totalAt] = total + size
  }

  truncate(records: number): void {
    const words = this.#words
    const base = this.#base
    let at = words[base + truncatedAt]!
    for (let i = 0; i < records && at < words[base + totalAt]!; i++)
      at += 4 + ((words[(this.#records + at) / 4]! + 3) & ~3)
    if (at === words[base + truncatedAt]) return
    words[base + truncatedAt] = at
    this.#world.touch(this.part.index)
  }

  requestFlush(token: number): void {
    const words = this.#words
    const base = this.#base
    const count = words[base + flushCountAt]!
    if (count === this.#model.flushes)
      throw new InvariantViolation(`${this.part.name} must have at most ${String(count)} flushes in flight`)
    const at = base + flushesAt + count * flushWords
    words[at] = token
    words[at + 1] = words[base + totalAt]!
    words[at + 2] = words[base + truncatedAt]!
    words[at + 3] = words[base + overflowAt] === Overflow.none ? 0 : 1
    if (words[at + 3] === 1) words[base + overflowAt] = Overflow.asked
    words[base + flushCountAt] = count + 1
    this.#world.memory.side[this.#side]!++
    this.#world.touch(this.part.index)
  }

  pendingFlushes(): number {
    return this.#words[this.#base + flushCountAt]!
  }
  /** Ordinal of the flush at the front, counted since the start of the run. */
  flushOrdinal(): number {
    return this.#world.memory.side[this.#side]! - this.pendingFlushes()
  }
  hasUnflushedTail(): boolean {
    return this.#words[this.#base + totalAt]! > this.#words[this.#base + flushedAt]!
  }

  /** The flush at the front returns: what it covers is durable, and the core is told. */
  finishFlush(node: Node): void {
    const words = this.#words
    const base = this.#base
    const at = base + flushesAt
    const token = words[at]!
    const covers = words[at + 1]!
    const cut = words[at + 2]!
    const status = words[at + 3] ? Status.diskFull : Status.ok
    const count = words[base + flushCountAt]! - 1
    words.copyWithin(at, at + flushWords, at + (count + 1) * flushWords)
    words.fill(0, at + count * flushWords, at + (count + 1) * flushWords)
    words[base + flushCountAt] = count
    words[base + flushedAt] = covers
    if (words[base + overflowAt] === Overflow.asked) words[base + overflowAt] = Overflow.none
    if (cut > 0) this.#dropFront(cut, count)
    this.#world.touch(this.part.index)
    node.run(Handler.stored, token, status, 0)
  }

  #dropFront(cut: number, pendingFlushes: number): void {
    const words = this.#words
    const base = this.#base
    const total = words[base + totalAt]!
    const bytes = this.#world.memory.bytes
    bytes.copyWithin(this.#records, this.#records + cut, this.#records + total)
    bytes.fill(0, this.#records + total - cut, this.#records + total)
    words[base + totalAt] = total - cut
    words[base + flushedAt] = words[base + flushedAt]! - cut
    words[base + truncatedAt] = words[base + truncatedAt]! - cut
    for (let i = 0; i < pendingFlushes; i++) {
      const at = base + flushesAt + i * flushWords
      words[at + 1] = words[at + 1]! - cut
      words[at + 2] = words[at + 2]! - cut
    }
  }

  /** Power is lost: flushes in flight never return, and of the unflushed tail all or nothing is kept. */
  crash(keepTail: boolean): void {
    const words = this.#words
    const base = this.#base
    const total = words[base + totalAt]!
    const flushed = words[base + flushedAt]!
    if (keepTail) words[base + flushedAt] = total
    else {
      this.#world.memory.bytes.fill(0, this.#records + flushed, this.#records + total)
      words[base + totalAt] = flushed
    }
    words[base + truncatedAt] = 0
    words[base + overflowAt] = 0
    words.fill(0, base + flushCountAt, base + flushesAt + this.#model.flushes * flushWords)
    this.#world.touch(this.part.index)
  }

  wipe(): void {
    this.#words.fill(0, this.#base, this.#base + this.part.sizeBytes / 4)
    this.#world.touch(this.part.index)
  }
  isEmpty(): boolean {
    return this.#words[this.#base + totalAt] === 0
  }

  /** Hands the records to a core that starts; returns their length in bytes. */
  recover(node: Node): number {
    const flushed = this.#words[this.#base + flushedAt]!
    if (flushed > node.inputBytes.length)
      throw new InvariantViolation(
        `the records of ${this.part.name} (${String(flushed)} bytes) must fit the core's scratch (${String(node.inputBytes.length)} bytes)`,
      )
    for (let k = 0; k < flushed / 4; k++) node.inputWords[k] = this.#words[this.#records / 4 + k]!
    return flushed
  }
}

export function diskSites(world: World, node: Node, disk: Disk): void {
  const name = world.nodeName(node.index)
  world.addSite({
    ...single,
    kind: 'flush',
    name: `flush ${name}`,
    node: node.index,
    from: -1,
    guards: [disk.part.index, ...node.readyParts],
    gate: disk.part.offset / 4 + flushCountAt,
    reads: node.reads,
    writes: node.writes,
    armed: () => (node.ready() && disk.pendingFlushes() > 0 ? 1 : 0),
    subject: () => disk.flushOrdinal(),
    find: (subject) =>
      node.ready() && disk.pendingFlushes() > 0 && disk.flushOrdinal() === subject ? 0 : -1,
    step() {
      disk.finishFlush(node)
      return Outcome.moved
    },
    describe: () => `${String(disk.pendingFlushes())} pending`,
  })
}
