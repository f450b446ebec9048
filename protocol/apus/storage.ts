/**
 * Where entries and views are stored before they are acknowledged.
 *
 * *Memory*: a majority of memories holds them, so what is in the own memory is stored. A replica that has lost it begins a
 * new life (`recovery.ts`).
 *
 * *Disk*: what is stored has been flushed. One store is under way at a time and holds all that is new since the last
 * (group commit). Each store appends its record twice under one flush, so that a loss of power and rot can be told apart
 * when the log is read back (`stable-log.ts`). When the disk is half full the next store is a base: the state that the
 * applied entries have made, and the entries behind it; everything before it is dropped.
 */
import { Status } from '../contract.js'
import { diskHealth, Durability } from './layout.js'
import { noteKind } from './notes.js'
import type { Replica } from './replica.js'
import { Found, openStableLog } from './stable-log.js'

export function createStorage(replica: Replica) {
  const { context, layouts } = replica
  const { host, state } = context
  const isOnDisk = layouts.durability === Durability.disk
  const stableLog = openStableLog(replica)
  const viewUnflushed = replica.is('view-not-flushed')
  const flushUnawaited = replica.is('flush-not-awaited')
  const flushRetried = replica.is('failed-flush-retried')

  /** Stores what the log has. */
  function keep(): void {
    if (!isOnDisk || flushUnawaited) state.stored = state.end
    if (isOnDisk) begin()
  }

  /** Stores the view that was joined, then goes on with `viewKept`. */
  function keepView(): void {
    if (!isOnDisk || viewUnflushed) replica.election.viewKept()
    if (!isOnDisk) return
    state.keepingView = !viewUnflushed
    keepMembership()
  }

  function isKeepingView(): boolean {
    return state.keepingView
  }

  /** Stores that what is stored may be relied on from now on. */
  function keepMembership(): void {
    if (!isOnDisk) return
    state.viewUnstored = true
    begin()
  }

  /** Stores what was restored from a snapshot. */
  function keepSnapshot(): void {
    if (!isOnDisk) {
      state.stored = state.end
      return
    }
    state.baseNeeded = true
    begin()
  }

  /** The entries from an index on are replaced. */
  function forgetFrom(index: number): void {
    if (state.stored >= index) state.stored = index - 1
    if (!isOnDisk) return
    if (state.storingEnd >= index) state.storingEnd = index - 1
    if (state.unstoredFrom === 0 || state.unstoredFrom > index) state.unstoredFrom = index
  }

  /** Begins the next store if none is under way and there is something to store. */
  function begin(): void {
    if (state.flushing || state.disk === diskHealth.code.full) return
    if (state.unstoredFrom === 0 && !state.viewUnstored && !state.baseNeeded) return
    // A disk that is slower than those of a majority: what was to be stored is applied and dropped already.
    const isDropped = state.unstoredFrom !== 0 && state.unstoredFrom < state.head
    const isBase = state.baseNeeded || isDropped || state.usedBytes > layouts.diskBytes / 2
    stableLog.append(isBase, state.unstoredFrom)
    state.storingBase = isBase
    state.storingFrom = state.unstoredFrom
    state.storingEnd = state.end
    state.unstoredFrom = 0
    state.viewUnstored = false
    state.baseNeeded = false
    state.flushing = true
    host.flush(0)
  }

  /** The flush of a store has ended. */
  function flushed(status: Status): void {
    if (status === Status.diskFull) {
      // As good as down: still flushing, it never acknowledges again.
      state.disk = diskHealth.code.full
      host.note(noteKind.code['disk-failed'], status)
      return
    }
    if (status !== Status.ok) {
      host.note(noteKind.code['disk-failed'], status)
      return storeAgain()
    }
    state.flushing = false
    state.serial += 1
    if (state.storingBase) stableLog.dropBeforeBase()
    const { unstoredFrom, storingEnd } = state
    state.stored = unstoredFrom === 0 ? storingEnd : Math.min(storingEnd, unstoredFrom - 1)
    host.note(noteKind.code.stored, state.stored)
    if (state.keepingView && !state.viewUnstored) {
      state.keepingView = false
      replica.election.viewKept()
    }
    replica.recovery.holds()
    begin()
    if (replica.leading.isLeading()) replica.leading.advance()
    else replica.following.acknowledge()
  }

  /** What the flush should have stored is void: no later flush covers it, only what is appended anew. */
  function storeAgain(): void {
    if (flushRetried) return host.flush(0)
    state.flushing = false
    state.viewUnstored = true
    if (state.storingBase) state.baseNeeded = true
    const { storingFrom, unstoredFrom } = state
    if (storingFrom !== 0 && storingFrom <= state.end && (unstoredFrom === 0 || storingFrom < unstoredFrom))
      state.unstoredFrom = storingFrom
    begin()
  }

  /**
   * Reads the disk back. Returns whether this replica remembers what it has promised: if not, it must recover from its
   * peers, and what it makes of that replaces what is on the disk.
   */
  function recover(lengthBytes: number): boolean {
    if (!isOnDisk) return false
    const { found, records } = stableLog.read(lengthBytes)
    state.records = records
    state.usedBytes = lengthBytes
    if (found === Found.loss) {
      state.baseNeeded = true
      return false
    }
    state.unstoredFrom = 0
    state.stored = state.end
    return true
  }

  /**
   * Stores again what was read back: if only the process has died, the flush of it may never have returned. Then goes on
   * with `viewKept`.
   */
  function keepReadBack(): void {
    state.baseNeeded = isOnDisk
    keepView()
  }

  /** Wrong: takes an entry that was only seen for stored. */
  function pretend(index: number): void {
    state.stored = index
    replica.following.acknowledge()
  }

  return {
    keep,
    keepView,
    isKeepingView,
    keepMembership,
    keepSnapshot,
    keepReadBack,
    forgetFrom,
    flushed,
    recover,
    pretend,
  }
}
