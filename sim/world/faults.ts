/**
 * Faults. Each kind has a budget; a fault that is not within its budget is not armed. Crash is power loss: private and
 * shared memory are gone, queue pairs are gone, of the unflushed tail of the disk all or nothing is kept. A paused
 * process runs no handler while its NIC serves reads and writes of its memory (zombie).
 */
import { type FaultKind, faultKinds, struct, u32 } from '../../protocol/index.js'
import { NodeStatus } from './node-parts.js'
import { Outcome, single } from './site.js'
import type { World } from './world.js'

export const budgetLayout = struct(Object.fromEntries(faultKinds.map((kind) => [kind, u32])))
export const unlimited = 0xffffffff
export const budgetIndex = (kind: FaultKind): number => faultKinds.indexOf(kind)

/** Faults that undo another one; they stay possible when the faults have ended. */
const repairs: readonly FaultKind[] = ['restart', 'resume', 'heal']

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
      .flatMap((f) => [f.end.index, f.queue.index]) ?? []
  const shared = { ...single, node: index, from: -1, reads: [] as number[], describe: () => '' }

  world.addFault('crash', index, {
    ...shared,
    kind: 'crash',
    name: `crash ${name}`,
    guards: [status, ...onDisk],
    writes: [...memory, ...onDisk, ...flows],
    armed: () => (node.status() === NodeStatus.down ? 0 : disk?.hasUnflushedTail() === true ? 2 : 1),
    subject: (choice) => choice,
    find(subject) {
      return subject < this.armed() ? subject : -1
    },
    step(choice) {
      node.loseMemory()
      node.setStatus(NodeStatus.down)
      world.fabric?.loseEnds(index)
      disk?.crash(choice === 1)
      return Outcome.moved
    },
    describe: (choice) =>
      disk?.hasUnflushedTail() === true
        ? choice === 1
          ? 'the unflushed tail survives'
          : 'the unflushed tail is lost'
        : '',
  })
  world.addFault('restart', index, {
    ...shared,
    kind: 'restart',
    name: `restart ${name}`,
    guards: [status],
    reads: [...onDisk, ...node.reads],
    writes: node.writes,
    armed: () => (node.status() === NodeStatus.down ? 1 : 0),
    step() {
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
