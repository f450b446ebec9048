/**
 * Looks for a shorter way to the violation than the schedule that is known: a breadth-first search that keeps at each
 * depth the states that have come farthest. While a level fits, nothing is left out; beyond, each part of a state is
 * rated by how late in the known schedule it looked like this, so nodes may get ahead of each other and of the schedule.
 *
 * States are told apart by 53-bit hashes: enough to look for something, not to prove that there is nothing.
 */
import { Outcome, type Site } from '../world/site.js'
import type { Snapshot, World } from '../world/world.js'
import { sameViolation } from '../run/judge.js'
import type { NamedAction } from '../run/action-log.js'
import type { ClientEvent } from './client-events.js'
import type { Rehearsal } from './rehearsal.js'
import type { Spent } from './passes.js'

export interface ShortcutOptions {
  /** States kept at a depth. */
  readonly width: number
  /** Most steps from the beginning. */
  readonly depth: number
  /** States looked at in all. */
  readonly states: number
  allowed(site: Site): boolean
}

interface Reached {
  readonly parent: number
  readonly action: NamedAction | undefined
}

interface Waypoint {
  readonly index: number
  readonly snapshot: Snapshot
  readonly events: readonly ClientEvent[]
  readonly progress: number
}

/** A shorter schedule that ends in the wanted violation, or undefined. */
export function findShortcut(
  stage: Rehearsal,
  options: ShortcutOptions,
  spent: Spent,
): NamedAction[] | undefined {
  const { world, wanted } = stage
  const progress = progressAlong(stage)
  const reached: Reached[] = [{ parent: -1, action: undefined }]
  const known = new Set<number>()
  let level: Waypoint[] = [{ index: 0, snapshot: stage.start, events: [], progress: 0 }]
  let looked = 0
  for (let depth = 0; depth < options.depth && level.length > 0; depth++) {
    const next: Waypoint[] = []
    for (const from of level) {
      if (spent() || looked > options.states) return undefined
      stage.goTo(from.snapshot, from.events)
      const armed = world.armed.slice()
      let atBase = true
      for (const site of world.sites) {
        if (armed[site.index] === 0 || !options.allowed(site)) continue
        for (let choice = 0; choice < armed[site.index]!; choice++) {
          if (!atBase) {
            world.memory.bytes.set(from.snapshot.state)
            world.memory.side.set(from.snapshot.side)
            world.failure = undefined
            stage.judge.reset()
            stage.seen.events.length = from.events.length
            stage.seen.returned = false
            atBase = true
          }
          const action = { site: site.name, subject: site.subject(choice) }
          if (world.step(site.index, choice) !== Outcome.moved) continue
          atBase = false
          looked++
          const violation = stage.afterStep()
          if (violation !== undefined) {
            if (sameViolation(violation, wanted)) return pathTo(reached, from.index, action)
            continue
          }
          if (depth + 1 >= options.depth) continue
          const key = hashOf(world, stage.seen.events, wanted.kind === 'history')
          if (known.has(key)) continue
          known.add(key)
          reached.push({ parent: from.index, action })
          next.push({
            index: reached.length - 1,
            snapshot: world.snapshot(),
            events: stage.seen.events.slice(),
            progress: progress(),
          })
          if (next.length >= options.width * 4) thin(next, options.width)
        }
      }
    }
    thin(next, options.width)
    level = next
  }
  return undefined
}

function thin(level: Waypoint[], width: number): void {
  if (level.length <= width) return
  level.sort((a, b) => b.progress - a.progress || a.index - b.index)
  level.length = width
}

function pathTo(reached: readonly Reached[], from: number, last: NamedAction): NamedAction[] {
  const path = [last]
  for (let at = from; at > 0; at = reached[at]!.parent) path.push(reached[at]!.action!)
  return path.reverse()
}

/** Rates the world's present state: for each part of a node or client, when the base was last there. */
function progressAlong(stage: Rehearsal): () => number {
  const { world } = stage
  const kinds = ['private', 'region', 'disk', 'client', 'status']
  const parts = world.memory.parts.filter((part) => kinds.includes(part.kind))
  const latest = parts.map(() => new Map<number, number>())
  const keep = (step: number): void => {
    parts.forEach((part, i) => latest[i]!.set(hashOfPart(world, part.offset, part.sizeBytes), step))
  }
  stage.goTo(stage.start, [])
  keep(0)
  stage.base.forEach((action, i) => {
    const site = world.siteNamed(action.site)!
    world.step(site.index, site.find(action.subject))
    keep(i + 1)
  })
  return () => {
    let sum = 0
    for (let i = 0; i < parts.length; i++)
      sum += latest[i]!.get(hashOfPart(world, parts[i]!.offset, parts[i]!.sizeBytes)) ?? 0
    return sum
  }
}

function hashOfPart(world: World, offset: number, sizeBytes: number): number {
  const { words } = world.memory
  let hash = 1
  for (let i = offset / 4; i < (offset + sizeBytes) / 4; i++) {
    hash = Math.imul(hash ^ words[i]!, 0x85ebca6b)
    hash ^= hash >>> 13
  }
  return hash
}

function hashOf(world: World, events: readonly ClientEvent[], withEvents: boolean): number {
  const { words } = world.memory
  let high = 0
  let low = 1
  const mix = (word: number): void => {
    high = Math.imul(high ^ word, 0x85ebca6b)
    high ^= high >>> 13
    low = Math.imul(low ^ word, 0xc2b2ae35) + 0x9e3779b9
    low ^= low >>> 15
  }
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!
    if (word === 0) continue
    mix(i)
    mix(word)
  }
  if (withEvents)
    for (const { kind, client, position, content } of events) {
      mix(kind.length * 64 + client)
      mix(position)
      for (const byte of content) mix(byte)
    }
  return (high >>> 11) * 0x1_0000_0000 + (low >>> 0)
}
