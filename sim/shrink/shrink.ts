/**
 * The minimiser: makes a failing schedule and its setup as small as it can while the same violation is found.
 *
 * Guarantees: the result, replayed strictly in its setup, ends in a violation of the same kind and name with its last
 * action. It is deterministic. It stops when nothing it tries helps any more, or when its limits are used up. At the end
 * the setup is searched exhaustively as far as a limit goes, so a short result is a shortest one; `noneUpTo` says what
 * was proven. Where that is little the violation is hunted anew in smaller setups: the result may then be another story
 * than the one that was given, but a smaller one of the same violation.
 */
import type { SystemDefinition } from '../../protocol/index.js'
import type { NamedAction } from '../run/action-log.js'
import type { Violation } from '../run/judge.js'
import type { Setup } from '../run/setup.js'
import type { Site } from '../world/site.js'
import { Hunter } from './hunt.js'
import {
  type Spent,
  dropGroups,
  dropPairs,
  dropStretches,
  dropWindows,
  gather,
  tameFaults,
  tryDetours,
  tryRenamings,
} from './passes.js'
import { type EndJudge, Rehearsal } from './rehearsal.js'
import { type Schedule, type Sizes, kindOf, sizesOf } from './schedule.js'
import { findShortcut } from './shortcut.js'
import { findShortest } from './shortest.js'
import { roomierSetups, simplerSetups } from './simpler-setups.js'

export interface ShrinkLimits {
  /** Most candidate schedules to play. */
  readonly plays?: number | undefined
  /** Most states that one search for a shortcut looks at. */
  readonly states?: number | undefined
  /** States that such a search keeps at each depth. */
  readonly width?: number | undefined
  /** Most states that the exhaustive search at the end keeps. */
  readonly exhaustiveStates?: number | undefined
  /** Most actions to take in hunts for a smaller schedule of the same violation. */
  readonly huntActions?: number | undefined
  shouldStop?(): boolean
  /** Judges what comes after the schedule; needed for violations that a schedule alone does not show (liveness). */
  readonly judgeEnd?: EndJudge | undefined
}

export interface Shrunk {
  readonly setup: Setup
  readonly actions: Schedule
  readonly violation: Violation
  readonly sizesBefore: Sizes
  readonly sizesAfter: Sizes
  /** No schedule of so many actions, or of fewer, ends in the violation in this setup, as was proven on the way; or -1. */
  readonly noneUpTo: number
  /** Candidates played. */
  readonly plays: number
  /** False when the schedule did not lead to the violation in the first place; it is returned as it was. */
  readonly reproduced: boolean
}

export function shrink(
  definition: SystemDefinition,
  setup: Setup,
  actions: readonly NamedAction[],
  violation: Violation,
  limits: ShrinkLimits = {},
): Shrunk {
  const sizesBefore = sizesOf(definition, setup, actions)
  const stage = new Rehearsal(definition, setup, violation, limits.judgeEnd)
  const first = stage.isViolatedAtStart() ? [] : stage.play(actions)
  if (first === undefined) {
    const worded = actions.map((action) => ({ ...action, words: '' }))
    return {
      setup,
      actions: worded,
      violation,
      sizesBefore,
      sizesAfter: sizesBefore,
      noneUpTo: -1,
      plays: 1,
      reproduced: false,
    }
  }
  stage.rebase(first)
  const minimiser = new Minimiser(definition, stage, limits)
  minimiser.simplifySchedule()
  const start = minimiser.stage
  const startSchedule = start.base
  minimiser.simplify()
  if (minimiser.isLarge() && minimiser.huntAnew()) minimiser.descend()
  else minimiser.descendInBothOrders(start.setup, startSchedule)
  while (
    minimiser.searchSetup() ||
    (!minimiser.isProven() && minimiser.huntAnew()) ||
    minimiser.searchOtherSetups(setup)
  )
    minimiser.descend()
  minimiser.gather()
  const stageAtEnd = minimiser.stage
  const done = stageAtEnd.isViolatedAtStart() ? [] : (stageAtEnd.play(stageAtEnd.base) ?? stageAtEnd.base)
  return {
    setup: stageAtEnd.setup,
    actions: done,
    violation: stageAtEnd.violation ?? violation,
    sizesBefore,
    sizesAfter: sizesOf(definition, stageAtEnd.setup, done),
    noneUpTo: minimiser.noneUpTo,
    plays: minimiser.plays + stageAtEnd.plays,
    reproduced: true,
  }
}

