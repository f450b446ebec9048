/**
 * Where entries and views are stored before they are acknowledged. *Memory*: a majority of memories holds them, so what is
 * in the own memory is stored. A replica that has lost it begins a new life (`recovery.ts`).
 */
import type { Replica } from './replica.js'

export function createStorage(replica: Replica) {
  const { state } = replica.context

  /** Stores what the log has. */
  function keep(): void {
    state.stored = state.end
  }

  /** Stores the view that was joined, then goes on with `viewKept`. */
  function keepView(): void {
    replica.election.viewKept()
  }
  function isKeepingView(): boolean {
    return false
  }

  /** Stores what was restored from a snapshot as of an index. */
  function keepSnapshot(): void {
    state.stored = state.end
  }

  /** The entries from an index on are replaced. */
  function forgetFrom(index: number): void {
    if (state.stored >= index) state.stored = index - 1
  }

  /** Wrong: takes an entry that was only seen for stored. */
  function pretend(index: number): void {
    state.stored = index
    replica.following.acknowledge()
  }

  return { keep, keepView, isKeepingView, keepSnapshot, forgetFrom, pretend }
}
