/** Words of the session's messages: the diagram, and a state in full. See protocol.ts. */
import type { ActionRef, BranchId, FieldValue } from './protocol-runs.js'

// ---- the diagram ----------------------------------------------------------------------------------------------------

/** Bits of {@link StepColumns.flags} and {@link Overview.flags}. */
export const StepFlag = {
  fault: 1,
  roleChange: 2,
  commit: 4,
  /** Some invariant became true or false. */
  invariantChange: 8,
  violation: 16,
  rightsChange: 32,
  reply: 64,
} as const

/** One entry an action; typed arrays are transferred and belong to the receiver. */
export interface StepColumns {
  /** Positions: the entries are of actions from … to - 1. */
  readonly from: number
  readonly to: number
  readonly site: Uint16Array
  readonly subject: Float64Array
  readonly kind: Uint8Array
  readonly lane: Uint16Array
  readonly node: Int8Array
  readonly peer: Int8Array
  readonly client: Int8Array
  /** {@link StepFlag}. Faults are complete at once, the rest up to `known`. */
  readonly flags: Uint8Array
  readonly known: number
}

export const arrowKinds = [
  'message',
  'request',
  'reply',
  'write',
  'writeImmediate',
  'read',
  'compareSwap',
  'fetchAdd',
  'send',
  'bind',
] as const
export const pieceKinds = [
  'post',
  'fetch',
  'arrive',
  'place',
  'answer',
  'complete',
  'deliver',
  'land',
  'expire',
  'duplicate',
  'lost',
  'other',
] as const
export type PieceKind = (typeof pieceKinds)[number]
/**
 * Messages, clients' requests and replies, and one-sided operations. Each is a list of pieces in order: its post (unless
 * it was there at the start), fetches, arrivals, placements of words, answers, completion or delivery.
 */
export interface ArrowColumns {
  /** Arrows that have a piece among the actions from … to - 1, with all of their pieces. */
  readonly from: number
  readonly to: number
  readonly id: Uint32Array
  /** Index into {@link arrowKinds}. */
  readonly kind: Uint8Array
  /** Lanes that it goes from and to; for an operation, of its poster and its target. */
  readonly source: Uint16Array
  readonly target: Uint16Array
  /** First and last piece so far; first is -1 for what was there at the start. */
  readonly first: Int32Array
  readonly last: Int32Array
  /** 0: in flight, 1: ended (delivered or completed), 2: lost. */
  readonly fate: Uint8Array
  /** Pieces of arrow i are `pieceStart[i]` … `pieceStart[i + 1] - 1`. */
  readonly pieceStart: Uint32Array
  readonly pieceAction: Uint32Array
  /** Index into {@link pieceKinds}. */
  readonly pieceKind: Uint8Array
  readonly known: number
}

/** A run aggregated to `buckets` pieces of equal length: cell (lane, bucket) is at `lane * buckets + bucket`. */
export interface Overview {
  readonly from: number
  readonly to: number
  readonly buckets: number
  readonly lanes: number
  /** Actions in each cell. */
  readonly counts: Uint32Array
  /** The kind that most of them have; 255: none. */
  readonly kind: Uint8Array
  /** {@link StepFlag} of all of them. */
  readonly flags: Uint8Array
  /** Arrows that begin in a bucket: `arrows[(source node * nodes + target node) * buckets + bucket]`, nodes only. */
  readonly arrows: Uint32Array
  readonly known: number
}

export const markKinds = [
  'fault',
  'role',
  'commit',
  'invariant',
  'violation',
  'note',
  'reply',
  'rights',
] as const
export type MarkKind = (typeof markKinds)[number]
export interface Mark {
  readonly kind: MarkKind
  readonly action: number
  readonly node: number
  /** 'n1 follower → candidate', 'n0 commits 3', 'agreement is violated', … */
  readonly text: string
}

/** Truth of a property over positions: `value[i]` holds from position `from[i]` up to `from[i + 1] - 1`. */
export interface TruthRow {
  readonly property: number
  readonly from: Uint32Array
  /** {@link Truth}. */
  readonly value: Uint8Array
}
/** `unknown`: not indexed yet, or (histories) its search was cut off. */
export const Truth = { violated: 0, holds: 1, unknown: 2 } as const

// ---- a state --------------------------------------------------------------------------------------------------------

