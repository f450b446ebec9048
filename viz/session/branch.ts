/** A branch: a schedule, the snapshots of its states, and what is known of it. Branches form a tree. */
import type { ActionLog, Snapshot } from '../../sim/index.js'
import type { TraceHeader, TracedViolation } from '../../sim/trace/index.js'
import type { RecordedStates } from '../../sim/trace/state-checker.js'
import { Index } from './index-of-branch.js'
import type { BranchId, BranchInfo, ViolationInfo } from './protocol.js'
import type { Stage } from './stage.js'

export interface BranchOrigin {
  readonly parent?: Branch | undefined
  readonly forkedAt?: number | undefined
  readonly title: string
  readonly origin: string
  readonly remarks?: readonly string[] | undefined
  /**
   * A violation that a trace tells of, or that a run ended with. It counts until the index is complete, and afterwards
   * when it is one that the schedule alone does not show (liveness).
   */
  readonly claimed?: TracedViolation | undefined
  /** What a trace tells of its states, with which the run is compared. */
  readonly recorded?: Recorded | undefined
  readonly provenance?: Readonly<Record<string, string | number>> | undefined
}
export interface Recorded extends RecordedStates {
  readonly header: TraceHeader
}

export class Branch {
  readonly id: BranchId
  readonly stage: Stage
  readonly parent: Branch | undefined
  readonly forkedAt: number
  readonly origin: string
  readonly provenance: Readonly<Record<string, string | number>>
  title: string
  remarks: readonly string[]
  claimed: TracedViolation | undefined
  readonly recorded: Recorded | undefined
  /** All actions from the start. Sites are those of the stage's world. */
  readonly log: ActionLog
  readonly snapshots = new Map<number, Snapshot>()
  readonly index: Index

  constructor(id: BranchId, stage: Stage, log: ActionLog, from: BranchOrigin) {
    this.id = id
    this.stage = stage
    this.log = log
    this.parent = from.parent
    this.forkedAt = from.parent === undefined ? 0 : (from.forkedAt ?? 0)
    this.title = from.title
    this.origin = from.origin
    this.remarks = from.remarks ?? []
    this.claimed = from.claimed
    this.recorded = from.recorded
    this.provenance = from.provenance ?? from.parent?.provenance ?? {}
    this.index = new Index(this)
    stage.add(this)
  }

  /** Positions up to which the states are those of the parent: none when its world is another one. */
  get sharedUpTo(): number {
    return this.parent?.stage === this.stage ? this.forkedAt : 0
  }
  get length(): number {
    return this.log.length
  }

  /** The last snapshot at or before a position; none: the start. */
  nearest(at: number, interval: number): { readonly at: number; readonly snapshot: Snapshot | undefined } {
    for (let i = at - (at % interval); i > this.sharedUpTo; i -= interval) {
      const snapshot = this.snapshots.get(i)
      if (snapshot !== undefined) return { at: i, snapshot }
    }
    // A branch of another stage has another world: its states are of no use here.
    if (this.parent === undefined || this.parent.stage !== this.stage) return { at: 0, snapshot: undefined }
    return this.parent.nearest(Math.min(at, this.forkedAt), interval)
  }

  /** Up to which position this branch and another surely have the same actions. */
  agreesWith(other: Branch): number {
    if (other === this) return this.length
    if (other.stage !== this.stage) return -1
    const forks = new Map<Branch, number>()
    forks.set(this, this.length)
    let upTo = Math.min(this.length, this.sharedUpTo)
    for (let { parent } = this; parent !== undefined; { parent } = parent) {
      forks.set(parent, upTo)
      upTo = Math.min(upTo, parent.sharedUpTo)
    }
    upTo = other.length
    for (let there: Branch | undefined = other; there !== undefined; there = there.parent) {
      const mine = forks.get(there)
      if (mine !== undefined) return Math.min(mine, upTo)
      upTo = Math.min(upTo, there.sharedUpTo)
    }
    return -1
  }

  /** What it violates, as far as is known. */
  violation(): ViolationInfo | null {
    const { found } = this.index
    const isOpen = !this.index.isComplete || this.claimed?.kind === 'liveness'
    const violation = found ?? (isOpen ? this.claimed : undefined)
    if (violation === undefined) return null
    const { kind, name, reason, at } = violation
    const meaning = this.stage.info.properties.find((property) => property.name === name)?.meaning ?? ''
    return { kind, name, reason, meaning, at }
  }

  info(): BranchInfo {
    return {
      branch: this.id,
      world: this.stage.id,
      parent: this.parent?.id ?? null,
      forkedAt: this.forkedAt,
      length: this.length,
      title: this.title,
      origin: this.origin,
      violation: this.violation(),
      remarks: [...this.remarks, ...this.index.remarks],
      known: this.index.known,
    }
  }

  /** The first actions, as a log of their own. */
  prefix(at: number): ActionLog {
    return this.log.slice(at)
  }
}
