/**
 * Step tables: for packed states, what all sites offer, as lists of XOR deltas. Sites are looked up in groups. A group's
 * key is the state's words under the group's mask; its entry names a list in the arena. Entries are made from local
 * steps when they are first asked for.
 */
import type { Room } from './growth.js'
import {
  type LocalSteps,
  beyondAt,
  changesAt,
  firstChangeAt,
  firstMoveAt,
  idleAt,
  isBadAt,
  lockAt,
  movesAt,
  refusedAt,
  takingsAt,
} from './local-steps.js'
import type { Packing } from './packing.js'
import { Urgency } from '../urgency.js'

// Words of a list: counts, then the moves that change something.
export const listChanging = 0
export const listUnchanging = 1
export const listIdle = 2
export const listRefused = 3
export const listBeyond = 4
export const listTakings = 5
/** Where every site has a list of its own: the number, plus one, of what may give it (further) choices, or 0. */
export const listLock = 6
export const listStart = 7
/** The list of a site whose gate is shut: nothing. The first word of all is unused, so that 0 is no list. */
export const emptyList = 1
/** What a move asks of whoever makes it, in the lowest bits of the word after its deltas; its site is in those above. */
export const Demand = { none: 0, bad: 1, stepInvariants: 2, mask: 3 } as const
export const siteShift = 2

/** Answers of `fill` that are not the place of a list. */
export const Refill = {
  /** Keys have changed: all tables must be laid out anew. */
  regroup: -1,
  /** An id has no place in its slot: states must be packed anew. */
  repack: -2,
} as const

/** Sites that depend on so few bits together are looked up at once. */
const mostGroupBits = 12
/** Lists are dropped beyond this many words. */
const mostListWords = 1 << 27
const leastCapacity = 16

interface Group {
  readonly sites: number[]
  readonly urgency: Urgency
  readonly key: Set<number>
  count: number
  /** The slot, or -1, that is 0 when the only site of the group has its gate shut: then it need not be looked up. */
  gate: number
}

export class StepTables {
  lists: Int32Array
  /**
   * Per group its mask, where its table begins, the table's number of entries minus one, and of its gate the word and
   * the bits there; no bits where it has none.
   */
  program: Int32Array
  /** Entries: masked words, then the place of the list, 0 for none. */
  entries: Int32Array
  groupCount = 0
  /** How often the tables were laid out anew, and empty. */
  layouts = 0
  /** Words of an entry. */
  entryWords = 4
  /** Words of a group in `program`. */
  groupWords = 6
  /** Groups are in the order of their urgency: where the prompt ones end, the ordinary ones, and those that are free. */
  promptEnd = 0
  ordinaryEnd = 0
  freeEnd = 0
  readonly #steps: LocalSteps
  /** By site. */
  readonly #urgencies: readonly Urgency[]
  #packing: Packing
  #groups: Group[] = []
  #listEnd = emptyList + listStart
  #entryEnd = 0
  #ids: Int32Array
  #key: Int32Array
  /** Slots that a step invariant looks at: a move that changes one asks for a look. */
  readonly #judged: ReadonlySet<number>
  /** Whether every site is a group of its own: group `i` is site `i`. */
  readonly #isApart: boolean

  readonly #room: Room

  constructor(
    steps: LocalSteps,
    urgencies: readonly Urgency[],
    packing: Packing,
    judged: ReadonlySet<number>,
    room: Room,
    isApart = false,
  ) {
    this.#room = room
    this.#isApart = isApart
    this.lists = room.int32(1 << 12)
    this.program = room.int32(0)
    this.entries = room.int32(0)
    this.#steps = steps
    this.#urgencies = urgencies
    this.#packing = packing
    this.#judged = judged
    this.#ids = new Int32Array(packing.slots)
    this.#key = new Int32Array(packing.words)
    this.layOut(packing)
  }

