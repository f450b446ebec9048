/**
 * Who is concerned by a change of a flow's queue. Most changes are of a few sorts that leave alone what most sites offer:
 * those need not be asked again.
 *
 * The audit of worlds (`tests/sim/world/audit.ts`) compares with what the bytes say, of all sites after every step.
 */
import type { ActionKind } from '../site.js'
import type { World } from '../world.js'
import type { Fabric } from './fabric.js'
import type { Flow } from './flow.js'

/** The sites that may have something else to offer after each sort of change. */
export interface Concerned {
  /** A request was posted at an end that is not in ERR: it waits for earlier ones, and nothing of it has arrived. */
  readonly posted: Int32Array
  /** A packet has arrived and was not refused: no answer is there before it has been placed. */
  readonly arrived: Int32Array
  /** A word was placed, and others are left: the next words wait for it, and nobody else. */
  readonly placed: Int32Array
  /** The last word of a WRITE was placed: all its packets had arrived, and nothing is brought back. */
  readonly written: Int32Array
}

export function concernedBy(world: World, fabric: Fabric, flow: Flow): Concerned {
  const guarded = world.guardedBy(flow.queue.index)
  const where = (isConcerned: (kind: ActionKind) => boolean): Int32Array =>
    // While 'unordered-pairs' is broken sites of other queue pairs wait for this one too.
    fabric.rules.unorderedPairs ? guarded.filter((site) => isConcerned(world.sites[site]!.kind)) : guarded
  const allBut = (...kinds: ActionKind[]): Int32Array => where((kind) => !kinds.includes(kind))
  // Where a WRITE is acknowledged on arrival, whoever waits for that has done so already.
  const wasAcknowledged: ActionKind[] = fabric.rules.laggingVisibility ? ['expire'] : []
  return {
    posted: allBut('place', 'answer', 'complete', 'land', 'receive'),
    arrived: allBut('answer', 'land'),
    placed: where((kind) => kind === 'place'),
    written: allBut('arrive', 'fetch', 'answer', 'land', 'receive', ...wasAcknowledged),
  }
}
