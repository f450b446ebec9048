/**
 * The folder of a replica's log when it starts again.
 *
 * A log that is lost, or damaged below what was flushed, must not look like one to which nothing was ever written: the
 * core would take part as if it had promised nothing. So it is put aside, and the core finds one record that it cannot
 * read, which tells it that something is missing; it then recovers from its peers.
 */
import { existsSync, mkdirSync, readdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { CompletionKind, NativeError, openNode } from '../native/index.js'
import { Status } from '../protocol/index.js'
import { RunError } from './errors.js'

/** Returns the folder of the log, ready to be opened. */
export function prepareLog(folder: string, incarnation: number): string {
  mkdirSync(folder, { recursive: true })
  const log = join(folder, 'log')
  if (incarnation === 0) return log
  const isThere = existsSync(log) && readdirSync(log).length > 0
  if (isThere && isReadable(log)) return log
  if (isThere) {
    let number = 1
    while (existsSync(`${log}.damaged-${String(number)}`)) number++
    renameSync(log, `${log}.damaged-${String(number)}`)
  }
  markLost(log)
  return log
}

function isReadable(log: string): boolean {
  try {
    openNode({ log: { folder: log } }).close()
    return true
  } catch (error) {
    if (error instanceof NativeError && error.code === 'ERR_LOG_DAMAGED') return false
    throw error
  }
}

/** Writes the one record, of zeros. */
function markLost(log: string): void {
  const node = openNode({ log: { folder: log } })
  try {
    node.output.fill(0, 0, 8)
    node.append(0, 8)
    node.flush(0)
    for (const until = performance.now() + 10_000; performance.now() < until;) {
      const ended = node.turn()
      for (let i = 0; i < ended; i++)
        if (node.completion(i, 'kind') === CompletionKind.stored) {
          if (node.completion(i, 'status') === Status.ok) return
          throw new RunError(
            `${log}: the disk does not take a record`,
            'make room, or choose another folder.',
          )
        }
    }
    throw new RunError(
      `${log}: a flush takes longer than 10 s`,
      'look at the disk, or choose another folder.',
    )
  } finally {
    node.close()
  }
}
