// Fair components of random graphs, against all sets of states.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { FairComponents, type Fairness, wayRound } from '../../model-check/search/fair-components.js'

const mostStates = 7
const sites = 5
// The last site is nobody's due; the one before it is no step.
const isStep = Uint8Array.of(1, 1, 1, 0, 1)
const isFair = Uint8Array.of(1, 1, 1, 0, 0)

interface Edge {
  readonly from: number
  readonly to: number
  readonly site: number
}
const graph = fc.integer({ min: 2, max: mostStates }).chain((states) =>
  fc.record({
    states: fc.constant(states),
    edges: fc.array(
      fc
        .record({ from: fc.nat(states - 1), to: fc.nat(states - 1), site: fc.nat(sites - 1) })
        .filter(({ from, to }) => from !== to),
      { maxLength: 16 },
    ),
    isAsked: fc.array(fc.constantFrom(1, 1, 1, 0), { minLength: states, maxLength: states }),
  }),
)

/** The states of all sets in which a run may stay for ever and be fair. */
function fairStates(
  states: number,
  edges: readonly Edge[],
  isAsked: readonly number[],
  fairness: Fairness,
): number[] {
  const found = new Set<number>()
  for (let bits = 1; bits < 2 ** states; bits++) {
    const set = [...Array(states).keys()].filter((state) => (bits >> state) & 1)
    if (set.some((state) => isAsked[state] === 0)) continue
    const inside = edges.filter(
      ({ from, to, site }) => set.includes(from) && set.includes(to) && isStep[site] === 1,
    )
    const reached = (start: number): Set<number> => {
      const all = new Set([start])
      for (const at of all) for (const { from, to } of inside) if (from === at) all.add(to)
      return all
    }
    if (!set.every((state) => reached(state).size === set.length)) continue
    const getsItsDue = (site: number): boolean => {
      if (isFair[site] === 0 || inside.some((edge) => edge.site === site)) return true
      const enabled = set.filter((state) => edges.some((edge) => edge.site === site && edge.from === state))
      return fairness === 'weak' ? enabled.length < set.length : enabled.length === 0
    }
    if ([...Array(sites).keys()].every(getsItsDue)) set.forEach((state) => found.add(state))
  }
  return [...found].sort((a, b) => a - b)
}

test.each(['weak', 'strong'] as const)(
  '%s fairness: the nearest component, and a fair way round it',
  (fairness) => {
    const seen = { none: 0, still: 0, round: 0 }
    fc.assert(
      fc.property(graph, ({ states, edges, isAsked }) => {
        const sorted = [...edges].sort((a, b) => a.from - b.from)
        const rows = {
          states,
          offsets: Int32Array.from(
            { length: states + 1 },
            (_, state) => sorted.filter(({ from }) => from < state).length,
          ),
          targets: Int32Array.from(sorted, ({ to }) => to),
          sites: Uint16Array.from(sorted, ({ site }) => site),
        }
        const expected = fairStates(states, edges, isAsked, fairness)
        const component = new FairComponents(rows, fairness, isStep, isFair).nearest(Uint8Array.from(isAsked))
        expect(component?.states[0]).toBe(expected[0])
        if (component === undefined) {
          seen.none++
          return
        }
        for (const state of component.states) expect(expected).toContain(state)
        const way = wayRound(rows, component, fairness, isStep)
        const visited = [component.states[0]!, ...way.map(({ state }) => state)]
        way.forEach(({ site, state }, i) => {
          expect(edges).toContainEqual({ from: visited[i], to: state, site })
          expect(isStep[site]).toBe(1)
          expect(isAsked[state]).toBe(1)
        })
        expect(visited.at(-1)).toBe(visited[0])
        for (let site = 0; site < sites; site++) {
          if (isFair[site] === 0 || way.some((step) => step.site === site)) continue
          const enabled = visited.filter((state) =>
            edges.some((edge) => edge.site === site && edge.from === state),
          )
          if (fairness === 'weak') expect(enabled.length).toBeLessThan(visited.length)
          else expect(enabled).toEqual([])
        }
        if (way.length === 0) seen.still++
        else seen.round++
      }),
      { numRuns: 4000, seed: 1, endOnFailure: true },
    )
    expect(Math.min(seen.none, seen.still, seen.round)).toBeGreaterThan(100)
  },
)
