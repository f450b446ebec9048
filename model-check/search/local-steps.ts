/**
 * Local steps, remembered: what the choices of a site come to, by the ids of the parts on which that depends. Cores run
 * only when a combination of ids is met for the first time.
 *
 * A site's key holds every part that its steps may read: what the site declares to read, and of what its handler may
 * write those parts that some effect has touched so far. When a run touches another part, the site's key becomes wider
 * and what was remembered under the narrow one is forgotten. This is exact, because a handler sees only what is in the
 * key from the beginning, so the key says which effects there are, and they which further parts matter.
 *
 * A site that has never offered anything needs less: as long as its gate is shut, the part with the gate is its key, and
 * as long as nothing is armed, the parts that it guards.
 */
import { Judge } from '../../sim/run/judge.js'
import { resetEffects } from '../../sim/world/effects.js'
import type { Node } from '../../sim/world/node.js'
import { Outcome, type Site } from '../../sim/world/site.js'
import type { World } from '../../sim/world/world.js'
import type { CeilingCheck } from '../ceilings.js'
import type { Components } from './components.js'
import { fixedFootprint, handlerNode, visitTargets } from './effect-targets.js'
import type { Footprints } from './footprints.js'
import { grownInt32 } from './growth.js'
import type { HistoryResidues } from './history-residues.js'
import type { Takings } from './takings.js'
import { TupleTable } from './tuple-table.js'

// Words of a record: counts, then the moves. Left out are steps above a ceiling, and those that only take.
export const idleAt = 0
export const refusedAt = 1
export const beyondAt = 2
export const takingsAt = 3
/** Where footprints are asked for: the number, plus one, of what may give the site (further) choices. */
export const lockAt = 4
export const movesAt = 5
export const firstMoveAt = 6
// Words of a move: whether it breaks a rule by itself, how many slots change, then pairs of slot and new id.
export const isBadAt = 0
export const changesAt = 1
export const firstChangeAt = 2

/** Remembered records are dropped beyond this many words. */
const mostRecordWords = 1 << 27

interface RememberedSite {
  readonly site: Site
  readonly node: Node | undefined
  /** Slots of the key in ascending order. */
  key: readonly number[]
  /** Keys for when the site offers more than so far: with the gate open, and with something armed. */
  readonly wider: (readonly number[])[]
  ids: Int32Array
  table: TupleTable
  /** By number of the tuple where its record begins. */
  offsets: number[]
  /** Combinations of ids for which cores were run. */
  misses: number
  /** The slot of a gate that is shut in the initial state, or -1. */
  readonly shutSlot: number
}

export class LocalSteps {
  records: Int32Array = new Int32Array(1 << 12)
  /** Rises when what was found before no longer holds: a key became wider, or memory was given back. */
  version = 0
  /** Steps taken by running code. */
  executed = 0
  #end = 0
  readonly #world: World
  readonly #components: Components
  readonly #residues: HistoryResidues | undefined
  readonly #ceilings: CeilingCheck | undefined
  readonly #takings: Takings | undefined
  readonly #footprints: Footprints | undefined
  readonly #sites: readonly RememberedSite[]
  /** Judges what depends on one step alone: assertions, exceptions, roles. */
  readonly #judge: Judge

