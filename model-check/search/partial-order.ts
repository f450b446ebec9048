/**
 * Partial-order reduction: of the sites that can act in a state, those of a stubborn set are enough, since whatever the
 * others do can be done after it just as well.
 *
 * What is kept. Every state from which nothing moves; every step that breaks a rule by itself (an assertion, a role, an
 * exception, a history that no order explains); and of all that state and step invariants look at, every value and
 * every change that there is without the reduction. So a search with it finds a violation if and only if one without it
 * does, and the same deadlocks. A counterexample is a schedule of the system, but need not be a shortest one.
 *
 * Three conditions on a set that is not whole (Clarke, Grumberg, Peled, "Model Checking", 1999, chapter 10):
 *
 * - It is stubborn (`stubborn-sets.ts`), by footprints that are as wide as any step has shown (`footprints.ts`).
 * - None of its steps is visible: none is a fault, and none changes a part at which a property has looked, or what the
 *   history needs to know. A crash depends on all that it erases, so where one is possible, what it would erase is not
 *   done ahead of it.
 * - One of its steps leads on: following such steps from state to state never comes back to this one. So it comes to an
 *   end, and it ends in a state in which all sites were taken: no site is put off for ever (the ignoring problem). This is
 *   the cycle proviso for any order of search: a step to a state that is not expanded yet always leads on, which is the
 *   proviso of Bošnački, Leue, Lluch Lafuente, "Partial-order reduction for general state exploring algorithms" (2009);
 *   one to an expanded state does when what that state leads on to ends elsewhere. Where it ends is kept by union-find.
 *
 * At which parts a property looks is known only from its looks, as footprints are only from steps. When it looks at
 * another one and something has been left out by then, the search begins anew; what cores and properties have answered
 * is remembered. In the end, a property that looks at an unvisited state sees what it saw in some visited one.
 */
import { isFaultKind } from '../../sim/world/site.js'
import type { World } from '../../sim/world/world.js'
import { type BitSet, has } from './bit-set.js'
import { Footprints } from './footprints.js'
import { grownInt32 } from './growth.js'
import type { Search } from './search.js'
import {
  Demand,
  emptyList,
  listChanging,
  listIdle,
  listLock,
  listRefused,
  listStart,
  listBeyond,
  listTakings,
  listUnchanging,
} from './step-tables.js'
import { Standing, StubbornSets } from './stubborn-sets.js'

/** What the reduction heeds. All of it, but where a test shows what comes of leaving something out. */
export interface Heeds {
  readonly proviso: boolean
  readonly visibility: boolean
  /** Writes to memory that peers may read count as accesses. */
  readonly stores: boolean
}
export const heedsAll: Heeds = { proviso: true, visibility: true, stores: true }

/** What partial-order reduction came to. */
export interface PartialOrderCounts {
  /** States of which not all steps were taken, and how many steps were not. */
  readonly reduced: number
  readonly leftOut: number
  /** How often the search began anew, since a step or a property reached further than any before. */
  readonly restarts: number
}

export class PartialOrder implements PartialOrderCounts {
  reduced = 0
  leftOut = 0
  restarts = 0
  /** Whether what was left out was left out for reasons that no longer hold: the search must begin anew. */
  isOutdated = false
  readonly footprints: Footprints
  readonly #heeds: Heeds
  readonly #sets: StubbornSets
  readonly #isFault: readonly boolean[]
  readonly #standings: Int32Array
  /** Per site the number of what may give it more to do, or -1. */
  readonly #more: Int32Array
  /** Per site the number of the lock of a gate that is shut. */
  readonly #gateLocks: Int32Array
  #version = 0
  #looked = 0
  /** Bits of packed states at which properties look, and the layout that they are those of. */
  #mask = new Int32Array(0)
  #layouts = -1
  /** Per state one that following the steps that lead on comes to, plus one; 0 where that is the state itself. */
  #ends: Int32Array = new Int32Array(1 << 10)
  /** The state that the steps taken last lead on to. */
  #next = new Int32Array(0)

