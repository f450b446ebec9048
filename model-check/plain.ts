/**
 * The plain enumerator: breadth-first over whole worlds, without memo, packing or reduction. It is the naive twin that
 * every faster search is compared with, and it finds shortest schedules.
 *
 * Guarantees. Two states are one only when all their bytes are equal. Every choice that a site offers is taken in every
 * state. Every step that moved something is judged: assertions, roles, state invariants and step invariants. The
 * schedule of a violation is as short as any. When a bound or a filter cut something off, the result says so.
 *
 * Histories of clients are not part of a state. With `history: 'kept'` they are: the exact sequence of calls and
 * returns then tells states apart, and history properties are judged at every return. Liveness is not looked at.
 */
import type { SystemDefinition } from '../protocol/index.js'
import type { NamedAction } from '../sim/run/action-log.js'
import { CeilingCheck } from './ceilings.js'
import { Judge, type Violation, type ViolationKind } from '../sim/run/judge.js'
import { type Setup, buildWorld } from '../sim/run/setup.js'
import { ClientEvents, type ClientEvent, judgeHistory } from '../sim/shrink/client-events.js'
import type { Scenario } from './scenario.js'
import { Urgency, urgencyOf } from './urgency.js'
import { Outcome, type Site } from '../sim/world/site.js'
import type { Snapshot, World } from '../sim/world/world.js'

export interface PlainOptions extends Scenario {
  /** Most states to keep. */
  readonly states?: number | undefined
  /** Most moved steps from the initial state. */
  readonly depth?: number | undefined
  /** Asked every few hundred states; the search ends incomplete when it says yes. */
  shouldStop?(): boolean
  /** Sites that are left out; what they offer is neither taken nor counted. */
  allowed?(site: Site): boolean
  readonly history?: 'ignored' | 'kept' | undefined
  /** The violation that ends the search; others are passed by. By default the first of any kind. */
  wanted?(violation: Violation): boolean
}

export interface PlainFinding {
  readonly violation: Violation
  /** A shortest schedule that ends in the violation. */
  readonly actions: readonly NamedAction[]
}

export interface PlainResult {
  readonly distinct: number
  readonly moved: number
  readonly idle: number
  readonly refused: number
  /** Steps that were left out because of a ceiling. */
  readonly beyond: number
  /** As TLC counts: `moved + idle + 1`. */
  readonly generated: number
  /** Steps from the initial state to the farthest. */
  readonly depth: number
  /** Every schedule of so many moved steps was looked at, within the sites allowed. */
  readonly coveredDepth: number
  /** Whether nothing was cut off: no bound was met, no site left out, no finding ended the search. */
  readonly complete: boolean
  /** Whether history properties were judged. */
  readonly historyJudged: boolean
  readonly finding: PlainFinding | undefined
}

export function enumerate(
  definition: SystemDefinition,
  setup: Setup,
  options: PlainOptions = {},
): PlainResult {
  return new PlainSearch(definition, setup, options).run()
}

/** What is judged of a step, whatever states it lies between. */
const ofStepAlone: ReadonlySet<ViolationKind> = new Set(['assertion', 'crash', 'hidden-state', 'role'])

const statesBetweenStops = 256

class PlainSearch {
  readonly #world: World
  readonly #judge: Judge
  readonly #ceilings: CeilingCheck
  readonly #options: PlainOptions
  readonly #states: StateStore
  readonly #histories: Histories | undefined
  /** Per state its predecessor, and the site and subject of the step that led here. */
  readonly #parents: number[] = [-1]
  readonly #sites: number[] = [-1]
  readonly #subjects: number[] = [0]
  readonly #initial: Snapshot
  readonly #base: Snapshot
  #moved = 0
  #idle = 0
  #refused = 0
  #beyond = 0
  #complete = true
  #finding: PlainFinding | undefined

