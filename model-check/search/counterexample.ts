/**
 * From a state of a search to a schedule: the way there is taken again in a fresh world, one step at a time, and each
 * step is the one whose bytes are those of the next state on the way. What is wrong at the end is said by the judge of
 * every other tool, which knows nothing of interning and memory of steps.
 */
import { Judge, type Violation } from '../../sim/run/judge.js'
import type { NamedAction } from '../../sim/run/action-log.js'
import { ClientEvents, type ClientEvent, judgeHistory } from '../../sim/shrink/client-events.js'
import { Outcome } from '../../sim/world/site.js'
import type { World } from '../../sim/world/world.js'
import type { Unreached } from './liveness.js'
import type { Search } from './search.js'

export interface Finding {
  readonly violation: Violation
  /** The schedule that ends in the violation; of a breadth-first search a shortest one. */
  readonly actions: readonly NamedAction[]
  /** Only of a run that never comes to its goal: how many actions at the end lead back to where they began. */
  readonly cycle?: number | undefined
}

/** What is wrong after a search that has found something. `fresh` is a world of the same setup at its beginning. */
export function findingOf(search: Search, fresh: World, without: readonly string[]): Finding | undefined {
  if (search.stuckAt >= 0) {
    const walk = new Walk(search, fresh, without)
    walk.goTo(search.stuckAt)
    const { goal } = fresh.model.spec
    const reason = `nothing can happen any more, and the goal is not reached: ${goal.meaning}`
    return { violation: { kind: 'liveness', name: 'deadlock', reason }, actions: walk.actions }
  }
  if (search.brokenFrom < 0) return undefined
  const walk = new Walk(search, fresh, without)
  const atStart = walk.judge.atStart()
  if (atStart !== undefined) return { violation: atStart, actions: [] }
  walk.goTo(search.brokenFrom)
  const violation = walk.takeBrokenStep()
  if (violation === undefined)
    throw new Error(
      'the search found a violation that the judge of runs does not see: a fault of the checker',
    )
  return { violation, actions: walk.actions }
}

/** The run that never comes to its goal, as far as it is needed to see that. */
export function livenessFinding(
  search: Search,
  fresh: World,
  without: readonly string[],
  { state, cycle }: Unreached,
): Finding {
  const walk = new Walk(search, fresh, without)
  walk.goTo(state)
  const stem = walk.actions.length
  const missed = `the goal is not reached: ${fresh.model.spec.goal.meaning}`
  const violation = (name: string, reason: string): Violation => ({ kind: 'liveness', name, reason })
  if (cycle === undefined)
    return {
      violation: violation(
        'goal-unreachable',
        `whatever happens from here on without further faults, ${missed}`,
      ),
      actions: walk.actions,
    }
  if (cycle.length === 0)
    return {
      violation: violation('deadlock', `nothing that has to happen can happen any more, and ${missed}`),
      actions: walk.actions,
    }
  for (const step of cycle) walk.stepTo(step.state, step.site)
  const steps =
    cycle.length === 1
      ? `step ${String(stem + 1)} leads`
      : `steps ${String(stem + 1)} to ${String(stem + cycle.length)} lead`
  return {
    violation: violation(
      'livelock',
      `${steps} back to the state after step ${String(stem)}, so that they can repeat for ever, and ${missed}`,
    ),
    actions: walk.actions,
    cycle: cycle.length,
  }
}

/** Takes ways of a search anew, in a world of its own. */
export class Walk {
  readonly actions: NamedAction[] = []
  /** The same for people. */
  readonly words: string[] = []
  readonly judge: Judge
  readonly #search: Search
  readonly #world: World
  readonly #seen = new ClientEvents()
  readonly #history: ClientEvent[] = []
  #residue = 0

  constructor(search: Search, fresh: World, without: readonly string[]) {
    this.#search = search
    this.#world = fresh
    this.judge = new Judge(fresh, without)
    fresh.listener = this.#seen
  }

  goTo(state: number): void {
    const path: number[] = []
    const { parents } = this.#search.states
    for (let at = state; at > 0; at = parents[at]!) path.push(at)
    for (const next of path.reverse()) this.stepTo(next)
  }

  /** Takes the step after which the judge objects. */
  takeBrokenStep(): Violation | undefined {
    return this.#tryAll(() => {
      const violation = this.judge.afterStep()
      if (violation !== undefined || !this.#seen.events.some(({ kind }) => kind === 'return'))
        return violation
      return judgeHistory(this.judge, [...this.#history, ...this.#seen.events])
    })
  }

  /** Takes a step to a state of the search, by a certain site where that matters. */
  stepTo(state: number, site?: number): void {
    const search = this.#search
    const { packing, components, residues, states, symmetry } = search
    const wanted = new Int32Array(packing.slots)
    packing.unpack(states.states, state * states.words, wanted)
    const ids = new Int32Array(packing.slots)
    const found = this.#tryAll(() => {
      search.world.memory.words.set(this.#world.memory.words)
      components.captureAll(ids)
      const residue = this.#advanced()
      if (residues !== undefined) ids[residues.slot] = residue
      symmetry?.canonicalise(ids)
      if (ids.some((id, slot) => id !== wanted[slot])) return undefined
      this.#residue = residue
      return true
    }, site)
    if (found === undefined)
      throw new Error('a state on the way to a violation cannot be reached: a fault of the checker')
    this.#history.push(...this.#seen.events)
  }

  #advanced(): number {
    const { residues } = this.#search
    if (residues === undefined) return 0
    residues.seen.events.splice(0, Infinity, ...this.#seen.events)
    return residues.advance(this.#residue)
  }

  /** Tries every choice until one is accepted, and stays there. */
  #tryAll<T>(accept: () => T | undefined, only?: number): T | undefined {
    const world = this.#world
    const before = world.snapshot()
    const armed = world.armed.slice()
    for (const site of only === undefined ? world.sites : [world.sites[only]!])
      for (let choice = 0; choice < armed[site.index]!; choice++) {
        const subject = site.subject(choice)
        const words = site.describe(choice)
        this.#seen.events.length = 0
        this.judge.reset()
        const outcome = world.step(site.index, choice)
        const accepted = outcome === Outcome.moved ? accept() : undefined
        if (accepted !== undefined) {
          this.actions.push({ site: site.name, subject })
          this.words.push(words === '' ? site.name : `${site.name}: ${words}`)
          return accepted
        }
        world.restore(before)
      }
    return undefined
  }
}
