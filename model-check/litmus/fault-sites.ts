/** Which sites of a world the faults of a litmus program are. */
import type { Site } from '../../sim/world/site.js'
import type { World } from '../../sim/world/world.js'
import { threadName } from './core-shape.js'
import { LitmusError } from './errors.js'
import type { FaultTarget, LitmusProgram } from './program.js'
import { nodeName } from './scope.js'
import type { OutcomeView } from './values.js'

/** A fault that a thread has come to. */
export interface PinnedFault {
  /** The site of the thread's step. */
  readonly input: number
  readonly sites: readonly Site[]
  accepts(site: Site, choice: number): boolean
}

interface PinnedPlace extends PinnedFault {
  readonly node: number
  readonly thread: number
  readonly operation: number
}

export class FaultSites {
  readonly #view: OutcomeView
  readonly #pinned: PinnedPlace[] = []
  readonly #free = new Map<number, FaultTarget[]>()

  constructor(program: LitmusProgram, world: World, view: OutcomeView) {
    this.#view = view
    const place = (line: number): { line: number; column: number } => ({ line, column: 1 })
    for (const { target } of program.faults)
      for (const site of sitesOf(program, world, target, place(1)))
        this.#free.set(site.index, [...(this.#free.get(site.index) ?? []), target])
    program.nodes.forEach(({ threads }, node) => {
      threads.forEach(({ operations }, thread) => {
        operations.forEach(({ action, line }, operation) => {
          if (action.kind !== 'fault') return
          const sites = sitesOf(program, world, action.fault, place(line))
          const name = `input ${nodeName(node)} ${threadName(program.nodes[node]!, thread)}`
          const input = world.siteNamed(name)!.index
          const { words } = action.fault
          const accepts = (site: Site, choice: number): boolean => hasWords(site, choice, words)
          this.#pinned.push({ node, thread, operation, input, sites, accepts })
        })
      })
    })
  }

  /** The faults that threads have come to in the state at hand. */
  pinned(): readonly PinnedFault[] {
    return this.#pinned.filter(
      ({ node, thread, operation }) => this.#view.counter(node, thread) === operation,
    )
  }
  isFree(site: Site): boolean {
    return this.#free.has(site.index)
  }
  isFreeChoice(site: Site, choice: number): boolean {
    return this.#free.get(site.index)!.some(({ words }) => hasWords(site, choice, words))
  }
}

const hasWords = (site: Site, choice: number, words: string): boolean =>
  words === '' || site.describe(choice).includes(words)

/** The sites that a fault means. */
function sitesOf(
  program: LitmusProgram,
  world: World,
  target: FaultTarget,
  place: { line: number; column: number },
): Site[] {
  const { kind, node, from, pair } = target
  const path = [
    ...(from === undefined ? [] : [`${nodeName(from)}→`]),
    ...(node === undefined ? [] : [nodeName(node)]),
  ].join('')
  const all = world.sites.filter((site) => site.kind === kind)
  const found = all.filter((site) => {
    const rest = site.name.slice(kind.length + 1)
    const where = /^(n\d+(?:→n\d+)?)(?:#(\d+))?/.exec(rest)
    if (path !== '' && where?.[1] !== path) return false
    return pair === undefined || Number(where?.[2] ?? 0) === pair
  })
  if (found.length > 0) return found
  const known = all.map((site) => site.name)
  throw new LitmusError(
    program.file,
    place,
    `there is no fault "${[kind, path].join(' ').trim()}" in this program's world`,
    known.length === 0 ? 'this kind of fault has nothing to strike here' : `one of ${known.join(', ')}`,
    kind,
    known,
  )
}
