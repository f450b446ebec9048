/**
 * A recorded run as a trace of the simulator: all that is to be done with the files once they are read, in the command
 * line and in the page alike.
 */
import type { SystemDefinition } from '../../../protocol/index.js'
import { Run, RunRecorder, type Setup, buildModel, recordTrace } from '../../../sim/index.js'
import { type About, type Trace, fingerprintEvery } from '../../../sim/trace/index.js'
import { armedChoice } from '../../../sim/trace/trace.js'
import { RunError } from '../../errors.js'
import { scriptSetup } from '../../setup.js'
import type { Recording } from './parse.js'
import { refuseHoles } from './run.js'
import { findSchedule } from './schedule.js'
import type { Steps } from './steps.js'
import { storySteps } from './story.js'

/** The files are whole, and yet no schedule of the code at hand gives every node what they say. */
export class NoSchedule extends RunError {}

export interface RunSchedule {
  readonly trace: Trace
  /** Inputs of the recordings that it gives. */
  readonly inputs: number
}

/** Actions of one piece of work. */
const SLICE = 512

/**
 * Refuses recordings that cannot become a schedule, whatever the system does: of a service, with a hole, or not all of the
 * run. Throws {@link RunError}.
 *
 * @param name of the run as the user knows it: a folder, or files
 */
export function refuseUnschedulable(name: string, recordings: readonly Recording[]): void {
  const { header, path } = recordings[0]!
  if (header.isService)
    throw new RunError(
      `${path}: is of a service, whose callers came from outside: the simulator has none`,
      'verify it: aviary replay FOLDER; for a schedule record a system with clients of its own.',
    )
  refuseHoles(recordings)
  const flight = recordings.find(({ header: { isFlight } }) => isFlight)
  if (flight !== undefined)
    throw new RunError(
      `${flight.path}: has not all of the run, but what its process was given last`,
      'see it: aviary explain FILE; for a schedule record all members with --record.',
    )
  const there = new Set(recordings.map((each) => each.header.node))
  const missing = Array.from({ length: header.nodes }, (_, node) => node).filter((node) => !there.has(node))
  if (missing.length > 0)
    throw new RunError(
      `${name}: has not all of the run: of ${String(header.nodes)} members ${missing.map((node) => `member ${String(node)}`).join(' and ')} ${missing.length === 1 ? 'is' : 'are'} missing`,
      'open the folder that has all their files, and record all members with --record.',
    )
}

/**
 * Looks for a schedule that gives every node what was recorded, and plays it. Throws {@link RunError} for recordings that
 * cannot become one, {@link NoSchedule} where none is found.
 *
 * @param name of the run as the user knows it: a folder, or files
 */
export function* scheduleSteps(
  name: string,
  recordings: readonly Recording[],
  definition: SystemDefinition,
  about: Omit<About, 'provenance'>,
): Steps<RunSchedule> {
  refuseUnschedulable(name, recordings)
  const { header } = recordings[0]!
  const setup: Setup = scriptSetup(definition, header)
  const { inputs, replays } = yield* storySteps(recordings, buildModel(definition, setup), Infinity)
  const diverged = replays.find(({ divergence }) => divergence !== undefined)
  if (diverged !== undefined)
    throw new NoSchedule(
      `${diverged.recording.path}: the code at hand does something else than was recorded`,
      'see where: aviary replay FOLDER',
    )
  const found = yield* findSchedule(definition, setup, inputs)
  if (!found.found) {
    const { input, before, reason } = found
    throw new NoSchedule(
      `${name}: no schedule of the simulator was found: after ${String(before)} of ${String(inputs.length)} ${inputs.length === 1 ? 'input' : 'inputs'}, n${String(input.node)} was given ${JSON.stringify(input.words)}: ${reason}`,
      'the recording stays what it is: see aviary replay FOLDER and aviary explain FOLDER.',
    )
  }
  const { actions } = found
  const run = new Run(definition, found.setup)
  const log = new RunRecorder(run, fingerprintEvery(actions.length))
  for (const [i, { site: siteName, subject }] of actions.entries()) {
    if (i % SLICE === SLICE - 1) yield { what: 'playing the schedule', done: i, total: actions.length }
    const site = run.world.siteNamed(siteName)
    const choice = site === undefined ? -1 : armedChoice(site, subject)
    if (site === undefined || choice < 0)
      throw new Error(`${siteName} is not possible where the search took it`)
    run.take(site.index, choice)
  }
  run.finish()
  const provenance = { recording: name, seed: header.seed }
  return { trace: recordTrace(run, { ...about, provenance }, log), inputs: inputs.length }
}
