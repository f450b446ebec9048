/** The recordings of one run: a file for each life of each node. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { RunError } from '../errors.js'
import { type Recording, readRecording } from './file.js'
import { ENDING } from './format.js'

/** Paths of the recordings in a folder, by name. */
export function recordingsIn(folder: string): readonly string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(`.${ENDING}`))
    .sort()
    .map((name) => join(folder, name))
}

/** Reads the recordings of a run, or one file. Throws {@link RunError}, also when they are not of one run. */
export function readRun(path: string, isFolder: boolean): readonly Recording[] {
  const paths = isFolder ? recordingsIn(path) : [path]
  if (paths.length === 0)
    throw new RunError(`${path}: holds no recording`, 'make one: aviary run SYSTEM --local 3 --record DIR')
  const run = paths.map((each) => readRecording(each))
  const [first] = run
  for (const { header, path: file } of run) {
    const { cluster, system } = first!.header
    if (header.cluster !== cluster || header.system !== system)
      throw new RunError(
        `${file}: is of another run than ${first!.path}`,
        'put the recordings of each run into a folder of their own.',
      )
  }
  return [...run].sort((a, b) => a.header.node - b.header.node || a.header.incarnation - b.header.incarnation)
}
