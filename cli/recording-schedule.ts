/** `aviary export --format trace`: a recording as a schedule of the simulator. */
import { type RunSchedule, finished, scheduleSteps } from '../runner/index.js'
import type { LoadedSystem } from './load-system.js'
import { asUsage, readRecordedRun } from './recording-file.js'
import { type Terminal, makeTerminal, plural } from './terminal.js'
import { aboutCode, writeTrace } from './trace-file.js'

/** A recording as a schedule of the simulator. */
interface Scheduled extends RunSchedule {
  readonly system: LoadedSystem
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
  const { recordings, system } = await readRecordedRun(path, named, undefined)
  const steps = scheduleSteps(path, recordings, system.definition, aboutCode(system))
  try {
    const schedule = asUsage(() =>
      finished(steps, ({ what, done, total }) => {
        progress.update(`${what}, ${String(done)} of ${String(total)}`)
      }),
    )
    return { system, ...schedule }
  } finally {
    progress.end()
  }
}
