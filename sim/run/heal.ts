/**
 * Ends the faults of a run: no budget is left but for repairs, every link works, every paused process goes on, and every
 * crashed node that the protocol lets restart comes back, but for those that `leaveDown` names. All of it is done by
 * ordinary actions, so that it is part of the trace.
 */
import type { NodeId } from '../../protocol/index.js'
import type { ActionKind } from '../world/site.js'
import type { Run } from './run.js'

export function heal(run: Run, leaveDown: readonly NodeId[] = []): void {
  const { world } = run
  take(run, 'calm', -1)
  for (const kind of inTurn)
    for (const site of world.sites)
      if (site.kind === kind && !(kind === 'restart' && leaveDown.includes(site.node)))
        if (run.violation === undefined && world.armed[site.index]! > 0) run.take(site.index, 0)
}

/** What is torn down can be restarted only afterwards. */
const inTurn: readonly ActionKind[] = ['heal', 'mend', 'resume', 'teardown', 'restart']

function take(run: Run, kind: string, node: NodeId): void {
  const site = run.world.sites.find((s) => s.kind === kind && s.node === node)
  if (site !== undefined) run.take(site.index, 0)
}
