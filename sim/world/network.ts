/**
 * The message network: for each ordered pair of nodes a channel, which is a bag (`unordered`), a queue (`ordered`) or a
 * growing set (`set`) of messages.
 *
 * Guarantees: a message that was put in stays deliverable until it is delivered, dropped by a fault or lost by a full
 * lossy channel; `ordered` delivers in the order of sending; a cut link keeps what is in flight. A message that is refused
 * was delivered, and is gone; where the network `keepsRefused`, or is a set, it was not, and stays.
 * Canonical form: a bag and a set are sorted by content, equal messages of a bag are counted, freed bytes are zero.
 */
import {
  Handler,
  InvariantViolation,
  type MessageNetwork,
  array,
  bytes,
  struct,
  u32,
} from '../../protocol/index.js'
import { type MemoryPlan, type Part, closeGap, closeSlot, openGap, openSlot } from './memory.js'
import { Outcome, type Site } from './site.js'
import type { World } from './world.js'

const copiesAt = 0
const lengthAt = 1
const bytesAt = 2
const mostCopies = 15

/** One ordered pair's messages in flight. */
export interface Channel {
  readonly from: number
  readonly to: number
  readonly part: Part
  /** Words of a slot: copies, length, content. */
  readonly slotWords: number
  readonly capacity: number
  /** Side slots: the ordinal of the next message, then one ordinal per slot. */
  readonly side: number
}

export function planChannel(
  plan: MemoryPlan,
  network: MessageNetwork,
  from: number,
  to: number,
  name: string,
): Channel {
  const slot = struct({ copies: u32, length: u32, content: bytes((network.messageBytes + 3) & ~3) })
  const layout = struct({ count: u32, messages: array(slot, network.capacity) })
  return {
    from,
    to,
    part: plan.part(name, 'channel', -1, layout),
    slotWords: slot.sizeBytes / 4,
    capacity: network.capacity,
    side: plan.side(1 + network.capacity),
  }
}

/** Sign of the comparison of two contents, word by word after their lengths. */
function compare(a: Uint32Array, at: number, b: Uint32Array, bAt: number, slotWords: number): number {
  for (let i = lengthAt; i < slotWords; i++) {
    const difference = a[at + i]! - b[bAt + i]!
    if (difference !== 0) return difference
  }
  return 0
}

/** Puts a message into a channel. The message is in `slot`, a slot-shaped scratch of the caller. */
export function putMessage(world: World, network: MessageNetwork, channel: Channel, slot: Uint32Array): void {
  const { words, side } = world.memory
  const base = channel.part.offset / 4
  const count = words[base]!
  const first = base + 1
  const size = channel.slotWords
  let position = count
  if (network.kind !== 'ordered') {
    for (position = 0; position < count; position++) {
      const order = compare(words, first + position * size, slot, 0, size)
      if (order > 0) break
      if (order < 0) continue
      if (network.kind === 'set') return
      const copies = first + position * size + copiesAt
      if (words[copies] === mostCopies) {
        world.coverage.lostToFullChannels++
        return
      }
      words[copies] = words[copies]! + 1
      world.touch(channel.part.index)
      return
    }
  }
  if (count === channel.capacity) {
    if (network.lossy) {
      world.coverage.lostToFullChannels++
      return
    }
    throw new InvariantViolation(
      `${channel.part.name} must hold at most ${String(channel.capacity)} messages in flight`,
    )
  }
  const at = first + position * size
  openGap(words, at, size, first + count * size)
  for (let i = 0; i < size; i++) words[at + i] = slot[i]!
  words[at + copiesAt] = 1
  words[base] = count + 1
  openSlot(side, channel.side + 1 + position, channel.side + 1 + count)
  side[channel.side + 1 + position] = side[channel.side]!++
  world.touch(channel.part.index)
}

/** Takes one copy of the message at a position out of the channel. */
function takeMessage(world: World, channel: Channel, position: number): void {
  const { words, side } = world.memory
  const base = channel.part.offset / 4
  const size = channel.slotWords
  const first = base + 1
  const at = first + position * size
  world.touch(channel.part.index)
  if (words[at + copiesAt]! > 1) {
    words[at + copiesAt] = words[at + copiesAt]! - 1
    side[channel.side + 1 + position] = side[channel.side]!++
    return
  }
  const count = words[base]!
  closeGap(words, at, size, first + count * size)
  words[base] = count - 1
  closeSlot(side, channel.side + 1 + position, channel.side + 1 + count)
}

/** The sites of a channel: delivery, and the faults that its budget allows. */
export function channelSites(world: World, network: MessageNetwork, channel: Channel): void {
  const { memory } = world
  const base = channel.part.offset / 4
  const node = world.nodes[channel.to]!
  const path = `${world.nodeName(channel.from)}→${world.nodeName(channel.to)}`
  const size = channel.slotWords
  const input = node.inputWords
  const isSet = network.kind === 'set'
  const keepsRefused = network.keepsRefused === true

  function available(): number {
    const count = memory.words[base]!
    return network.kind === 'ordered' && count > 1 ? 1 : count
  }
  function deliver(position: number, keep: boolean): Outcome {
    const at = base + 1 + position * size
    const length = memory.words[at + lengthAt]!
    for (let k = 0; k < (length + 3) >>> 2; k++) input[k] = memory.words[at + bytesAt + k]!
    const mark = world.changes
    if (!keep && !keepsRefused) takeMessage(world, channel, position)
    const outcome = node.run(Handler.message, channel.from, length, 0)
    if (outcome === Outcome.refused && world.changes === mark) return outcome
    // What the handler has sent went into other channels: the message is where it was.
    if (!keep && keepsRefused) takeMessage(world, channel, position)
    return world.changes === mark ? Outcome.idle : Outcome.moved
  }
  const shared = {
    gate: base,
    node: channel.to,
    from: channel.from,
    subject: (choice: number): number => memory.side[channel.side + 1 + choice]!,
    find(this: Site, subject: number): number {
      const count = this.armed()
      for (let i = 0; i < count; i++) if (memory.side[channel.side + 1 + i] === subject) return i
      return -1
    },
    describe(choice: number): string {
      const at = base + 1 + choice * size
      return network.describe(memory.view, (at + bytesAt) * 4, memory.words[at + lengthAt]!)
    },
  }
  world.addSite({
    ...shared,
    kind: 'deliver',
    name: `deliver ${path}`,
    guards: [channel.part.index, world.links.index, ...node.readyParts],
    reads: node.reads,
    wakes: isSet || keepsRefused ? [...node.reads, node.parts.control.index] : [],
    writes: [channel.part.index, ...node.writes],
    armed: () => (node.ready() && !world.isCut(channel.from, channel.to) ? available() : 0),
    step: (choice) => deliver(choice, isSet),
  })
  if (isSet) return
  world.addFault('duplicate', channel.to, {
    ...shared,
    kind: 'duplicate',
    name: `duplicate ${path}`,
    guards: [channel.part.index, world.links.index, ...node.readyParts],
    reads: node.reads,
    writes: node.writes,
    armed: () => (node.ready() && !world.isCut(channel.from, channel.to) ? available() : 0),
    step: (choice) => deliver(choice, true),
  })
  if (!network.lossy) return
  world.addFault('drop', channel.to, {
    ...shared,
    kind: 'drop',
    name: `drop ${path}`,
    guards: [channel.part.index],
    reads: [],
    writes: [channel.part.index],
    armed: available,
    step(choice) {
      takeMessage(world, channel, choice)
      return Outcome.moved
    },
  })
}
