/** A state in the words of the messages: every byte decoded by its layout, and what the last action changed. */
import {
  type Decoded,
  byteOffsetOf,
  decode,
  diff,
  faultKinds,
  locate,
  regionOf,
} from '../../protocol/index.js'
import { type Part, type World, Judge } from '../../sim/index.js'
import { NodeStatus } from '../../sim/world/node-parts.js'
import { describeAction } from './actions.js'
import type { Branch } from './branch.js'
import { channelsOf, queuePairsOf } from './fabric-state.js'
import { PropertyWatch } from './property-watch.js'
import {
  type ClientState,
  type DiskState,
  type MemoryState,
  type NodeState,
  type OperationState,
  type RingState,
  type StateInfo,
  Truth,
} from './protocol.js'
import { budgetInfo, clientNames } from './world-info.js'
import { budgetIndex, unlimited } from '../../sim/world/faults.js'

const statusNames = Object.keys(NodeStatus) as (keyof typeof NodeStatus)[]

export function stateOf(branch: Branch, at: number): StateInfo {
  const { stage, index } = branch
  const notes: string[] = []
  const judge = new Judge(stage.world, stage.setup.without)
  const watch = new PropertyWatch(stage.world, judge, stage.info.properties)
  const { world } = stage
  world.listener = undefined
  stage.seek(branch, Math.max(0, at - 1))
  const before = new DataView(world.memory.buffer.slice(0))
  const previous = at === 0 ? null : describeAction(branch, at - 1)
  watch.remember()
  if (at > 0) {
    world.listener = {
      note: (node, kind, value) => {
        const { notes: names } = world.nodes[node]!.definition
        notes.push(`${world.nodeName(node)} ${names[kind] ?? `note ${String(kind)}`} ${String(value)}`)
      },
    }
    stage.advance(branch, at)
    world.listener = undefined
  }
  watch.roleChanges()
  watch.afterBad()
  const memory = memoryReader(world, before)
  const truths = watch.truths()
  return {
    branch: branch.id,
    at,
    fingerprint: world.fingerprint(),
    previous,
    next: at < branch.length ? describeAction(branch, at) : null,
    nodes: world.nodes.map(({ index: node }) => nodeState(world, node, before, memory)),
    queuePairs: queuePairsOf(branch, at, memory),
    channels: channelsOf(branch, at),
    clients: clientsAt(branch, at),
    cuts: cutsOf(world),
    budget: budgetLeft(world),
    properties: stage.info.properties.map(({ kind }, property) => {
      const known = index.truth[property]
      const isHistory = kind === 'history'
      return {
        property,
        truth: isHistory ? (known === undefined ? Truth.unknown : known.at(at)) : truths[property]!,
        reason:
          isHistory && index.found?.kind === 'history' && known?.at(at) === Truth.violated
            ? index.found.reason
            : watch.reasons[property]!,
      }
    }),
    notes,
  }
}

export type MemoryReader = (part: Part, name?: string) => MemoryState

function memoryReader(world: World, before: DataView): MemoryReader {
  return (part, name = part.name) => {
    const regions = part.node < 0 ? [] : world.nodes[part.node]!.definition.regions
    const { layout, offset } = part
    const value: Decoded = decode(layout, world.memory.view, offset, { regions })
    const changes = diff(layout, before, offset, world.memory.view, offset, { regions })
    return { part: part.name, name, value, changes }
  }
}

function nodeState(world: World, node: number, before: DataView, memory: MemoryReader): NodeState {
  const its = world.nodes[node]!
  const { definition, parts } = its
  const status = statusNames.find((name) => NodeStatus[name] === its.status())!
  const isDown = status === 'down'
  const { role } = definition
  const at = role === undefined ? 0 : parts.state.offset + definition.state.offsetOf(...role.field.split('.'))
  const roleName = (bytes: DataView): string => role!.machine.stateNames[bytes.getUint8(at)] ?? '?'
  return {
    node,
    status,
    incarnation: its.incarnation(),
    role:
      role === undefined || isDown ? null : { state: roleName(world.memory.view), before: roleName(before) },
    private: isDown ? null : memory(parts.state, 'private'),
    regions: isDown ? [] : parts.regions.map((part, i) => memory(part, definition.regions[i]!.name)),
    rings: isDown ? [] : ringsOf(world, node, before),
    timers: definition.timers.map((name, timer) => ({
      name,
      armed: its.timerIsArmed(timer),
      delayMicros: its.timerMicros(timer),
    })),
    disk: world.disks[node] === undefined ? null : diskState(world, node, memory),
    clock: world.clocks === undefined ? null : world.clocks.now(node),
  }
}

