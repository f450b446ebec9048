/**
 * What a worker thread does in a round: it expands states for which everything is remembered, and hands back those for
 * which something is not. It runs no core and evaluates no property; it only reads tables that nobody writes meanwhile.
 * All that the threads write together is the visited table and the list of states.
 *
 * A place of the visited table is taken by `compareExchange` of its first word from zero. For states of two words that
 * is the first word of the state, the second follows; neither is ever zero, so who finds a zero second word waits for
 * it. For longer ones the place holds -1 until the state is written, then its number plus one.
 */
import { type KnownAnswers, findIn } from './memo-tree.js'
import { holds } from './properties.js'
import { pairSlot, recentMask } from './states.js'
import {
  Demand,
  emptyList,
  hashPair,
  hashWords,
  listBeyond,
  listChanging,
  listIdle,
  listRefused,
  listStart,
  listTakings,
  listUnchanging,
} from './step-tables.js'

/** Shared counters of a round. */
export const control = {
  /** The next of the round's states that nobody has claimed. */
  next: 0,
  /** How many states there are. */
  count: 1,
  words: 2,
} as const

export interface Round {
  /** Words of a packed state. */
  readonly words: number
  readonly states: Int32Array
  readonly parents: Int32Array
  readonly visited: Int32Array
  readonly visitedMask: number
  /** From so many states on no more are claimed: there is room for what the claimed ones lead to. */
  readonly limit: number
  readonly lists: Int32Array
  readonly entries: Int32Array
  readonly program: Int32Array
  readonly groupCount: number
  /** Where groups of each urgency end (see `StepTables`). */
  readonly promptEnd: number
  readonly ordinaryEnd: number
  readonly freeEnd: number
  readonly invariants: readonly KnownAnswers[]
  readonly control: Int32Array
  /** The states to expand: these, or `total` from `from` on. */
  readonly work: Int32Array | undefined
  readonly from: number
  readonly total: number
  /** Whether a state from which nothing moves is handed back. */
  readonly findsDeadlock: boolean
}

/** What one thread has done in a round. */
export interface RoundReport {
  readonly moved: number
  readonly idle: number
  readonly refused: number
  readonly beyond: number
  readonly takings: number
  /** States for which some step is not remembered. */
  readonly missed: readonly number[]
  /** States of which a step, or that there is none, has to be judged. */
  readonly forMain: readonly number[]
  /** New states for which some invariant is not remembered. */
  readonly toJudge: readonly number[]
}

/** States that a thread claims at once. */
export const chunk = 128

export function sweepShared(round: Round): RoundReport {
  const thread = round.words === 2 ? new PairThread(round) : new TupleThread(round)
  const { work, from, total, limit } = round
  for (;;) {
    if (Atomics.load(round.control, control.count) >= limit) break
    const begin = Atomics.add(round.control, control.next, chunk)
    const end = Math.min(begin + chunk, total)
    for (let i = begin; i < end; i++) thread.expand(work === undefined ? from + i : work[i]!)
    if (end === total || begin >= total) break
  }
  const { moved, idle, refused, beyond, takings, missed, forMain, toJudge } = thread
  return { moved, idle, refused, beyond, takings, missed, forMain, toJudge }
}

abstract class Thread implements RoundReport {
  moved = 0
  idle = 0
  refused = 0
  beyond = 0
  takings = 0
  readonly missed: number[] = []
  readonly forMain: number[] = []
  readonly toJudge: number[] = []
  protected readonly round: Round
  protected readonly chosen: Int32Array
  /** The groups whose moves are made, of the state at hand. */
  protected first = 0
  protected last = 0

  constructor(round: Round) {
    this.round = round
    this.chosen = new Int32Array(round.groupCount)
  }

  expand(state: number): void {
    if (!this.look(state)) {
      this.missed.push(state)
      return
    }
    const { lists, words, findsDeadlock } = this.round
    const { chosen, first, last } = this
    let moved = 0
    let idle = 0
    let refused = 0
    let beyond = 0
    let takings = 0
    for (let group = first; group < last; group++) {
      const list = chosen[group]!
      const changing = lists[list + listChanging]!
      moved += changing + lists[list + listUnchanging]!
      idle += lists[list + listIdle]!
      refused += lists[list + listRefused]!
      beyond += lists[list + listBeyond]!
      takings += lists[list + listTakings]!
      const end = list + listStart + changing * (words + 1)
      for (let move = list + listStart; move < end; move += words + 1)
        if ((lists[move + words]! & Demand.mask) !== Demand.none) {
          this.forMain.push(state)
          return
        }
    }
    if (moved === 0 && findsDeadlock) {
      this.forMain.push(state)
      return
    }
    this.moved += moved
    this.idle += idle
    this.refused += refused
    this.beyond += beyond
    this.takings += takings
    this.step(state)
  }

  /** Finds the list of each group; false when one is not known. */
  protected abstract look(state: number): boolean
  /** Notes the list of a group; false when no further group is looked at, since what is prompt goes alone. */
  protected choose(group: number, list: number): boolean {
    this.chosen[group] = list
    const { lists, promptEnd, ordinaryEnd, freeEnd } = this.round
    if (group >= ordinaryEnd || lists[list + listChanging] === 0) return true
    if (group >= promptEnd) {
      this.last = freeEnd
      return true
    }
    this.first = group
    this.last = group + 1
    return false
  }
  /** Makes the moves of the chosen lists. */
  protected abstract step(state: number): void

