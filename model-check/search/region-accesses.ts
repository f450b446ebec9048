/**
 * Which bytes of regions a step is about to read and write, from the state before it. What is named here follows from
 * other parts that the step reads (windows and observes from the control part, requests from a queue), never from the
 * contents of regions.
 */
import { isAtomic, isWrite } from '../../sim/world/fabric/flow.js'
import {
  type Flow,
  Operation,
  Phase,
  acceptedCountAt,
  acceptedOf,
  arrivedAt,
  countAt,
  flagsAt,
  lengthAt,
  localAt,
  operationAt,
  phaseAt,
  requestOf,
  taken,
  targetAt,
} from '../../sim/world/fabric/flow.js'
import { EffectKind, payloadLength, recordWords } from '../../sim/world/effects.js'
import { mostObserves, observeWords, windowsAt } from '../../sim/world/node-parts.js'
import type { Node } from '../../sim/world/node.js'
import type { Part } from '../../sim/world/memory.js'
import type { Site } from '../../sim/world/site.js'
import { waitingRecordsAt } from '../../sim/world/waiting-effects.js'
import type { World } from '../../sim/world/world.js'
import { Flag, byteOffsetOf, regionOf } from '../../protocol/index.js'

export interface RegionVisitor {
  read(region: number, offset: number, length: number): void
  write(region: number, offset: number, length: number): void
}

/** To be called before a step of a site. */
export function visitRegionsBefore(
  world: World,
  site: Site,
  flow: Flow | undefined,
  to: RegionVisitor,
): void {
  switch (site.kind) {
    case 'poll':
      return visitWindows(world, world.nodes[site.node]!, to)
    case 'observe':
      return visitObserves(world, world.nodes[site.node]!, to)
    case 'store':
      return visitWaitingPublishes(world, world.nodes[site.node]!, to)
    case 'arrive':
      return visitSource(world, flow!, world.fabric!.responder.firstUnarrived(flow!), to)
    case 'fetch':
      return visitSource(world, flow!, world.fabric!.requester.unfetched(flow!), to)
    case 'place':
      return visitPlacements(world, flow!, to)
    case 'answer':
      return visitAnswer(world, flow!, to)
    case 'complete':
      return visitSurrender(world, flow!, to)
    default:
  }
}

function visitWindows({ memory: { words } }: World, { parts, definition }: Node, to: RegionVisitor): void {
  definition.windows.forEach(({ layout }, window) => {
    const at = parts.control.offset / 4 + windowsAt + 2 * window
    const region = parts.regions[words[at]! - 1]
    if (region !== undefined) to.read(region.index, words[at + 1]!, layout.sizeBytes)
  })
}

function visitObserves({ memory: { words } }: World, { parts, definition }: Node, to: RegionVisitor): void {
  const first = parts.control.offset / 4 + windowsAt + 2 * Math.max(1, definition.windows.length)
  for (let slot = 0; slot < mostObserves; slot++) {
    const at = first + slot * observeWords
    const region = parts.regions[words[at]! - 1]
    if (region !== undefined) to.read(region.index, words[at + 1]!, words[at + 2]!)
  }
}

function visitWaitingPublishes({ memory: { words } }: World, { parts }: Node, to: RegionVisitor): void {
  const base = parts.effects.offset / 4
  for (let i = 0; i < words[base]!; i++)
    visitPublish(parts.regions, words, base + waitingRecordsAt + i * recordWords, to)
}

/** What the effects of a handler that has run wrote to its own regions at once. */
export function visitPublishes(world: World, { log, parts }: Node, to: RegionVisitor): void {
  if (world.knobs.poll === 'loads') return
  for (let i = 0; i < log.count; i++) visitPublish(parts.regions, log.records, i * recordWords, to)
}

function visitPublish(regions: readonly Part[], records: Uint32Array, at: number, to: RegionVisitor): void {
  if (records[at] !== EffectKind.publish) return
  const region = regions[records[at + 1]!]
  if (region !== undefined) to.write(region.index, records[at + 2]!, records[at + payloadLength]!)
}

/** The payload of request `i` that is still in the memory of its requester. */
function visitSource({ nodes, memory: { words } }: World, flow: Flow, i: number, to: RegionVisitor): void {
  if (i < 0) return
  const request = requestOf(flow, i)
  if (!isWrite(words[request + operationAt]!) || (words[request + flagsAt]! & Flag.inline) !== 0) return
  const local = words[request + localAt]!
  const region = nodes[flow.from]!.parts.regions[regionOf(local)]
  if (region !== undefined) to.read(region.index, byteOffsetOf(local), words[request + lengthAt]!)
}

/** Where requests of which something has arrived take effect. */
function visitPlacements(world: World, flow: Flow, to: RegionVisitor): void {
  const { words } = world.memory
  const visit = (request: number): void => {
    const operation = words[request + operationAt]!
    if (words[request + phaseAt]! >= Phase.executed || words[request + arrivedAt] === 0) return
    const target = words[request + targetAt]!
    if (target === taken || operation === Operation.send || operation === Operation.bind) return
    const region = world.nodes[flow.to]!.parts.regions[regionOf(target)]
    if (region === undefined) return
    const length = isAtomic(operation) ? 8 : words[request + lengthAt]!
    if (!isWrite(operation)) to.read(region.index, byteOffsetOf(target), length)
    if (operation !== Operation.read) to.write(region.index, byteOffsetOf(target), length)
  }
  for (let i = 0; i < words[flow.queueBase + countAt]!; i++) visit(requestOf(flow, i))
  for (let i = 0; i < words[flow.queueBase + acceptedCountAt]!; i++) visit(acceptedOf(flow, i))
}

function visitAnswer(world: World, flow: Flow, to: RegionVisitor): void {
  const { words } = world.memory
  const { answers } = world.fabric!
  if (answers.landable(flow, -1) === 0) return
  const { request } = answers
  const local = words[request + localAt]!
  const region = world.nodes[flow.from]!.parts.regions[regionOf(local)]
  const length = isAtomic(words[request + operationAt]!) ? 8 : words[request + lengthAt]!
  if (region !== undefined) to.write(region.index, byteOffsetOf(local), length)
}

/** Where too many requests are acknowledged and not yet placed, a completion places the oldest at once. */
function visitSurrender({ nodes, memory: { words } }: World, flow: Flow, to: RegionVisitor): void {
  if (words[flow.queueBase + acceptedCountAt]! + words[flow.queueBase + countAt]! <= flow.depth) return
  for (const { index, sizeBytes } of nodes[flow.to]!.parts.regions) {
    to.read(index, 0, sizeBytes)
    to.write(index, 0, sizeBytes)
  }
}
