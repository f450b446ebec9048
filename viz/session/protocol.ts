/**
 * What the page and the session say to each other.
 *
 * A session holds runs: it re-executes the real cores in the real world, keeps snapshots, and answers questions. It lives
 * in a web worker (`worker.ts`); the page talks to it through a {@link SessionClient} (`client.ts`: `connect(worker)`),
 * tests in Node through the same interface without a worker (`client.ts`: `localClient(systems)`).
 *
 * Counting. Actions of a branch are numbered from 0. A *position* `at` is the number of actions taken: position 0 is the
 * initial state, position n the state after action n - 1. Everything named `action`, `first` or `last` is an action's
 * number, everything named `at`, `from`, `to` is a position; the actions between positions from and to are from … to - 1.
 * Nothing here holds times: a schedule has an order only.
 *
 * Progress. Opening a branch gives its steps (site, kind, lane) at once, since they follow from the file alone. What needs
 * an execution (arrows, marks, truth of invariants) is indexed in the background; answers about it say with `known` up to
 * which position they are complete, and an `indexed` event tells when there is more.
 *
 * The envelope carries {@link protocolVersion}; a session refuses another one. Additions keep the version.
 */
export const protocolVersion = 1

// ---- words ----------------------------------------------------------------------------------------------------------

export type BranchId = number
/** A decoded value: see `decode` of protocol/layout. Sets and arrays are lists, bytes are hex text, node ids `n2`. */
export type FieldValue =
  number | boolean | string | readonly FieldValue[] | { readonly [name: string]: FieldValue }
/** An action by names that survive a change of code. */
export interface ActionRef {
  readonly site: string
  readonly subject: number
}
export interface ViolationInfo {
  /** `invariant`, `step`, `role`, `history`, `assertion`, `crash`, `hidden-state`, `liveness`. */
  readonly kind: string
  readonly name: string
  /** One sentence in the protocol's terms, values filled in. */
  readonly reason: string
  /** What the violated property says, or ''. */
  readonly meaning: string
  /** The position at which it was found. */
  readonly at: number
}

// ---- what can be run ------------------------------------------------------------------------------------------------

export interface SystemInfo {
  readonly name: string
  readonly summary: string
  /** Whether it comes with Aviary, is the user's own module, or a litmus program. */
  readonly origin: 'built-in' | 'module' | 'litmus'
  readonly nodes: {
    readonly minimum: number
    readonly maximum: number
    readonly default: number
    readonly noun: string
  }
  readonly parameters: readonly {
    readonly name: string
    readonly minimum: number
    readonly maximum: number
    readonly default: number
    readonly meaning: string
  }[]
  readonly variants: readonly VariantInfo[]
  /** Faults that the protocol promises to survive, at its defaults: most of each kind; null: any number. */
  readonly promised: Readonly<Record<string, number | null>>
  /** Named settings one step beyond the promise. */
  readonly beyond: readonly { readonly name: string; readonly story: string }[]
}
/** A wrong variant. */
export interface VariantInfo {
  readonly name: string
  readonly story: string
  readonly fix: string
  readonly caughtBy: readonly string[]
}
/** Knobs of the hardware: see `Knobs` of protocol/system. */
export interface KnobInfo {
  readonly name: string
  readonly values: readonly string[]
  /** A list of `values` (`broken`), or one of them. */
  readonly many: boolean
}

/** Where a branch comes from. Exactly one member is given by the page. */
export type Source =
  /** A trace file as the CLI writes it, in its binary or its text form. Nothing of it is run as code. */
  | { readonly bytes: Uint8Array; readonly name?: string | undefined }
  /** What `share` gave. */
  | { readonly shared: string }
  | { readonly fresh: FreshRun }
