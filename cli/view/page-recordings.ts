/**
 * Recordings in the page: what `aviary view FOLDER` does with the files of a run, done in the worker. Bundled into it, so
 * nothing of Node is used here.
 */
import './no-eval.js'
import type { SystemDefinition } from '../../protocol/index.js'
import { RunError } from '../../runner/errors.js'
import { layoutText } from '../../runner/layout-text.js'
import type { RecordingHeader } from '../../runner/recording/format.js'
import { type Recording, isRecording, parseRecording } from '../../runner/recording/offline/parse.js'
import { recordingsOfRun } from '../../runner/recording/offline/run.js'
import {
  NoSchedule,
  refuseUnschedulable,
  scheduleSteps,
} from '../../runner/recording/offline/run-schedule.js'
import type { Steps } from '../../runner/recording/offline/steps.js'
import { scriptSetup } from '../../runner/setup.js'
import { buildModel } from '../../sim/index.js'
import type { Trace } from '../../sim/trace/index.js'
import { SessionError } from '../../viz/session/protocol.js'
import type { RecordingReader } from '../../viz/session/recordings.js'
import type { KnownSystem } from '../../viz/session/stage.js'

export const pageRecordings: RecordingReader = {
  isRecording,
  async schedule(name, files, systems) {
    try {
      const recordings = recordingsOfRun(files.map((file) => parseRecording(file.bytes, file.name)))
      refuseUnschedulable(name, recordings)
      const { header, path } = recordings[0]!
      const known = systemOf(path, header, systems)
      await checkLayout(path, header, known.definition)
      return traceSteps(name, recordings, known)
    } catch (error) {
      throw sessionError(error)
    }
  },
}

function* traceSteps(
  name: string,
  recordings: readonly Recording[],
  { definition, modulePath }: KnownSystem,
): Steps<Trace> {
  try {
    const { trace } = yield* scheduleSteps(name, recordings, definition, { modulePath })
    return trace
  } catch (error) {
    throw sessionError(error)
  }
}

/** The system that was recorded: one of Aviary's, or of the module that the page was opened with. */
function systemOf(file: string, header: RecordingHeader, systems: readonly KnownSystem[]): KnownSystem {
  const { system: name, modulePath } = header
  const known = systems.find((each) => each.definition.name === name)
  if (known !== undefined && (modulePath === undefined || known.origin === 'module')) return known
  throw new SessionError({
    code: 'system',
    field: file,
    message: `is of the system ${JSON.stringify(name)}${modulePath === undefined ? '' : ` of ${modulePath}`}, which is not in this page`,
    mend: 'Open it together with its system, from where it was recorded: aviary view FOLDER',
  })
}

/** As `aviary view` does it, by the same digest. */
async function checkLayout(
  file: string,
  header: RecordingHeader,
  definition: SystemDefinition,
): Promise<void> {
  const subtle: typeof crypto.subtle | undefined = crypto.subtle
  if (subtle === undefined)
    throw new SessionError({
      code: 'failed',
      field: file,
      message: 'the browser gives no SHA-256 to pages that come over an insecure connection',
      mend: 'Open the page from this machine: aviary view FOLDER',
    })
  const text = layoutText(buildModel(definition, scriptSetup(definition, header)))
  const digest = await subtle.digest('SHA-256', new TextEncoder().encode(text))
  const hex = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
  if (hex !== header.layoutDigest)
    throw new SessionError({
      code: 'system',
      field: file,
      message: `the memory of ${header.system} is laid out in another way here than where it was recorded`,
      mend: 'Replay it with the code of then: aviary replay FOLDER',
    })
}

/** What is wrong with recordings, told as a session does. */
function sessionError(error: unknown): unknown {
  if (!(error instanceof RunError)) return error
  const { message, mend } = error
  return new SessionError({
    code: error instanceof NoSchedule ? 'impossible' : 'trace',
    field: '',
    message,
    mend: mend.charAt(0).toUpperCase() + mend.slice(1),
  })
}
