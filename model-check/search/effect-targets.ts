/**
 * Which parts the effects of a handler may read or write. A site declares all parts that its handler may write; what one
 * run of the handler asked for touches few of them, and only these need to be in the key of a remembered step.
 */
import { EffectKind, recordWords } from '../../sim/world/effects.js'
import type { Node } from '../../sim/world/node.js'
import type { ActionKind, Site } from '../../sim/world/site.js'
import type { World } from '../../sim/world/world.js'

/** Kinds of steps that run one handler at the site's node, and apply its effects. */
const handlerKinds: ReadonlySet<ActionKind> = new Set<ActionKind>([
  'poll',
  'observe',
  'timer',
  'input',
  'deliver',
  'complete',
  'receive',
  'flush',
  'fail-flush',
  'request',
  'duplicate',
])

/** The node whose effect log tells what a step of this site touches, or undefined where only declarations tell. */
export function handlerNode(world: World, site: Site): Node | undefined {
  return handlerKinds.has(site.kind) ? world.nodes[site.node] : undefined
}

/**
 * The parts of which a step reads bytes whatever its handler asks for: all that the site reads, and what it writes
 * beyond what a handler may.
 */
export function fixedFootprint(site: Site, node: Node | undefined): number[] {
  const own = node === undefined ? site.writes : site.writes.filter((part) => !node.writes.includes(part))
  return [...new Set([...site.guards, ...site.reads, ...own])].sort((a, b) => a - b)
}

/** Calls `visit` for each part that the effects in the node's log touch. Parts may come more than once. */
export function visitTargets(world: World, node: Node, visit: (part: number) => void): void {
  const { log, parts } = node
  for (let i = 0; i < log.count; i++) {
    const at = i * recordWords
    const first = log.records[at + 1]!
    switch (log.records[at]) {
      case EffectKind.note:
      case EffectKind.deliver:
        break
      case EffectKind.send: {
        const channel = world.channels[node.index * world.nodeCount + first]
        if (channel !== undefined) visit(channel.part.index)
        break
      }
      case EffectKind.reply: {
        const client = world.clients?.parts[first]
        if (client !== undefined) visit(client.replies.index)
        break
      }
      case EffectKind.watch:
      case EffectKind.observe:
      case EffectKind.setTimer:
      case EffectKind.cancelTimer:
        visit(parts.control.index)
        break
      case EffectKind.append:
      case EffectKind.flush:
      case EffectKind.truncate:
        if (world.disks[node.index] !== undefined) visit(world.disks[node.index]!.part.index)
        break
      case EffectKind.publish:
        // Word by word it waits in the effects, and the site's own steps land it.
        if (world.knobs.poll === 'loads') visit(parts.effects.index)
        else if (parts.regions[first] !== undefined) visit(parts.regions[first].index)
        break
      case EffectKind.protect:
        visitRegistrations(world, node, visit)
        break
      case EffectKind.bind:
        visitRegistrations(world, node, visit)
        visitQueuePair(world, node, first, visit)
        break
      default:
        visitQueuePair(world, node, first, visit)
    }
  }
}

function visitRegistrations(world: World, node: Node, visit: (part: number) => void): void {
  const registrations = world.fabric?.registrations[node.index]
  if (registrations !== undefined) visit(registrations.part.index)
}

function visitQueuePair(world: World, node: Node, queuePair: number, visit: (part: number) => void): void {
  const { fabric } = world
  if (fabric === undefined) return
  for (const flow of fabric.flows) {
    if (flow.from !== node.index) continue
    if (flow.to * fabric.model.pairsPerPeer + flow.pair !== queuePair) continue
    visit(flow.end.index)
    visit(flow.queue.index)
  }
  // Where late fetch is switched off, a request takes its payload at the post.
  if (!fabric.rules.lateFetch) for (const region of node.parts.regions) visit(region.index)
}