export interface FreshRun {
  readonly system: string
  /** A wrong variant; the right protocol unless given. */
  readonly variant?: string | undefined
  readonly nodes?: number | undefined
  readonly parameters?: Readonly<Record<string, number>> | undefined
  /** Draws the setup, the workload and the schedule, as `aviary explore --seed` does. Default 1. */
  readonly seed?: number | undefined
  /** `none`, `promised`, a name of `beyond`, or budgets of one's own. Default `promised`. */
  readonly faults?:
    | 'none'
    | 'promised'
    | { readonly beyond: string }
    | { readonly budget: Readonly<Record<string, number>> }
    | undefined
  readonly scheduler?: SchedulerName | undefined
  /** Most actions; 0: the initial state only, to go on by hand. Default 400. A violation ends the run before. */
  readonly actions?: number | undefined
}
export const schedulerNames = ['timed', 'random', 'pct', 'uniform-walk', 'circles'] as const
export type SchedulerName = (typeof schedulerNames)[number]

// ---- a run and its branches -----------------------------------------------------------------------------------------

/** What does not change along a branch. Branches of one `world` share it (see {@link BranchInfo}). */
export interface WorldInfo {
  readonly id: number
  readonly system: string
  readonly variant: VariantInfo | null
  readonly nodes: readonly {
    readonly node: number
    readonly name: string
    /** Index into `roles`, or -1. */
    readonly role: number
  }[]
  readonly clients: readonly string[]
  readonly parameters: Readonly<Record<string, number>>
  readonly knobs: Readonly<Record<string, string | readonly string[]>>
  /** Fault budget; null: any number. */
  readonly budget: Readonly<Record<string, number | null>>
  readonly bounds: Readonly<Record<string, number>>
  /** Kinds of actions by code; `faultFrom`: codes from here on are faults. */
  readonly kinds: readonly string[]
  readonly faultFrom: number
  readonly lanes: readonly LaneInfo[]
  readonly sites: readonly SiteInfo[]
  readonly properties: readonly PropertyInfo[]
  /** Machines as plain data, in the shape that xstate's `createMachine` takes. */
  readonly roles: readonly RoleMachineInfo[]
  /** Parts of the world's memory: what `bytes` and search by field can name. */
  readonly parts: readonly {
    readonly name: string
    readonly kind: string
    readonly node: number
    readonly sizeBytes: number
  }[]
  /** Words for the notes of cores, which are marked steps of kind `note`. */
  readonly notes: readonly string[]
}
export interface LaneInfo {
  readonly name: string
  readonly kind: 'cpu' | 'nic' | 'memory' | 'disk' | 'client' | 'links'
  /** -1 for clients and links. */
  readonly node: number
  /** -1 but for clients. */
  readonly client: number
}
export interface SiteInfo {
  readonly name: string
  /** Code of its kind. */
  readonly kind: number
  /** Lane in which its actions are drawn. */
  readonly lane: number
  /** Node at which it happens, or -1. */
  readonly node: number
  /** The other node concerned, or -1. */
  readonly peer: number
  readonly client: number
}
export interface PropertyInfo {
  readonly name: string
  readonly kind: 'invariant' | 'step' | 'role' | 'history' | 'goal'
  readonly meaning: string
}
export interface RoleMachineInfo {
  readonly id: string
  readonly initial: string
  readonly states: Readonly<Record<string, { readonly on?: Readonly<Record<string, string>> | undefined }>>
}

