/** `aviary run` for systems with a service: a cluster on this machine that serves until it is stopped. */
import { LocalCluster, type MemberStatus } from '../runner/index.js'
import type { RunFlags } from './commands/run.js'
import { Exit, UsageError } from './errors.js'
import type { LoadedSystem } from './load-system.js'
import type { RunOptions } from './local-options.js'
import { logLine, readLogLine } from './run-log.js'
import { sayStatus } from './run-status.js'
import { makeTerminal } from './terminal.js'

const usualPort = 6379
/**
 * Virtual machines share the processors of this computer; and where members on one machine meet over verbs, it is likely
 * to be such a machine itself.
 */
const readyMillis = { usual: 60_000, virtual: 180_000 }

export async function runService(loaded: LoadedSystem, options: RunOptions, flags: RunFlags): Promise<Exit> {
  const terminal = makeTerminal(flags)
  const { say, colours, progress } = terminal
  const port = flags.port ?? usualPort
  let failure: string | undefined
  let stop: () => void = () => undefined
  const stopped = new Promise<void>((resolve) => {
    stop = resolve
  })
  const onSignal = (): void => {
    stop()
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  say(
    `Starting ${colours.bold(loaded.argument)} ${options.where === undefined ? `as ${String(options.nodes)} processes on this machine` : `in ${String(options.nodes)} ${options.where}`} …`,
  )
  const local = await LocalCluster.start({
    ...options,
    clientPort: port === 'none' ? undefined : port,
    restarts: flags.restart,
    logged: (member, line) => {
      const known = readLogLine(line)
      if (flags.log === 'none') return
      if (flags.log === 'json') process.stderr.write(`${line}\n`)
      else if (known?.level !== 'info')
        process.stderr.write(`${logLine(known?.level ?? 'error', member, known?.event ?? line)}\n`)
    },
    died: (member, how) => {
      say(
        colours.yellow(
          `Member ${String(member)} has died (${how})${flags.restart ? ' and is started again' : ''}.`,
        ),
      )
    },
    reported: (member, report) => {
      if (report.kind !== 'state' || report.state !== 'failed') return
      failure ??= `member ${String(member)}: ${report.reason ?? 'has failed'}`
      stop()
    },
  })
  try {
    let last: readonly (MemberStatus | undefined)[] = []
    const begun = performance.now()
    await Promise.race([
      stopped,
      local.until(
        (statuses) => {
          last = statuses
          progress.update(
            `${String(statuses.filter((each) => each?.state === 'running').length)} of ${String(options.nodes)} run`,
          )
          const isServed = statuses.some((each) => each?.service?.leads === true)
          return isServed && statuses.every((each) => each?.state === 'running')
        },
        readyMillis[options.where !== undefined || options.fabric === 'verbs' ? 'virtual' : 'usual'],
      ),
    ])
    progress.end()
    if (failure === undefined) {
      say(`Serving after ${((performance.now() - begun) / 1000).toFixed(1)} s.\n`)
      sayStatus(terminal, last)
      const clients = local.cluster.members[0]?.clients
      if (clients !== undefined) say(`\nTry it:  redis-cli -p ${String(clients.port)} set greeting hello`)
      say(`Watch:   aviary status ${local.path}\nStop:    Ctrl-C`)
      await stopped
    }
    say('\nStopping …')
  } finally {
    await local.stop()
    if (options.isTemporary && failure === undefined) local.remove()
    process.off('SIGINT', onSignal)
    process.off('SIGTERM', onSignal)
  }
  if (failure !== undefined)
    throw new UsageError(failure, 'see the log above; --log json shows all of it.', Exit.crash)
  terminal.json({ system: loaded.definition.name, nodes: options.nodes, outcome: 'stopped' })
  return Exit.nothingFound
}
