/** Recordings of runs on real processes, as they are given to the page. */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { type Recording, type RecordingHeader, parseRecording } from '../../runner/index.js'
import { RecordingFile } from '../../runner/recording/file.js'
import { BlockKind } from '../../runner/recording/format.js'
import { type Trace, decodeTrace } from '../../sim/trace/index.js'
import type { NamedBytes } from '../../viz/session/protocol.js'
import { aviary, folderWith } from '../cli/support.js'

/** Two threads of one machine may look at words in an order that no schedule is found for: that is another run then. */
const mostRuns = 8

export interface Recorded {
  /** In which `out` is the folder of the recording. */
  readonly cwd: string
  readonly out: string
  /** The schedule that the command line makes of it. */
  readonly trace: Trace
}

/** A run on three processes for which the command line finds a schedule. */
export async function recorded(
  system: string,
  files: Readonly<Record<string, string>> = {},
): Promise<Recorded> {
  const refused: string[] = []
  while (refused.length < mostRuns) {
    const cwd = folderWith(files)
    const run = await aviary(cwd, 'run', system, '--local', '3', '--record', 'out', '--log', 'none')
    expect(run.code, run.stderr).toBe(0)
    const found = await aviary(cwd, 'export', 'out', '--format', 'trace', '--out', 'world.aviary')
    if (found.code === 0)
      return { cwd, out: join(cwd, 'out'), trace: decodeTrace(readFileSync(join(cwd, 'world.aviary'))) }
    expect(found.code, found.stderr).toBe(3)
    refused.push(found.stderr)
  }
  throw new Error(`no schedule for any of ${String(mostRuns)} runs:\n${refused.join('\n')}`)
}

/** The files of a folder, as a page reads them. */
export const filesOf = (folder: string): NamedBytes[] =>
  readdirSync(folder)
    .sort()
    .map((name) => ({ name, bytes: new Uint8Array(readFileSync(join(folder, name))) }))

/** The same recording with something else in its header, or with another end. */
export function altered(
  { name, bytes }: NamedBytes,
  header: Partial<RecordingHeader>,
  ending: Recording['ending'] = 'whole',
): NamedBytes {
  const recording = parseRecording(bytes, name)
  const path = join(folderWith(), name)
  const file = new RecordingFile(path, { ...recording.header, ...header })
  file.add(BlockKind.records, recording.stream)
  const kinds = { whole: BlockKind.end, hole: BlockKind.hole, cut: undefined }
  const kind = kinds[ending]
  if (kind !== undefined) file.add(kind, new TextEncoder().encode('7'))
  file.close()
  return { name, bytes: new Uint8Array(readFileSync(path)) }
}
