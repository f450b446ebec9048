/** `aviary view`: the workbench in the browser. */
import { basename } from 'node:path'
import type { Command } from 'commander'
import { systems } from '../../protocol/index.js'
import { type Trace, encodeTrace } from '../../sim/trace/index.js'
import { type FreshRun, type ViewManifest, protocolVersion } from '../../viz/session/protocol.js'
import { Exit, UsageError, unknownName } from '../errors.js'
import { packagedNames, packagedPath } from '../litmus-file.js'
import { type LoadedSystem, loadSystem } from '../load-system.js'
import { integer } from '../options.js'
import { leadsToRecording } from '../recording-file.js'
import { scheduleOf } from '../recording-schedule.js'
import { type Terminal, makeTerminal, plural } from '../terminal.js'
import { readTrace, systemOf } from '../trace-file.js'
import { openBrowser } from '../view/browser.js'
import { builtFiles, galleryOf, workerWith } from '../view/page-files.js'
import { servePage } from '../view/server.js'

interface ViewFlags {
  readonly port: number
  readonly open: boolean
  readonly at?: number
  readonly bug?: string
  readonly seed?: number
  readonly system?: string
  readonly json?: boolean
}

export function addView(program: Command): void {
  program
    .command('view')
    .description('look at a run in the browser: replay, understand and bend it')
    .argument(
      '[what]',
      'a trace, a recording or a folder of recordings; or what to run: a system, a module (./my-protocol.ts), a litmus program',
    )
    .option(
      '--at <n>',
      'a trace: the position to show first (default: where it is violated)',
      integer(0, 1e9),
    )
    .option('--bug <name>', 'a system: the wrong variant to run')
    .option('--seed <n>', 'a system: the seed to run', integer(0, Number.MAX_SAFE_INTEGER))
    .option('--system <system>', 'the system, if it is not where the trace says')
    .option('--port <n>', 'where to listen, on this machine alone; 0: a free port', integer(0, 65535), 0)
    .option('--no-open', 'opens no browser')
    .option('--json', 'prints the address as one JSON object on standard output')
    .addHelpText(
      'after',
      `
Serves the page on the loopback address until Ctrl-C. Nothing leaves this machine: the page carries the cores and the
world, and runs them itself. Opening a trace runs no code from it.

Examples:
  aviary view                                   the gallery of wrong variants
  aviary view aviary-out/some-finding.aviary    a finding, at the step that fails
  aviary view ./my-protocol.ts --seed 7         a protocol of one's own
  aviary view out                               recordings of a run on real processes, as a schedule

Exit codes: 0 when it was ended, 2 for what cannot be read or listened on, 3 for a recording that has no schedule.`,
    )
    .action(async (what: string | undefined, flags: ViewFlags) => {
      process.exitCode = await view(what, flags)
    })
}

/** What the page is to show, and the system that its worker must have beside those of Aviary. */
interface Opening {
  readonly open: ViewManifest['open']
  readonly trace: Trace | undefined
  readonly system: LoadedSystem | undefined
}
const tracePath = 'opened.aviary'

async function view(what: string | undefined, flags: ViewFlags): Promise<Exit> {
  const terminal = makeTerminal(flags)
  const files = builtFiles()
  const { open, trace, system } = await openingOf(what, flags, terminal)
  if (system !== undefined && system.source.kind !== 'built-in')
    files.set('worker.js', await workerWith(system))
  if (trace !== undefined) files.set(tracePath, encodeTrace(trace))
  const manifest: ViewManifest = { version: protocolVersion, open, gallery: galleryOf(files), remarks: [] }
  files.set('manifest.json', Buffer.from(JSON.stringify(manifest)))
  const server = await servePage(files, flags.port)
  const isOpen = flags.open && (await openBrowser(server.url))
  terminal.say(
    `The workbench is at ${terminal.colours.cyan(server.url)}${isOpen ? ', and in your browser' : ''}`,
  )
  terminal.say(terminal.colours.dim('Ctrl-C ends it.'))
  terminal.json({ url: server.url, port: server.port, opened: isOpen })
  await ended()
  await server.close()
  return Exit.nothingFound
}

const ended = (): Promise<void> =>
  new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const)
      process.once(signal, () => {
        resolve()
      })
  })

async function openingOf(what: string | undefined, flags: ViewFlags, terminal: Terminal): Promise<Opening> {
  if (what === undefined) {
    refuse(flags, ['at', 'bug', 'seed', 'system'], 'needs something to open')
    return { open: null, trace: undefined, system: undefined }
  }
  if (leadsToRecording(what)) {
    refuse(flags, ['bug', 'seed'], 'is for systems, and this is a recording')
    const { trace, system, inputs } = await scheduleOf(what, flags.system, terminal)
    terminal.say(
      `${what}: a schedule that gives every node the ${plural(inputs, 'input')} that were recorded.`,
    )
    return ofTrace(what, trace, system, flags)
  }
  if (isRunnable(what)) {
    refuse(flags, ['at', 'system'], 'is for traces, and this is to be run')
    const program = isProgram(what) ? packagedPath(what) : undefined
    return ofSystem(await loadSystem(program ?? what), flags)
  }
  refuse(flags, ['bug', 'seed'], 'is for systems, and this is a trace')
  const trace = readTrace(what)
  return ofTrace(what, trace, await systemOf(what, trace, flags.system), flags)
}

/** A name without a folder and an ending, a module, or a litmus program; all else is a trace. */
const isRunnable = (what: string): boolean =>
  /\.([cm]?[jt]s(#.*)?|litmus)$/.test(what) || !/[/\\.]/.test(what)

/** Whether a name is that of a litmus program that comes with Aviary, and of no system. */
const isProgram = (name: string): boolean =>
  systems.every((system) => system.name !== name) && packagedNames().includes(name)

function refuse(flags: ViewFlags, names: readonly (keyof ViewFlags)[], why: string): void {
  for (const name of names)
    if (flags[name] !== undefined) throw new UsageError(`--${name}: ${why}`, 'leave it out.')
}

function ofTrace(path: string, trace: Trace, system: LoadedSystem, { at }: ViewFlags): Opening {
  const { violation, actions } = trace
  if (at !== undefined && at > actions.length)
    throw new UsageError(
      `--at ${String(at)}: the trace has ${plural(actions.length, 'action')}`,
      `give a position from 0 to ${String(actions.length)}.`,
    )
  const open = { url: tracePath, name: basename(path), at: at ?? violation?.at ?? null }
  return { open, trace, system }
}

function ofSystem(system: LoadedSystem, { bug, seed }: ViewFlags): Opening {
  const { name, bugs } = system.definition
  if (bug !== undefined && !Object.hasOwn(bugs, bug))
    throw unknownName(`--bug: ${name} has no wrong variant`, bug, Object.keys(bugs))
  const fresh: FreshRun = {
    system: name,
    ...(bug === undefined ? {} : { variant: bug }),
    ...(seed === undefined ? {} : { seed }),
  }
  return { open: { fresh }, trace: undefined, system }
}
