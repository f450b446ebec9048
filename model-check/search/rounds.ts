/**
 * A search on several threads, level by level. In a round worker threads expand all states of a level for which steps
 * are remembered; then the search itself, whose thread alone runs cores and evaluates properties, finds out about the
 * steps of the others, and the next round goes on with these.
 *
 * Counts and verdict are those of a search on one thread. The order in which the states of a level are found is not, so
 * of several violations at one depth another one may be met.
 */
import { wireWasFull } from './reductions.js'
import type { Search } from './search.js'
import { type Round, type RoundReport, chunk, control } from './shared-sweep.js'

/** Levels of fewer states are not worth a round. */
const usualLeastLevel = 4096
/** Room that is made for each state of a round; where it leads to more, the rest waits for another round. */
const usualGrowth = 1.5
/** Most states that one state may lead to on average, within what the threads have claimed. */
const roomPerState = 256

export class Rounds {
  readonly #search: Search
  readonly #threads: number
  #round: Round | undefined

  readonly #leastLevel: number

  /**
   * @param search a search whose memory is shared
   * @param leastLevel levels of fewer states are left to the search itself
   */
  constructor(search: Search, threads: number, leastLevel = usualLeastLevel) {
    this.#search = search
    this.#threads = threads
    this.#leastLevel = leastLevel
  }

  /** The next round, or undefined when the search should go on by itself for a while. */
  begin(): Round | undefined {
    const search = this.#search
    const { next, levelEnd, symmetry, partialOrder } = search
    if (search.isDone || symmetry !== undefined || partialOrder !== undefined) return undefined
    if (levelEnd - next < this.#leastLevel) return undefined
    this.#round = this.#roundFor(undefined, next, levelEnd - next)
    return this.#round
  }

  /** Takes in what the threads have done. The next round of this level, or undefined when the level is done. */
  end(reports: readonly RoundReport[]): Round | undefined {
    const round = this.#round
    if (round === undefined) throw new Error('no round has begun')
    const search = this.#search
    const { states } = search
    states.count = round.control[control.count]!
    for (const { moved, idle, refused, beyond, takings } of reports) {
      search.moved += moved
      search.idle += idle
      search.refused += refused
      search.beyond += beyond
      search.takings += takings
    }
    for (const { toJudge } of reports)
      for (const state of toJudge)
        if (search.brokenFrom < 0 && !search.stateHolds(state)) search.brokenFrom = states.parents[state]!
    const missed = reports.flatMap((report) => report.missed)
    const claimed = Math.min(round.control[control.next]!, round.total)
    for (let i = claimed; i < round.total; i++) missed.push(stateOf(round, i))
    const own = reports.flatMap(({ forMain }) => forMain)
    let taken = 0
    while (taken < own.length && !search.isDone) search.expandOne(own[taken++]!)
    const left = [...own.slice(taken), ...missed]
    for (let i = 0; i < missed.length; i++) if (!search.prepare(missed[i]!)) i = -1
    if (search.isSpoiled) throw wireWasFull
    this.#round = undefined
    // How many states of the level wait is what counts here; which ones, the next round knows.
    search.next = search.levelEnd - left.length
    search.isScattered = left.length > 0
    if (left.length === 0) search.endLevel()
    if (left.length === 0 || search.isDone) return undefined
    this.#round = this.#roundFor(Int32Array.from(left), 0, left.length)
    return this.#round
  }

  #roundFor(work: Int32Array | undefined, from: number, total: number): Round {
    const { states, tables, findsDeadlock } = this.#search
    const slack = this.#threads * chunk * roomPerState
    while (states.count + slack + total * usualGrowth >= states.limit) states.enlarge()
    const counters = new Int32Array(new SharedArrayBuffer(control.words * 4))
    counters[control.count] = states.count
    const shared = work === undefined ? undefined : new Int32Array(new SharedArrayBuffer(work.length * 4))
    shared?.set(work!)
    return {
      words: states.words,
      states: states.states,
      parents: states.parents,
      visited: states.visited,
      visitedMask: states.visitedMask,
      limit: Math.min(states.limit - slack, this.#search.mostStates),
      lists: tables.lists,
      entries: tables.entries,
      program: tables.program,
      groupCount: tables.groupCount,
      promptEnd: tables.promptEnd,
      ordinaryEnd: tables.ordinaryEnd,
      freeEnd: tables.freeEnd,
      invariants: this.#search.knownInvariants,
      control: counters,
      work: shared,
      from,
      total,
      findsDeadlock,
    }
  }
}

const stateOf = ({ work, from }: Round, i: number): number => (work === undefined ? from + i : work[i]!)
