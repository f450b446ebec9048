/** What steps use of a queue and of a status, as far as that is less than all of it. */
import type { ActionKind, Site } from '../../sim/world/site.js'
import type { World } from '../../sim/world/world.js'
import { QueueCell } from './cells.js'

/** Kinds of steps on the requests of a flow that do not depend on those that are posted behind them. */
export const headKinds: ReadonlySet<ActionKind> = new Set<ActionKind>(['arrive', 'fetch', 'place', 'answer'])
/**
 * What steps use of the queue that is the first guard of their site, and what else of it may give them something to do
 * but does not matter to them once they have it. All others use the whole queue.
 */
export interface OwnCells {
  readonly uses: readonly QueueCell[]
  readonly awaits: readonly QueueCell[]
}
const ownQueueCells: Readonly<Partial<Record<ActionKind, OwnCells>>> = {
  arrive: {
    uses: [QueueCell.arrivals],
    awaits: [QueueCell.posted, QueueCell.source, QueueCell.placed, QueueCell.answers, QueueCell.received],
  },
  place: { uses: [QueueCell.placed, QueueCell.received], awaits: [QueueCell.arrivals] },
  answer: { uses: [QueueCell.answers], awaits: [QueueCell.placed] },
  fetch: { uses: [QueueCell.source], awaits: [QueueCell.posted, QueueCell.answers] },
  // What is completed before all of it is placed is placed all the same.
  complete: {
    uses: [QueueCell.room, QueueCell.source, QueueCell.arrivals, QueueCell.answers],
    awaits: [QueueCell.placed],
  },
  receive: { uses: [QueueCell.received], awaits: [] },
}
/** Kinds of steps at NICs that do not care what the processor of a node does as long as it runs. */
export const wayKinds: ReadonlySet<ActionKind> = new Set<ActionKind>(['arrive', 'expire', 'land'])
/** Kinds of steps that change nothing of a status but what the node is copying. */
export const copyingKinds: ReadonlySet<ActionKind> = new Set<ActionKind>(['poll', 'observe'])
/** Kinds of steps of which the first guard is the queue of their flow. */
export const flowKinds: ReadonlySet<ActionKind> = new Set<ActionKind>([
  ...headKinds,
  'complete',
  'expire',
  'land',
])

/** What a site uses of the queue that is its first guard; undefined where it is all of it. */
export function ownCellsOf({ kind }: Site, { fabric }: World): OwnCells | undefined {
  const { rules } = fabric!
  // Where these rules are broken packets care for receive buffers, or bring notices themselves.
  if (kind === 'arrive' && !(rules.receiverNotReady && rules.immediateAfterData)) return undefined
  return ownQueueCells[kind]
}
