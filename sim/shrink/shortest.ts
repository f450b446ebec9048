/**
 * Looks for a shortest schedule that ends in a violation, exhaustively: breadth-first over all states, every choice of
 * every site. It is the plain enumerator of `model-check/plain.ts` made fast for this one question, so that deep searches
 * fit a machine: a step is undone by the parts that it touched, states are told apart by 128-bit fingerprints, and only
 * two levels are kept in full.
 *
 * Guarantees: when a length is returned, a schedule of this length ends in the violation and none of fewer steps does;
 * else none of `noneUpTo` steps or fewer does. Fingerprints of N states are all different but for a chance of about
 * N² / 2^129: for 10^8 states 10^-23.
 *
 * Nothing but the violation is judged, so a schedule that breaks something else on its way counts too. Violations of
 * histories are not looked for, and states of more than {@link mostStateWords} words are not searched at all.
 */
import type { SystemDefinition } from '../../protocol/index.js'
import type { NamedAction } from '../run/action-log.js'
import { Judge, type Violation, sameViolation } from '../run/judge.js'
import { type Setup, buildWorld } from '../run/setup.js'
import { Outcome, type Site } from '../world/site.js'
import type { Snapshot, World } from '../world/world.js'
import { FingerprintSet, Fingerprints } from './fingerprints.js'
import { Level, Numbers, mostStateWords } from './level.js'

export interface Shortest {
  /** Steps of a shortest schedule, when there is one that is short enough. */
  readonly length: number | undefined
  readonly actions: readonly NamedAction[]
  /** No schedule of so many steps, or of fewer, ends in the violation. */
  readonly noneUpTo: number
  /** States kept, and steps taken. */
  readonly states: number
  readonly steps: number
}

export interface ShortestOptions {
  /** Most steps of a schedule. */
  readonly depth: number
  /** Most states to keep. The level in which there are more is left unfinished. */
  readonly states?: number | undefined
  /** Asked every few hundred states; a level is left unfinished when it says yes. */
  shouldStop?(): boolean
}

export function findShortest(
  definition: SystemDefinition,
  setup: Setup,
  wanted: Violation,
  options: ShortestOptions,
): Shortest {
  return new Search(definition, setup, wanted, options).run()
}

const statesBetweenStops = 256
/** Choices of one site, so that a step fits a 32-bit number. */
const mostChoices = 256

class Search {
  readonly #world: World
  readonly #judge: Judge
  readonly #wanted: Violation
  readonly #options: ShortestOptions
  readonly #initial: Snapshot
  readonly #base: Snapshot
  readonly #baseWords: Uint32Array
  readonly #baseArmed: Int32Array
  readonly #fingerprints: Fingerprints
  readonly #known = new FingerprintSet()
  /** Sites that can change what is judged; only they matter in the last step. */
  readonly #visible: readonly Site[]
  #level: Level
  #next: Level
  /** Per state its predecessor, and the step that led to it: `site * mostChoices + choice`. */
  readonly #parents = new Numbers()
  readonly #moves = new Numbers()
  #steps = 0
  #found: { readonly from: number; readonly move: number } | undefined

