/** Words of the session's messages: what can be run, and what does not change along a run. See protocol.ts. */

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
/** A file. */
export interface NamedBytes {
  readonly name: string
  readonly bytes: Uint8Array
}
export type Source =
  /** A trace file as the CLI writes it, in its binary or its text form. Nothing of it is run as code. */
  | { readonly bytes: Uint8Array; readonly name?: string | undefined }
  /** The files of a recorded run, which becomes a schedule here. `name`: what the user calls it. */
  | { readonly recordings: readonly NamedBytes[]; readonly name: string }
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
