/** What the pieces of a replica share: its bytes, its host, and each other. */
import type { Context } from '../contract.js'
import type { BugName } from './bugs.js'
import type { createClients } from './clients.js'
import type { createElection } from './election.js'
import type { createFollowing } from './following.js'
import type { createLeading } from './leading.js'
import type { ApusLayouts } from './layout.js'
import type { createLinks } from './links.js'
import type { createLog } from './log.js'
import type { openPostOffice } from './messages.js'
import type { createReads } from './reads.js'
import type { createRecovery } from './recovery.js'
import type { createSnapshots } from './snapshots.js'
import type { createStorage } from './storage.js'

/** Timers by index. */
export const Timer = { beat: 0, suspect: 1, retry: 2, look: 3 } as const
export const timerNames = ['beat', 'suspect', 'retry', 'look'] as const

/** Tokens of work requests and control calls. */
export const Token = {
  /** The end of a control call. */
  control: 0,
  /** A WRITE whose success frees all requests before it. Unsignalled ones, which complete in error only, share it. */
  write: 1,
  /** The READ of a status word. */
  confirm: 2,
  /** The READ of a snapshot. */
  snapshot: 3,
  /** The flush of a disk, by what waits for it. */
  flush: 4,
} as const

/** Tokens of observes: an entry of the log, a snapshot read, or the answer of a peer (plus its node id). */
export const Observe = { entry: 0, snapshot: 1, answer: 2 } as const

/** Windows by index. Cells come first: an acknowledgement that is not seen now is seen at the next look. */
export const Window = { cells: 0, header: 1, trailer: 2 } as const

/** After this an entry that was not whole is looked at again: a few words at line rate. */
export const LOOK_MICROS = 1

/** Requests that may be posted to a peer and not be known to be done, but for one READ. */
export const MOST_POSTED = 8

export interface Replica {
  readonly context: Context<ApusLayouts['state']>
  readonly layouts: ApusLayouts
  /** Whether this replica is the named wrong variant; asked while it is built. */
  is(bug: BugName): boolean
  readonly post: ReturnType<typeof openPostOffice>
  readonly log: ReturnType<typeof createLog>
  readonly storage: ReturnType<typeof createStorage>
  readonly links: ReturnType<typeof createLinks>
  readonly following: ReturnType<typeof createFollowing>
  readonly leading: ReturnType<typeof createLeading>
  readonly election: ReturnType<typeof createElection>
  readonly recovery: ReturnType<typeof createRecovery>
  readonly snapshots: ReturnType<typeof createSnapshots>
  readonly clients: ReturnType<typeof createClients>
  readonly reads: ReturnType<typeof createReads>
}
