/**
 * A node's disk: an append-only log of records. This is the file as a process sees it, and what of it is durable.
 *
 * Guarantees, while no fault strikes the disk itself: what a flush that returned `ok` covers survives a crash. Of what
 * was appended later a crash keeps nothing, all, a torn record, or later records without the first (`disk-crash.ts`).
 * A truncation takes effect with the next good flush. Appends beyond the capacity are not stored, and the next flush
 * (and others in flight) say `diskFull`. Flushes return in order.
 *
 * A flush that fails says `diskFailed`, and all that was appended before its return and is not durable is void: the
 * operating system has marked those pages clean. No later flush makes them durable; only what is appended anew is
 * covered. A void record reads well as long as the power stays on. A truncation that was asked for waits for the next
 * good flush.
 *
 * A stalled disk needs nothing of its own: without a clock a flush may stay in flight for as long as a scheduler likes;
 * with one it is the slow draw of the latency table.
 */
import {
  Handler,
  type DiskModel,
  InvariantViolation,
  Status,
  array,
  bytes,
  struct,
  u32,
} from '../../protocol/index.js'
import { loseTail, tailOutcomes } from './disk-crash.js'
import { diskFaultSites } from './disk-faults.js'
import { DiskRecords, markBytes, recordBytes } from './disk-records.js'
import { type MemoryPlan, type Part, closeGap } from './memory.js'
import type { Node } from './node.js'
import { Outcome, single } from './site.js'
import type { World } from './world.js'

// Words of the part.
const flushedAt = 0
const totalAt = 1
const truncatedAt = 2
const overflowAt = 3
const voidsAt = 4
const flushCountAt = 5
const flushesAt = 6
const flushWords = 4
/** Whether a record was lost that no flush has been asked about, or one that a flush in flight will tell of. */
const Overflow = { none: 0, unsaid: 1, asked: 2 } as const

export interface DiskParts {
  readonly part: Part
  /** Side slots: flushes asked for and records dropped from the front since the start of the run. */
  readonly side: number
}

export function planDisk(plan: MemoryPlan, name: string, node: number, model: DiskModel): DiskParts {
  const flush = struct({ token: u32, covers: u32, truncates: u32, overflowed: u32 })
  const layout = struct({
    flushedBytes: u32,
    totalBytes: u32,
    truncatedBytes: u32,
    overflowed: u32,
    voidRecords: u32,
    flushCount: u32,
    flushes: array(flush, model.flushes),
    marks: bytes(markBytes(model.capacityBytes)),
    records: bytes(model.capacityBytes),
  })
  return { part: plan.part(`${name} disk`, 'disk', node, layout), side: plan.side(2) }
}

export class Disk {
  readonly part: Part
  readonly records: DiskRecords
  /** Word of the state that is zero while no flush is in flight. */
  readonly flushGate: number
  readonly #side: number
  readonly #world: World
  readonly #words: Uint32Array
  readonly #base: number
  readonly #model: DiskModel
  readonly #tears: boolean
  readonly #voids: boolean

  constructor(world: World, parts: DiskParts, model: DiskModel) {
    const { broken } = world.knobs
    this.part = parts.part
    this.#side = parts.side
    this.#world = world
    this.#words = world.memory.words
    this.#base = parts.part.offset / 4
    this.flushGate = this.#base + flushCountAt
    const head = (flushesAt + model.flushes * flushWords) * 4
    this.records = new DiskRecords(world.memory, parts.part.offset + head, model.capacityBytes)
    this.#model = model
    this.#tears = !broken.includes('unflushed-torn')
    this.#voids = !broken.includes('failed-flush-voids')
  }

  /** Bytes of the log that are there, and the first so many that good flushes have covered. */
  totalBytes(): number {
    return this.#words[this.#base + totalAt]!
  }
  flushedBytes(): number {
    return this.#words[this.#base + flushedAt]!
  }

  // ---- what a core asks for

  append(payload: Uint8Array, from: number, length: number): void {
    const words = this.#words
    const base = this.#base
    const total = words[base + totalAt]!
    const size = recordBytes(length)
    if (total + size > this.#model.capacityBytes) {
      if (words[base + overflowAt] === Overflow.unsaid) return
      words[base + overflowAt] = Overflow.unsaid
      this.#world.touch(this.part.index)
      return
    }
    this.records.append(total, payload, from, length)
    words[base + totalAt] = total + size
    this.#world.touch(this.part.index)
  }

