/** What the command says when it cannot go on: what is wrong, and what mends it. Never a stack trace. */
import { TraceError } from '../sim/trace/index.js'

/** What the exit code of every command means; the same numbers in help, documentation and tests. */
export const Exit = {
  nothingFound: 0,
  violation: 1,
  usage: 2,
  diverged: 3,
  liveness: 4,
  crash: 5,
} as const
export type Exit = (typeof Exit)[keyof typeof Exit]

/** Something that the user can mend. */
export class UsageError extends Error {
  override readonly name = 'UsageError'

  /**
   * @param what names the flag, field or file, and what is the matter with it
   * @param mend what to do about it
   */
  constructor(
    what: string,
    readonly mend: string,
    readonly exit: Exit = Exit.usage,
  ) {
    super(what)
  }
}

/** An error in two lines, as shown to people. */
export function describeError(error: unknown): { readonly text: string; readonly exit: Exit } {
  if (error instanceof UsageError)
    return { text: `error: ${error.message}\nmend: ${error.mend}`, exit: error.exit }
  if (error instanceof TraceError) {
    const what = error.message.slice(0, error.message.length - error.mend.length).trim()
    const mend = error.mend.charAt(0).toLowerCase() + error.mend.slice(1)
    return {
      text: `error: ${oneLine(what).replace(/: file: /, ': ')}\nmend: ${oneLine(mend)}`,
      exit: Exit.usage,
    }
  }
  const message = error instanceof Error ? error.message : String(error)
  return {
    text: `error: ${oneLine(message)}\nmend: this is a fault of Aviary or of the system at hand; AVIARY_DEBUG=1 shows where it comes from.`,
    exit: Exit.usage,
  }
}

/** File errors in words. */
export function fileError(what: string, path: string, error: unknown): UsageError {
  const { code } = error as NodeJS.ErrnoException
  switch (code) {
    case 'ENOENT':
      return new UsageError(`${what} ${path}: there is no such file or folder`, 'check the path.')
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new UsageError(
        `${what} ${path}: not allowed (${code})`,
        'check the permissions, or name another place.',
      )
    case 'EISDIR':
      return new UsageError(`${what} ${path}: is a folder`, 'name a file.')
    case 'ENOTDIR':
    case 'EEXIST':
      return new UsageError(`${what} ${path}: a file is in the way of a folder`, 'name another place.')
    case undefined:
    default:
      return new UsageError(
        `${what} ${path}: ${error instanceof Error ? oneLine(error.message) : String(error)}`,
        'check the path and the disk.',
      )
  }
}

export const oneLine = (text: string): string => text.replace(/\s*\n\s*/g, ' ').trim()

/** The error for a name that is not known: suggests the nearest one, and lists them. `what` ends before the name. */
export function unknownName(what: string, name: string, known: readonly string[]): UsageError {
  const near = nearest(name, known)
  const list =
    known.length === 0
      ? 'there are none.'
      : `one of ${known.slice(0, 30).join(', ')}${known.length > 30 ? ', …' : ''}.`
  return new UsageError(
    `${what} ${JSON.stringify(name)}`,
    near === undefined ? list : `did you mean ${near}? ${list}`,
  )
}

/** The known name that is closest to what was typed, when it is close enough to be meant. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  let best: string | undefined
  let bestDistance = Math.max(3, Math.floor(name.length / 2) + 1)
  for (const candidate of known) {
    const short = name.length >= 3 && candidate.startsWith(name) ? 1 : Infinity
    const distance = Math.min(short, editDistance(name.toLowerCase(), candidate.toLowerCase()))
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance]
  }
  return best
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)))
    row = next
  }
  return row[b.length]!
}
