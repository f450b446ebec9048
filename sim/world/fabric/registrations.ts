/**
 * What peers may touch of a node's memory: its registered regions and memory windows, each with rights and a key; the
 * lock that atomics hold inside the NIC; whether the completion queue is broken.
 *
 * Rules (see `rule-book.ts`): refusal-by-region, keys-end. The first handles are the regions, then come the windows.
 */
import {
  type CoreDefinition,
  InvariantViolation,
  Right,
  Status,
  array,
  byteOffsetOf,
  regionOf,
  remoteAddressOf,
  struct,
  u32,
} from '../../../protocol/index.js'
import type { MemoryPlan, Part } from '../memory.js'
import type { World } from '../world.js'
import { flagsAt, isAtomic, isWrite, lengthAt, operationAt, remoteAt } from './flow.js'

// Words of the part.
const lockAt = 0
const brokenAt = 1
/** 0: none; 1: asked for; 2: in effect, not yet reported. */
const protectPhaseAt = 2
const protectRegionAt = 3
const protectRightsAt = 4
const protectTokenAt = 5
const handlesAt = 6
// Words of a handle. Its region is 1 + the region's index, or 0 while a window is not bound.
const regionAt = 0
const offsetAt = 1
const handleLengthAt = 2
const handleRightsAt = 3
const keyAt = 4
const handleWords = 5
const keys = 0x10000

export function planRegistrations(
  plan: MemoryPlan,
  name: string,
  node: number,
  definition: CoreDefinition,
): Part {
  const handle = struct({ region: u32, offset: u32, length: u32, rights: u32, key: u32 })
  const count = definition.regions.length + definition.memoryWindows.length
  const layout = struct({
    lock: u32,
    completionsBroken: u32,
    protectPhase: u32,
    protectRegion: u32,
    protectRights: u32,
    protectToken: u32,
    handles: array(handle, Math.max(1, count)),
  })
  return plan.part(`${name} registrations`, 'registrations', node, layout)
}

/** What kind of access an operation is. */
export const rightNeeded = (operation: number): number =>
  isWrite(operation) ? Right.write : isAtomic(operation) ? Right.atomic : Right.read

export class Registrations {
  readonly part: Part
  readonly #world: World
  readonly #words: Uint32Array
  readonly #base: number
  readonly #definition: CoreDefinition
  readonly #keysEnd: boolean

  constructor(world: World, node: number, part: Part) {
    this.part = part
    this.#world = world
    this.#words = world.memory.words
    this.#base = part.offset / 4
    this.#definition = world.model.cores[node]!
    this.#keysEnd = !world.knobs.broken.includes('keys-end')
  }