/** A schedule. Branches of one tree share a root; one whose setup was changed (knob, budget) has a world of its own. */
export interface BranchInfo {
  readonly branch: BranchId
  readonly world: number
  /** The branch it left, or null for a root. */
  readonly parent: BranchId | null
  /** Actions it has in common with its parent (by position). 0 for a root. */
  readonly forkedAt: number
  /** Number of actions. */
  readonly length: number
  readonly title: string
  /** How it came about: 'opened trace', 'by hand', 'seed 7', 'explored', 'knob', 'moved', … */
  readonly origin: string
  readonly violation: ViolationInfo | null
  /** What is to be told about it: where a replay diverged, what a guided replay skipped. */
  readonly remarks: readonly string[]
  /** Up to which position arrows, marks and truth are indexed now. */
  readonly known: number
}
export interface Opened {
  readonly world: WorldInfo
  readonly branch: BranchInfo
  readonly provenance: Readonly<Record<string, string | number>>
}

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
export type ArrowKind = (typeof arrowKinds)[number]
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
export interface TimerState {
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
export interface PropertyState {
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

// ---- methods --------------------------------------------------------------------------------------------------------

export interface At {
  readonly branch: BranchId
  readonly at: number
}
interface Range {
  readonly branch: BranchId
  readonly from: number
  readonly to: number
}
export type SeekTarget =
  'fault' | 'role' | 'commit' | 'invariant' | 'violation' | 'reply' | 'note' | 'node' | 'message' | 'kind'
export interface SearchQuery {
  readonly branch: BranchId
  /** Every given member must match. `text`: part of an action's words or site, ignoring case. */
  readonly text?: string | undefined
  readonly kind?: string | undefined
  readonly node?: number | undefined
  /** Actions that change a field whose `part.path` contains this text, ignoring case; e.g. `n1 role`, `commit`. */
  readonly field?: string | undefined
  /** With `field`: its new value, as text. */
  readonly value?: string | undefined
  readonly from?: number | undefined
  readonly to?: number | undefined
  /** Default 200. */
  readonly limit?: number | undefined
}
export interface SearchResult {
  readonly actions: Uint32Array
  /** Words for the first hundred. */
  readonly texts: readonly string[]
  /** Whether there may be more. */
  readonly cutOff: boolean
}
export interface Estimate {
  readonly at: Uint32Array
  /** Healed continuations from each position, how many failed, and how many ended undecided. */
  readonly runs: Uint16Array
  readonly failed: Uint16Array
  readonly undecided: Uint16Array
  /** How it was made, to be shown with the picture: it is an estimate, not a proof. */
  readonly method: string
}
export interface Comparison {
  /** Positions up to which both took the same actions. */
  readonly common: number
  /** The first actions that differ; null where a branch ends. */
  readonly actions: readonly [ActionInfo | null, ActionInfo | null]
  /** States of the two at `at` each: what differs, by part. */
  readonly at: readonly [number, number]
  readonly parts: readonly { readonly part: string; readonly changes: readonly FieldChange[] }[]
}
export interface Bent {
  readonly branch: BranchInfo
  /** Given when the branch has a world of its own (another setup). */
  readonly world: WorldInfo | null
}

/** Every method: what it takes, what it gives, and what it tells on the way (`never`: nothing). */
export interface Methods {
  readonly systems: {
    params: Record<string, never>
    result: {
      readonly systems: readonly SystemInfo[]
      readonly knobs: readonly KnobInfo[]
      readonly faultKinds: readonly string[]
    }
    progress: never
  }
  /** Opens a trace or starts a run, as a new root. What was open stays. */
  readonly open: { params: Source; result: Opened; progress: Progress }
  /** Forgets a branch and all that left it. */
  readonly close: {
    params: { readonly branch: BranchId }
    result: { readonly closed: readonly BranchId[] }
    progress: never
  }
  readonly branches: { params: Record<string, never>; result: readonly BranchInfo[]; progress: never }
  readonly rename: {
    params: { readonly branch: BranchId; readonly title: string }
    result: BranchInfo
    progress: never
  }

  readonly steps: { params: Range; result: StepColumns; progress: never }
  readonly arrows: {
    params: Range & { readonly limit?: number | undefined }
    result: ArrowColumns
    progress: never
  }
  readonly overview: { params: Range & { readonly buckets: number }; result: Overview; progress: never }
  readonly marks: {
    params: Range & { readonly kinds?: readonly MarkKind[] | undefined; readonly limit?: number | undefined }
    result: { readonly marks: readonly Mark[]; readonly known: number }
    progress: never
  }
  readonly truth: {
    params: { readonly branch: BranchId }
    result: { readonly rows: readonly TruthRow[]; readonly known: number }
    progress: never
  }
  /** Operations of the clients over the whole branch. */
  readonly history: {
    params: { readonly branch: BranchId }
    result: { readonly clients: readonly ClientState[]; readonly known: number }
    progress: never
  }

