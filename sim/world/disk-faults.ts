/**
 * Faults of a disk itself: a flush that fails, a durable record that rots, an append that lands in the wrong place.
 *
 * Rot and misdirected writes are silent: the disk goes on saying `ok`, and only who reads the log back can see it. The
 * log is read at a restart only, so rot strikes while the node is down: to have struck earlier would be the same.
 *
 * Sources: Bairavasundaram and others, "An Analysis of Data Corruption in the Storage Stack" (FAST 2008), for rot and
 * misdirected writes; Rebello and others, "Can Applications Recover from fsync Failures?" (USENIX ATC 2020).
 */
import type { Disk } from './disk.js'
import type { Node } from './node.js'
import { NodeStatus } from './node-parts.js'
import { Outcome, single } from './site.js'
import type { World } from './world.js'

export function diskFaultSites(world: World, node: Node, disk: Disk): void {
  const name = world.nodeName(node.index)
  const { index } = node
  const part = disk.part.index
  const shared = { node: index, from: -1, reads: [] as number[], writes: [part] }

  world.addFaultWhenBudgeted('fail-flush', index, {
    ...shared,
    ...single,
    kind: 'fail-flush',
    name: `fail-flush ${name}`,
    guards: [part, ...node.readyParts],
    gate: disk.flushGate,
    reads: node.reads,
    writes: node.writes,
    armed: () => (node.ready() && disk.pendingFlushes() > 0 ? 1 : 0),
    subject: () => disk.flushOrdinal(),
    find(subject) {
      return this.armed() > 0 && disk.flushOrdinal() === subject ? 0 : -1
    },
    step() {
      disk.failFlush(node)
      return Outcome.moved
    },
    describe: () => `${String(disk.pendingFlushes())} pending`,
  })

  // A record without payload has nothing to rot.
  const rots = victims(disk, (at, next) => next > at + 4)
  world.addFaultWhenBudgeted('rot', index, {
    ...shared,
    kind: 'rot',
    name: `rot ${name}`,
    guards: [node.parts.status.index, part],
    armed: () => (node.status() === NodeStatus.down ? rots.count() : 0),
    subject: rots.subject,
    find(subject) {
      return this.armed() === 0 ? -1 : rots.find(subject)
    },
    step(choice) {
      disk.rot(rots.at(choice))
      return Outcome.moved
    },
    describe: (choice) => `record ${String(rots.subject(choice))} changes by itself`,
  })

  const overwritten = victims(disk, () => true)
  world.addFaultWhenBudgeted('misdirect', index, {
    ...shared,
    kind: 'misdirect',
    name: `misdirect ${name}`,
    guards: [part],
    armed: () => (disk.appendUnderWay() < 0 ? 0 : overwritten.count()),
    subject: overwritten.subject,
    find(subject) {
      return this.armed() === 0 ? -1 : overwritten.find(subject)
    },
    step(choice) {
      disk.misdirect(overwritten.at(choice))
      return Outcome.moved
    },
    describe: (choice) => `the last append lands on record ${String(overwritten.subject(choice))}`,
  })
}

/** The durable records that `may` be struck, as choices; their subjects count records since the start of the run. */
function victims(disk: Disk, may: (at: number, next: number) => boolean) {
  const { records } = disk
  /** Where choice `choice` begins in the log, or -1. */
  const at = (choice: number): number => {
    const total = disk.totalBytes()
    let left = choice
    for (let from = 0, next: number; from < total; from = next) {
      next = records.next(from, total)
      if (disk.isDurable(from) && may(from, next) && left-- === 0) return from
    }
    return -1
  }
  const subject = (choice: number): number => disk.recordOrdinal(records.count(0, at(choice)))
  return {
    at,
    subject,
    count(): number {
      let count = 0
      while (at(count) >= 0) count++
      return count
    },
    find(wanted: number): number {
      for (let choice = 0; at(choice) >= 0; choice++) if (subject(choice) === wanted) return choice
      return -1
    },
  }
}
