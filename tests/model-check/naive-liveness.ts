/** Liveness by definition, on the plain graph of a small system: sets of states, and no cleverness. */
import { type PlainGraph, plainGraph } from '../../model-check/plain-graph.js'
import type { LivenessKind } from '../../model-check/search/index.js'
import type { SystemDefinition } from '../../protocol/index.js'
import type { Setup } from '../../sim/run/setup.js'
import { isFaultKind } from '../../sim/world/site.js'
import type { World } from '../../sim/world/world.js'

export interface NaiveLiveness {
  readonly graph: PlainGraph
  readonly promised: number
  readonly reached: number
  readonly open: number
  /** Steps to the nearest state from which the goal need not be reached; undefined: there is none. */
  readonly nearest: number | undefined
}

function isPromised(world: World): boolean {
  const { nodeCount: n, nodes, model } = world
  for (let from = 0; from < n; from++)
    for (let to = 0; to < n; to++) {
      if (from !== to && world.isCut(from, to)) return false
      for (let pair = 0; pair < (model.fabric?.pairsPerPeer ?? 0); pair++)
        if (world.isSevered(from, to, pair)) return false
    }
  return nodes.filter((node) => !node.isRunning()).length <= model.atlas.unavailable
}

export function naiveLiveness(
  definition: SystemDefinition,
  setup: Setup,
  kind: LivenessKind,
  bounds: { readonly states: number; readonly depth?: number },
): NaiveLiveness {
  const isPromisedIn: boolean[] = []
  const graph = plainGraph(definition, setup, {
    ...bounds,
    visit: (world, state) => (isPromisedIn[state] = isPromised(world)),
  })
  const { world, states, edges } = graph
  const all = [...states.keys()]
  const goal = new Set(all.filter((state) => states[state]!.isGoal))
  const promised = new Set(all.filter((state) => isPromisedIn[state]!))
  const unknown = new Set(all.filter((state) => !states[state]!.isExpanded && !goal.has(state)))
  const calm = edges.filter(({ site }) => !isFaultKind(world.sites[site]!.kind))
  const fair = calm.filter(({ site }) => world.sites[site]!.kind !== 'overrun')
  /** All states of `within` from which one of `ends` is reached. */
  const reaching = (ends: ReadonlySet<number>, within: ReadonlySet<number>): Set<number> => {
    const found = new Set(ends)
    for (let size = -1; size !== found.size;) {
      size = found.size
      for (const { from, to } of calm) if (found.has(to) && within.has(from)) found.add(from)
    }
    return found
  }
  const nearestOf = (set: Iterable<number>): number | undefined => {
    const depths = [...set].map((state) => states[state]!.depth)
    return depths.length === 0 ? undefined : Math.min(...depths)
  }
  const counts = { graph, promised: promised.size, reached: [...promised].filter((s) => goal.has(s)).length }
  if (kind === 'reachable') {
    const reaches = reaching(goal, new Set(all))
    const maybe = reaching(unknown, new Set(all))
    const without = [...promised].filter((state) => !reaches.has(state))
    return {
      ...counts,
      open: without.filter((state) => maybe.has(state)).length,
      nearest: nearestOf(without.filter((state) => !maybe.has(state))),
    }
  }
  const asked = new Set([...promised].filter((state) => !goal.has(state)))
  const open = reaching(new Set([...unknown].filter((state) => promised.has(state))), asked)

  /** Of the runs inside a set of states: the states of those that are fair for ever. */
  const fairStates = (within: ReadonlySet<number>): number[] => {
    const forward = new Map([...within].map((state) => [state, reachedFrom(state, within)]))
    const result: number[] = []
    for (const state of within) {
      const component = new Set(
        [...within].filter((other) => forward.get(state)!.has(other) && forward.get(other)!.has(state)),
      )
      const inside = fair.filter(({ from, to }) => component.has(from) && component.has(to))
      const isEnabled = (site: number, at: number): boolean =>
        fair.some((edge) => edge.site === site && edge.from === at)
      const enabledSites = new Set(fair.filter(({ from }) => component.has(from)).map(({ site }) => site))
      const starved = [...enabledSites].filter((site) => {
        if (inside.some((edge) => edge.site === site)) return false
        return kind === 'strong-fairness' || [...component].every((at) => isEnabled(site, at))
      })
      if (starved.length === 0) result.push(state)
      else if (kind === 'strong-fairness') {
        const rest = [...component].filter((at) => !starved.some((site) => isEnabled(site, at)))
        if (rest.length > 0 && fairStates(new Set(rest)).includes(state)) result.push(state)
      }
    }
    return result
  }
  const reachedFrom = (start: number, within: ReadonlySet<number>): Set<number> => {
    const found = new Set([start])
    for (const at of found) for (const { from, to } of calm) if (from === at && within.has(to)) found.add(to)
    return found
  }
  const known = new Set([...asked].filter((state) => states[state]!.isExpanded))
  return { ...counts, open: open.size, nearest: nearestOf(fairStates(known)) }
}
