/** What `aviary bench check --peers` has measured, and how it is shown. The bench itself is in a checkout only. */
import { type Terminal, compact, digits, grouped, table } from './terminal.js'

export interface PeerRow {
  readonly model: string
  readonly tool: string
  readonly cores: number
  readonly runs: number
  /** Wall time of the fastest run, and of the middle one. */
  readonly seconds: number
  readonly medianSeconds: number
  /** Least processor time of a run, helper threads included. */
  readonly cpuSeconds: number
  readonly distinct: number
  /** In TLC's unit: moved + idle + 1. */
  readonly generated: number
  /** By wall time. */
  readonly generatedPerSecond: number
  readonly distinctPerSecond: number
  /** Steps that changed something, for tools that tell. */
  readonly moved?: number | undefined
  readonly bytesPerState?: number | undefined
  /** Wall time of the fastest search, without the start of the process, for tools that tell. */
  readonly searchSeconds?: number | undefined
}

export interface Goal {
  readonly goal: string
  readonly wanted: number
  readonly reached: number
  /** The same by processor time, where that is a fair measure: on one core. */
  readonly reachedByCpu?: number | undefined
  readonly isMet: boolean
}

export interface PeerFigures {
  readonly tools: readonly { readonly tool: string; readonly version: string; readonly manner: string }[]
  readonly leftOut: readonly { readonly tool: string; readonly reason: string }[]
  readonly rows: readonly PeerRow[]
  readonly goals: readonly Goal[]
}

/** What this command calls in `bench/`, which may be missing. */
export interface PeerBench {
  readonly smallTasks: unknown
  readonly benchCheckPeers: (options: {
    readonly tasks?: unknown
    readonly runs?: number | undefined
    readonly onProgress?: ((what: string) => void) | undefined
  }) => Promise<PeerFigures>
}

const head = [
  'model',
  'cores',
  'tool',
  'seconds',
  'median',
  'processor',
  'runs',
  'distinct',
  'generated',
  'generated/s',
  'distinct/s',
]

export function sayPeers({ say, colours }: Terminal, { tools, leftOut, rows, goals }: PeerFigures): void {
  const right = 'right' as const
  say(table(tools.map(({ tool, version, manner }) => [colours.bold(tool), version, manner])))
  for (const { tool, reason } of leftOut) say(`${colours.bold(tool)}  skipped: ${reason}`)
  say()
  const lines = rows.map((row) => [
    row.model,
    String(row.cores),
    row.tool,
    row.seconds.toFixed(2),
    row.medianSeconds.toFixed(2),
    row.cpuSeconds.toFixed(2),
    String(row.runs),
    grouped(row.distinct),
    grouped(row.generated),
    compact(row.generatedPerSecond),
    compact(row.distinctPerSecond),
  ])
  say(table([head, ...lines], { align: ['left', right, 'left', ...head.slice(3).map(() => right)] }))
  for (const { model, moved, generated } of rows.filter((row) => row.moved !== undefined && row.cores === 1))
    say(`${model}: ${grouped(moved!)} steps moved, the other ${grouped(generated - 1 - moved!)} were idle`)
  if (goals.length === 0) return
  say()
  const said = goals.map(({ goal, wanted, reached, reachedByCpu, isMet }) => [
    isMet ? colours.green('met') : colours.red('missed'),
    goal,
    amount(wanted),
    amount(reached),
    reachedByCpu === undefined ? '' : amount(reachedByCpu),
  ])
  const goalHead = ['', 'goal', 'wanted', 'reached', 'by processor time']
  say(table([goalHead, ...said], { align: ['left', 'left', right, right, right] }))
}

const amount = (value: number): string => (value >= 1000 ? compact(value) : digits(value))
