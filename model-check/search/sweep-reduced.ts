/** Expansion of states with partial-order reduction: see `partial-order.ts`. Steps are taken as in `sweep-tuples.ts`. */
import { type BitSet, has } from './bit-set.js'
import type { PartialOrder } from './partial-order.js'
import type { Search } from './search.js'
import {
  Demand,
  listBeyond,
  listChanging,
  listIdle,
  listRefused,
  listStart,
  listTakings,
  listUnchanging,
} from './step-tables.js'

/** Expands states from `search.next` up to `end`, or until something was found or what was left out must be looked at. */
export function sweepReduced(search: Search, order: PartialOrder, end: number): void {
  while (search.next < end && search.states.count < search.mostStates) {
    const state = search.next
    search.choose(state)
    order.heed(search)
    if (order.isOutdated) return
    const set = order.setsFor(search).find((each) => order.leadsOn(search, state, each))
    if (!takeSteps(search, order, state, set)) return
    order.heed(search)
    search.next++
    if (search.tablesAreStale) search.regroup()
  }
}

/** Takes the steps of the sites of a set, or of all; false when the search has come to its end by it. */
function takeSteps(search: Search, order: PartialOrder, state: number, set: BitSet | undefined): boolean {
  const { tables, states: store, chosenLists } = search
  const { lists, groupCount } = tables
  const { words } = store
  const next = new Int32Array(words)
  let moved = 0
  let leftOut = 0
  for (let site = 0; site < groupCount; site++) {
    const list = chosenLists[site]!
    const changing = lists[list + listChanging]!
    const steps = changing + lists[list + listUnchanging]!
    if (set !== undefined && !has(set, site)) {
      leftOut += steps
      continue
    }
    moved += steps
    let move = list + listStart
    for (let i = 0; i < changing; i++, move += words + 1) {
      for (let k = 0; k < words; k++) next[k] = store.states[state * words + k]! ^ lists[move + k]!
      const demand = lists[move + words]! & Demand.mask
      if (demand !== Demand.none && ((demand & Demand.bad) !== 0 || !search.stepHolds(state, next))) {
        search.brokenFrom = state
        return false
      }
      if (store.find(next) >= 0) continue
      const found = store.add(next, state)
      if (search.hasInvariants && !search.stateHolds(found)) {
        search.brokenFrom = state
        return false
      }
    }
    search.idle += lists[list + listIdle]!
    search.refused += lists[list + listRefused]!
    search.beyond += lists[list + listBeyond]!
    search.takings += lists[list + listTakings]!
  }
  search.moved += moved
  if (set !== undefined) {
    order.follow(search, state)
    order.reduced++
    order.leftOut += leftOut
  }
  return moved > 0 || !search.findsDeadlock || search.mayRest(state)
}
