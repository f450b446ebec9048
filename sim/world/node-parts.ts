/** The bytes of a node: what a core declares, and what its host keeps around it. */
import { type CoreDefinition, array, bytes, enumeration, struct, u32 } from '../../protocol/index.js'
import { recordWords } from './effects.js'
import type { MemoryPlan, Part } from './memory.js'

/** `dying`: the process is dead and its memory still served; `halted`: so is the operating system, until a reboot. */
export const NodeStatus = { up: 0, paused: 1, down: 2, dying: 3, halted: 4 } as const
const statusLayout = enumeration(['up', 'paused', 'down', 'dying', 'halted'] as const)

// Words of the status part.
export const statusAt = 0
export const incarnationAt = 1
/** 0: nothing; 1: a poll is copying windows; 2 + n: observe slot n is copying. */
export const loadingAt = 2
// Words of the control part.
export const timersAt = 0
export const loadedWordsAt = 1
export const windowsAt = 2
export const observeWords = 4
export const mostObserves = 4

export interface NodeParts {
  readonly state: Part
  readonly regions: readonly Part[]
  /** Whether the process runs; what decides if a handler may run is here and in `effects`. */
  readonly status: Part
  /** Armed timers, watched windows, copies under way. */
  readonly control: Part
  /** Effects that wait behind a publish that lands word by word; empty unless `poll: loads`. */
  readonly effects: Part
  /** Words copied so far by a poll or observe under way; all zero between. */
  readonly copies: Part
  /** Side slots: per timer its generation and its duration in microseconds. */
  readonly timerSide: number
}

export const mostWaitingEffects = 96

export function planNode(
  plan: MemoryPlan,
  name: string,
  node: number,
  definition: CoreDefinition,
  loads: boolean,
): NodeParts {
  for (const region of definition.regions)
    if (region.layout.sizeBytes % 8 !== 0)
      throw new RangeError(`region ${region.name} must be a multiple of 8 bytes long`)
  let copyBytes = 8
  for (const window of definition.windows) copyBytes += window.layout.sizeBytes
  const window = struct({ region: u32, offset: u32 })
  const observation = struct({ region: u32, offset: u32, length: u32, token: u32 })
  const status = struct({ status: statusLayout, incarnation: u32, loading: u32 })
  const control = struct({
    timers: u32,
    loadedWords: u32,
    windows: array(window, Math.max(1, definition.windows.length)),
    observes: array(observation, mostObserves),
  })
  const record = array(u32, recordWords)
  const effects = struct({
    count: u32,
    publishedWords: u32,
    payloadBytes: u32,
    records: array(record, loads ? mostWaitingEffects : 1),
    payload: bytes(loads ? payloadCapacity(definition) : 8),
  })
  return {
    state: plan.part(`${name} private`, 'private', node, definition.state),
    status: plan.part(`${name} status`, 'status', node, status),
    control: plan.part(`${name} control`, 'control', node, control),
    regions: definition.regions.map((region) =>
      plan.part(`${name} ${region.name}`, 'region', node, region.layout),
    ),
    effects: plan.part(`${name} effects`, 'effects', node, effects),
    copies: plan.part(
      `${name} copies`,
      'effects',
      node,
      struct({ bytes: bytes(loads ? Math.max(copyBytes, definition.scratchBytes) : 8) }),
    ),
    timerSide: plan.side(2 * Math.max(1, definition.timers.length)),
  }
}

/** Bytes that the effects of one handler may carry. */
export const payloadCapacity = (definition: CoreDefinition): number => 8 * definition.scratchBytes
