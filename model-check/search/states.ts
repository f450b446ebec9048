/**
 * The packed states found so far, in the order in which they were found, each with its parent, and the visited table
 * over them. States of two words are kept in the table itself, so that looking one up costs one cache miss; of longer
 * ones the table has the hash and the number.
 */
import { type Room, powerOfTwo } from './growth.js'
import { type Packing, Repacking } from './packing.js'
import { hashWords } from './step-tables.js'

/** Words of an entry of either table. */
const visitedWords = 2
const leastRoom = 1 << 10

/** Entries of the cache of states met a short while ago, minus one. */
export const recentMask = (1 << 13) - 1

/** The table is rebuilt when more of it than this is in use. */
const mostLoad = 0.65

export class States {
  words: number
  count = 0
  states: Int32Array
  /** Number of the state from which it was found first; -1 for the initial one. */
  parents: Int32Array
  /** Two words: the packed state itself. More: its hash, and its number plus one. Zeros where empty. */
  visited: Int32Array
  /** Entries of the table minus one. */
  visitedMask = 0
  /** States of two words that were looked up a short while ago: most steps lead to one of them, and they are near. */
  readonly recent = new Int32Array((recentMask + 1) * 2)
  /** When there are so many states, `grow` must be called. */
  limit = 0

  readonly #room: Room

  constructor(words: number, room: Room) {
    this.words = words
    this.#room = room
    this.states = room.int32(leastRoom * words)
    this.parents = room.int32(leastRoom)
    this.visited = room.int32(0)
    this.#rehash(leastRoom * 2)
  }

  /** The number of the state with these words, or -1. Only for states of more than two words. */
  find(packed: Int32Array): number {
    const { words, states, visited, visitedMask } = this
    const hash = hashWords(packed, 0, words)
    let slot = (hash & visitedMask) * 2
    for (let found = visited[slot + 1]!; found !== 0; found = visited[slot + 1]!) {
      if (visited[slot] === hash) {
        const other = (found - 1) * words
        let k = 0
        while (k < words && states[other + k] === packed[k]) k++
        if (k === words) return found - 1
      }
      slot = (slot + 2) & (visitedMask * 2 + 1)
    }
    return -1
  }

  /** Keeps a state that `find` does not know; its number. Only for states of more than two words. */
  add(packed: Int32Array, parent: number): number {
    const { words, visited, visitedMask, count } = this
    const hash = hashWords(packed, 0, words)
    let slot = (hash & visitedMask) * 2
    while (visited[slot + 1] !== 0) slot = (slot + 2) & (visitedMask * 2 + 1)
    visited[slot] = hash
    visited[slot + 1] = count + 1
    for (let k = 0; k < words; k++) this.states[count * words + k] = packed[k]!
    this.parents[count] = parent
    if (++this.count === this.limit) this.grow()
    return count
  }

  /** Builds the table for the states as they are. */
  rehash(): void {
    this.#rehash(this.visitedMask + 1)
  }

  /** Makes room for more states. */
  grow(): void {
    const room = this.parents.length
    if (this.count === room) {
      this.states = this.#room.grown(this.states, 0)
      this.parents = this.#room.grown(this.parents, 0)
    }
    const entries = this.visitedMask + 1
    if (this.count >= Math.floor(entries * mostLoad)) this.#double()
    else this.#setLimit()
  }

  /** Makes room beforehand, for whoever adds states without asking. */
  enlarge(): void {
    if (this.parents.length > Math.floor((this.visitedMask + 1) * mostLoad)) this.#double()
    else {
      this.states = this.#room.grown(this.states, 0)
      this.parents = this.#room.grown(this.parents, 0)
      this.#setLimit()
    }
  }

  #setLimit(): void {
    this.limit = Math.min(this.parents.length, Math.floor((this.visitedMask + 1) * mostLoad))
  }

  /** Packs all states in another way. */
  repack(before: Packing, after: Packing): void {
    this.states = new Repacking(before, after).repack(
      this.states,
      this.count,
      this.#room.int32(this.parents.length * after.words),
    )
    this.words = after.words
    this.recent.fill(0)
    this.#rehash(powerOfTwo(Math.max(leastRoom * 2, Math.ceil(this.count / mostLoad) + 2)))
  }

  /** Builds the table from the states. */
  #rehash(entries: number): void {
    this.#newTable(entries)
    const { visited, visitedMask, states, count, words } = this
    const end = visitedMask * 2 + 1
    for (let i = 0; i < count; i++) {
      const isPair = words === 2
      const first = isPair ? states[i * 2]! : hashWords(states, i * words, words)
      const second = isPair ? states[i * 2 + 1]! : i + 1
      let slot = ((isPair ? pairSlot(first, second) : first) & visitedMask) * 2
      while (visited[slot] !== 0 || visited[slot + 1] !== 0) slot = (slot + 2) & end
      visited[slot] = first
      visited[slot + 1] = second
    }
  }

  /** Doubles the table. Entries are met in the order of their places, so that memory is read and written in streams. */
  #double(): void {
    const old = this.visited
    const isPair = this.words === 2
    this.#newTable((this.visitedMask + 1) * 2)
    const { visited, visitedMask } = this
    const end = visitedMask * 2 + 1
    for (let i = 0; i < old.length; i += 2) {
      const first = old[i]!
      const second = old[i + 1]!
      if (first === 0 && second === 0) continue
      let slot = ((isPair ? pairSlot(first, second) : first) & visitedMask) * 2
      while (visited[slot] !== 0 || visited[slot + 1] !== 0) slot = (slot + 2) & end
      visited[slot] = first
      visited[slot + 1] = second
    }
  }

  #newTable(entries: number): void {
    this.visitedMask = entries - 1
    this.visited = this.#room.int32(entries * visitedWords)
    this.#setLimit()
  }

  get bytes(): number {
    return 4 * (this.states.length + this.parents.length + this.visited.length)
  }
}

/** Where to look for a state of two words: before masking. */
export function pairSlot(a: number, b: number): number {
  const hash = Math.imul(a ^ Math.imul(b, 0x9e3779b1), 0x85ebca6b)
  return hash ^ (hash >>> 15)
}