  readonly state: { params: At; result: StateInfo; progress: never }
  /** All bytes of a part. */
  readonly bytes: {
    params: At & { readonly part: string }
    result: { readonly bytes: Uint8Array; readonly changed: Uint8Array }
    progress: never
  }
  readonly describe: {
    params: { readonly branch: BranchId; readonly actions: readonly number[] }
    result: readonly ActionInfo[]
    progress: never
  }
  readonly enabled: {
    params: At & { /** Also faults that the budget does not hold. */ readonly faults?: boolean | undefined }
    result: readonly EnabledAction[]
    progress: never
  }

  /** Actions that one depends on, and that depend on it: through what they read and write. */
  readonly causal: {
    params: { readonly branch: BranchId; readonly action: number }
    result: { readonly past: Uint32Array; readonly future: Uint32Array }
    progress: Progress
  }
  /** From a client's operation to its reply: the actions that carried it. */
  readonly follow: {
    params: { readonly branch: BranchId; readonly client: number; readonly position: number }
    result: {
      readonly actions: Uint32Array
      readonly stages: readonly { readonly action: number; readonly text: string }[]
    }
    progress: Progress
  }
  readonly search: { params: SearchQuery; result: SearchResult; progress: Progress }
  /** The next such position after `at` (or before it), or null. `node`, `kind`: which, for those targets. */
  readonly seek: {
    params: At & {
      readonly target: SeekTarget
      readonly direction: 1 | -1
      readonly node?: number | undefined
      readonly kind?: string | undefined
    }
    result: { readonly at: number | null }
    progress: Progress
  }
  /** From each of the positions (default: some 24 before the end) the run is continued healed `runs` times (default 16). */
  readonly estimate: {
    params: {
      readonly branch: BranchId
      readonly positions?: readonly number[] | undefined
      readonly runs?: number | undefined
      readonly seed?: number | undefined
    }
    result: Estimate
    progress: Progress & { readonly partial: Estimate }
  }

  /** Takes actions from a position: a new branch, unless `at` is the end of one made by hand, which then grows. */
  readonly take: { params: At & { readonly actions: readonly ActionRef[] }; result: Bent; progress: never }
  /** Ends the faults, repairs what can be repaired. */
  readonly heal: { params: At; result: Bent; progress: never }
  /** Moves an action before or behind others; what is no longer possible is skipped and told in `remarks`. */
  readonly move: {
    params: { readonly branch: BranchId; readonly action: number; readonly to: number }
    result: Bent
    progress: never
  }
  /** The same story with other knobs, variant, parameters or budgets (guided replay), up to position `at`. */
  readonly alter: {
    params: At & {
      readonly knobs?: Readonly<Record<string, string | readonly string[]>> | undefined
      readonly variant?: string | null | undefined
      readonly parameters?: Readonly<Record<string, number>> | undefined
      readonly budget?: Readonly<Record<string, number>> | undefined
    }
    result: Bent
    progress: never
  }
  readonly goOn: {
    params: At & {
      readonly seed: number
      readonly actions: number
      readonly scheduler?: SchedulerName | undefined
      /** Whether faults may strike; default true. */ readonly faults?: boolean | undefined
    }
    result: Bent
    progress: Progress
  }
  /** Searches for a violation from here. `branch` is null when none was found within the limits. */
  readonly explore: {
    params: At & {
      readonly seed?: number | undefined
      readonly runs?: number | undefined
      readonly actions?: number | undefined
      readonly milliseconds?: number | undefined
    }
    result: { readonly found: Bent | null; readonly runs: number; readonly actions: number }
    progress: Progress & { readonly runs: number; readonly actions: number }
  }
  /** A shorter schedule with the same violation. */
  readonly shrink: { params: { readonly branch: BranchId }; result: Bent; progress: Progress }
  /** Compares the states at `at` of each: the end of what is common unless given. */
  readonly compare: {
    params: {
      readonly branches: readonly [BranchId, BranchId]
      readonly at?: readonly [number, number] | undefined
    }
    result: Comparison
    progress: never
  }