  /** Forgets all lists and groups the sites anew. */
  layOut(packing: Packing): void {
    this.layouts++
    this.#packing = packing
    this.#ids = new Int32Array(packing.slots)
    this.#key = new Int32Array(packing.words)
    this.#listEnd = emptyList + listStart
    this.#entryEnd = 0
    const { words } = packing
    this.entryWords = words === 2 ? 4 : words + 1
    this.groupWords = words + 4
    this.#groups = this.#grouped().sort((a, b) => a.urgency - b.urgency)
    const upTo = (least: Urgency): number => this.#groups.filter(({ urgency }) => urgency <= least).length
    this.promptEnd = upTo(Urgency.prompt)
    this.ordinaryEnd = upTo(Urgency.ordinary)
    this.freeEnd = upTo(Urgency.free)
    this.groupCount = this.#groups.length
    this.program = this.#room.int32(this.groupCount * this.groupWords)
    this.#groups.forEach(({ key, gate }, group) => {
      const at = group * this.groupWords
      packing.maskInto(key, this.program, at)
      this.program[at + words] = this.#newTable(leastCapacity)
      this.program[at + words + 1] = leastCapacity - 1
      if (gate < 0) return
      this.program[at + words + 2] = packing.wordOf[gate]!
      this.program[at + words + 3] = packing.maskOf(gate) << packing.shiftOf[gate]!
    })
  }

  /** Puts sites together whose keys lie in one another, or are narrow. */
  #grouped(): Group[] {
    const { bitsOf, neededOf } = this.#packing
    const bits = (slots: Iterable<number>): number => {
      let sum = 0
      for (const slot of slots) sum += neededOf[slot]!
      return sum
    }
    const groups: Group[] = []
    const constant: number[] = []
    for (const [site, urgency] of this.#urgencies.entries()) {
      const key = new Set(this.#steps.keyOf(site).filter((slot) => bitsOf[slot]! > 0))
      if (this.#isApart) {
        groups.push({ sites: [site], urgency, key, count: 0, gate: -1 })
        continue
      }
      if (key.size === 0 && urgency === Urgency.ordinary) {
        constant.push(site)
        continue
      }
      const own = bits(key)
      let best: Group | undefined
      let bestGain = -1
      for (const group of groups) {
        // What goes first goes alone.
        if (group.urgency !== urgency || urgency === Urgency.prompt) continue
        const theirs = bits(group.key)
        const together = bits(new Set([...group.key, ...key]))
        if (together > Math.max(mostGroupBits, own, theirs)) continue
        const gain = own + theirs - together
        if (gain > bestGain) [best, bestGain] = [group, gain]
      }
      if (best === undefined) groups.push({ sites: [site], urgency, key, count: 0, gate: -1 })
      else {
        best.sites.push(site)
        for (const slot of key) best.key.add(slot)
      }
    }
    for (const group of groups) {
      const gate = group.sites.length === 1 ? this.#steps.shutSlotOf(group.sites[0]!) : -1
      if (gate >= 0 && bitsOf[gate]! > 0) group.gate = gate
    }
    if (constant.length === 0) return groups
    // What is the same in every state goes along with what is looked up in every state.
    const { ordinary } = Urgency
    const host = groups.find(({ gate, urgency }) => gate < 0 && urgency === ordinary)
    if (host === undefined)
      groups.push({ sites: constant, urgency: ordinary, key: new Set(), count: 0, gate: -1 })
    else host.sites.push(...constant)
    return groups
  }

  /** The list of a group for a packed state, or 0. */
  find(group: number, states: Int32Array, at: number): number {
    const { words } = this.#packing
    const { program, entries, entryWords } = this
    const first = group * this.groupWords
    const gateMask = program[first + words + 3]!
    if (gateMask !== 0 && (states[at + program[first + words + 2]!]! & gateMask) === 0) return emptyList
    const key = this.#key
    for (let i = 0; i < words; i++) key[i] = states[at + i]! & program[first + i]!
    const base = program[first + words]!
    const mask = program[first + words + 1]!
    let slot = (words === 2 ? hashPair(key[0]!, key[1]!) : hashWords(key, 0, words)) & mask
    for (;;) {
      const entry = base + slot * entryWords
      const list = entries[entry + words]!
      if (list === 0) return 0
      let i = 0
      while (i < words && entries[entry + i] === key[i]) i++
      if (i === words) return list
      slot = (slot + 1) & mask
    }
  }

  /** Makes the list of a group for a packed state. */
  fill(groupIndex: number, states: Int32Array, at: number): number {
    const packing = this.#packing
    const group = this.#groups[groupIndex]!
    const ids = this.#ids
    packing.unpack(states, at, ids)
    if (this.#listEnd > mostListWords) return Refill.regroup
    const start = this.#listEnd
    this.#reserve(start + listStart)
    this.lists.fill(0, start, start + listStart)
    let end = start + listStart
    for (const site of group.sites) {
      const { version } = this.#steps
      const record = this.#steps.record(site, ids)
      if (record < 0 || version !== this.#steps.version) return Refill.regroup
      end = this.#append(site, record, ids, start, end)
      if (end < 0) return Refill.repack
    }
    this.#listEnd = end
    this.#insert(groupIndex, states, at, start)
    return start
  }

  /** Appends the moves of a record to a list; -1 when an id does not fit. */
  #append(site: number, record: number, ids: Int32Array, list: number, listEnd: number): number {
    const { records } = this.#steps
    const packing = this.#packing
    const { words } = packing
    const moves = records[record + movesAt]!
    let move = record + firstMoveAt
    let end = listEnd
    this.#reserve(end + moves * (words + 1))
    const { lists } = this
    lists[list + listIdle]! += records[record + idleAt]!
    lists[list + listRefused]! += records[record + refusedAt]!
    lists[list + listBeyond]! += records[record + beyondAt]!
    lists[list + listTakings]! += records[record + takingsAt]!
    lists[list + listLock] = records[record + lockAt]!
    for (let i = 0; i < moves; i++) {
      const changes = records[move + changesAt]!
      const isBad = records[move + isBadAt] === 1
      const first = move + firstChangeAt
      move = first + 2 * changes
      if (changes === 0 && !isBad) {
        lists[list + listUnchanging]!++
        continue
      }
      lists.fill(0, end, end + words)
      let demand: number = isBad ? Demand.bad : Demand.none
      for (let change = first; change < move; change += 2) {
        const slot = records[change]!
        const id = records[change + 1]!
        if (!packing.fits(slot, id)) return -1
        packing.flip(slot, id ^ ids[slot]!, lists, end)
        if (this.#judged.has(slot)) demand |= Demand.stepInvariants
      }
      lists[end + words] = demand | (site << siteShift)
      lists[list + listChanging]!++
      end += words + 1
    }
    return end
  }

  #insert(groupIndex: number, states: Int32Array, at: number, list: number): void {
    const group = this.#groups[groupIndex]!
    const { words } = this.#packing
    const program = groupIndex * this.groupWords
    const capacity = this.program[program + words + 1]! + 1
    if ((group.count + 1) * 2 > capacity) this.#grow(program, capacity)
    const key = this.#key
    for (let i = 0; i < words; i++) key[i] = states[at + i]! & this.program[program + i]!
    this.#put(program, key, 0, list)
    group.count++
  }

  #put(program: number, key: Int32Array, at: number, list: number): void {
    const { words } = this.#packing
    const { entryWords, entries } = this
    const base = this.program[program + words]!
    const mask = this.program[program + words + 1]!
    let slot = (words === 2 ? hashPair(key[at]!, key[at + 1]!) : hashWords(key, at, words)) & mask
    while (entries[base + slot * entryWords + words] !== 0) slot = (slot + 1) & mask
    const entry = base + slot * entryWords
    for (let i = 0; i < words; i++) entries[entry + i] = key[at + i]!
    entries[entry + words] = list
  }

  #grow(program: number, capacity: number): void {
    const { words } = this.#packing
    const { entryWords } = this
    const base = this.program[program + words]!
    this.program[program + words] = this.#newTable(capacity * 2)
    this.program[program + words + 1] = capacity * 2 - 1
    const { entries } = this
    for (let slot = 0; slot < capacity; slot++) {
      const entry = base + slot * entryWords
      const list = entries[entry + words]!
      if (list !== 0) this.#put(program, entries, entry, list)
    }
  }

  #newTable(capacity: number): number {
    const base = this.#entryEnd
    this.#entryEnd = base + capacity * this.entryWords
    if (this.#entryEnd > this.entries.length) this.entries = this.#room.grown(this.entries, this.#entryEnd)
    this.entries.fill(0, base, this.#entryEnd)
    return base
  }

  #reserve(end: number): void {
    if (end > this.lists.length) this.lists = this.#room.grown(this.lists, end)
  }

  get bytes(): number {
    return 4 * (this.lists.length + this.entries.length)
  }
}

/** Where to look for two words. */
export function hashPair(a: number, b: number): number {
  const hash = Math.imul(a ^ Math.imul(b, 0x85ebca6b), 0x9e3779b1)
  return hash ^ (hash >>> 15)
}

/** Where to look for several words. */
export function hashWords(words: Int32Array, at: number, count: number): number {
  let hash = 0
  for (let i = at; i < at + count; i++) {
    hash = Math.imul(hash ^ words[i]!, 0x85ebca6b)
    hash ^= hash >>> 15
  }
  return hash
}