/** A schedule this short is not worth a second attempt. */
const trivialActions = 4
/** A schedule longer than this, on more nodes than are needed, is large. */
const largeActions = 16
/** Hunted schedules in a row, none of them smaller than the best, after which a hunt ends. */
const fruitlessMost = 4
/** Where many setups are searched each gets this part of the limit: 1 of so many. */
const roomShare = 16

class Minimiser {
  stage: Rehearsal
  plays = 0
  noneUpTo = -1
  readonly #definition: SystemDefinition
  readonly #limits: ShrinkLimits
  readonly #playsMost: number
  readonly #exhaustiveStates: number
  readonly #hunter: Hunter

  constructor(definition: SystemDefinition, stage: Rehearsal, limits: ShrinkLimits) {
    this.#definition = definition
    this.stage = stage
    this.#limits = limits
    this.#playsMost = limits.plays ?? 50_000
    this.#exhaustiveStates = limits.exhaustiveStates ?? 100_000
    const actions = limits.huntActions ?? 500_000
    this.#hunter = new Hunter(definition, stage.setup, stage.wanted, actions, this.#spent)
  }

  readonly #spent: Spent = () =>
    this.plays + this.stage.plays > this.#playsMost || this.#limits.shouldStop?.() === true

  /** Goes on with another stage. The plays of the present one stay counted. */
  moveTo(stage: Rehearsal): void {
    this.plays += this.stage.plays
    this.stage.plays = 0
    this.stage = stage
  }

