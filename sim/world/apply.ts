/** Applies one recorded effect to its target. */
import { InvariantViolation } from '../../protocol/index.js'
import { EffectKind, payloadLength } from './effects.js'
import { putMessage } from './network.js'
import type { Node } from './node.js'
import type { World } from './world.js'

/**
 * @param records words of the record at `at`
 * @param payload bytes that hold the record's payload at `payloadOffset`
 */
export function applyEffect(
  world: World,
  node: Node,
  records: Uint32Array,
  at: number,
  payload: Uint8Array,
  payloadOffset: number,
): void {
  const a = records[at + 1]!
  const b = records[at + 2]!
  const c = records[at + 3]!
  const d = records[at + 4]!
  const e = records[at + 5]!
  const f = records[at + 6]!
  const g = records[at + 7]!
  const length = records[at + payloadLength]!
  switch (records[at]) {
    case EffectKind.note:
      world.coverage.notes[node.index * 64 + a]!++
      world.listener?.note?.(node.index, a, b)
      return
    case EffectKind.deliver:
      world.listener?.deliver?.(node.index, a, payload, payloadOffset, length)
      return
    case EffectKind.send:
      sendMessage(world, node, a, payload, payloadOffset, length)
      return
    case EffectKind.watch:
      node.windows.watch(a, b, c)
      return
    case EffectKind.observe:
      node.windows.observe(a, b, c, d)
      return
    case EffectKind.publish:
      world.labour?.published(node.index)
      publish(world, node, a, b, payload, payloadOffset, length)
      return
    case EffectKind.write:
    case EffectKind.writeImmediate:
    case EffectKind.read:
    case EffectKind.compareSwap:
    case EffectKind.fetchAdd:
    case EffectKind.post:
      if (world.fabric === undefined) throw new InvariantViolation('the system declares no fabric')
      world.fabric.post(node.index, records[at], a, b, c, d, e, f, g, payload, payloadOffset, length)
      return
    case EffectKind.control:
      if (world.fabric === undefined) throw new InvariantViolation('the system declares no fabric')
      world.fabric.requestControl(node.index, a, b, c, e)
      return
    case EffectKind.protect:
      if (world.fabric === undefined) throw new InvariantViolation('the system declares no fabric')
      world.fabric.registrations[node.index]!.askProtect(a, b, c)
      return
    case EffectKind.bind:
      if (world.fabric === undefined) throw new InvariantViolation('the system declares no fabric')
      world.fabric.bind(node.index, a, b, c, d, e, f, g)
      return
    case EffectKind.setTimer:
      node.setTimer(a, b)
      return
    case EffectKind.cancelTimer:
      node.cancelTimer(a)
      return
    case EffectKind.append:
      world.diskOf(node.index).append(payload, payloadOffset, length)
      return
    case EffectKind.flush:
      world.diskOf(node.index).requestFlush(a)
      return
    case EffectKind.truncate:
      world.diskOf(node.index).truncate(a)
      return
    case EffectKind.reply:
      if (world.clients === undefined) throw new InvariantViolation('the system declares no workload')
      world.clients.reply(node.index, a, b, payload, payloadOffset, length)
      return
    default:
      throw new RangeError(`there is no effect ${String(records[at])}`)
  }
}

function sendMessage(
  world: World,
  node: Node,
  to: number,
  payload: Uint8Array,
  from: number,
  length: number,
): void {
  const network = world.model.network
  const channel = world.channels[node.index * world.nodeCount + to]
  if (network === undefined || channel === undefined)
    throw new InvariantViolation(
      `there is no channel from ${world.nodeName(node.index)} to node ${String(to)}`,
    )
  if (length > network.messageBytes)
    throw new InvariantViolation(`a message has at most ${String(network.messageBytes)} bytes`)
  const slot = world.messageSlot
  slot[0] = 0
  slot[1] = length
  // A payload is followed by zeros up to the next 8 bytes.
  const end = 2 + ((length + 3) >>> 2)
  for (let i = 2, at = from; i < end; i++, at += 4)
    slot[i] = payload[at]! | (payload[at + 1]! << 8) | (payload[at + 2]! << 16) | (payload[at + 3]! << 24)
  for (let i = end; i < slot.length; i++) slot[i] = 0
  putMessage(world, network, channel, slot)
}

/** Lands a publish in one step (`poll: atomic`). */
function publish(
  world: World,
  node: Node,
  region: number,
  offset: number,
  payload: Uint8Array,
  from: number,
  length: number,
): void {
  node.windows.checkRegion(region, offset, length, 'publish')
  const part = node.parts.regions[region]!
  const bytes = world.memory.bytes
  const target = part.offset + offset
  let changed = false
  for (let i = 0; i < length; i++)
    if (bytes[target + i] !== payload[from + i]) {
      bytes[target + i] = payload[from + i]!
      changed = true
    }
  if (changed) world.touch(part.index)
}