  constructor(
    world: World,
    components: Components,
    residues: HistoryResidues | undefined,
    without: readonly string[],
    ceilings?: CeilingCheck,
    takings?: Takings,
    footprints?: Footprints,
  ) {
    this.#world = world
    this.#footprints = footprints
    this.#takings = takings
    this.#ceilings = ceilings
    this.#components = components
    this.#residues = residues
    const { invariants, stepInvariants } = world.model.spec
    this.#judge = new Judge(world, [
      ...without,
      ...[...invariants, ...stepInvariants].map(({ name }) => name),
    ])
    world.listener = residues?.seen
    this.#sites = world.sites.map((site): RememberedSite => {
      const node = handlerNode(world, site)
      const tells =
        residues !== undefined && (site.kind === 'invoke' || site.kind === 'reply' || site.kind === 'abandon')
      const whole = [...fixedFootprint(site, node), ...(tells ? [residues.slot] : [])]
      const wider = [ascending(site.guards), whole]
      const key = site.gate === undefined ? wider.shift()! : [partWith(world, site.gate)]
      return {
        site,
        node,
        key,
        wider,
        ids: new Int32Array(key.length),
        table: new TupleTable(key.length),
        offsets: [],
        misses: 0,
        shutSlot: site.gate !== undefined && world.memory.words[site.gate] === 0 ? key[0]! : -1,
      }
    })
  }

  /** The slots on which the steps of a site depend, as far as is known. */
  keyOf(site: number): readonly number[] {
    return this.#sites[site]!.key
  }
  /** The slot, or -1, whose id 0 (what it holds in the initial state) means that the site offers nothing. */
  shutSlotOf(site: number): number {
    return this.#sites[site]!.shutSlot
  }
  missesOf(site: number): number {
    return this.#sites[site]!.misses
  }

  /** Where the record of a site's steps in the state with these ids begins; -1 when the site's key had to be widened. */
  record(siteIndex: number, state: Int32Array): number {
    const remembered = this.#sites[siteIndex]!
    const { key, ids, table, offsets } = remembered
    for (let i = 0; i < key.length; i++) ids[i] = state[key[i]!]!
    const known = table.count
    const tuple = table.intern(ids)
    if (tuple < known) return offsets[tuple]!
    remembered.misses++
    if (this.#end > mostRecordWords) {
      this.#forgetAll()
      return this.record(siteIndex, state)
    }
    const record = this.#execute(remembered, state)
    if (record >= 0) offsets[tuple] = record
    return record
  }

  #execute(remembered: RememberedSite, state: Int32Array): number {
    const { site, node } = remembered
    const world = this.#world
    const { words } = world.memory
    this.#components.holdAll(state)
    const isShut = site.gate !== undefined && words[site.gate] === 0
    const choices = isShut ? 0 : site.armed()
    const { wider } = remembered
    if (wider.length === 2 && !isShut) {
      this.#setKey(remembered, wider.shift()!)
      return -1
    }
    if (wider.length === 1 && choices > 0) {
      this.#setKey(remembered, wider.shift()!)
      return -1
    }
    const start = this.#end
    this.#reserve(start + firstMoveAt)
    this.records[start + idleAt] = 0
    this.records[start + refusedAt] = 0
    this.records[start + beyondAt] = 0
    this.records[start + takingsAt] = 0
    this.records[start + lockAt] = this.#lockOf(site.index, isShut, choices)
    this.records[start + movesAt] = 0
    let end = start + firstMoveAt
    for (let choice = 0; choice < choices; choice++) {
      if (choice > 0) this.#components.holdAll(state)
      if (node !== undefined) resetEffects(node.log)
      if (this.#residues !== undefined) this.#residues.seen.events.length = 0
      this.#judge.reset()
      world.failure = undefined
      this.executed++
      this.#footprints?.beforeStep(site.index)
      const outcome = world.step(site.index, choice)
      this.#takings?.noteLosses()
      const isBad = this.#judge.afterStep() !== undefined
      if (!isBad) this.#footprints?.afterStep(site.index, state, this.#components)
      if (isBad) this.#components.forgetHeld()
      else if (this.#widen(remembered)) {
        this.#components.holdAll(state)
        return -1
      }
      if (outcome === Outcome.idle) this.records[start + idleAt]!++
      else if (outcome === Outcome.refused) this.records[start + refusedAt]!++
      else if (!isBad && this.#ceilings?.isExceeded() === true) {
        this.records[start + beyondAt]!++
        for (let i = 0; i < world.touchedCount; i++) this.#components.capture(world.touchedPart(i))
      } else {
        const next = this.#writeMove(end, isBad, state)
        const changes = end + firstChangeAt
        if (
          !isBad &&
          next > changes &&
          this.#takings?.onlyTakes(site, state, this.records, changes, next) === true
        )
          this.records[start + takingsAt]!++
        else {
          this.records[start + movesAt]!++
          end = next
        }
      }
    }
    this.#end = end
    return start
  }

  #lockOf(site: number, isShut: boolean, choices: number): number {
    const footprints = this.#footprints
    if (footprints === undefined) return 0
    if (isShut) return 1 + footprints.gateLockOf(site)
    return 1 + (choices > 0 ? footprints.moreOf(site) : footprints.lockOf(site))
  }

  #writeMove(start: number, breaksRule: boolean, state: Int32Array): number {
    let isBad = breaksRule
    const world = this.#world
    this.#reserve(start + firstChangeAt + 2 * (world.touchedCount + 1))
    let end = start + firstChangeAt
    const { records } = this
    if (!isBad) {
      for (let i = 0; i < world.touchedCount; i++) {
        const part = world.touchedPart(i)
        const id = this.#components.capture(part)
        if (id === state[part]) continue
        records[end++] = part
        records[end++] = id
      }
      if (this.#residues !== undefined) {
        const { slot } = this.#residues
        const residue = this.#residues.advance(state[slot]!)
        if (residue < 0) isBad = true
        else if (residue !== state[slot]) {
          records[end++] = slot
          records[end++] = residue
        }
      }
    }
    if (isBad) end = start + firstChangeAt
    records[start + isBadAt] = isBad ? 1 : 0
    records[start + changesAt] = (end - start - firstChangeAt) / 2
    return end
  }

  /** Whether the step just taken touched a part that is not in the site's key, which it then is. */
  #widen(remembered: RememberedSite): boolean {
    const { node } = remembered
    if (node === undefined) return false
    let wider: Set<number> | undefined
    visitTargets(this.#world, node, (part) => {
      if (!remembered.key.includes(part)) (wider ??= new Set(remembered.key)).add(part)
    })
    if (wider === undefined) return false
    for (let i = 0; i < this.#world.touchedCount; i++) this.#components.capture(this.#world.touchedPart(i))
    this.#setKey(remembered, ascending(wider))
    return true
  }

  #setKey(remembered: RememberedSite, key: readonly number[]): void {
    remembered.key = key
    remembered.ids = new Int32Array(key.length)
    this.#forget(remembered)
    this.version++
  }

  #forget(remembered: RememberedSite): void {
    remembered.table = new TupleTable(remembered.key.length)
    remembered.offsets = []
  }

  #forgetAll(): void {
    for (const remembered of this.#sites) this.#forget(remembered)
    this.#end = 0
    this.version++
  }

  #reserve(end: number): void {
    if (end > this.records.length) this.records = grownInt32(this.records, end)
  }

  get bytes(): number {
    let words = this.records.length
    for (const { table, offsets } of this.#sites) words += 2 * table.tuples.length + offsets.length
    return words * 4
  }
}

const ascending = (slots: Iterable<number>): number[] => [...new Set(slots)].sort((a, b) => a - b)

/** The part that holds a word of the state. */
function partWith({ memory }: World, word: number): number {
  return memory.parts.findIndex(
    ({ offset, sizeBytes }) => word >= offset / 4 && word < (offset + sizeBytes) / 4,
  )
}
