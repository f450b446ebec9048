/**
 * Faults. Each kind has a budget; a fault that is not within its budget is not armed. Crash is power loss: private and
 * shared memory are gone, queue pairs are gone, and of the unflushed tail of the disk is left what `disk-crash.ts` says;
 * likewise when a halted machine is started anew. A paused process runs no handler while its NIC serves reads and writes
 * of its memory (zombie).
 */
import { type FaultKind, faultKinds, locate, struct, u32 } from '../../protocol/index.js'
import { choiceOf, outcomeCount, outcomeOf, tailTexts } from './disk-crash.js'
import { NodeStatus } from './node-parts.js'
import { Outcome, single } from './site.js'
import type { World } from './world.js'

export const budgetLayout = struct(
  Object.fromEntries(faultKinds.map((kind) => [kind.replace(/-./, (dash) => dash[1]!.toUpperCase()), u32])),
)
export const unlimited = 0xffffffff
export const budgetIndex = (kind: FaultKind): number => faultKinds.indexOf(kind)

/** Faults that undo another one; they stay possible when the faults have ended. */
export const repairs: readonly FaultKind[] = ['restart', 'resume', 'heal', 'mend']

export function nodeFaultSites(world: World, index: number): void {
  const node = world.nodes[index]!
  const disk = world.disks[index]
  const name = world.nodeName(index)
  const status = node.parts.status.index
  const memory = [
    status,
    node.parts.control.index,
    node.parts.state.index,
    node.parts.effects.index,
    node.parts.copies.index,
    ...node.parts.regions.map((r) => r.index),
  ]
  const onDisk = disk === undefined ? [] : [disk.part.index]
  const flows =
    world.fabric?.flows
      .filter((f) => f.from === index || f.to === index)
      .flatMap((f) => [f.end.index, f.queue.index])
      .concat(world.fabric.registrations.map((registrations) => registrations.part.index))
      // What its peers have accepted of it may be placed at once.
      .concat(world.nodes.flatMap((peer) => peer.parts.regions.map((region) => region.index))) ?? []
  const shared = { ...single, node: index, from: -1, reads: [] as number[], describe: () => '' }

  /** All but the disk and the incarnation is gone, and its end of every queue pair. */
  function loseAll(): void {
    node.loseMemory()
    world.fabric?.loseEnds(index)
  }

  /** What a loss of power may leave of the unflushed tail, a bit each; without a tail only the first. */
  const tails = (): number => disk?.crashOutcomes() ?? 1

  world.addFault('crash', index, {
    ...shared,
    kind: 'crash',
    name: `crash ${name}`,
    guards: [status, ...onDisk],
    writes: [...memory, ...onDisk, ...flows],
    armed: () => (node.status() === NodeStatus.down ? 0 : outcomeCount(tails())),
    subject: (choice) => outcomeOf(tails(), choice),
    find(subject) {
      return this.armed() === 0 ? -1 : choiceOf(tails(), subject)
    },
    step(choice) {
      const tail = outcomeOf(tails(), choice)
      loseAll()
      node.setStatus(NodeStatus.down)
      disk?.crash(tail)
      return Outcome.moved
    },
    describe: (choice) => (tails() === 1 ? '' : tailTexts[outcomeOf(tails(), choice)]!),
  })
  /** A node that is down has lost its tail already, or keeps it, when only its process died. */
  function restarts(): number {
    const now = node.status()
    return now === NodeStatus.down ? 1 : now === NodeStatus.halted ? tails() : 0
  }
  world.addFault('restart', index, {
    ...shared,
    kind: 'restart',
    name: `restart ${name}`,
    guards: [status, ...onDisk],
    reads: [...flows, ...node.reads],
    writes: [...new Set([...node.writes, ...memory, ...onDisk, ...flows])],
    armed: () => (restarts() === 0 ? 0 : outcomeCount(restarts())),
    subject: (choice) => outcomeOf(restarts(), choice),
    find(subject) {
      return this.armed() === 0 ? -1 : choiceOf(restarts(), subject)
    },
    step(choice) {
      if (node.status() === NodeStatus.halted) {
        disk?.crash(outcomeOf(tails(), choice))
        loseAll()
      }
      node.boot(true, disk?.recover(node) ?? 0)
      return Outcome.moved
    },
    describe: () => `incarnation ${String(node.incarnation() + 1)}`,
  })
  if (disk !== undefined)
    world.addFault('wipe', index, {
      ...shared,
      kind: 'wipe',
      name: `wipe ${name}`,
      guards: [status, ...onDisk],
      writes: onDisk,
      armed: () => (node.status() === NodeStatus.down && !disk.isEmpty() ? 1 : 0),
      step() {
        disk.wipe()
        return Outcome.moved
      },
    })
  world.addFaultWhenBudgeted('kill', index, {
    ...shared,
    kind: 'kill',
    name: `kill ${name}`,
    guards: [status],
    writes: [...memory, ...onDisk, ...flows],
    armed: () => (node.isRunning() ? 1 : 0),
    step() {
      if (world.knobs.broken.includes('delayed-teardown')) tearDown()
      else node.setStatus(NodeStatus.dying)
      return Outcome.moved
    },
  })
  if (world.canBe('kill'))
    world.addSite({
      ...shared,
      kind: 'teardown',
      name: `teardown ${name}`,
      guards: [status],
      writes: [...memory, ...onDisk, ...flows],
      armed: () => (node.status() === NodeStatus.dying ? 1 : 0),
      step() {
        tearDown()
        return Outcome.moved
      },
    })
  /** The kernel keeps what the process has appended: only its memory and its queue pairs are gone. */
  function tearDown(): void {
    loseAll()
    node.setStatus(NodeStatus.down)
    disk?.loseProcess()
  }
  world.addFaultWhenBudgeted('halt', index, {
    ...shared,
    kind: 'halt',
    name: `halt ${name}`,
    guards: [status],
    writes: [status],
    armed: () => (node.isRunning() || node.status() === NodeStatus.paused ? 1 : 0),
    step() {
      node.setStatus(NodeStatus.halted)
      return Outcome.moved
    },
  })
  corruptSite(world, index)
  const pausing = { ...shared, guards: [status], writes: [status] }
  world.addFault('pause', index, {
    ...pausing,
    kind: 'pause',
    name: `pause ${name}`,
    armed: () => (node.status() === NodeStatus.up ? 1 : 0),
    step() {
      node.setStatus(NodeStatus.paused)
      return Outcome.moved
    },
  })
  world.addFault('resume', index, {
    ...pausing,
    kind: 'resume',
    name: `resume ${name}`,
    armed: () => (node.status() === NodeStatus.paused ? 1 : 0),
    step() {
      node.setStatus(NodeStatus.up)
      return Outcome.moved
    },
  })
}