  truncate(records: number): void {
    const words = this.#words
    const base = this.#base
    const total = words[base + totalAt]!
    let at = words[base + truncatedAt]!
    for (let i = 0; i < records && at < total; i++) at = this.records.next(at, total)
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

  // ---- flushes

  pendingFlushes(): number {
    return this.#words[this.#base + flushCountAt]!
  }
  /** Ordinal of the flush at the front, counted since the start of the run. */
  flushOrdinal(): number {
    return this.#world.memory.side[this.#side]! - this.pendingFlushes()
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
    this.#shiftFlushes()
    // A full disk promises nothing of what it was asked for.
    if (status === Status.ok) {
      words[base + flushedAt] = covers
      if (cut > 0) this.#dropFront(cut)
    }
    node.run(Handler.stored, token, status, 0)
  }

  /** The flush at the front fails: what is not durable by now is void, and the core is told. */
  failFlush(node: Node): void {
    const words = this.#words
    const base = this.#base
    const token = words[base + flushesAt]!
    this.#shiftFlushes()
    if (this.#voids) {
      const total = words[base + totalAt]!
      this.records.voidAll(words[base + flushedAt]!, total)
      words[base + voidsAt] = this.records.countVoid(0, total)
    }
    node.run(Handler.stored, token, Status.diskFailed, 0)
  }

  #shiftFlushes(): void {
    const words = this.#words
    const base = this.#base
    const at = base + flushesAt
    const count = words[base + flushCountAt]! - 1
    closeGap(words, at, flushWords, at + (count + 1) * flushWords)
    words[base + flushCountAt] = count
    if (words[base + overflowAt] === Overflow.asked) words[base + overflowAt] = Overflow.none
    this.#world.touch(this.part.index)
  }

  #dropFront(cut: number): void {
    const words = this.#words
    const base = this.#base
    const total = words[base + totalAt]!
    this.#world.memory.side[this.#side + 1]! += this.records.count(0, cut)
    this.records.dropFront(cut, total)
    if (words[base + voidsAt]! > 0) words[base + voidsAt] = this.records.countVoid(0, total - cut)
    words[base + totalAt] = total - cut
    words[base + flushedAt] = words[base + flushedAt]! - cut
    words[base + truncatedAt] = words[base + truncatedAt]! - cut
    const pending = words[base + flushCountAt]!
    for (let i = 0; i < pending; i++) {
      const at = base + flushesAt + i * flushWords
      words[at + 1] = words[at + 1]! - cut
      words[at + 2] = words[at + 2]! - cut
    }
  }

  // ---- crashes

  /** What a loss of power may leave of the tail: a mask of `1 << Tail.…`. */
  crashOutcomes(): number {
    const words = this.#words
    const base = this.#base
    const voids = words[base + voidsAt]!
    return tailOutcomes(this.records, words[base + flushedAt]!, words[base + totalAt]!, voids, this.#tears)
  }

  /** Power is lost: flushes in flight never return, and of the tail is left what the outcome says. That is durable. */
  crash(outcome: number): void {
    const words = this.#words
    const base = this.#base
    const total = words[base + totalAt]!
    const left = loseTail(this.records, outcome, words[base + flushedAt]!, total)
    this.records.voidNone(left)
    this.records.mark(left, total, left)
    words[base + totalAt] = left
    words[base + flushedAt] = left
    words[base + voidsAt] = 0
    this.#forgetRequests()
  }

  /** The process is gone and the power stays on: the log stays as it was, durable or not. */
  loseProcess(): void {
    const words = this.#words
    const base = this.#base
    const total = words[base + totalAt]!
    words[base + flushedAt] = this.records.mark(total, total, words[base + flushedAt]!)
    words[base + voidsAt] = this.records.countVoid(0, total)
    this.#forgetRequests()
  }

  /** Flushes in flight never return, truncations are forgotten. */
  #forgetRequests(): void {
    const words = this.#words
    const base = this.#base
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

  /** Hands the log to a core that starts, with zeros behind it; returns its length in bytes. */
  recover(node: Node): number {
    const total = this.#words[this.#base + totalAt]!
    if (total > node.inputBytes.length)
      throw new InvariantViolation(
        `the records of ${this.part.name} (${String(total)} bytes) must fit the core's scratch (${String(node.inputBytes.length)} bytes)`,
      )
    this.records.copyOut(node.inputWords, total)
    node.inputWords.fill(0, total / 4)
    return total
  }

  // ---- faults of the disk itself

  isDurable(at: number): boolean {
    return at < this.flushedBytes() && !this.records.isVoid(at)
  }
  /** Number of a record since the start of the run, for names: those dropped before, and `index` in the log. */
  recordOrdinal(index: number): number {
    return this.#world.memory.side[this.#side + 1]! + index
  }

  /** The last record, if it is on its way to the disk: neither durable nor void nor gone astray already. Else -1. */
  appendUnderWay(): number {
    const { records } = this
    const words = this.#words
    const total = words[this.#base + totalAt]!
    const flushed = words[this.#base + flushedAt]!
    if (flushed >= total) return -1
    let last = flushed
    for (let next = records.next(last, total); next < total; next = records.next(next, total)) last = next
    return records.isVoid(last) || records.isBlank(last, total) ? -1 : last
  }

  /** A durable record changes by itself: the lowest bit of the first word behind its length. */
  rot(at: number): void {
    this.records.flip(at + 4)
    this.#world.touch(this.part.index)
  }

  /** The append under way lands on an older record, as far as that reaches; where it belongs there are zeros. */
  misdirect(victim: number): void {
    const total = this.totalBytes()
    const from = this.appendUnderWay()
    const length = Math.min(this.records.next(victim, total) - victim, total - from)
    this.records.overwrite(victim, from, length)
    this.records.blank(from, total)
    this.#world.touch(this.part.index)
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
    gate: disk.flushGate,
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
  diskFaultSites(world, node, disk)
}
