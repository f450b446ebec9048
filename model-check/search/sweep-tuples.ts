/**
 * The inner loop for states of any number of words; see `sweep-pairs.ts`. With symmetry each state that a step leads to is
 * replaced by the one that stands for it.
 */
import type { Search } from './search.js'
import {
  Demand,
  emptyList,
  hashWords,
  listBeyond,
  listChanging,
  listIdle,
  listRefused,
  listStart,
  listTakings,
  listUnchanging,
} from './step-tables.js'

/** Expands states from `search.next` up to `end`, or until something was found. */
export function sweepTuples(search: Search, end: number): void {
  const { states: store, tables } = search
  const { mostStates, hasInvariants, findsDeadlock, symmetry } = search
  const { words } = store
  const key = new Int32Array(words)
  const next = new Int32Array(words)
  const groupWords = words + 4
  const entryWords = words + 1
  let { lists, entries, program, groupCount, promptEnd, ordinaryEnd, freeEnd } = tables
  let { states, parents, visited, visitedMask, limit } = store
  let chosen = search.chosenLists
  let count = store.count
  let moved = 0
  let idle = 0
  let refused = 0
  let beyond = 0
  let takings = 0
  let state = search.next
  expand: while (state < end && count < mostStates) {
    const from = state * words
    let first = 0
    let last = groupCount
    for (let group = 0, at = 0; group < last; group++, at += groupWords) {
      const gateMask = program[at + words + 3]!
      if (gateMask !== 0 && (states[from + program[at + words + 2]!]! & gateMask) === 0) {
        chosen[group] = emptyList
        continue
      }
      for (let i = 0; i < words; i++) key[i] = states[from + i]! & program[at + i]!
      const base = program[at + words]!
      const mask = program[at + words + 1]!
      let slot = hashWords(key, 0, words) & mask
      let list: number
      for (;;) {
        const entry = base + slot * entryWords
        list = entries[entry + words]!
        if (list === 0) break
        let i = 0
        while (i < words && entries[entry + i] === key[i]) i++
        if (i === words) break
        slot = (slot + 1) & mask
      }
      if (list === 0) {
        store.count = count
        const { layouts } = tables
        search.fill(group, state)
        if (store.words !== words) break expand
        ;({ lists, entries, program, groupCount, promptEnd, ordinaryEnd, freeEnd } = tables)
        ;({ states, parents, visited, visitedMask, limit } = store)
        chosen = search.chosenLists
        if (tables.layouts !== layouts) continue expand
        // The same group again, which has its list now.
        group--
        at -= groupWords
        continue
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
    let idleHere = 0
    let refusedHere = 0
    let beyondHere = 0
    let takingsHere = 0
    for (let group = first; group < last; group++) {
      const list = chosen[group]!
      const changing = lists[list + listChanging]!
      movedHere += changing + lists[list + listUnchanging]!
      idleHere += lists[list + listIdle]!
      refusedHere += lists[list + listRefused]!
      beyondHere += lists[list + listBeyond]!
      takingsHere += lists[list + listTakings]!
      let move = list + listStart
      for (let i = 0; i < changing; i++, move += words + 1) {
        for (let k = 0; k < words; k++) next[k] = states[from + k]! ^ lists[move + k]!
        const demand = lists[move + words]! & Demand.mask
        if (demand !== Demand.none && ((demand & Demand.bad) !== 0 || !search.stepHolds(state, next))) {
          search.brokenFrom = state
          break expand
        }
        if (symmetry !== undefined && !search.canonicalise(next)) {
          // Packed anew: this state is expanded again, and what it has led to is known already.
          store.count = count
          search.repack()
          if (store.words !== words) break expand
          ;({ lists, entries, program, groupCount, promptEnd, ordinaryEnd, freeEnd } = tables)
          ;({ states, parents, visited, visitedMask, limit } = store)
          chosen = search.chosenLists
          continue expand
        }
        const hash = hashWords(next, 0, words)
        let slot = (hash & visitedMask) * 2
        let found: number
        while ((found = visited[slot + 1]!) !== 0) {
          if (visited[slot] === hash) {
            const other = (found - 1) * words
            let k = 0
            while (k < words && states[other + k] === next[k]) k++
            if (k === words) break
          }
          slot = (slot + 2) & (visitedMask * 2 + 1)
        }
        if (found !== 0) continue
        visited[slot] = hash
        visited[slot + 1] = count + 1
        for (let k = 0; k < words; k++) states[count * words + k] = next[k]!
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
    idle += idleHere
    refused += refusedHere
    beyond += beyondHere
    takings += takingsHere
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