export interface FieldChange {
  readonly path: string
  readonly before: FieldValue
  readonly after: FieldValue
}
export interface MemoryState {
  /** Name of the part, for `bytes`. */
  readonly part: string
  readonly name: string
  readonly value: FieldValue
  /** What the last action changed, leaf by leaf; paths such as `log[3].term`. */
  readonly changes: readonly FieldChange[]
}
/** A log that is a ring of bytes in a registered region. */
export interface RingState {
  readonly name: string
  readonly part: string
  readonly sizeBytes: number
  /** Bytes where the marks stand in the ring: `head` (oldest remembered), `commit`, `applied`, `end`; index is the entry's. */
  readonly marks: readonly { readonly name: string; readonly index: number; readonly offset: number }[]
  readonly entries: readonly RingEntry[]
}
export interface RingEntry {
  readonly index: number
  readonly offset: number
  readonly sizeBytes: number
  /** Words for what it holds. */
  readonly text: string
  readonly state: 'applied' | 'committed' | 'uncommitted' | 'seen' | 'stale'
  readonly view: number
  readonly changed: boolean
}
export interface NodeState {
  readonly node: number
  readonly status: 'up' | 'paused' | 'dying' | 'halted' | 'down'
  readonly incarnation: number
  readonly role: { readonly state: string; readonly before: string } | null
  /** null while the node is down. */
  readonly private: MemoryState | null
  readonly regions: readonly MemoryState[]
  readonly rings: readonly RingState[]
  readonly timers: readonly TimerState[]
  readonly disk: DiskState | null
  /** Ticks, where the system has clocks. */
  readonly clock: number | null
}
interface TimerState {
  readonly name: string
  readonly armed: boolean
  readonly delayMicros: number
}
export interface DiskState {
  readonly capacityBytes: number
  readonly appendedBytes: number
  readonly flushedBytes: number
  readonly flushesInFlight: number
  readonly memory: MemoryState
}
/** One direction of a queue pair, of the end at `node`. */
export interface QueuePairState {
  readonly node: number
  readonly peer: number
  readonly pair: number
  readonly state: string
  /** What the peer may do to this node's memory. */
  readonly rights: readonly string[]
  readonly connection: number
  /** A control call under way, in words, or ''. */
  readonly control: string
  readonly requests: readonly WorkRequestState[]
  /** SENDs and notices that wait for the core, and WRITEs acknowledged but not all placed. */
  readonly received: number
  readonly accepted: number
  readonly memory: readonly MemoryState[]
}
export interface WorkRequestState {
  /** Id of its arrow, or 0 when not indexed yet. */
  readonly arrow: number
  readonly operation: string
  readonly phase: string
  readonly status: string
  readonly token: number
  /** Where it goes, as a path of the target's layout: `log.entries[3].term`. */
  readonly remote: string
  readonly lengthBytes: number
  readonly wordsPlaced: number
  readonly words: number
}
export interface ChannelState {
  readonly from: number
  readonly to: number
  readonly messages: readonly { readonly arrow: number; readonly text: string }[]
}
export interface ClientState {
  readonly client: number
  readonly name: string
  readonly operations: readonly OperationState[]
}
export interface OperationState {
  readonly position: number
  readonly text: string
  readonly state: 'waiting' | 'pending' | 'answered' | 'abandoned'
  readonly attempt: number
  /** Words of the reply, or ''. */
  readonly reply: string
  /** Actions at which it was invoked and ended, or -1. */
  readonly invoked: number
  readonly ended: number
}
interface PropertyState {
  readonly property: number
  readonly truth: number
  /** Why it is violated, with the values; '' while it holds. */
  readonly reason: string
}
export interface ActionInfo extends ActionRef {
  readonly action: number
  readonly kind: string
  readonly lane: number
  readonly node: number
  readonly peer: number
  readonly client: number
  /** 'deliver n1→n0 promise ballot=3' */
  readonly text: string
  /** Arrows it touches (not where they are not indexed yet). */
  readonly arrows: readonly number[]
}
export interface StateInfo {
  readonly branch: BranchId
  readonly at: number
  /** Fingerprint of the state's bytes. */
  readonly fingerprint: number
  /** The action that led here, and the one that the branch goes on with; null at its ends. */
  readonly previous: ActionInfo | null
  readonly next: ActionInfo | null
  readonly nodes: readonly NodeState[]
  readonly queuePairs: readonly QueuePairState[]
  readonly channels: readonly ChannelState[]
  readonly clients: readonly ClientState[]
  /** Cut links, as ordered pairs of nodes. */
  readonly cuts: readonly (readonly [number, number])[]
  /** Faults left; null: any number. */
  readonly budget: Readonly<Record<string, number | null>>
  readonly properties: readonly PropertyState[]
  /** Notes that the last action's handler made, in words. */
  readonly notes: readonly string[]
}

export interface EnabledAction extends ActionRef {
  readonly kind: string
  readonly lane: number
  readonly node: number
  readonly peer: number
  readonly client: number
  readonly text: string
  readonly isFault: boolean
  /** A kind of fault of which the budget has none left: taking it makes a branch with a larger budget. '' otherwise. */
  readonly needsBudget: string
}