  /** As after a start: regions with all rights under key 0, windows unbound, nothing under way. */
  begin(): void {
    const words = this.#words
    const base = this.#base
    words.fill(0, base, base + this.part.sizeBytes / 4)
    this.#definition.regions.forEach(({ layout }, i) => {
      const handle = base + handlesAt + i * handleWords
      words[handle + regionAt] = i + 1
      words[handle + handleLengthAt] = layout.sizeBytes
      words[handle + handleRightsAt] = Right.all
    })
    this.#world.touch(this.part.index)
  }

  /** `ok`, or why a request is refused. Lengths beyond the registration, ended keys and missing rights are one error. */
  check(request: number): Status {
    const words = this.#words
    const remote = words[request + remoteAt]!
    const handle = this.#handleOf(regionOf(remote))
    if (handle < 0 || words[handle + regionAt] === 0) return Status.remoteAccess
    if (byteOffsetOf(remote) + words[request + lengthAt]! > words[handle + handleLengthAt]!)
      return Status.remoteAccess
    if (words[request + flagsAt]! >>> 16 !== words[handle + keyAt]! && this.#keysEnd)
      return Status.remoteAccess
    const needed = rightNeeded(words[request + operationAt]!)
    return (words[handle + handleRightsAt]! & needed) === 0 ? Status.remoteAccess : Status.ok
  }
  /** The own address behind a remote address that `check` has let pass. */
  resolve(remote: number): number {
    const words = this.#words
    const handle = this.#handleOf(regionOf(remote))
    return remoteAddressOf(words[handle + regionAt]! - 1, words[handle + offsetAt]! + byteOffsetOf(remote))
  }
  #handleOf(number: number): number {
    const { regions, memoryWindows } = this.#definition
    return number < regions.length + memoryWindows.length ? this.#base + handlesAt + number * handleWords : -1
  }

  /** Checked when it is posted. */
  checkBind(window: number, region: number, offset: number, length: number): void {
    const { regions, memoryWindows } = this.#definition
    if (window >= memoryWindows.length)
      throw new InvariantViolation(`memory window ${String(window)} is not declared`)
    const bytes = regions[region]?.layout.sizeBytes ?? 0
    if (offset % 8 !== 0 || length % 8 !== 0 || offset + length > bytes)
      throw new InvariantViolation(
        `a memory window must cover whole words inside an own region, not ${String(length)} bytes at ${String(offset)} of region ${String(region)}`,
      )
  }
  bind(window: number, region: number, offset: number, length: number, rights: number): void {
    const words = this.#words
    const handle = this.#handleOf(this.#definition.regions.length + window)
    const bound = rights !== Right.none
    words[handle + regionAt] = bound ? region + 1 : 0
    words[handle + offsetAt] = bound ? offset : 0
    words[handle + handleLengthAt] = bound ? length : 0
    words[handle + handleRightsAt] = rights
    words[handle + keyAt] = (words[handle + keyAt]! + 1) % keys
    this.#world.touch(this.part.index)
  }

  // ---- registering a region anew

  askProtect(region: number, rights: number, token: number): void {
    const words = this.#words
    const base = this.#base
    if (region >= this.#definition.regions.length)
      throw new InvariantViolation(`protect names region ${String(region)}, which is not declared`)
    if (words[base + protectPhaseAt] !== 0)
      throw new InvariantViolation('one protect at a time may be under way')
    words[base + protectPhaseAt] = 1
    words[base + protectRegionAt] = region
    words[base + protectRightsAt] = rights
    words[base + protectTokenAt] = token
    this.#world.touch(this.part.index)
  }
  /** Word that is zero while no protect is under way. */
  get protectGate(): number {
    return this.#base + protectPhaseAt
  }
  protectPhase(): number {
    return this.#words[this.#base + protectPhaseAt]!
  }
  protectedRegion(): number {
    return this.#words[this.#base + protectRegionAt]!
  }
  /** It takes effect: from here on the old key is refused. */
  applyProtect(): void {
    const words = this.#words
    const base = this.#base
    const handle = this.#handleOf(words[base + protectRegionAt]!)
    words[handle + handleRightsAt] = words[base + protectRightsAt]!
    words[handle + keyAt] = (words[handle + keyAt]! + 1) % keys
    words[base + protectPhaseAt] = 2
    this.#world.touch(this.part.index)
  }
  /** Forgets the call and returns its token. */
  finishProtect(): number {
    const words = this.#words
    const token = words[this.#base + protectTokenAt]!
    words.fill(0, this.#base + protectPhaseAt, this.#base + handlesAt)
    this.#world.touch(this.part.index)
    return token
  }

  // ---- inside the NIC

  /** 1 + flow whose atomic is between its read and its write, or 0. */
  get lock(): number {
    return this.#words[this.#base + lockAt]!
  }
  set lock(holder: number) {
    this.#words[this.#base + lockAt] = holder
    this.#world.touch(this.part.index)
  }
  get completionsBroken(): boolean {
    return this.#words[this.#base + brokenAt] === 1
  }
  breakCompletions(): void {
    this.#words[this.#base + brokenAt] = 1
    this.#world.touch(this.part.index)
  }
  /** Whether a region's WRITEs are placed in any order. */
  isRelaxed(target: number): boolean {
    return this.#definition.regions[regionOf(target)]?.relaxedOrdering === true
  }
}
