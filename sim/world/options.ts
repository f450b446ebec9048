/** What a world is made with, beyond the model of its system. */
import type { FaultBudget, FaultKind, Knobs, NodeId } from '../../protocol/index.js'
import type { Limits } from './limits.js'

export interface WorldOptions {
  readonly knobs?: Partial<Knobs> | undefined
  readonly budget?: FaultBudget | undefined
  /** Nodes that a fault kind never strikes. */
  readonly spared?: Readonly<Partial<Record<FaultKind, readonly NodeId[]>>> | undefined
  /** How often timers fire and clients ask again, at most (`limits.ts`). */
  readonly limits?: Limits | undefined
  /** Runs every handler twice to catch hidden state. */
  readonly selfTest?: boolean | undefined
}

export const defaultKnobs: Knobs = {
  poll: 'atomic',
  placement: 'shuffled-in-packet',
  fetch: 'at-departure',
  visibility: 'lagging',
  psn: 'derived',
  broken: [],
}
