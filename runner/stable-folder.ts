/**
 * The folder of a replica's log when it starts again.
 *
 * A log that is lost, or damaged below what was flushed, must not look like one to which nothing was ever written: the
 * core would take part as if it had promised nothing. So it is put aside, and the core finds one record that it cannot
 * read, which tells it that something is missing; it then recovers from its peers.
 */
import { existsSync, mkdirSync, readdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { CompletionKind, type LogOptions, NativeError, openNode } from '../native/index.js'
import { Status } from '../protocol/index.js'
import { RunError } from './errors.js'

/**
 * How a log is opened, every time alike.
 *
 * @param scratchBytes of the core: at least what the whole log is to hold, which is several stores
 */
export function logOptions(folder: string, scratchBytes: number): LogOptions {
  const roundUp = (bytes: number): number => Math.ceil(bytes / 4096) * 4096
  return {
    folder,
    segmentBytes: Math.max(2 ** 24, roundUp(scratchBytes / 4)),
    bufferBytes: 2 ** Math.ceil(Math.log2(Math.max(2 ** 20, scratchBytes / 2))),
  }
}

/** Returns the folder of the log, ready to be opened with these `scratchBytes`. */
export function prepareLog(folder: string, incarnation: number, scratchBytes: number): string {
  mkdirSync(folder, { recursive: true })
  const log = join(folder, 'log')
  if (incarnation === 0) return log
  const isThere = existsSync(log) && readdirSync(log).length > 0
  if (isThere && isReadable(log, scratchBytes)) return log
  if (isThere) {
    let number = 1
    while (existsSync(`${log}.damaged-${String(number)}`)) number++
    renameSync(log, `${log}.damaged-${String(number)}`)
  }
  markLost(log, scratchBytes)
  return log
}

function isReadable(log: string, scratchBytes: number): boolean {
  try {
    openNode({ log: logOptions(log, scratchBytes) }).close()
    return true
  } catch (error) {
    if (error instanceof NativeError && error.code === 'ERR_LOG_DAMAGED') return false
    throw error
  }
}

/** Writes the one record, of zeros. */
function markLost(log: string, scratchBytes: number): void {
  const node = openNode({ log: logOptions(log, scratchBytes) })
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