  protected judge(state: number): void {
    const { invariants, states, words } = this.round
    for (let i = 0; i < invariants.length; i++) {
      const { pool, wide } = invariants[i]!
      if (findIn(pool, wide, states, state * words) === holds) continue
      this.toJudge.push(state)
      return
    }
  }
}

class PairThread extends Thread {
  /** As in `states.ts`: states that were looked up a short while ago. */
  readonly #recent = new Int32Array((recentMask + 1) * 2)

  protected look(state: number): boolean {
    const { states, program, entries, groupCount } = this.round
    const a = states[state * 2]!
    const b = states[state * 2 + 1]!
    this.first = 0
    this.last = groupCount
    for (let group = 0, at = 0; group < this.last; group++, at += 6) {
      const gateMask = program[at + 5]!
      if (gateMask !== 0 && ((program[at + 4] === 0 ? a : b) & gateMask) === 0) {
        this.chosen[group] = emptyList
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
        if (list === 0) return false
        if (entries[entry] === x && entries[entry + 1] === y) break
        slot = (slot + 1) & mask
      }
      if (!this.choose(group, list)) break
    }
    return true
  }

  protected step(state: number): void {
    const { states, visited, visitedMask, lists, parents, control: shared } = this.round
    const { chosen, first, last: lastGroup } = this
    const recent = this.#recent
    const a = states[state * 2]!
    const b = states[state * 2 + 1]!
    const last = visitedMask * 2 + 1
    for (let group = first; group < lastGroup; group++) {
      const list = chosen[group]!
      const end = list + listStart + lists[list + listChanging]! * 3
      next: for (let move = list + listStart; move < end; move += 3) {
        const x = a ^ lists[move]!
        const y = b ^ lists[move + 1]!
        const hash = pairSlot(x, y)
        const near = (hash & recentMask) * 2
        if (recent[near] === x && recent[near + 1] === y) continue
        recent[near] = x
        recent[near + 1] = y
        let slot = (hash & visitedMask) * 2
        for (;;) {
          let found = visited[slot]!
          if (found === 0) found = Atomics.compareExchange(visited, slot, 0, x)
          if (found === 0) break
          if (found === x) {
            let second = visited[slot + 1]!
            while (second === 0) second = Atomics.load(visited, slot + 1)
            if (second === y) continue next
          }
          slot = (slot + 2) & last
        }
        Atomics.store(visited, slot + 1, y)
        const number = Atomics.add(shared, control.count, 1)
        states[number * 2] = x
        states[number * 2 + 1] = y
        parents[number] = state
        this.judge(number)
      }
    }
  }
}

class TupleThread extends Thread {
  readonly #key: Int32Array
  readonly #next: Int32Array

  constructor(round: Round) {
    super(round)
    this.#key = new Int32Array(round.words)
    this.#next = new Int32Array(round.words)
  }

  protected look(state: number): boolean {
    const { states, program, entries, groupCount, words } = this.round
    const key = this.#key
    const from = state * words
    this.first = 0
    this.last = groupCount
    for (let group = 0, at = 0; group < this.last; group++, at += words + 4) {
      const gateMask = program[at + words + 3]!
      if (gateMask !== 0 && (states[from + program[at + words + 2]!]! & gateMask) === 0) {
        this.chosen[group] = emptyList
        continue
      }
      for (let i = 0; i < words; i++) key[i] = states[from + i]! & program[at + i]!
      const base = program[at + words]!
      const mask = program[at + words + 1]!
      let slot = hashWords(key, 0, words) & mask
      let list: number
      for (;;) {
        const entry = base + slot * (words + 1)
        list = entries[entry + words]!
        if (list === 0) return false
        let i = 0
        while (i < words && entries[entry + i] === key[i]) i++
        if (i === words) break
        slot = (slot + 1) & mask
      }
      if (!this.choose(group, list)) break
    }
    return true
  }

  protected step(state: number): void {
    const { states, visited, visitedMask, lists, parents, words, control: shared } = this.round
    const next = this.#next
    const from = state * words
    const last = visitedMask * 2 + 1
    for (let group = this.first; group < this.last; group++) {
      const list = this.chosen[group]!
      const end = list + listStart + lists[list + listChanging]! * (words + 1)
      next: for (let move = list + listStart; move < end; move += words + 1) {
        for (let k = 0; k < words; k++) next[k] = states[from + k]! ^ lists[move + k]!
        const hash = hashWords(next, 0, words)
        let slot = (hash & visitedMask) * 2
        for (;;) {
          let found = visited[slot + 1]!
          if (found === 0) found = Atomics.compareExchange(visited, slot + 1, 0, -1)
          if (found === 0) break
          while (found === -1) found = Atomics.load(visited, slot + 1)
          if (visited[slot] === hash) {
            const other = (found - 1) * words
            let k = 0
            while (k < words && states[other + k] === next[k]) k++
            if (k === words) continue next
          }
          slot = (slot + 2) & last
        }
        const number = Atomics.add(shared, control.count, 1)
        for (let k = 0; k < words; k++) states[number * words + k] = next[k]!
        parents[number] = state
        visited[slot] = hash
        Atomics.store(visited, slot + 1, number + 1)
        this.judge(number)
      }
    }
  }
}
