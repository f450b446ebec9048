/** Queue pairs, work requests and messages in flight, in the words of the messages. */
import { Control, Right, statusNames } from '../../protocol/index.js'
import type { World } from '../../sim/index.js'
import {
  EndState,
  type Flow,
  acceptedCountAt,
  acceptedOf,
  acceptedSlot,
  bitCount,
  connectionAt,
  controlArgumentAt,
  controlChangeAt,
  controlPhaseAt,
  lengthAt,
  operationAt,
  operationNames,
  ordinalSlot,
  Phase,
  hasAnswer,
  phaseAt,
  placedAt,
  receivedCountAt,
  remoteAt,
  requestOf,
  rightsAt,
  stateAt,
  statusAt,
  tokenAt,
} from '../../sim/world/fabric/flow.js'
import type { Branch } from './branch.js'
import type { ChannelState, QueuePairState, WorkRequestState } from './protocol.js'
import { type MemoryReader, placeOf } from './state.js'

/** The name that a table of numbered names gives a number. */
const nameIn = (table: Readonly<Record<string, number>>, value: number): string =>
  Object.keys(table).find((name) => table[name] === value) ?? `code ${String(value)}`

const namesOfBits = (table: Readonly<Record<string, number>>, bits: number): readonly string[] =>
  Object.keys(table).filter((name) => table[name]! !== 0 && (bits & table[name]!) === table[name])

export function queuePairsOf(branch: Branch, at: number, memory: MemoryReader): readonly QueuePairState[] {
  const { world } = branch.stage
  const { fabric } = world
  if (fabric === undefined) return []
  const { words } = world.memory
  return fabric.flows.map((flow) => {
    const phase = words[flow.endBase + controlPhaseAt]!
    const change = nameIn(Control, words[flow.endBase + controlChangeAt]!)
    const argument = words[flow.endBase + controlArgumentAt]!
    return {
      node: flow.from,
      peer: flow.to,
      pair: flow.pair,
      state: nameIn(EndState, words[flow.endBase + stateAt]!),
      rights: namesOfBits(Right, words[flow.endBase + rightsAt]!),
      connection: words[flow.endBase + connectionAt]!,
      control:
        phase === 0
          ? ''
          : `${change} ${String(argument)} ${phase === 1 ? 'is asked for' : 'is in effect, not reported yet'}`,
      requests: requestsOf(branch, world, flow, at),
      received: words[flow.queueBase + receivedCountAt]!,
      accepted: words[flow.queueBase + acceptedCountAt]!,
      memory: [memory(flow.end), memory(flow.queue)],
    }
  })
}

function requestsOf(branch: Branch, world: World, flow: Flow, at: number): readonly WorkRequestState[] {
  const { words, side } = world.memory
  const fabric = world.fabric!
  const arrowOf = (ordinal: number): number =>
    at <= branch.index.known && at > 0 ? branch.index.arrows.find(flow.queue.index, ordinal, at) : 0
  const request = (base: number, ordinal: number, phase: string): WorkRequestState => {
    const length = words[base + lengthAt]!
    const wordsOfAll = Math.ceil(length / 8)
    // The mask is cleared once all is placed; from then on it is that of the answer, where one comes.
    const isPlaced = words[base + phaseAt] === Phase.executed && !hasAnswer(words[base + operationAt]!)
    let placed = isPlaced ? wordsOfAll : 0
    for (let i = 0; i < flow.maskWords; i++) placed += bitCount(words[base + placedAt + i]!)
    const status = words[base + phaseAt] === Phase.failed ? words[base + statusAt]! : 0
    return {
      arrow: arrowOf(ordinal),
      operation: operationNames[words[base + operationAt]!] ?? '?',
      phase,
      status: statusNames[status] ?? `code ${String(status)}`,
      token: words[base + tokenAt]!,
      remote: placeOf(world, flow.to, words[base + remoteAt]!),
      lengthBytes: length,
      wordsPlaced: placed,
      words: wordsOfAll,
    }
  }
  const queued = Array.from({ length: fabric.count(flow) }, (_, i) => {
    const base = requestOf(flow, i)
    return request(base, side[ordinalSlot(flow, i)]!, nameIn(Phase, words[base + phaseAt]!))
  })
  const accepted = Array.from({ length: words[flow.queueBase + acceptedCountAt]! }, (_, i) =>
    request(acceptedOf(flow, i), side[acceptedSlot(flow, i)]!, 'acknowledged, not all placed'),
  )
  return [...queued, ...accepted]
}

export function channelsOf(branch: Branch, at: number): readonly ChannelState[] {
  const { world } = branch.stage
  const { network } = world.model
  if (network === undefined) return []
  const { words, side, view } = world.memory
  return world.channels.flatMap((channel) => {
    if (channel === undefined) return []
    const first = channel.part.offset / 4 + 1
    const messages = Array.from({ length: words[channel.part.offset / 4]! }, (_, i) => {
      const slot = first + i * channel.slotWords
      const copies = words[slot]!
      const text = network.describe(view, (slot + 2) * 4, words[slot + 1]!)
      const ordinal = side[channel.side + 1 + i]!
      return {
        arrow:
          at <= branch.index.known && at > 0 ? branch.index.arrows.find(channel.part.index, ordinal, at) : 0,
        text: copies > 1 ? `${text} (${String(copies)} copies)` : text,
      }
    })
    return messages.length === 0 ? [] : [{ from: channel.from, to: channel.to, messages }]
  })
}