  /** A branch up to a position (default: all of it) as a trace file that `aviary replay` takes. */
  readonly save: {
    params: { readonly branch: BranchId; readonly at?: number | undefined }
    result: { readonly bytes: Uint8Array; readonly fileName: string }
    progress: never
  }
  /** The same as text for a link: letters, digits, `-` and `_`. */
  readonly share: {
    params: { readonly branch: BranchId; readonly at?: number | undefined }
    result: { readonly shared: string }
    progress: never
  }
}
export type Method = keyof Methods

export interface Progress {
  readonly done: number
  readonly total: number
}

// ---- envelopes ------------------------------------------------------------------------------------------------------

export type SessionRequest = {
  readonly [M in Method]: {
    readonly version: typeof protocolVersion
    readonly id: number
    readonly method: M
    readonly params: Methods[M]['params']
  }
}[Method]
/** Asks that the call `cancel` end early: it fails with `cancelled`. */
export interface CancelRequest {
  readonly version: typeof protocolVersion
  readonly cancel: number
}
export type SessionReply =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: SessionErrorInfo }
  | { readonly id: number; readonly progress: unknown }
  | { readonly event: SessionEvent }

export type SessionEvent =
  /** More of a branch is indexed. */
  | { readonly kind: 'indexed'; readonly branch: BranchId; readonly known: number; readonly length: number }
  /** A branch is new, has grown, was renamed, or its violation became known. */
  | { readonly kind: 'branch'; readonly branch: BranchInfo }

/** `trace`: the file is not a whole and valid trace. `system`: it is about a system that is not here. */
export type SessionErrorCode =
  'trace' | 'system' | 'request' | 'impossible' | 'cancelled' | 'version' | 'failed'
export interface SessionErrorInfo {
  readonly code: SessionErrorCode
  /** The field or file that is wrong, or ''. */
  readonly field: string
  readonly message: string
  /** What mends it, or ''. */
  readonly mend: string
}
/** What a call of a {@link SessionClient} is rejected with. */
export class SessionError extends Error {
  readonly code: SessionErrorCode
  readonly field: string
  readonly mend: string
  constructor({ code, field, message, mend }: SessionErrorInfo) {
    super(message)
    this.name = 'SessionError'
    this.code = code
    this.field = field
    this.mend = mend
  }
}

// ---- the client -----------------------------------------------------------------------------------------------------

/** The part of an AbortSignal that a call needs. */
export interface CancelSignal {
  readonly aborted: boolean
  addEventListener(type: 'abort', listener: () => void): void
  removeEventListener(type: 'abort', listener: () => void): void
}
export interface CallOptions<M extends Method> {
  readonly signal?: CancelSignal | undefined
  readonly onProgress?: ((progress: Methods[M]['progress']) => void) | undefined
}
/** Calls run in the order in which they are made, but for `explore`, `estimate`, `search`, `causal`, `follow` and `shrink`, which let others pass. */
export interface SessionClient {
  call<M extends Method>(
    method: M,
    params: Methods[M]['params'],
    options?: CallOptions<M>,
  ): Promise<Methods[M]['result']>
  /** Returns what ends the subscription. */
  onEvent(listener: (event: SessionEvent) => void): () => void
  /** Ends the session: calls under way fail with `cancelled`. */
  close(): void
}

// ---- what the server of `aviary view` tells the page ------------------------------------------------------------------

/** `manifest.json` beside the page. */
export interface ViewManifest {
  readonly version: typeof protocolVersion
  /** What `aviary view` was asked to open, or null. `url` is relative to the page: bytes of a trace for `open`. */
  readonly open:
    | { readonly url: string; readonly name: string; readonly at: number | null }
    | { readonly fresh: FreshRun }
    | null
  /** Minimised traces of wrong variants. */
  readonly gallery: readonly { readonly system: string; readonly variant: string; readonly url: string }[]
  /** What is to be told, for instance why a recording could not become a schedule of the world. */
  readonly remarks: readonly string[]
}
