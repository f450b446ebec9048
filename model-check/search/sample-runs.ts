/**
 * A few short runs out of what a search has looked at, for people who want to see whether it looked at what they meant.
 * Each is the way by which some state was found, its first steps only; which states is drawn with a fixed seed.
 */
import { Random } from '../../sim/random.js'
import type { World } from '../../sim/world/world.js'
import { Walk } from './counterexample.js'
import type { Search } from './search.js'

/** States that are drawn before there are thought to be no more different runs. */
const mostDraws = 20

/**
 * @param fresh makes a world of the search's setup at its beginning
 * @returns per run its actions in words: at most `runs` different runs of at most `steps` steps
 */
export function sampleRuns(search: Search, fresh: () => World, runs: number, steps: number): string[][] {
  const random = new Random(1)
  const { count, parents } = search.states
  const found = new Map<number, string[]>()
  for (let draw = 0; draw < mostDraws && found.size < runs; draw++) {
    const path: number[] = []
    for (let at = random.below(count); at > 0; at = parents[at]!) path.push(at)
    if (path.length === 0) continue
    const end = path[Math.max(0, path.length - steps)]!
    if (found.has(end)) continue
    const walk = new Walk(search, fresh(), [])
    walk.goTo(end)
    found.set(end, walk.words)
  }
  return [...found.values()]
}
