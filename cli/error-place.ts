/** Errors thrown by a user's code: their message in one line, and where in that code it was. */
import { basename, dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { oneLine } from './errors.js'

/** The folder of compiled code that this Aviary runs from. */
export const installation = dirname(dirname(fileURLToPath(import.meta.url)))

export const messageOf = (error: unknown): string =>
  oneLine(error instanceof Error ? error.message : String(error))

/** " (my-protocol.ts:12:5)" for the first frame that is neither Aviary's nor Node's, or nothing. */
export function placeOf(error: unknown): string {
  if (!(error instanceof Error) || error.stack === undefined) return ''
  for (const line of error.stack.split('\n')) {
    const frame = /\(?((?:file:\/\/)?\/[^()]*):(\d+):(\d+)\)?$/.exec(line.trim())
    if (frame === null) continue
    const file = frame[1]!.startsWith('file:') ? fileURLToPath(frame[1]!) : frame[1]!
    if (!file.startsWith(installation)) return ` (${basename(file)}:${frame[2]!}:${frame[3]!})`
  }
  return ''
}