function ringsOf(world: World, node: number, before: DataView): readonly RingState[] {
  const { rings } = world.model
  if (rings === undefined) return []
  const { regions } = world.nodes[node]!.parts
  const { observer } = new Judge(world)
  world.listener = undefined
  return rings(observer, node).map(({ region, sizeBytes, marks, entries }) => {
    const part = regions[region]!
    const changed = (offset: number, length: number): boolean => {
      for (let i = 0; i < length; i++) {
        const byte = part.offset + offset + i
        if (before.getUint8(byte) !== world.memory.bytes[byte]) return true
      }
      return false
    }
    return {
      name: world.nodes[node]!.definition.regions[region]!.name,
      part: part.name,
      sizeBytes,
      marks,
      entries: entries.map((entry) => ({ ...entry, changed: changed(entry.offset, entry.sizeBytes) })),
    }
  })
}

function diskState(world: World, node: number, memory: MemoryReader): DiskState {
  const disk = world.disks[node]!
  return {
    capacityBytes: world.model.disk!.capacityBytes,
    appendedBytes: disk.totalBytes(),
    flushedBytes: disk.flushedBytes(),
    flushesInFlight: disk.pendingFlushes(),
    memory: memory(disk.part, 'disk'),
  }
}

function cutsOf(world: World): readonly (readonly [number, number])[] {
  const cuts: [number, number][] = []
  for (let from = 0; from < world.nodeCount; from++)
    for (let to = 0; to < world.nodeCount; to++) if (world.isCut(from, to)) cuts.push([from, to])
  return cuts
}

function budgetLeft(world: World): Readonly<Record<string, number | null>> {
  const left = faultKinds.flatMap((kind): [string, number][] => {
    const most = world.memory.words[world.budgets.offset / 4 + budgetIndex(kind)]!
    return most === 0 ? [] : [[kind, most === unlimited ? Infinity : most]]
  })
  return budgetInfo(Object.fromEntries(left))
}

// ---- clients

/** Clients and what became of their operations up to a position; from the index, and the world for what is pending. */
export function clientsAt(branch: Branch, at: number): readonly ClientState[] {
  const { index, stage } = branch
  const { clients } = stage.world
  if (clients === undefined) return []
  const { workload } = clients
  const names = clientNames(stage.world)
  const operations = workload.clients.map(({ script }): OperationState[] =>
    script.map((operation, position) => ({
      position,
      text: workload.describeRequest(operation),
      state: 'waiting',
      attempt: 0,
      reply: '',
      invoked: -1,
      ended: -1,
    })),
  )
  for (let i = 0, count = index.eventsUpTo(at); i < count; i++) {
    const { kind, client, position, content } = index.clients.events[i]!
    const action = index.clientActions.at(i)
    const known = operations[client]![position]!
    operations[client]![position] =
      kind === 'call'
        ? { ...known, state: 'pending', invoked: action }
        : kind === 'abandon'
          ? { ...known, state: 'abandoned', ended: action }
          : {
              ...known,
              state: 'answered',
              ended: action,
              reply: workload.describeReply(
                new DataView(content.buffer, content.byteOffset, content.byteLength),
                0,
                content.length,
              ),
            }
  }
  return operations.map((own, client) => ({ client, name: names[client]!, operations: own }))
}

/** Where a remote address leads at a node, as a path. */
export function placeOf(world: World, node: number, address: number): string {
  const region = world.nodes[node]!.definition.regions[regionOf(address)]
  if (region === undefined || byteOffsetOf(address) >= region.layout.sizeBytes) return 'nowhere'
  return `${region.name} ${locate(region.layout, byteOffsetOf(address))}`
}
