/**
 * The branch that is shown, as the session's columns: one entry an action. Asked for once a branch, and again for what
 * has been indexed since; arrows, marks and words are asked for where the view is, and kept until it leaves.
 */
import type { ActionInfo, ArrowColumns, Mark, StepColumns } from '../../session/protocol.js'
import { latest } from '../latest.js'
import type { Workbench } from '../workbench.js'
import { type Family, families, familyOf } from '../kinds.js'

/** Most actions in view of which arrows are drawn one by one; beyond that they are bundled. */
export const mostSingleArrows = 3000
/** Most actions in view that have words. */
export const mostWords = 160
const marksAtOnce = 400
const fieldsPatched = ['flags'] as const

/** While a node is not running: from a position up to another. */
export interface Outage {
  readonly node: number
  readonly from: number
  readonly to: number
  readonly paused: boolean
}

export class Columns {
  readonly #bench: Workbench
  readonly #changed: () => void
  steps: StepColumns | undefined
  /** Index into `families` of each kind. */
  familyOfKind = new Uint8Array(0)
  laneCounts = new Uint32Array(0)
  outages: readonly Outage[] = []
  arrows: ArrowColumns | undefined
  marks: readonly Mark[] = []
  readonly words = new Map<number, ActionInfo>()
  #known = 0

  constructor(bench: Workbench, changed: () => void) {
    this.#bench = bench
    this.#changed = changed
    bench.topics.on(['run'], () => {
      this.steps = undefined
      this.arrows = undefined
      this.marks = []
      this.words.clear()
      this.#read('all')
    })
    bench.topics.on(['index'], () => {
      this.#read('new')
    })
  }

  readonly #read = latest(async (what: 'all' | 'new') => {
    const { branch, world } = this.#bench
    if (branch === undefined || world === undefined) return
    const { steps } = this
    const isOther = what === 'all' || steps === undefined || steps.to !== branch.length
    const from = isOther ? 0 : this.#known
    const to = isOther ? branch.length : Math.max(from, branch.known)
    if (!isOther && to === from) return
    const read = await this.#bench.try('steps', { branch: branch.branch, from, to })
    if (read === undefined || this.#bench.branch?.branch !== branch.branch) return
    if (isOther) {
      this.steps = read
      this.words.clear()
      this.familyOfKind = Uint8Array.from(world.kinds, (kind) => families.indexOf(familyOf(kind)))
      this.laneCounts = countLanes(read, world.lanes.length)
      this.outages = findOutages(read, world.kinds)
    } else for (const field of fieldsPatched) steps[field].set(read[field], from)
    this.#known = read.known
    this.arrows = undefined
    this.#changed()
  })

  /** Asks for what belongs to the actions from … to - 1; `changed` is called when it has come. */
  readonly want = latest(async ({ from, to }: { readonly from: number; readonly to: number }) => {
    const { branch } = this.#bench
    if (branch === undefined || this.steps === undefined) return
    const isFew = to - from <= mostSingleArrows
    const { arrows } = this
    const held = arrows !== undefined && arrows.from <= from && arrows.to >= Math.min(to, branch.length)
    if (isFew && !held) {
      const margin = to - from
      const range = {
        branch: branch.branch,
        from: Math.max(0, from - margin),
        to: Math.min(branch.length, to + margin),
      }
      const [read, { marks } = { marks: [] }] = await Promise.all([
        this.#bench.try('arrows', range),
        this.#bench.try('marks', { ...range, limit: marksAtOnce }),
      ])
      if (read === undefined || this.#bench.branch?.branch !== branch.branch) return
      this.arrows = read
      this.marks = marks
      this.#changed()
    }
    if (to - from > mostWords) return
    const missing = Array.from({ length: to - from }, (_, i) => from + i).filter((i) => !this.words.has(i))
    if (missing.length === 0) return
    const infos = await this.#bench.try('describe', { branch: branch.branch, actions: missing })
    if (infos === undefined || this.#bench.branch?.branch !== branch.branch) return
    for (const info of infos) this.words.set(info.action, info)
    this.#changed()
  })

  /** The actions of which something is so, as a filter. */
  actionsWhere(isSo: (action: number) => boolean): ReadonlySet<number> {
    const found = new Set<number>()
    for (let action = 0; action < (this.steps?.to ?? 0); action++) if (isSo(action)) found.add(action)
    return found
  }

  family(action: number): Family {
    return families[this.familyOfKind[this.steps!.kind[action]!]!]!
  }
}

function countLanes(steps: StepColumns, lanes: number): Uint32Array<ArrayBuffer> {
  const counts = new Uint32Array(lanes)
  const { lane } = steps
  for (let i = 0; i < lane.length; i++) counts[lane[i]!]!++
  return counts
}

const Effect = { none: 0, stops: 1, pauses: 2, ends: 3 } as const
const effects: Readonly<Record<string, number>> = {
  crash: Effect.stops,
  kill: Effect.stops,
  halt: Effect.stops,
  pause: Effect.pauses,
  restart: Effect.ends,
  resume: Effect.ends,
}

/** Which nodes do not run, and when, from the faults in the schedule alone. */
export function findOutages(
  steps: Pick<StepColumns, 'kind' | 'node' | 'to'>,
  kinds: readonly string[],
): Outage[] {
  const outages: Outage[] = []
  const open = new Map<number, { from: number; paused: boolean }>()
  const close = (node: number, to: number): void => {
    const outage = open.get(node)
    if (outage !== undefined) outages.push({ node, to, ...outage })
    open.delete(node)
  }
  const effectOf = Uint8Array.from(kinds, (kind) => effects[kind] ?? Effect.none)
  for (let i = 0; i < steps.kind.length; i++) {
    const effect = effectOf[steps.kind[i]!]!
    if (effect === Effect.none) continue
    const node = steps.node[i]!
    if (effect === Effect.ends) close(node, i)
    else {
      close(node, i + 1)
      open.set(node, { from: i + 1, paused: effect === Effect.pauses })
    }
  }
  for (const node of [...open.keys()]) close(node, steps.to)
  return outages
}
