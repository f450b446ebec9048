/**
 * Operations that cannot be placed while the state stays the same: they are *apart* from it.
 *
 * Contract. An operation that needs or gives another state than `key` shows that between its call and its return the
 * state was not `key` for a moment. The extremes among them are found in constant time: the extreme of all, the one
 * key it may be placed in, and the extreme of those that may not be placed in that one.
 */
import { anywhere, none } from './key-number.js'

/** For a key and an event: an event. */
export type Separation = (key: number, event: number) => number

interface Events {
  readonly events: Int32Array
  readonly callEvent: Int32Array
  readonly returnEvent: Int32Array
}

/** The earliest return among operations called from an event on that are apart; the number of events if none is. */
export function separationsAfter(
  { events, returnEvent }: Events,
  needs: Int32Array,
  gives: Int32Array,
): Separation {
  const count = events.length
  const after = new Extremes(count, count)
  for (let index = count - 1; index >= 0; index--) {
    after.inherit(index, index + 1)
    const operation = events[index]! >> 1
    if (events[index]! & 1) continue
    const end = returnEvent[operation]!
    after.add(index, keptBy(needs[operation]!, gives[operation]!), end, (other) => end < other)
  }
  return (key, event) => after.of(key, event)
}

/** The latest call among operations returned before an event that are apart; -1 if none is. */
export function separationsBefore(
  { events, callEvent }: Events,
  needs: Int32Array,
  gives: Int32Array,
): Separation {
  const before = new Extremes(events.length, -1)
  for (let index = 0; index < events.length; index++) {
    before.inherit(index + 1, index)
    const operation = events[index]! >> 1
    if (!(events[index]! & 1)) continue
    const begin = callEvent[operation]!
    before.add(index + 1, keptBy(needs[operation]!, gives[operation]!), begin, (other) => begin > other)
  }
  return (key, event) => before.of(key, event)
}

/** The key in which the operation can be placed without leaving it, if any; `none` where that is every key. */
function keptBy(needs: number, gives: number): number {
  if (gives === none || gives === needs) return needs
  return needs === none ? gives : anywhere
}

class Extremes {
  readonly #first: Int32Array
  readonly #kept: Int32Array
  readonly #second: Int32Array

  constructor(count: number, nothing: number) {
    this.#first = new Int32Array(count + 1).fill(nothing)
    this.#kept = new Int32Array(count + 1).fill(anywhere)
    this.#second = new Int32Array(count + 1).fill(nothing)
  }

  inherit(index: number, from: number): void {
    this.#first[index] = this.#first[from]!
    this.#kept[index] = this.#kept[from]!
    this.#second[index] = this.#second[from]!
  }

  add(index: number, kept: number, event: number, isBeyond: (other: number) => boolean): void {
    if (kept === none) return
    const isOther = kept !== this.#kept[index] || kept === anywhere
    if (isBeyond(this.#first[index]!)) {
      if (isOther) this.#second[index] = this.#first[index]!
      this.#first[index] = event
      this.#kept[index] = kept
    } else if (isOther && isBeyond(this.#second[index]!)) this.#second[index] = event
  }

  of(key: number, event: number): number {
    return (this.#kept[event] === key ? this.#second : this.#first)[event]!
  }
}
