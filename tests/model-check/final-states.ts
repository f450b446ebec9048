/** What searches with and without partial-order reduction must have in common. */
import type { LitmusProgram } from '../../model-check/litmus/index.js'
import { litmusWorld } from '../../model-check/litmus/system.js'
import { OutcomeView, outcomeKey } from '../../model-check/litmus/values.js'
import type { Heeds } from '../../model-check/search/partial-order.js'
import { Search } from '../../model-check/search/search.js'
import { listChanging, listStart, siteShift } from '../../model-check/search/step-tables.js'
import { isFaultKind } from '../../sim/world/site.js'
import type { World } from '../../sim/world/world.js'

/** Searches a world to the end. */
export function searched(world: World, partialOrder: Heeds | undefined, without: readonly string[]): Search {
  const search = new Search(world, {
    without,
    mostStates: 2_000_000,
    mostDepth: Infinity,
    findsDeadlock: false,
    leastWords: 3,
    symmetry: undefined,
    skipsTakings: false,
    partialOrder,
    prompt: [],
    timers: 'eager',
    ceilings: {},
    isShared: false,
  })
  for (;;) {
    while (!search.isDone) search.advance(10_000)
    if (!search.isOutdated) break
    search.beginAnew()
  }
  if (search.next < search.states.count) throw new Error('the search was cut off')
  return search
}

/** The bytes, as text, of all states that nothing but a fault leaves; calls `visit` with each in the world's memory. */
export function finalStates(search: Search, visit?: () => void): ReadonlySet<string> {
  const ids = new Int32Array(search.packing.slots)
  const finals = new Set<string>()
  for (let state = 0; state < search.states.count; state++) {
    search.choose(state)
    if (!isFinal(search)) continue
    search.packing.unpack(search.states.states, state * search.states.words, ids)
    search.components.holdAll(ids)
    finals.add(search.world.memory.words.join())
    visit?.()
  }
  return finals
}

/** All that is to be seen in some state of these parts together. */
export function sights(
  { packing, states, components, world }: Search,
  parts: readonly number[],
): ReadonlySet<string> {
  const ids = new Int32Array(packing.slots)
  const { words, parts: all } = world.memory
  const seen = new Set<string>()
  for (let state = 0; state < states.count; state++) {
    packing.unpack(states.states, state * states.words, ids)
    components.holdAll(ids)
    const sight = parts.map((part) => {
      const { offset, sizeBytes } = all[part]!
      return words.subarray(offset / 4, (offset + sizeBytes) / 4).join()
    })
    seen.add(sight.join(';'))
  }
  return seen
}

export function finalsOf(program: LitmusProgram, partialOrder: Heeds | undefined) {
  const world = litmusWorld(program)
  const search = searched(world, partialOrder, ['outcome'])
  const view = new OutcomeView(program, world)
  const outcomes = new Set<string>()
  const finals = finalStates(search, () => outcomes.add(outcomeKey(view.outcome())))
  return { states: search.states.count, finals, outcomes }
}

/** Whether no step but a fault changes the state whose lists have been chosen. */
function isFinal({ tables, chosenLists, states: { words }, world }: Search): boolean {
  const { lists, groupCount } = tables
  for (let group = 0; group < groupCount; group++) {
    const list = chosenLists[group]!
    const end = list + listStart + lists[list + listChanging]! * (words + 1)
    for (let move = list + listStart; move < end; move += words + 1)
      if (!isFaultKind(world.sites[lists[move + words]! >>> siteShift]!.kind)) return false
  }
  return true
}
