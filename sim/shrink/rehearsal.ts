/**
 * A rehearsal plays candidate schedules in one world that is built once. It plays leniently: what is no longer possible
 * is skipped, and what was really done is the candidate's outcome. It stops at the first violation.
 *
 * The schedule that candidates are made from is the *base*: snapshots along it are kept, so that a candidate that
 * begins like it is played from where it departs.
 */
import type { SystemDefinition } from '../../protocol/index.js'
import type { NamedAction } from '../run/action-log.js'
import { Judge, type Violation, sameViolation } from '../run/judge.js'
import { type Setup, buildWorld } from '../run/setup.js'
import { Outcome, type Site } from '../world/site.js'
import type { Snapshot, World } from '../world/world.js'
import { ClientEvents, type ClientEvent, judgeHistory } from './client-events.js'
import type { Schedule, WordedAction } from './schedule.js'

/** Judges what comes after a schedule, for instance that a healed cluster reaches its goal. May step the world. */
export type EndJudge = (world: World, judge: Judge) => Violation | undefined

interface Mark {
  readonly length: number
  readonly snapshot: Snapshot
  readonly events: readonly ClientEvent[]
}

const marksMost = 48

/** Words without their numbers. */
const shapeOf = (words: string): string => words.replace(/\d+/g, '#')

export class Rehearsal {
  readonly setup: Setup
  readonly world: World
  readonly judge: Judge
  readonly seen = new ClientEvents()
  readonly wanted: Violation
  readonly start: Snapshot
  /** Candidates played so far. */
  plays = 0
  base: Schedule = []
  violation: Violation | undefined
  readonly #siteOf: ReadonlyMap<string, Site>
  readonly #judgeEnd: EndJudge | undefined
  #marks: Mark[] = []

  constructor(definition: SystemDefinition, setup: Setup, wanted: Violation, judgeEnd?: EndJudge) {
    this.setup = setup
    this.wanted = wanted
    this.#judgeEnd = judgeEnd
    this.world = buildWorld(definition, setup)
    this.judge = new Judge(this.world, setup.without)
    this.world.listener = this.seen
    this.start = this.world.snapshot()
    this.#siteOf = new Map(this.world.sites.map((site) => [site.name, site]))
  }

  /** Whether the wanted violation is there before anything was done. */
  isViolatedAtStart(): boolean {
    this.goTo(this.start, [])
    const violation = this.judge.afterStep()
    this.violation = violation
    return violation !== undefined && sameViolation(violation, this.wanted)
  }

  goTo(snapshot: Snapshot, events: readonly ClientEvent[]): void {
    this.world.restore(snapshot)
    this.judge.reset()
    this.seen.events.length = 0
    this.seen.events.push(...events)
    this.seen.returned = false
  }

  /** Plays a candidate; what was done when it ended in the wanted violation, else undefined. */
  play(candidate: readonly (NamedAction | WordedAction)[]): WordedAction[] | undefined {
    this.plays++
    const shared = this.#rewind(candidate)
    const done = candidate.slice(0, shared) as WordedAction[]
    for (let i = shared; i < candidate.length; i++) {
      const action = candidate[i]!
      const site = this.#siteOf.get(action.site)
      if (site === undefined) continue
      const choice = this.#choiceFor(site, action)
      if (choice < 0) continue
      const taken = {
        site: site.name,
        subject: site.subject(choice),
        words: 'words' in action ? action.words : '',
      }
      if (this.world.step(site.index, choice) !== Outcome.moved) continue
      done.push(taken)
      const violation = this.afterStep()
      if (violation === undefined) continue
      this.violation = violation
      return sameViolation(violation, this.wanted) ? done : undefined
    }
    this.violation = this.#judgeEnd?.(this.world, this.judge)
    return this.violation !== undefined && sameViolation(this.violation, this.wanted) ? done : undefined
  }

  /** Judges a step that moved. Histories are judged only when that is what is looked for. */
  afterStep(): Violation | undefined {
    const { seen } = this
    const violation = this.judge.afterStep()
    if (violation !== undefined || this.wanted.kind !== 'history' || !seen.returned) return violation
    seen.returned = false
    return judgeHistory(this.judge, seen.events)
  }

  /** Makes a schedule, which must be the outcome of a play, the base, and words its actions as they are now. */
  rebase(schedule: readonly NamedAction[]): Schedule {
    this.#marks = []
    this.base = []
    const spacing = Math.max(1, Math.ceil(schedule.length / marksMost))
    const marks: Mark[] = []
    const worded: WordedAction[] = []
    this.goTo(this.start, [])
    schedule.forEach((action, i) => {
      if (i % spacing === 0)
        marks.push({ length: i, snapshot: this.world.snapshot(), events: this.seen.events.slice() })
      const site = this.#siteOf.get(action.site)!
      const choice = site.find(action.subject)
      worded.push({ ...action, words: site.describe(choice) })
      this.world.step(site.index, choice)
    })
    this.#marks = marks
    this.base = worded
    return worded
  }

  /** All that can be done after so many actions of the base, but for what the base does next. */
  choicesAfter(length: number): WordedAction[] {
    const next = this.base[length]
    for (let i = this.#rewind(this.base.slice(0, length)); i < length; i++) {
      const site = this.#siteOf.get(this.base[i]!.site)!
      this.world.step(site.index, site.find(this.base[i]!.subject))
    }
    return this.world.sites.flatMap((site) =>
      Array.from({ length: this.world.armed[site.index]! }, (_, choice) => ({
        site: site.name,
        subject: site.subject(choice),
        words: site.describe(choice),
      })).filter(({ site, subject }) => site !== next?.site || subject !== next.subject),
    )
  }

  /** Goes to the last mark that a candidate shares with the base; returns how many actions lie before it. */
  #rewind(candidate: readonly NamedAction[]): number {
    let shared = 0
    while (shared < this.base.length && candidate[shared] === this.base[shared]) shared++
    let mark: Mark | undefined
    for (const other of this.#marks) {
      if (other.length > shared) break
      mark = other
    }
    this.goTo(mark?.snapshot ?? this.start, mark?.events ?? [])
    return mark?.length ?? 0
  }

  /**
   * Which choice an action means here: the only one there is; else the same subject with the same words, the same words,
   * or, since numbers shift when earlier actions are gone, words that differ in their numbers only: then the one whose
   * subject is nearest, for subjects shift together. At last the same subject; -1 for none.
   */
  #choiceFor(site: Site, action: NamedAction | WordedAction): number {
    const armed = this.world.armed[site.index]!
    if (armed === 1) return 0
    const exact = site.find(action.subject)
    if (armed === 0) return site.kind === 'calm' ? exact : -1
    if (!('words' in action)) return exact
    if (exact >= 0 && site.describe(exact) === action.words) return exact
    for (let choice = 0; choice < armed; choice++)
      if (choice !== exact && site.describe(choice) === action.words) return choice
    const shape = shapeOf(action.words)
    let nearest = -1
    let shift = Infinity
    for (let choice = 0; choice < armed; choice++) {
      if (shapeOf(site.describe(choice)) !== shape) continue
      const distance = Math.abs(site.subject(choice) - action.subject)
      if (distance >= shift) continue
      nearest = choice
      shift = distance
    }
    return nearest >= 0 ? nearest : exact
  }
}
