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
import type {
  ActionRef,
  BranchId,
  BranchInfo,
  FreshRun,
  KnobInfo,
  Opened,
  SchedulerName,
  Source,
  SystemInfo,
  WorldInfo,
} from './protocol-runs.js'
import type {
  ActionInfo,
  ArrowColumns,
  ClientState,
  EnabledAction,
  FieldChange,
  Mark,
  MarkKind,
  Overview,
  StateInfo,
  StepColumns,
  TruthRow,
} from './protocol-views.js'

export * from './protocol-runs.js'
export * from './protocol-views.js'

/** Raised when a message changes so that an older page or session would misunderstand it. */
export const protocolVersion = 1

// ---- methods --------------------------------------------------------------------------------------------------------

interface At {
  readonly branch: BranchId
  readonly at: number
}
/** An action in words. */
export interface Step {
  readonly action: number
  readonly text: string
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
  readonly open: { params: Source; result: Opened; progress: Progress & { readonly what: string } }
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
    result: {
      readonly past: Uint32Array
      readonly future: Uint32Array
      /** Of them those without another one between, the nearest first, with words. */
      readonly causes: readonly Step[]
      readonly consequences: readonly Step[]
    }
    progress: Progress
  }
  /** From a client's operation to its reply: the actions that carried it. */
  readonly follow: {
    params: { readonly branch: BranchId; readonly client: number; readonly position: number }
    result: {
      readonly actions: Uint32Array
      /** Its calls, posts, arrivals and replies. */
      readonly stages: readonly Step[]
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

  /**
   * Takes actions from a position: a new branch, unless the branch takes them there itself, or `at` is the end of one made
   * by hand, which then grows.
   */
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

/**
 * `trace`: the file is not a whole and valid trace, or recording. `system`: it is about a system that is not here.
 * `impossible`: what is asked for cannot be done, as where no schedule gives what was recorded.
 */
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
interface CancelSignal {
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
