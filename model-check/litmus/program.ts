/**
 * A litmus program: a few operations on two to four nodes, and the complete set of outcomes that are expected of it.
 * This is what the parser makes of a file; names are resolved, places are kept for messages.
 */
import type {
  ClockModel,
  Control,
  FaultBudget,
  FaultKind,
  Knobs,
  NodeId,
  RdmaFabric,
  Rule,
} from '../../protocol/index.js'

/** A number, or the register that holds it. */
export type Operand = { readonly constant: number } | { readonly register: number }

export const relations = ['==', '!=', '<', '>', '<=', '>='] as const
export type Relation = (typeof relations)[number]

/** Whole words of a region or of a memory window. */
export interface Span {
  /** Index of the region; memory windows are counted after the regions. */
  readonly region: number
  /** Byte offset. */
  readonly offset: number
  readonly words: number
}

/** How a request is posted. */
export interface Posting {
  readonly peer: NodeId
  readonly pair: number
  readonly flags: number
  readonly key: number
}

export type Action =
  | { readonly kind: 'store'; readonly to: Span; readonly values: readonly Operand[] }
  /** `into`: a register for each word, or -1. */
  | { readonly kind: 'load'; readonly from: Span; readonly into: readonly number[] }
  | { readonly kind: 'await'; readonly from: Span; readonly relation: Relation; readonly value: number }
  | {
      readonly kind: 'write'
      readonly posting: Posting
      readonly to: Span
      /** Captured at the post, or fetched later from an own region. */
      readonly payload: readonly Operand[] | Span
      readonly immediate: number | undefined
    }
  | { readonly kind: 'read'; readonly posting: Posting; readonly from: Span; readonly into: Span }
  | {
      readonly kind: 'compareSwap'
      readonly posting: Posting
      readonly at: Span
      readonly into: Span
      readonly expected: number
      readonly desired: number
    }
  | {
      readonly kind: 'fetchAdd'
      readonly posting: Posting
      readonly at: Span
      readonly into: Span
      readonly addend: number
    }
  | { readonly kind: 'send'; readonly posting: Posting; readonly values: readonly Operand[] }
  | {
      readonly kind: 'bind'
      readonly posting: Posting
      readonly memoryWindow: number
      readonly to: Span
      readonly rights: number
    }
  /** Takes the next message or notification of a peer. */
  | {
      readonly kind: 'receive'
      readonly notice: boolean
      readonly from: NodeId
      readonly into: readonly number[]
    }
  | { readonly kind: 'wait'; readonly labels: readonly number[] }
  | {
      readonly kind: 'control'
      readonly peer: NodeId
      readonly pair: number
      readonly change: Control
      readonly argument: number
    }
  | { readonly kind: 'protect'; readonly region: number; readonly rights: number }
  | { readonly kind: 'append'; readonly values: readonly Operand[] }
  | { readonly kind: 'flush' }
  | { readonly kind: 'truncate'; readonly records: number }
  /** What the disk held when the node came back: how many records, or the first word of one. */
  | { readonly kind: 'recovered'; readonly record: number | undefined; readonly into: number }
  | { readonly kind: 'clock'; readonly into: number }
  | { readonly kind: 'awaitClock'; readonly relation: Relation; readonly value: number }
  | { readonly kind: 'fault'; readonly fault: FaultTarget }
  /** The thread is done. */
  | { readonly kind: 'end' }

/** Which sites of a fault kind are meant. */
export interface FaultTarget {
  readonly kind: FaultKind
  readonly node: NodeId | undefined
  /** Of a link or a queue pair: where it comes from. */
  readonly from: NodeId | undefined
  readonly pair: number | undefined
  /** Words that the description of the choice must hold. */
  readonly words: string
}

export interface Operation {
  readonly action: Action
  /** Index of its label among those of its node, or -1. */
  readonly label: number
  /** Done only when the register or the status of a label says so. */
  readonly condition: Condition | undefined
  /** The next operation is done in the same handler. */
  readonly joined: boolean
  readonly line: number
  /** As it stands in the file. */
  readonly text: string
}

export interface Condition {
  readonly subject: { readonly register: number } | { readonly label: number }
  readonly relation: Relation
  readonly value: number
}

export interface Thread {
  readonly operations: readonly Operation[]
  /** Where it goes on after a restart of its node. */
  readonly restartAt: number
}

export interface Variable {
  readonly name: string
  readonly node: NodeId
  readonly span: Span
  readonly isArray: boolean
  readonly initial: readonly number[]
}

export interface RegionOf {
  readonly name: string
  readonly relaxed: boolean
  readonly variables: readonly Variable[]
}

export interface NodeProgram {
  readonly regions: readonly RegionOf[]
  readonly memoryWindows: readonly string[]
  readonly registers: readonly string[]
  readonly labels: readonly string[]
  readonly threads: readonly Thread[]
}

export type Observable =
  | { readonly kind: 'register'; readonly node: NodeId; readonly register: number; readonly text: string }
  | { readonly kind: 'status'; readonly node: NodeId; readonly label: number; readonly text: string }
  | { readonly kind: 'memory'; readonly node: NodeId; readonly at: Span; readonly text: string }

/** How a node may end other than by coming to the end of all its threads. */
export const endings = ['waits', 'down'] as const
export type Ending = (typeof endings)[number]

/** One expected outcome, or several: per observable its possible values; undefined is any value. */
export interface Row {
  readonly values: readonly (readonly string[] | undefined)[]
  /** Nodes that do not come to an end. */
  readonly endings: ReadonlyMap<NodeId, Ending>
  readonly line: number
  readonly text: string
}

/** Faults that are taken wherever they are possible. */
export interface FreeFault {
  readonly target: FaultTarget
  readonly most: number
}

export interface LitmusProgram {
  readonly name: string
  readonly title: string
  readonly sources: readonly string[]
  readonly rules: readonly Rule[]
  readonly nodes: readonly NodeProgram[]
  readonly knobs: Partial<Knobs>
  readonly fabric: Partial<RdmaFabric>
  readonly disk: { readonly capacityBytes?: number; readonly flushes?: number }
  readonly clock: Partial<ClockModel>
  readonly faults: readonly FreeFault[]
  /** Budget of the free faults and of those that the columns name. */
  readonly budget: FaultBudget
  readonly observables: readonly Observable[]
  readonly allowed: readonly Row[]
  readonly forbidden: readonly Row[]
  /** The text it was made of. */
  readonly text: string
  readonly file: string
}