  constructor(world: World, historySlot: number, heeds: Heeds) {
    const count = world.sites.length
    this.footprints = new Footprints(world, historySlot, heeds.stores)
    this.#heeds = heeds
    this.#sets = new StubbornSets(this.footprints, count)
    this.#isFault = world.sites.map(({ kind }) => isFaultKind(kind))
    this.#standings = new Int32Array(count)
    this.#more = new Int32Array(count)
    this.#gateLocks = Int32Array.from(world.sites, ({ gate, index }) =>
      gate < 0 ? -1 : this.footprints.gateLockOf(index),
    )
  }

  beginAnew(): void {
    this.isOutdated = false
    this.reduced = 0
    this.leftOut = 0
    this.#ends.fill(0)
    this.restarts++
  }

  /** Takes notice of what steps and properties have shown. */
  heed(search: Search): void {
    const { version } = this.footprints
    const looked = search.lookedSlots.size
    if (version === this.#version && looked === this.#looked) return
    this.#version = version
    this.#looked = looked
    this.#layouts = -1
    if (this.reduced > 0) this.isOutdated = true
  }

  /** The sets of sites that may be enough for a state, with the places of all lists in `chosenLists`. */
  setsFor(search: Search): readonly BitSet[] {
    if (this.#layouts !== search.tables.layouts) this.#layOut(search)
    const { lists } = search.tables
    const standings = this.#standings
    const { chosenLists } = search
    let open = 0
    for (let site = 0; site < standings.length; site++) {
      const list = chosenLists[site]!
      this.#more[site] = lists[list + listLock]! - 1
      if (list === emptyList) standings[site] = this.#gateLocks[site]!
      else if (lists[list + listChanging]! > 0) {
        const isVisible = this.#isVisible(site, list, lists)
        standings[site] = isVisible ? Standing.visible : Standing.open
        if (!isVisible) open++
      } else standings[site] = isArmed(lists, list) ? Standing.idle : lists[list + listLock]! - 1
    }
    return open === 0 ? none : this.#sets.of(standings, this.#more)
  }

  #isVisible(site: number, list: number, lists: Int32Array): boolean {
    if (this.#isFault[site] === true) return true
    const mask = this.#mask
    const words = mask.length
    let move = list + listStart
    for (let left = lists[list + listChanging]!; left > 0; left--, move += words + 1) {
      if ((lists[move + words]! & Demand.bad) !== 0) return true
      if (!this.#heeds.visibility) continue
      for (let k = 0; k < words; k++) if ((lists[move + k]! & mask[k]!) !== 0) return true
    }
    return false
  }

  #layOut(search: Search): void {
    this.#layouts = search.tables.layouts
    const { packing, residues, lookedSlots } = search
    this.#mask = new Int32Array(packing.words)
    packing.maskInto(lookedSlots, this.#mask, 0)
    if (residues !== undefined) packing.maskInto([residues.slot], this.#mask, 0)
  }

  /** Whether one of the steps of a set leads on; if so `follow` is to be called when they have been taken. */
  leadsOn(search: Search, state: number, set: BitSet): boolean {
    if (!this.#heeds.proviso) return true
    const { lists } = search.tables
    const { words, states } = search.states
    if (this.#next.length !== words) this.#next = new Int32Array(words)
    const next = this.#next
    for (let site = 0; site < this.#standings.length; site++) {
      if (!has(set, site)) continue
      const list = search.chosenLists[site]!
      let move = list + listStart
      for (let left = lists[list + listChanging]!; left > 0; left--, move += words + 1) {
        for (let k = 0; k < words; k++) next[k] = states[state * words + k]! ^ lists[move + k]!
        const found = search.states.find(next)
        if (found < 0 || this.#endOf(found) !== state) return true
      }
    }
    return false
  }
  /** Steps of a set that leads on were taken in a state. */
  follow(search: Search, state: number): void {
    if (!this.#heeds.proviso) return
    while (search.states.count > this.#ends.length) this.#ends = grownInt32(this.#ends, search.states.count)
    this.#ends[state] = 1 + this.#endOf(search.states.find(this.#next))
  }
  #endOf(state: number): number {
    const ends = this.#ends
    let at = state
    for (let next = ends[at] ?? 0; next !== 0; next = ends[at] ?? 0) {
      // Half of the way is forgotten each time it is gone.
      const after = ends[next - 1] ?? 0
      if (after !== 0) ends[at] = after
      at = next - 1
    }
    return at
  }
}

const none: readonly BitSet[] = []

const isArmed = (lists: Int32Array, list: number): boolean =>
  lists[list + listUnchanging]! +
    lists[list + listIdle]! +
    lists[list + listRefused]! +
    lists[list + listBeyond]! +
    lists[list + listTakings]! >
  0