  constructor(definition: SystemDefinition, setup: Setup, options: PlainOptions) {
    this.#world = buildWorld(definition, setup, false, options.limits)
    this.#judge = new Judge(this.#world, setup.without)
    this.#ceilings = new CeilingCheck(this.#world, options.ceilings ?? {})
    this.#options = options
    this.#histories = options.history === 'kept' ? new Histories(this.#judge) : undefined
    // The judge's own history would grow along a walk that jumps from state to state.
    this.#world.listener = this.#histories?.seen
    this.#initial = this.#world.snapshot()
    this.#base = this.#world.snapshot()
    this.#states = new StateStore(this.#initial)
  }

  run(): PlainResult {
    const { states: mostStates = Infinity, depth: mostDepth = Infinity } = this.#options
    const store = this.#states
    store.add(this.#initial, 0)
    let depth = 0
    let levelEnd = 1
    if (this.#world.failure !== undefined) this.#report(-1, this.#judge.afterStep())
    for (let state = 0; state < store.count && this.#finding === undefined; state++) {
      if (state === levelEnd) {
        depth++
        levelEnd = store.count
      }
      if (depth >= mostDepth || store.count >= mostStates || this.#isStopped(state)) {
        this.#complete = false
        break
      }
      this.#expand(state)
    }
    return {
      distinct: store.count,
      moved: this.#moved,
      idle: this.#idle,
      refused: this.#refused,
      beyond: this.#beyond,
      generated: this.#moved + this.#idle + 1,
      depth: store.count > levelEnd ? depth + 1 : depth,
      coveredDepth: depth,
      complete: this.#complete && this.#finding === undefined,
      historyJudged: this.#histories !== undefined,
      finding: this.#finding,
    }
  }

  #isStopped(state: number): boolean {
    return state % statesBetweenStops === 0 && this.#options.shouldStop?.() === true
  }

  /** Takes every choice of every site in one state. */
  #expand(state: number): void {
    const world = this.#world
    const base = this.#base
    const history = this.#states.load(state, base)
    world.restore(base)
    const armed = world.armed.slice()
    let atBase = true
    for (const site of this.#allowedBy(armed)) {
      if (armed[site.index] === 0) continue
      if (this.#options.allowed?.(site) === false) {
        this.#complete = false
        continue
      }
      for (let choice = 0; choice < armed[site.index]!; choice++) {
        if (!atBase) {
          // Not `restore`: counting all choices again is not needed, `armed` above is that of this state.
          world.memory.bytes.set(base.state)
          world.memory.side.set(base.side)
          world.failure = undefined
          atBase = true
        }
        const subject = site.subject(choice)
        this.#judge.reset()
        const outcome = world.step(site.index, choice)
        if (outcome === Outcome.refused) this.#refused++
        else if (outcome === Outcome.idle) this.#idle++
        else {
          atBase = false
          this.#arrive(state, site.index, subject, history)
          if (this.#finding !== undefined) return
        }
      }
    }
  }

  /** The sites that may act in the state at hand, as far as their urgency goes. */
  #allowedBy(armed: Int32Array): readonly Site[] {
    const { sites } = this.#world
    const { prompt = [], timers = 'eager' } = this.#options
    const of = (urgency: Urgency): Site[] =>
      sites.filter((site) => urgencyOf(site, prompt, timers) === urgency)
    if (prompt.length === 0 && timers === 'eager') return sites
    const first = of(Urgency.prompt).find((site) => this.#canChange(site, armed[site.index]!))
    if (first !== undefined) return [first]
    const isBusy = of(Urgency.ordinary).some((site) => this.#canChange(site, armed[site.index]!))
    return isBusy ? sites.filter((site) => urgencyOf(site, prompt, timers) !== Urgency.patient) : sites
  }
  /** Whether a choice of a site leads to another state of the model, or breaks a rule. Leaves the state as it was. */
  #canChange(site: Site, choices: number): boolean {
    const world = this.#world
    const base = this.#base
    for (let choice = 0; choice < choices; choice++) {
      this.#judge.reset()
      const outcome = world.step(site.index, choice)
      const violation = outcome === Outcome.moved ? this.#judge.afterStep() : undefined
      const isBad = violation !== undefined && ofStepAlone.has(violation.kind)
      const isNew =
        outcome === Outcome.moved &&
        !this.#ceilings.isExceeded() &&
        (world.memory.bytes.some((byte, i) => byte !== base.state[i]) ||
          (this.#histories?.seen.events.length ?? 0) > 0)
      if (this.#histories !== undefined) this.#histories.seen.events.length = 0
      world.restore(base)
      if (isBad || isNew) return true
    }
    return false
  }

  /** Judges a step that moved something, and keeps the state it led to when that is new. */
  #arrive(from: number, site: number, subject: number, history: number): void {
    const judgement = this.#judge.afterStep()
    // What a step does wrong by itself is seen; what it leads to is not looked at.
    if (this.#ceilings.isExceeded() && !(judgement !== undefined && ofStepAlone.has(judgement.kind))) {
      this.#beyond++
      if (this.#histories !== undefined) this.#histories.seen.events.length = 0
      return
    }
    this.#moved++
    const next = this.#histories?.advance(history) ?? { index: 0, violation: undefined }
    const state = this.#world.failure === undefined ? this.#states.add(this.#world.memory, next.index) : -1
    if (state >= 0) {
      this.#parents.push(from)
      this.#sites.push(site)
      this.#subjects.push(subject)
    }
    this.#report(from, judgement ?? next.violation, site, subject)
  }

  #report(from: number, violation: Violation | undefined, site = -1, subject = 0): void {
    if (violation === undefined || this.#options.wanted?.(violation) === false) return
    const actions: NamedAction[] = []
    const name = (site: number): string => this.#world.sites[site]!.name
    for (let state = from; state > 0; state = this.#parents[state]!)
      actions.push({ site: name(this.#sites[state]!), subject: this.#subjects[state]! })
    actions.reverse()
    if (site >= 0) actions.push({ site: name(site), subject })
    this.#finding = { violation, actions }
  }
}

/**
 * States in the order in which they were found. A state is kept as the list of words in which it differs from the
 * initial one: this loses nothing, and most words of a world never change. Its side is kept with it, so that the
 * subjects of its actions are those of the path that found it, but does not tell states apart.
 */
class StateStore {
  count = 0
  readonly #initial: Snapshot
  readonly #initialWords: Uint32Array
  /** Records: history, then pairs of position and word. */
  #words = new Uint32Array(1 << 16)
  /** Pairs of position and value. */
  #side = new Float64Array(1 << 14)
  /** Where the records of a state begin; the next state's begin is the end. */
  readonly #wordsAt: number[] = [0]
  readonly #sideAt: number[] = [0]
  /** Per hash the latest state with it, per state the one before it with the same hash. */
  readonly #latest = new Map<number, number>()
  readonly #before: number[] = []

  constructor(initial: Snapshot) {
    this.#initial = initial
    this.#initialWords = wordsOf(initial.state)
  }

  /** The new state's number, or -1 when it is known. */
  add(
    memory: { readonly side: Float64Array } & ({ readonly words: Uint32Array } | Snapshot),
    history: number,
  ): number {
    const words = 'words' in memory ? memory.words : wordsOf(memory.state)
    const start = this.#wordsAt[this.count]!
    const end = this.#write(words, start, history)
    const hash = hashOf(this.#words, start, end)
    const latest = this.#latest.get(hash) ?? -1
    for (let state = latest; state >= 0; state = this.#before[state]!)
      if (this.#isEqual(state, start, end)) return -1
    this.#latest.set(hash, this.count)
    this.#before.push(latest)
    this.#wordsAt.push(end)
    this.#sideAt.push(this.#writeSide(memory.side, this.#sideAt[this.count]!))
    return this.count++
  }

  /** Puts a state's bytes into a snapshot and returns its history. */
  load(state: number, into: Snapshot): number {
    into.state.set(this.#initial.state)
    into.side.set(this.#initial.side)
    const target = wordsOf(into.state)
    const start = this.#wordsAt[state]!
    for (let i = start + 1; i < this.#wordsAt[state + 1]!; i += 2)
      target[this.#words[i]!] = this.#words[i + 1]!
    for (let i = this.#sideAt[state]!; i < this.#sideAt[state + 1]!; i += 2)
      into.side[this.#side[i]!] = this.#side[i + 1]!
    return this.#words[start]!
  }

  #write(words: Uint32Array, start: number, history: number): number {
    const most = start + 1 + 2 * words.length
    while (most > this.#words.length)
      this.#words = grown(this.#words, new Uint32Array(this.#words.length * 2))
    const pool = this.#words
    const initial = this.#initialWords
    pool[start] = history
    let end = start + 1
    for (let i = 0; i < words.length; i++) {
      if (words[i] === initial[i]) continue
      pool[end++] = i
      pool[end++] = words[i]!
    }
    return end
  }

  #writeSide(side: Float64Array, start: number): number {
    const most = start + 2 * side.length
    while (most > this.#side.length) this.#side = grown(this.#side, new Float64Array(this.#side.length * 2))
    let end = start
    for (let i = 0; i < side.length; i++) {
      if (side[i] === this.#initial.side[i]) continue
      this.#side[end++] = i
      this.#side[end++] = side[i]!
    }
    return end
  }

  #isEqual(state: number, start: number, end: number): boolean {
    const other = this.#wordsAt[state]!
    if (this.#wordsAt[state + 1]! - other !== end - start) return false
    for (let i = 0; i < end - start; i++) if (this.#words[other + i] !== this.#words[start + i]) return false
    return true
  }
}

const wordsOf = (bytes: Uint8Array): Uint32Array =>
  new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4)

function grown<A extends Uint32Array | Float64Array>(from: A, into: A): A {
  into.set(from)
  return into
}

function hashOf(words: Uint32Array, start: number, end: number): number {
  let hash = end - start
  for (let i = start; i < end; i++) {
    hash = Math.imul(hash ^ words[i]!, 0x85ebca6b)
    hash ^= hash >>> 13
  }
  return Math.imul(hash, 0xc2b2ae35) | 0
}

/** Histories as paths in a tree: each is another one and one event more. */
class Histories {
  readonly seen = new ClientEvents()
  readonly #judge: Judge
  readonly #parents: number[] = [-1]
  readonly #events: (ClientEvent | undefined)[] = [undefined]
  readonly #verdicts: (Violation | undefined)[] = [undefined]
  readonly #children = new Map<string, number>()

  constructor(judge: Judge) {
    this.#judge = judge
  }

  /** The history that follows another one by what was just seen, and what is wrong with it. */
  advance(history: number): { index: number; violation: Violation | undefined } {
    let index = history
    for (const event of this.seen.events) index = this.#child(index, event)
    const isNews = this.seen.events.length > 0
    this.seen.events.length = 0
    return { index, violation: isNews ? this.#verdicts[index] : undefined }
  }

  #child(parent: number, event: ClientEvent): number {
    const { kind, client, position, content } = event
    const key = [parent, kind, client, position, ...content].join(' ')
    const known = this.#children.get(key)
    if (known !== undefined) return known
    const index = this.#parents.length
    this.#children.set(key, index)
    this.#parents.push(parent)
    this.#events.push(event)
    this.#verdicts.push(kind === 'return' ? judgeHistory(this.#judge, this.#path(index)) : undefined)
    return index
  }

  #path(index: number): ClientEvent[] {
    const path: ClientEvent[] = []
    for (let at = index; at > 0; at = this.#parents[at]!) path.push(this.#events[at]!)
    return path.reverse()
  }
}
