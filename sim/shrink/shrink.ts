/**
 * The minimiser: makes a failing schedule and its setup as small as it can while the same violation is found.
 *
 * Guarantees: the result, replayed strictly in its setup, ends in a violation of the same kind and name with its last
 * action. It is deterministic. It stops when nothing it tries helps any more, or when its limits are used up.
 */
import type { SystemDefinition } from '../../protocol/index.js'
import type { NamedAction } from '../run/action-log.js'
import type { Violation } from '../run/judge.js'
import type { Setup } from '../run/setup.js'
import { type Spent, dropGroups, dropPairs, dropStretches, gather, tameFaults } from './passes.js'
import { type EndJudge, Rehearsal } from './rehearsal.js'
import { type Schedule, type Sizes, kindOf, sizesOf } from './schedule.js'
import { findShortcut } from './shortcut.js'
import { simplerSetups } from './simpler-setups.js'

export interface ShrinkLimits {
  /** Most candidate schedules to play. */
  readonly plays?: number | undefined
  /** Most states that one search for a shortcut looks at. */
  readonly states?: number | undefined
  /** States that such a search keeps at each depth. */
  readonly width?: number | undefined
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
  const { plays: playsMost = 100_000, states = 60_000, width = 400, judgeEnd } = limits
  const sizesBefore = sizesOf(definition, setup, actions)
  let plays = 0
  let stage = new Rehearsal(definition, setup, violation, judgeEnd)
  const spent: Spent = () => plays + stage.plays > playsMost || limits.shouldStop?.() === true

  const atStart = stage.isViolatedAtStart()
  const first = atStart ? [] : stage.play(actions)
  if (first === undefined) {
    const worded = actions.map((action) => ({ ...action, words: '' }))
    return {
      setup,
      actions: worded,
      violation,
      sizesBefore,
      sizesAfter: sizesBefore,
      plays: 1,
      reproduced: false,
    }
  }
  stage.rebase(first)

  const simplifySchedule = (): void => {
    let before: Schedule
    do {
      before = stage.base
      dropGroups(stage, spent)
      dropStretches(stage, spent)
    } while (stage.base !== before && !spent())
  }
  const shortened = (pass: () => void): boolean => {
    const { length } = stage.base
    pass()
    return stage.base.length < length
  }
  /** Moves to a simpler setup in which the violation is still found with no more actions; false when there is none. */
  const simplifySetup = (): boolean => {
    for (const simpler of simplerSetups(definition, stage.setup, stage.base)) {
      if (spent()) return false
      let other: Rehearsal
      try {
        other = new Rehearsal(definition, simpler.setup, violation, judgeEnd)
      } catch {
        continue // A setup that the system does not accept.
      }
      const done = other.isViolatedAtStart() ? [] : other.play(simpler.rename(stage.base))
      if (done === undefined || done.length > stage.base.length) continue
      other.rebase(done)
      plays += stage.plays
      stage = other
      return true
    }
    return false
  }
  /** Searches ever wider for a shorter way: by the sites that are used, by their kinds, by everything. */
  const shortcut = (): boolean => {
    if (stage.base.length < 2 || judgeEnd !== undefined) return false
    const sites = new Set(stage.base.map(({ site }) => site))
    const kinds = new Set(stage.base.map(kindOf))
    const circles: readonly ((site: { name: string; kind: string }) => boolean)[] = [
      (site) => sites.has(site.name),
      (site) => kinds.has(site.kind),
      () => true,
    ]
    for (const part of [16, 1])
      for (const allowed of circles) {
        const depth = stage.base.length - 1
        const found = findShortcut(stage, { width: Math.ceil(width / part), depth, states, allowed }, spent)
        const done = found && stage.play(found)
        if (done === undefined || done.length >= stage.base.length) continue
        stage.rebase(done)
        return true
      }
    return false
  }

  // The schedule first: a smaller setup may rule the shortest one out, and is then taken only if nothing is lost.
  do {
    do simplifySchedule()
    while (!spent() && (shortened(() => dropPairs(stage, spent)) || shortcut()))
    tameFaults(stage, spent)
  } while (!spent() && simplifySetup())
  gather(stage, spent)
  gather(stage, spent)

  const found = atStart && stage.isViolatedAtStart() ? stage.base : (stage.play(stage.base) ?? stage.base)
  return {
    setup: stage.setup,
    actions: found,
    violation: stage.violation ?? violation,
    sizesBefore,
    sizesAfter: sizesOf(definition, stage.setup, found),
    plays: plays + stage.plays,
    reproduced: true,
  }
}
