/** `aviary export --format trace`: a recording as a schedule of the simulator. */
import { findSchedule, scriptSetup } from '../runner/index.js'
import { type Setup, Run, RunRecorder, recordTrace } from '../sim/index.js'
import { type Trace, armedChoice } from '../sim/trace/trace.js'
import { Exit, UsageError } from './errors.js'
import { readRecordedRun, refuseHoles } from './recording-file.js'
import { storyOf } from './recording-story.js'
import { type Terminal, makeTerminal, plural } from './terminal.js'
import { fingerprintEvery, writeTrace } from './trace-file.js'
import { type LoadedSystem, readPackage } from './load-system.js'

/** A recording as a schedule of the simulator. */
interface Scheduled {
  readonly system: LoadedSystem
  readonly trace: Trace
  /** Inputs of the recording that it gives. */
  readonly inputs: number
}

/** Writes the trace. Throws {@link UsageError} with exit code 3 where no schedule is found. */
export async function exportSchedule(
  path: string,
  flags: { readonly out?: string; readonly system?: string },
): Promise<void> {
  const terminal = makeTerminal()
  const { trace, inputs } = await scheduleOf(path, flags.system, terminal)
  const out = flags.out ?? `${path.replace(/\/+$|\.aviaryrec$/, '')}.aviary`
  writeTrace(out, trace)
  terminal.say(
    `Wrote ${out}: ${plural(trace.actions.length, 'action')} that give every node the ${plural(inputs, 'input')} that were recorded.`,
  )
}

/** Looks for a schedule that gives every node what was recorded. Throws {@link UsageError}, exit code 3, where none is found. */
export async function scheduleOf(
  path: string,
  named: string | undefined,
  { progress }: Terminal,
): Promise<Scheduled> {
  const run = await readRecordedRun(path, named, undefined)
  const { header } = run.recordings[0]!
  const { definition } = run.system
  if (header.isService)
    throw new UsageError(
      `${path}: is of a service, whose callers came from outside: the simulator has none`,
      'record a system with clients of its own.',
    )
  refuseHoles(run.recordings)
  const there = new Set(run.recordings.map((recording) => recording.header.node))
  if (there.size < header.nodes || run.recordings.some(({ header: { isFlight } }) => isFlight))
    throw new UsageError(
      `${path}: has not all of the run: ${String(there.size)} of ${plural(header.nodes, 'node')}, from the beginning`,
      'record all members with --record.',
    )
  const { inputs, replays } = storyOf(run, Infinity)
  if (replays.some(({ divergence }) => divergence !== undefined))
    throw new UsageError(
      `${path}: the code at hand does something else than was recorded`,
      'see aviary replay.',
      Exit.diverged,
    )
  const setup: Setup = scriptSetup(definition, header)
  const found = findSchedule(definition, setup, inputs, (done) => {
    progress.update(`${String(done)} of ${plural(inputs.length, 'input')} have been had`)
  })
  progress.end()
  if (!found.found) {
    const { input, before, reason } = found
    throw new UsageError(
      `no schedule of the simulator was found: after ${String(before)} of ${plural(inputs.length, 'input')}, n${String(input.node)} was given ${JSON.stringify(input.words)}: ${reason}`,
      'the recording stays what it is: see aviary replay and aviary explain.',
      Exit.diverged,
    )
  }
  const played = new Run(definition, found.setup)
  const log = new RunRecorder(played, fingerprintEvery(found.actions.length))
  for (const { site: name, subject } of found.actions) {
    const site = played.world.siteNamed(name)
    const choice = site === undefined ? -1 : armedChoice(site, subject)
    if (site === undefined || choice < 0) throw new Error(`${name} is not possible where the search took it`)
    played.take(site.index, choice)
  }
  played.finish()
  const trace = recordTrace(
    played,
    {
      provenance: { recording: path, seed: header.seed },
      codeFingerprint: run.system.codeFingerprint,
      createdBy: `aviary ${readPackage().version}`,
      ...(run.system.modulePath === undefined ? {} : { modulePath: run.system.argument }),
    },
    log,
  )
  return { system: run.system, trace, inputs: inputs.length }
}
