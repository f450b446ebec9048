/**
 * The numbers of a node that no life of it may use twice: its incarnation, and the blocks of its callers' sequence
 * numbers. They are written and flushed before they are used. They are no memory of the protocol's: losing them is
 * noticed, for the peers know them too (`member.ts`).
 */
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { RunError } from './errors.js'

const lifeSchema = z.object({
  /** How often the core has been started, less one. */
  incarnation: z.int().min(0).max(0xffff),
  /** Newest incarnation known of each node. */
  known: z.array(z.int().min(0).max(0xffff)),
})
export type Life = z.infer<typeof lifeSchema>

const epochSchema = z.object({ next: z.int().min(0) })

/** What the last life has left; undefined if there was none. Throws {@link RunError} for a file that is damaged. */
export function readLife(folder: string): Life | undefined {
  return read(join(folder, 'life.json'), lifeSchema)
}

export function writeLife(folder: string, life: Life): void {
  write(join(folder, 'life.json'), life)
}

/** Takes the next block of sequence numbers, for good. */
export function reserveEpoch(folder: string): number {
  const path = join(folder, 'epoch.json')
  const next = read(path, epochSchema)?.next ?? 0
  write(path, { next: next + 1 })
  return next
}

function read<T>(path: string, schema: z.ZodType<T>): T | undefined {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new RunError(`${path} cannot be read: ${(error as Error).message}`, 'check its permissions.')
  }
  try {
    return schema.parse(JSON.parse(text))
  } catch {
    throw new RunError(
      `${path} is damaged`,
      'delete the whole folder of this replica: it will recover what it held from its peers.',
    )
  }
}

/** The new file is whole and flushed before it takes the place of the old one. */
function write(path: string, value: unknown): void {
  mkdirSync(dirname(path), { recursive: true })
  const next = `${path}.next`
  const file = openSync(next, 'w')
  try {
    writeSync(file, `${JSON.stringify(value)}\n`)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  renameSync(next, path)
  const folder = openSync(dirname(path), 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}