  constructor(definition: SystemDefinition, setup: Setup, wanted: Violation, options: ShortestOptions) {
    if (wanted.kind === 'history') throw new RangeError('violations of histories are not looked for')
    this.#world = buildWorld(definition, setup)
    this.#judge = new Judge(this.#world, allBut(wanted, this.#world))
    this.#world.listener = undefined
    this.#wanted = wanted
    this.#options = options
    this.#initial = this.#world.snapshot()
    this.#base = this.#world.snapshot()
    this.#baseWords = new Uint32Array(this.#base.state.buffer)
    this.#baseArmed = this.#world.armed.slice()
    const { memory, sites } = this.#world
    this.#fingerprints = new Fingerprints(memory)
    const initialWords = this.#isTooLarge() ? new Uint32Array(0) : this.#baseWords.slice()
    this.#level = new Level(initialWords)
    this.#next = new Level(initialWords)
    // As the judge has it: nothing else asks for a look.
    const judged = ['private', 'region', 'status']
    this.#visible = sites.filter((site) =>
      site.writes.some((part) => judged.includes(memory.parts[part]!.kind)),
    )
  }

  /** Whether a state has more words than the records of a level can name. */
  #isTooLarge(): boolean {
    return this.#baseWords.length > mostStateWords
  }

  run(): Shortest {
    const { depth: most } = this.#options
    if (this.#isWanted(this.#judge.atStart())) return this.#result(0, -1)
    if (this.#isTooLarge()) return this.#result(undefined, 0)
    const { latest } = this.#fingerprints
    this.#fingerprints.compute(this.#baseWords)
    this.#known.add(latest)
    this.#next.add(this.#baseWords, latest)
    this.#parents.add(-1)
    this.#moves.add(0)
    let state = 0
    for (let depth = 0; ; depth++) {
      // Where nothing new was reached nothing lies beyond.
      if (depth >= most || this.#next.count === 0) return this.#result(undefined, most)
      const before = this.#level
      this.#level = this.#next
      this.#next = before
      this.#next.clear()
      for (let left = this.#level.count; left > 0; left--) {
        if (this.#isCutOff(state)) return this.#result(undefined, depth)
        this.#expand(state++, depth + 1 === most)
        if (this.#found !== undefined) return this.#result(depth + 1, depth)
      }
    }
  }

  #result(length: number | undefined, noneUpTo: number): Shortest {
    const actions = this.#found === undefined ? [] : this.#path(this.#found)
    return { length, actions, noneUpTo, states: this.#known.count, steps: this.#steps }
  }

  #isCutOff(state: number): boolean {
    const { states = Infinity, shouldStop } = this.#options
    return this.#known.count > states || (state % statesBetweenStops === 0 && shouldStop?.() === true)
  }

  #isWanted(violation: Violation | undefined): boolean {
    return violation !== undefined && sameViolation(violation, this.#wanted)
  }

  /** Takes every choice of every site in the next state of the level. */
  #expand(state: number, isLast: boolean): void {
    const world = this.#world
    this.#level.read(this.#baseWords, this.#fingerprints.latest)
    this.#fingerprints.setBase(this.#fingerprints.latest)
    world.restore(this.#base)
    this.#baseArmed.set(world.armed)
    for (const site of isLast ? this.#visible : world.sites) {
      const choices = this.#baseArmed[site.index]!
      if (choices > mostChoices) throw new RangeError(`${site.name} offers ${String(choices)} choices`)
      for (let choice = 0; choice < choices; choice++) {
        this.#steps++
        if (this.#wanted.kind === 'step') this.#judge.reset()
        if (world.step(site.index, choice) === Outcome.moved)
          this.#arrive(state, site.index * mostChoices + choice, isLast)
        if (this.#found !== undefined) return
        this.#undo()
      }
    }
  }

  #arrive(from: number, move: number, isLast: boolean): void {
    const world = this.#world
    const { latest } = this.#fingerprints
    // A state that is known was judged when it was found. Only what is said of steps depends on the way to it.
    let isNew = isLast
    if (!isLast && world.failure === undefined) {
      this.#fingerprints.computeAfterStep(world, this.#baseWords)
      isNew = this.#known.add(latest)
    }
    if (isNew || this.#wanted.kind === 'step' || world.failure !== undefined)
      if (this.#isWanted(this.#judge.afterStep())) {
        this.#found = { from, move }
        return
      }
    if (!isNew || isLast) return
    this.#next.add(world.memory.words, latest)
    this.#parents.add(from)
    this.#moves.add(move)
  }

  /** Goes back to the base from a step. What the side of the memory holds is never looked at. */
  #undo(): void {
    const world = this.#world
    const { words, parts } = world.memory
    if (world.failure !== undefined) {
      // Whatever the core had changed before it failed.
      words.set(this.#baseWords)
      world.failure = undefined
    }
    for (let i = 0; i < world.touchedCount; i++) {
      const { offset, sizeBytes } = parts[world.touchedPart(i)]!
      const end = (offset + sizeBytes) / 4
      for (let at = offset / 4; at < end; at++) words[at] = this.#baseWords[at]!
    }
    for (let i = 0; i < world.dirtyCount; i++) {
      const site = world.dirty[i]!
      world.armed[site] = this.#baseArmed[site]!
    }
  }

  /** Plays the way to a state again to name its actions. */
  #path(found: { readonly from: number; readonly move: number }): NamedAction[] {
    const moves = [found.move]
    for (let state = found.from; state > 0; state = this.#parents.at(state)) moves.push(this.#moves.at(state))
    const world = this.#world
    world.restore(this.#initial)
    return moves.reverse().map((move) => {
      const site = world.sites[Math.floor(move / mostChoices)]!
      const choice = move % mostChoices
      const action = { site: site.name, subject: site.subject(choice) }
      world.step(site.index, choice)
      return action
    })
  }
}

/** All other properties: they would only come before the wanted one where both are broken. */
function allBut(wanted: Violation, world: World): string[] {
  const { invariants, stepInvariants, history } = world.model.spec
  const names = [...invariants, ...stepInvariants].map(({ name }) => name)
  return [...names, 'role', ...(history === undefined ? [] : [history.name])].filter(
    (name) => name !== wanted.name,
  )
}
