/** Recordings of runs on real processes, together with the system that they are about. */
import { closeSync, openSync, readSync, statSync } from 'node:fs'
import type { CoreDefinition, Hardware, ServiceModel } from '../protocol/index.js'
import {
  ENDING,
  NoSchedule,
  type NodeReplay,
  type NodeReplayOptions,
  type Recording,
  RunError,
  isRecording,
  layoutDigest,
  readRun,
  replayNode,
  scriptSetup,
  vocabularyOf,
} from '../runner/index.js'
import { buildModel } from '../sim/index.js'
import { Exit, UsageError, fileError, unknownName } from './errors.js'
import type { LoadedSystem } from './load-system.js'
import { systemNamed } from './trace-file.js'

/** The recordings of one run, and the system at hand. */
export interface RecordedRun {
  readonly path: string
  readonly recordings: readonly Recording[]
  readonly system: LoadedSystem
  readonly hardware: Hardware
  /** Of a recording of a service. */
  readonly service: ServiceModel | undefined
  /** Whether the code is another than that which was recorded. */
  readonly codeChanged: boolean
}

/** Whether a path leads to a recording: a folder of them, or a file that begins like one. */
export function leadsToRecording(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat === undefined) return false
  if (stat.isDirectory() || path.endsWith(`.${ENDING}`)) return true
  const begin = new Uint8Array(64)
  try {
    const file = openSync(path, 'r')
    try {
      return isRecording(begin.subarray(0, readSync(file, begin)))
    } finally {
      closeSync(file)
    }
  } catch (error) {
    throw fileError('cannot read', path, error)
  }
}

/** Reads recordings, and loads their system, or the one that is named. */
export async function readRecordedRun(
  path: string,
  named: string | undefined,
  bug: string | undefined,
): Promise<RecordedRun> {
  const recordings = asUsage(() => readRun(path, statSync(path).isDirectory()))
  const { header } = recordings[0]!
  const system = await systemNamed(path, header.system, header.modulePath, named)
  if (bug !== undefined && header.isService)
    throw new UsageError(
      '--bug: the recording is of a service, and services have no wrong variants',
      'leave it out; change the code to see where it differs.',
    )
  const service = serviceOf(system, recordings[0]!)
  const hardware = service ?? hardwareOf(system, recordings[0]!, bug)
  if (layoutDigest(hardware) !== header.layoutDigest && bug === undefined)
    throw new UsageError(
      `${path}: the memory of ${header.system} is laid out in another way now than when it was recorded`,
      'replay it with the code of then.',
    )
  return {
    path,
    recordings,
    system,
    hardware,
    service,
    codeChanged: system.codeFingerprint !== header.codeFingerprint,
  }
}

function serviceOf({ definition }: LoadedSystem, { header }: Recording): ServiceModel | undefined {
  if (!header.isService) return undefined
  if (definition.service === undefined)
    throw new UsageError(
      `${definition.name} has no service, and its recording is of one`,
      'replay it with the code of then.',
    )
  return definition.service.build({ nodes: header.nodes, parameters: header.parameters })
}

function hardwareOf({ definition }: LoadedSystem, { header }: Recording, bug: string | undefined): Hardware {
  const { nodes, parameters, seed } = header
  if (bug !== undefined && !Object.hasOwn(definition.bugs, bug))
    throw unknownName(`--bug: ${definition.name} has no wrong variant`, bug, Object.keys(definition.bugs))
  return buildModel(definition, { ...scriptSetup(definition, { nodes, parameters, seed }), bug })
}

/**
 * Replays one node of a run.
 *
 * @param original the core that was recorded, where it is known to be another
 */
export function replayRecording(
  { hardware }: RecordedRun,
  recording: Recording,
  original?: CoreDefinition,
  observers: Pick<NodeReplayOptions, 'visit' | 'watch'> = {},
): NodeReplay {
  return asUsage(() =>
    replayNode(recording, { words: vocabularyOf(hardware, recording), original, ...observers }),
  )
}

/** The core that was recorded, when a wrong variant of the same code is replayed. */
export function originalOf(
  run: RecordedRun,
  recording: Recording,
  bug: string | undefined,
): CoreDefinition | undefined {
  if (bug === undefined || run.codeChanged) return undefined
  return hardwareOf(run.system, recording, undefined).cores[recording.header.node]
}

/** What is wrong with recordings, told as the command line does. */
export function asUsage<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof NoSchedule) throw new UsageError(error.message, error.mend, Exit.diverged)
    if (error instanceof RunError) throw new UsageError(error.message, error.mend)
    throw error
  }
}
