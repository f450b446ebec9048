/** What is done to members of a cluster, which depends on where they run; how often and how long suits that place. */
import type { Pace } from './plan.js'

/** A member, and its process as the member has told. */
export interface Victim {
  readonly member: number
  readonly pid: number
}

/**
 * Every promise resolves when what was asked for is done; each throws {@link RunError} when it cannot be.
 */
export interface Harm {
  readonly pace: Pace
  /** Ends processes, or the machines that they run on, at the same moment. */
  kill(victims: readonly Victim[], what: 'process' | 'machine'): Promise<void>
  /** Has machines run again that were killed; whoever has started the members starts them again by itself. */
  bringBack(members: readonly number[]): Promise<void>
  /** Has it do nothing, and not be ended. */
  stop(victim: Victim): Promise<void>
  resume(victim: Victim): Promise<void>
  /** Loses, or carries again, what goes from one member to another. */
  link(from: number, to: number, isCut: boolean): Promise<void>
}
