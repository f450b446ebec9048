/** Two branches side by side: where they part, and what differs in their states. */
import { diff } from '../../protocol/index.js'
import type { ActionLog } from '../../sim/index.js'
import { describeAction } from './actions.js'
import type { Branch } from './branch.js'
import type { Comparison, FieldChange } from './protocol.js'
import type { Stage } from './stage.js'

export function compareBranches(a: Branch, b: Branch, at: readonly [number, number] | undefined): Comparison {
  const common = commonPrefix(a, b)
  const [atA, atB] = at ?? [common, common]
  const worldA = a.stage.seek(a, atA)
  const bytes = new DataView(worldA.memory.buffer.slice(0))
  const partsA = new Map(worldA.memory.parts.map((part) => [part.name, part]))
  const worldB = b.stage.seek(b, atB)
  const parts: { part: string; changes: readonly FieldChange[] }[] = []
  for (const part of worldB.memory.parts) {
    const other = partsA.get(part.name)
    // With other knobs a world may have other parts; those of one name and size are laid out alike.
    if (other?.sizeBytes !== part.sizeBytes) continue
    const regions = part.node < 0 ? [] : worldB.nodes[part.node]!.definition.regions
    const changes = diff(part.layout, bytes, other.offset, worldB.memory.view, part.offset, { regions })
    if (changes.length > 0) parts.push({ part: part.name, changes })
  }
  return {
    common,
    actions: [
      common < a.length ? describeAction(a, common) : null,
      common < b.length ? describeAction(b, common) : null,
    ],
    at: [atA, atB],
    parts,
  }
}

/** Positions up to which both have taken the same actions, by name. */
const commonPrefix = (a: Branch, b: Branch): number => commonSteps(a.stage, a.log, b.stage, b.log)

/** The same of two schedules. */
export function commonSteps(stageA: Stage, a: ActionLog, stageB: Stage, b: ActionLog): number {
  const most = Math.min(a.length, b.length)
  const sitesA = stageA.info.sites
  const sitesB = stageB.info.sites
  let i = 0
  while (i < most && a.subject(i) === b.subject(i) && sitesA[a.site(i)]!.name === sitesB[b.site(i)]!.name) i++
  return i
}