/** A word of registered memory changes by itself, and nothing says so. */
function corruptSite(world: World, index: number): void {
  const node = world.nodes[index]!
  const { regions } = node.parts
  const total = regions.reduce((sum, region) => sum + region.sizeBytes / 8, 0)
  const status = node.parts.status.index
  const parts = regions.map((region) => region.index)
  function wordOf(choice: number): { part: number; word: number; region: number } {
    let left = choice
    for (const [i, region] of regions.entries()) {
      const words = region.sizeBytes / 8
      if (left < words) return { part: region.index, word: region.offset / 4 + left * 2, region: i }
      left -= words
    }
    throw new RangeError(`there is no word ${String(choice)} to corrupt`)
  }
  if (total === 0) return
  world.addFaultWhenBudgeted('corrupt', index, {
    kind: 'corrupt',
    name: `corrupt ${world.nodeName(index)}`,
    node: index,
    from: -1,
    guards: [status],
    reads: parts,
    writes: parts,
    armed: () => (node.status() === NodeStatus.down ? 0 : total),
    subject: (choice) => choice,
    find(subject) {
      return subject < this.armed() ? subject : -1
    },
    step(choice) {
      const { part, word } = wordOf(choice)
      world.memory.words[word] = (world.memory.words[word]! ^ 0x40000001) >>> 0
      world.touch(part)
      return Outcome.moved
    },
    describe(choice) {
      const { word, region } = wordOf(choice)
      const part = regions[region]!
      return `${part.name} ${locate(part.layout, word * 4 - part.offset)}`
    },
  })
}

export function linkFaultSites(world: World, from: number, to: number): void {
  const path = `${world.nodeName(from)}→${world.nodeName(to)}`
  const links = [world.links.index]
  const shared = { ...single, node: to, from, guards: links, reads: [], writes: links, describe: () => '' }
  world.addFault('cut', to, {
    ...shared,
    kind: 'cut',
    name: `cut ${path}`,
    armed: () => (world.isCut(from, to) ? 0 : 1),
    step() {
      world.setCut(from, to, true)
      return Outcome.moved
    },
  })
  world.addFault('heal', to, {
    ...shared,
    kind: 'heal',
    name: `heal ${path}`,
    armed: () => (world.isCut(from, to) ? 1 : 0),
    step() {
      world.setCut(from, to, false)
      return Outcome.moved
    },
  })
}

/** The end of all faults: no budget is left but for repairs. Never armed by itself; a scheduler takes it by name. */
export function calmSite(world: World): void {
  const budgets = world.budgets
  world.addSite({
    kind: 'calm',
    name: 'calm',
    node: -1,
    from: -1,
    guards: [budgets.index],
    reads: [],
    writes: [budgets.index],
    armed: () => 0,
    subject: () => 0,
    find: () => 0,
    step() {
      faultKinds.forEach((kind, i) => {
        world.memory.words[budgets.offset / 4 + i] = repairs.includes(kind) ? unlimited : 0
      })
      world.touch(budgets.index)
      return Outcome.moved
    },
    describe: () => 'the faults end',
  })
}
