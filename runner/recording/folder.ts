/** The recordings of one run, in a folder of their own. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { RunError } from '../errors.js'
import { readRecording } from './file.js'
import { ENDING } from './format.js'
import type { Recording } from './offline/parse.js'
import { recordingsOfRun } from './offline/run.js'

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
  return recordingsOfRun(paths.map((each) => readRecording(each)))
}
