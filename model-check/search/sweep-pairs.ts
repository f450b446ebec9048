/**
 * The inner loop for states of two words. It does what `sweep-tuples.ts` does, with everything in locals: this is where
 * the time goes. It allocates nothing.
 */
import type { Search } from './search.js'
import { pairSlot, recentMask } from './states.js'
import {
  Demand,
  emptyList,
  hashPair,
  listBeyond,
  listChanging,
  listIdle,
  listRefused,
  listStart,
  listTakings,
  listUnchanging,
} from './step-tables.js'

const pair = new Int32Array(2)

/** Expands states from `search.next` up to `end`, or until something was found. */
export function sweepPairs(search: Search, end: number): void {
  const { states: store, tables } = search
  const { mostStates, hasInvariants, findsDeadlock } = search
  let { lists, entries, program, groupCount, promptEnd, ordinaryEnd, freeEnd } = tables
  let { states, parents, visited, visitedMask, limit } = store
  let chosen = search.chosenLists
  let count = store.count
  const { recent } = store
  let moved = 0
  let idle = 0
  let refused = 0
  let beyond = 0
  let takings = 0
  let state = search.next
  expand: while (state < end && count < mostStates) {
    const a = states[state * 2]!
    const b = states[state * 2 + 1]!
    let first = 0
    let last = groupCount
    for (let group = 0, at = 0; group < last; group++, at += 6) {
      const gateMask = program[at + 5]!
      if (gateMask !== 0 && ((program[at + 4] === 0 ? a : b) & gateMask) === 0) {
        chosen[group] = emptyList
        continue
      }
      const x = a & program[at]!
      const y = b & program[at + 1]!
      const base = program[at + 2]!
      const mask = program[at + 3]!
      let slot = hashPair(x, y) & mask
      let list: number
      for (;;) {
        const entry = base + slot * 4
        list = entries[entry + 2]!
        if ((entries[entry] === x && entries[entry + 1] === y) || list === 0) break
        slot = (slot + 1) & mask
      }
      if (list === 0) {
        store.count = count
        search.fill(group, state)
        if (store.words !== 2) break expand
        ;({ lists, entries, program, groupCount, promptEnd, ordinaryEnd, freeEnd } = tables)
        ;({ states, parents, visited, visitedMask, limit } = store)
        chosen = search.chosenLists
        continue expand
      }
      chosen[group] = list
      if (group >= ordinaryEnd || lists[list + listChanging] === 0) continue
      // What is prompt goes alone, and who is patient waits for what is not free.
      if (group >= promptEnd) last = freeEnd
      else {
        first = group
        last = group + 1
        break
      }
    }
    let movedHere = 0
    for (let group = first; group < last; group++) {
      const list = chosen[group]!
      const changing = lists[list + listChanging]!
      movedHere += changing + lists[list + listUnchanging]!
      idle += lists[list + listIdle]!
      refused += lists[list + listRefused]!
      beyond += lists[list + listBeyond]!
      takings += lists[list + listTakings]!
      let move = list + listStart
      for (let i = 0; i < changing; i++, move += 3) {
        const x = a ^ lists[move]!
        const y = b ^ lists[move + 1]!
        const demand = lists[move + 2]! & Demand.mask
        if (demand !== Demand.none) {
          pair[0] = x
          pair[1] = y
          if ((demand & Demand.bad) !== 0 || !search.stepHolds(state, pair)) {
            search.brokenFrom = state
            break expand
          }
        }
        const hash = pairSlot(x, y)
        const near = (hash & recentMask) * 2
        if (recent[near] === x && recent[near + 1] === y) continue
        recent[near] = x
        recent[near + 1] = y
        let slot = (hash & visitedMask) * 2
        let found: number
        while ((found = visited[slot]!) !== 0) {
          if (found === x && visited[slot + 1] === y) break
          slot = (slot + 2) & (visitedMask * 2 + 1)
        }
        if (found !== 0) continue
        visited[slot] = x
        visited[slot + 1] = y
        states[count * 2] = x
        states[count * 2 + 1] = y
        parents[count] = state
        if (hasInvariants && !search.stateHolds(count)) {
          count++
          search.brokenFrom = state
          break expand
        }
        if (++count === limit) {
          store.count = count
          store.grow()
          ;({ states, parents, visited, visitedMask, limit } = store)
        }
      }
    }
    moved += movedHere
    if (movedHere === 0 && findsDeadlock && !search.mayRest(state)) break
    state++
    if (search.tablesAreStale) {
      search.regroup()
      ;({ lists, entries, program, groupCount, promptEnd, ordinaryEnd, freeEnd } = tables)
      chosen = search.chosenLists
    }
  }
  store.count = count
  search.next = state
  search.moved += moved
  search.idle += idle
  search.refused += refused
  search.beyond += beyond
  search.takings += takings
}
