/** Passes that look for a simpler schedule in one world. Each returns the simplest it found, or the one it was given. */
import type { Rehearsal } from './rehearsal.js'
import { type Schedule, isSimpler, kindOf, placeOf } from './schedule.js'

export type Spent = () => boolean

/** Plays a candidate and makes it the base when it is simpler. */
function attempt(stage: Rehearsal, candidate: Schedule): Schedule | undefined {
  const done = stage.play(candidate)
  if (done === undefined || !isSimpler(done, stage.base)) return undefined
  return stage.rebase(done)
}

const without = (schedule: Schedule, from: number, to: number): Schedule => [
  ...schedule.slice(0, from),
  ...schedule.slice(to),
]

/** Delta debugging (Zeller and Hildebrandt, 2002), by complements only: drops ever smaller stretches, from the end. */
export function dropStretches(stage: Rehearsal, spent: Spent): void {
  let size = Math.max(1, stage.base.length >> 1)
  for (;;) {
    let dropped = false
    let end = stage.base.length
    while (end > 0 && !spent()) {
      const from = Math.max(0, end - size)
      if (attempt(stage, without(stage.base, from, end)) !== undefined) {
        dropped = true
        end = Math.min(from, stage.base.length)
      } else end = from
    }
    if (spent()) return
    if (size > 1) size = Math.max(1, size >> 1)
    else if (!dropped) return
  }
}

/**
 * Drops stretches that begin anywhere: a round of a protocol that came to nothing is one, but for a few actions. The
 * shorter ones before the longer ones, by steps of about a half.
 */
export function dropWindows(stage: Rehearsal, spent: Spent): void {
  for (let size = 2; size <= stage.base.length / 2; size += Math.ceil(size / 2))
    for (let from = stage.base.length - size; from >= 0; from--) {
      if (spent()) return
      attempt(stage, without(stage.base, from, from + size))
      from = Math.min(from, stage.base.length - size)
    }
}

/** Drops everything that happens at one place, by one site, or of one kind. */
export function dropGroups(stage: Rehearsal, spent: Spent): void {
  const groupings: readonly ((action: Schedule[number]) => string)[] = [
    placeOf,
    kindOf,
    (action) => action.site,
    (action) => `${action.site} ${action.words}`,
    (action) => action.words,
  ]
  for (const group of groupings)
    for (const name of new Set(stage.base.map(group))) {
      if (spent()) return
      const rest = stage.base.filter((action) => group(action) !== name)
      if (rest.length < stage.base.length) attempt(stage, rest)
    }
}

const pairsMost = 40

/** Drops two actions that need each other: a fault and its repair, a message and its delivery. */
export function dropPairs(stage: Rehearsal, spent: Spent): void {
  for (let i = stage.base.length - 2; i >= 0; i--)
    for (let j = Math.min(stage.base.length - 1, i + pairsMost); j > i; j--) {
      if (spent()) return
      if (j >= stage.base.length) continue
      const rest = stage.base.filter((_, k) => k !== i && k !== j)
      attempt(stage, rest)
    }
}

/** Faults that a milder action can stand for. */
const milder: Readonly<Partial<Record<string, string>>> = {
  crash: 'pause',
  restart: 'resume',
  duplicate: 'deliver',
}

export function tameFaults(stage: Rehearsal, spent: Spent): void {
  const tame = (site: string): string => {
    const [kind = '', ...rest] = site.split(' ')
    if (kind === 'duplicate' && rest[0] === 'request') return rest.join(' ')
    return [milder[kind] ?? kind, ...rest].join(' ')
  }
  for (const name of new Set(stage.base.map((action) => action.site))) {
    if (spent()) return
    if (tame(name) === name) continue
    const place = placeOf({ site: name, subject: 0 })
    const fits = (site: string): boolean =>
      site === name || (placeOf({ site, subject: 0 }) === place && tame(site) !== site)
    attempt(
      stage,
      stage.base.map((action) => (fits(action.site) ? { ...action, site: tame(action.site) } : action)),
    )
  }
}

/** Moves actions next to the last one at the same place, so that a reader follows one node at a time. */
export function gather(stage: Rehearsal, spent: Spent): void {
  for (let i = 1; i < stage.base.length; i++) {
    if (spent()) return
    const place = placeOf(stage.base[i]!)
    if (placeOf(stage.base[i - 1]!) === place) continue
    let last = i - 1
    while (last >= 0 && placeOf(stage.base[last]!) !== place) last--
    for (const target of last >= 0 ? [last + 1] : []) {
      const moved = [...stage.base]
      const [action] = moved.splice(i, 1)
      moved.splice(target, 0, action!)
      if (attempt(stage, moved) !== undefined) break
    }
    // Or the stretch of the other places that lies between may go behind it.
    if (last >= 0 && placeOf(stage.base[i]!) === place) {
      let end = i
      while (end < stage.base.length && placeOf(stage.base[end]!) === place) end++
      attempt(stage, [
        ...stage.base.slice(0, last + 1),
        ...stage.base.slice(i, end),
        ...stage.base.slice(last + 1, i),
        ...stage.base.slice(end),
      ])
    }
  }
}

/** Longest schedule for which detours are looked for: their number grows with its square. */
const detourActionsMost = 80

/**
 * Puts in one action more, anywhere, where that makes two others needless: giving an operation up, say, instead of
 * waiting for its answer.
 */
export function tryDetours(stage: Rehearsal, spent: Spent): void {
  if (stage.base.length > detourActionsMost) return
  for (let i = 0; i < stage.base.length; i++)
    for (const detour of stage.choicesAfter(i)) {
      if (spent()) return
      if (attemptReduced(stage, [...stage.base.slice(0, i), detour, ...stage.base.slice(i)], spent)) return
    }
}

/** Lets nodes, or clients, change places: who is asked first, or has the lower number, may not need what another does. */
export function tryRenamings(stage: Rehearsal, spent: Spent): void {
  const namesIn = (letter: string): string[] => [
    ...new Set(stage.base.flatMap(({ site }) => site.match(new RegExp(`\\b${letter}\\d+\\b`, 'g')) ?? [])),
  ]
  const same = ['', ''] as const
  for (const nodes of [same, ...pairsOf(namesIn('n'))])
    for (const clients of [same, ...pairsOf(namesIn('c'))]) {
      if (spent()) return
      if (nodes === same && clients === same) continue
      const other = new Map([nodes, nodes.toReversed(), clients, clients.toReversed()] as [string, string][])
      const rename = (site: string): string => site.replace(/\b[nc]\d+\b/g, (name) => other.get(name) ?? name)
      const renamed = stage.base.map((action) => ({ ...action, site: rename(action.site) }))
      if (attemptReduced(stage, renamed, spent)) return
    }
}

const pairsOf = (names: readonly string[]): [string, string][] =>
  names.flatMap((a, i) => names.slice(i + 1).map((b): [string, string] => [a, b]))

/** Plays a candidate that is no shorter, and makes it the base if it is when what it does not need is dropped. */
function attemptReduced(stage: Rehearsal, candidate: Schedule, spent: Spent): boolean {
  let reduced = stage.play(candidate)
  if (reduced === undefined) return false
  for (let i = reduced.length - 1; i >= 0 && reduced.length >= stage.base.length; i--) {
    if (spent()) return false
    const rest = stage.play(without(reduced, i, i + 1))
    if (rest === undefined || rest.length >= reduced.length) continue
    reduced = rest
    i = Math.min(i, reduced.length)
  }
  return reduced.length < stage.base.length && attempt(stage, reduced) !== undefined
}
