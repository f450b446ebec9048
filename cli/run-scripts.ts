/**
 * `aviary run` for systems with clients of their own, or none: runs until the scripts are through and the goal is
 * reached, then judges what clients saw and the memories of all replicas.
 */
import {
  type ClientEvent,
  type Dump,
  DumpObserver,
  type Judged,
  LocalCluster,
  goalIsReached,
  judge,
  scriptSetup,
} from '../runner/index.js'
import { buildModel } from '../sim/index.js'
import type { RunFlags } from './commands/run.js'
import { Exit, UsageError } from './errors.js'
import type { LoadedSystem } from './load-system.js'
import type { RunOptions } from './local-options.js'
import { logLine, readLogLine } from './run-log.js'
import { type Terminal, makeTerminal, plural, table } from './terminal.js'

/**
 * How long a run may take: a script is a few operations of milliseconds. Virtual machines share the processors of this
 * computer; and where members on one machine meet over verbs, it is likely to be such a machine itself.
 */
const patienceMillis = { usual: 60_000, virtual: 180_000 }
/** Between two looks at all memories. */
const lookMillis = 100

export async function runScripts(loaded: LoadedSystem, options: RunOptions, flags: RunFlags): Promise<Exit> {
  const terminal = makeTerminal(flags)
  const { say, colours, progress } = terminal
  const { nodes } = options
  const isVirtual = options.where !== undefined || options.fabric === 'verbs'
  const patience = patienceMillis[isVirtual ? 'virtual' : 'usual']
  const model = buildModel(loaded.definition, scriptSetup(loaded.definition, options))
  const clients = model.workload?.clients.length ?? 0
  const histories = new Map<number, readonly ClientEvent[]>()
  const dumps: (Dump | undefined)[] = Array.from({ length: nodes }, () => undefined)
  let running = 0
  let failure: string | undefined
  let isInterrupted = false
  const onSignal = (): void => {
    isInterrupted = true
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  say(
    `Running ${colours.bold(loaded.argument)} ${options.where === undefined ? `as ${plural(nodes, 'process', 'processes')} on this machine` : `in ${String(nodes)} ${options.where}`}, ${plural(clients, 'client')} with scripts from seed ${String(options.seed)}.`,
  )
  const begun = performance.now()
  const local = await LocalCluster.start({
    ...options,
    clientPort: undefined,
    restarts: false,
    logged: (member, line) => {
      const known = readLogLine(line)
      if (flags.log === 'json') process.stderr.write(`${line}\n`)
      else if (flags.log === 'human' && known?.level !== 'info')
        process.stderr.write(`${logLine(known?.level ?? 'error', member, known?.event ?? line)}\n`)
    },
    died: (member, how) => {
      failure ??= `member ${String(member)} has died (${how})`
    },
    reported: (member, report) => {
      if (report.kind === 'state' && report.state === 'failed')
        failure = `member ${String(member)}: ${report.reason ?? 'has failed'}`
      else if (report.kind === 'state' && report.state === 'running') running++
      else if (report.kind === 'core' && report.report.kind === 'client')
        histories.set(report.report.client, report.report.events)
      else if (report.kind === 'core' && report.report.kind === 'dump') dumps[member] = report.report
    },
  })
  let judged: Judged | undefined
  let seconds: number
  try {
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, lookMillis))
      seconds = (performance.now() - begun) / 1000
      progress.update(
        `${String(running)} of ${String(nodes)} run, ${String(histories.size)} of ${plural(clients, 'client')} done`,
      )
      if (failure !== undefined || isInterrupted) break
      const isLate = seconds * 1000 > patience
      if (running < nodes || histories.size < clients) {
        if (isLate) break
        continue
      }
      for (let member = 0; member < nodes; member++) local.tell(member, { kind: 'dump' })
      if (dumps.includes(undefined)) continue
      const observer = new DumpObserver(
        dumps,
        dumps.map(() => 0),
        clients - histories.size,
      )
      if (!isLate && !goalIsReached(model, observer)) continue
      judged = judge(model, observer, histories)
      break
    }
  } finally {
    progress.end()
    await local.stop()
    if (options.isTemporary && failure === undefined) local.remove()
    process.off('SIGINT', onSignal)
    process.off('SIGTERM', onSignal)
  }
  if (failure !== undefined)
    throw new UsageError(failure, 'see the log above; --log json shows all of it.', Exit.crash)
  if (isInterrupted) say(colours.yellow('Stopped before the end.'))
  const exit = exitOf(judged, isInterrupted)
  if (judged !== undefined) sayJudged(terminal, judged, seconds, model.spec.goal.name)
  else if (!isInterrupted)
    say(
      colours.red(
        `Not through after ${String(patience / 1000)} s: ${String(histories.size)} of ${plural(clients, 'client')} done.`,
      ),
    )
  terminal.json({ system: loaded.definition.name, nodes, seed: options.seed, seconds, ...judged })
  return exit
}

function exitOf(judged: Judged | undefined, isInterrupted: boolean): Exit {
  if (judged === undefined) return isInterrupted ? Exit.nothingFound : Exit.liveness
  if (judged.broken.length > 0 || judged.history === 'violated') return Exit.violation
  return judged.goalReached ? Exit.nothingFound : Exit.liveness
}

function sayJudged({ say, colours }: Terminal, judged: Judged, seconds: number, goal: string): void {
  const { broken, goalReached, history, historyReason, operations, unknown } = judged
  const good = (isGood: boolean, word: string): string => (isGood ? colours.green(word) : colours.red(word))
  say(
    table([
      ['operations', `${String(operations)}, ${String(unknown)} of unknown outcome`],
      [
        'what clients saw',
        history === 'none' ? 'nothing to judge' : good(history === 'linearizable', history),
      ],
      [
        'invariants',
        broken.length === 0 ? good(true, 'hold of all memories in the end') : good(false, 'broken'),
      ],
      ['goal', good(goalReached, `${goal}: ${goalReached ? 'reached' : 'not reached'}`)],
      ['time', `${seconds.toFixed(1)} s`],
    ]),
  )
  if (historyReason !== undefined) say(`\n${historyReason}`)
  for (const { name, reason } of broken) say(`\n${colours.red(name)}: ${reason}`)
}
