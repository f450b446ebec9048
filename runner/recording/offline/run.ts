/** The recordings of one run: a file for each life of each node. */
import { RunError } from '../../errors.js'
import type { Recording } from './parse.js'

/** Puts the recordings of a run in order. Throws {@link RunError} where they are not of one run, or one is there twice. */
export function recordingsOfRun(recordings: readonly Recording[]): readonly Recording[] {
  const [first] = recordings
  const run = recordings.toSorted(
    ({ header: a }, { header: b }) => a.node - b.node || a.incarnation - b.incarnation,
  )
  for (const { header, path } of recordings) {
    const { cluster, system } = first!.header
    if (header.cluster !== cluster || header.system !== system)
      throw new RunError(
        `${path}: is of another run than ${first!.path}`,
        'put the recordings of each run into a folder of their own.',
      )
  }
  for (const [i, { header, path }] of run.entries()) {
    const before = run[i - 1]
    if (before?.header.node === header.node && before.header.incarnation === header.incarnation)
      throw new RunError(
        `${path}: is of the same life of member ${String(header.node)} as ${before.path}`,
        'leave one of them out.',
      )
  }
  return run
}

/** Refuses recordings with a hole: what came after it is not known. Throws {@link RunError}. */
export function refuseHoles(recordings: readonly Recording[]): void {
  for (const { path, ending, lost } of recordings)
    if (ending === 'hole')
      throw new RunError(
        `${path}: has a hole: the last ${String(lost)} inputs were lost, since the disk did not keep pace`,
        'record again to a faster disk; what came before it: aviary explain, which shows as much as there is.',
      )
}