  /** A world of its own with this schedule as its base. */
  stageFor(setup: Setup, schedule: Schedule): Rehearsal {
    const stage = new Rehearsal(this.#definition, setup, this.stage.wanted, this.#limits.judgeEnd)
    stage.rebase(schedule)
    return stage
  }

  /** Smaller setup, then shorter schedule, until neither is found any more. */
  descend(): void {
    do {
      this.simplify()
      tameFaults(this.stage, this.#spent)
    } while (
      !this.#spent() &&
      (this.#shortens(dropWindows) ||
        this.#shortens(dropPairs) ||
        this.#shortens(tryRenamings) ||
        this.shortcut() ||
        this.#shortens(tryDetours) ||
        this.#simplifySetup())
    )
  }

  /** A smaller setup is quicker to search, but may rule the shortest schedule out. So both orders are tried. */
  descendInBothOrders(setup: Setup, schedule: Schedule): void {
    this.descend()
    const setupFirst = this.stage
    if (setupFirst.base.length <= trivialActions) return
    // In a stage of its own: where the setup could not be simplified, the stage holds what was found in it.
    this.moveTo(this.stageFor(setup, schedule))
    if (this.shortcut()) this.descend()
    if (this.stage.base.length >= setupFirst.base.length) this.moveTo(setupFirst)
  }

  /** The quick part: what can be left out of the schedule and of the setup. */
  simplify(): void {
    do this.simplifySchedule()
    while (this.#simplifySetup())
  }

  simplifySchedule(): void {
    let before: Schedule
    do {
      before = this.stage.base
      dropGroups(this.stage, this.#spent)
      dropStretches(this.stage, this.#spent)
    } while (this.stage.base !== before && !this.#spent())
  }

  gather(): void {
    gather(this.stage, this.#spent)
    gather(this.stage, this.#spent)
  }

  #shortens(pass: (stage: Rehearsal, spent: Spent) => void): boolean {
    const { length } = this.stage.base
    pass(this.stage, this.#spent)
    return this.stage.base.length < length
  }

  /** Moves to a simpler setup in which the violation is still found with no more actions; false when there is none. */
  #simplifySetup(): boolean {
    const { setup, base, wanted } = this.stage
    for (const simpler of simplerSetups(this.#definition, setup, base)) {
      if (this.#spent()) return false
      let other: Rehearsal
      try {
        other = new Rehearsal(this.#definition, simpler.setup, wanted, this.#limits.judgeEnd)
      } catch {
        continue // A setup that the system does not accept.
      }
      const done = firstThatFits(other, simpler.renamings(base), base.length)
      this.plays += other.plays
      other.plays = 0
      if (done === undefined) continue
      other.rebase(done)
      this.moveTo(other)
      return true
    }
    return false
  }

  /** Searches for a shorter way: narrowly by the kinds of actions that are used, then by their sites, then by everything. */
  shortcut(): boolean {
    const { stage } = this
    const { states = 40_000, width = 240, judgeEnd } = this.#limits
    if (stage.base.length < 2 || judgeEnd !== undefined) return false
    const sites = new Set(stage.base.map(({ site }) => site))
    const kinds = new Set(stage.base.map(kindOf))
    const circles = [
      { width: Math.ceil(width / 8), allowed: (site: Site) => kinds.has(site.kind) },
      { width, allowed: (site: Site) => sites.has(site.name) },
      { width, allowed: () => true },
    ]
    for (const circle of circles) {
      const found = findShortcut(stage, { ...circle, depth: stage.base.length - 1, states }, this.#spent)
      const done = found && stage.play(found)
      if (done === undefined || done.length >= stage.base.length) continue
      stage.rebase(done)
      return true
    }
    return false
  }

  /** Searches the present setup exhaustively, as far as the limit goes. */
  searchSetup(): boolean {
    return this.#searchAll(this.stage, this.#exhaustiveStates)
  }

  /** So large that a search from here takes long; a smaller one may be hunted sooner. */
  isLarge(): boolean {
    const { base, setup } = this.stage
    return base.length > largeActions && setup.nodes > this.#definition.nodes.minimum
  }

  /** Whether the last search of the setup has proven that the schedule is at most twice as long as a shortest. */
  isProven(): boolean {
    return this.stage.base.length <= 2 * (this.noneUpTo + 1)
  }

  /**
   * Moves to a smaller schedule that a hunt in smaller setups finds. What is hunted is made simpler quickly, and only
   * the best of some.
   */
  huntAnew(): boolean {
    const before = this.stage
    if (this.#limits.judgeEnd !== undefined || this.#spent()) return false
    let best = before
    let fruitless = 0
    for (const { setup, actions } of this.#hunter.hunt(before.setup)) {
      const other = new Rehearsal(this.#definition, setup, before.wanted)
      const done = other.play(actions)
      this.plays += other.plays
      other.plays = 0
      if (done === undefined) continue
      other.rebase(done)
      this.moveTo(other)
      this.simplifySchedule()
      for (const pass of [dropWindows, dropPairs, tryRenamings]) pass(other, this.#spent)
      const isBest = this.#isSmaller(other, best)
      if (isBest) best = other
      fruitless = isBest ? 0 : fruitless + 1
      if (fruitless === fruitlessMost) break
    }
    this.moveTo(best)
    if (best !== before) this.noneUpTo = -1
    return best !== before
  }

  /** Fewer actions; of as many, on fewer nodes; then smaller values. */
  #isSmaller(a: Rehearsal, b: Rehearsal): boolean {
    const [one, other] = [a, b].map(({ setup, base }) => sizesOf(this.#definition, setup, base)) as [
      Sizes,
      Sizes,
    ]
    return (one.actions - other.actions || one.nodes - other.nodes || one.values - other.values) < 0
  }

  /**
   * Searches other setups: smaller clusters, where the schedule may have to be another one rather than a part of this
   * one; and, less far, setups that are a step nearer to the one that was given.
   */
  searchOtherSetups(given: Setup): boolean {
    const { setup, base } = this.stage
    if (base.length <= trivialActions) return false
    const { minimum } = this.#definition.nodes
    for (let nodes = minimum; nodes < setup.nodes; nodes++)
      if (this.#searchOther({ ...setup, nodes }, this.#exhaustiveStates)) return true
    return roomierSetups(this.#definition, given, setup).some((roomier) =>
      this.#searchOther(roomier, this.#exhaustiveStates / roomShare),
    )
  }

  #searchOther(setup: Setup, states: number): boolean {
    let other: Rehearsal
    try {
      other = new Rehearsal(this.#definition, setup, this.stage.wanted)
    } catch {
      return false // A setup that the system does not accept.
    }
    return this.#searchAll(other, states)
  }

  /** Moves to a schedule that is shorter than the present one, if an exhaustive search finds one in a stage's setup. */
  #searchAll(other: Rehearsal, states: number): boolean {
    const { stage } = this
    const depth = stage.base.length - 1
    if (stage.wanted.kind === 'history' || this.#limits.judgeEnd !== undefined || this.#spent()) return false
    const found = findShortest(this.#definition, other.setup, stage.wanted, {
      depth,
      states,
      shouldStop: this.#spent,
    })
    if (other === stage) this.noneUpTo = found.noneUpTo
    const done = found.length === undefined ? undefined : other.play(found.actions)
    // Something else may break first.
    if (done === undefined || done.length > depth) return false
    other.rebase(done)
    this.moveTo(other)
    this.noneUpTo = -1
    return true
  }
}

/** Plays renamings of a schedule; the first outcome that is no longer than so many actions. */
function firstThatFits(stage: Rehearsal, renamings: Iterable<Schedule>, most: number): Schedule | undefined {
  if (stage.isViolatedAtStart()) return []
  for (const candidate of renamings) {
    const done = stage.play(candidate)
    if (done !== undefined && done.length <= most) return done
  }
  return undefined
}
