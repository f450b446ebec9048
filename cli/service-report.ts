/** What `aviary bench service` has measured, and how it is shown. The bench itself is in a checkout only. */
import type { Goal } from './peer-report.js'
import { type Terminal, digits, grouped, table } from './terminal.js'

export interface ServiceRow {
  /** `program`: called in the process of the leader. `protocol`: over a client's connection to it. */
  readonly boundary: 'program' | 'protocol'
  /** What an acknowledgement stands for. */
  readonly durability: 'memory' | 'disk'
  readonly system: 'aviary' | 'etcd'
  /** Writes under way at any time; through the client protocol, each has a connection of its own. */
  readonly window: number
  readonly rounds: number
  readonly commits: number
  /** Microseconds, each the median of the rounds. */
  readonly p50: number
  readonly p90: number
  readonly p99: number
  /** The rounds with the least and the most. */
  readonly p50Least: number
  readonly p50Most: number
  readonly perSecond: number
}

/** How many times as good as etcd, within one boundary and one durability. */
export interface ServiceRatio {
  readonly boundary: ServiceRow['boundary']
  readonly durability: ServiceRow['durability']
  readonly window: number
  readonly latency: number
  readonly tail: number
  readonly throughput: number
}

export interface RedisRow {
  readonly server: 'aviary' | 'redis'
  readonly test: string
  readonly pipeline: number
  readonly rounds: number
  /** Requests a second: the median of the rounds, the least and the most. */
  readonly perSecond: number
  readonly perSecondLeast: number
  readonly perSecondMost: number
  /** Microseconds, medians of the rounds. */
  readonly p50: number
  readonly p99: number
}

export interface ServiceFigures {
  readonly nodes: number
  readonly sizeBytes: number
  readonly processors: number
  /** Whether each replica had a processor. */
  readonly isUncrowded: boolean
  /** Over one minute, before and after. */
  readonly loadAverage: readonly [number, number]
  readonly fileSystem: string
  readonly tools: readonly { readonly tool: string; readonly version: string; readonly manner: string }[]
  readonly leftOut: readonly { readonly part: string; readonly reason: string }[]
  readonly rows: readonly ServiceRow[]
  readonly ratios: readonly ServiceRatio[]
  readonly redis: readonly RedisRow[]
  readonly goals: readonly Goal[]
}

export interface ServiceBench {
  benchService(options: {
    readonly seconds: number | undefined
    readonly isSmall: boolean
    readonly onProgress: (what: string) => void
  }): Promise<ServiceFigures>
}

const boundaryText = {
  program: 'Called from a program in the process of the leader',
  protocol: "Over a client's connection to the leader",
} as const
const right = 'right' as const

export function sayService(terminal: Terminal, figures: ServiceFigures): void {
  const { say, colours } = terminal
  const { tools, leftOut, processors, nodes, loadAverage, sizeBytes, rows, fileSystem } = figures
  say(table(tools.map(({ tool, version, manner }) => [colours.bold(tool), version, manner])))
  for (const { part, reason } of leftOut) say(`${colours.bold(part)}  skipped: ${reason}`)
  const [before, after] = loadAverage
  say(
    `\nWrites of ${String(sizeBytes)} bytes, ${String(nodes)} replicas on ${String(processors)} processors; load average ${before.toFixed(1)} before, ${after.toFixed(1)} after. Disk: ${fileSystem}.`,
  )
  if (!figures.isUncrowded)
    say(
      colours.yellow(
        `${String(nodes)} replicas on ${String(processors)} processors: what is measured is the scheduler too, on all sides.`,
      ),
    )
  for (const boundary of ['program', 'protocol'] as const) {
    const own = rows.filter((row) => row.boundary === boundary)
    if (own.length === 0) continue
    say(`\n${boundaryText[boundary]}, in microseconds`)
    sayRows(terminal, own, figures.ratios)
  }
  sayRedis(terminal, figures.redis)
  sayGoals(terminal, figures.goals)
}

function sayRows(
  { say, colours }: Terminal,
  rows: readonly ServiceRow[],
  ratios: readonly ServiceRatio[],
): void {
  const head = ['', 'under way', '', 'p50', 'p90', 'p99', 'p50 of rounds', 'writes/s', 'times etcd']
  const lines = rows.map((row) => {
    const { durability, window, system, p50, p90, p99, p50Least, p50Most, perSecond } = row
    const ratio = ratios.find(
      (each) => each.boundary === row.boundary && each.durability === durability && each.window === window,
    )
    return [
      durability,
      String(window),
      system,
      ...[p50, p90, p99].map(grouped),
      `${grouped(p50Least)} … ${grouped(p50Most)}`,
      grouped(perSecond),
      ratio === undefined || system !== 'aviary' ? '' : digits(ratio.latency),
    ]
  })
  say(
    table([head.map((name) => colours.dim(name)), ...lines], {
      align: ['left', right, 'left', ...head.slice(3).map(() => right)],
    }),
  )
}

function sayRedis({ say, colours }: Terminal, rows: readonly RedisRow[]): void {
  if (rows.length === 0) return
  say('\nredis-benchmark -t set,get -c 50, requests a second; p50 and p99 in microseconds')
  const head = ['test', '-P', '', 'median', 'least', 'most', 'p50', 'p99']
  const lines = rows.map((row) => [
    row.test,
    String(row.pipeline),
    row.server === 'redis' ? 'redis, unreplicated' : 'aviary',
    ...[row.perSecond, row.perSecondLeast, row.perSecondMost, row.p50, row.p99].map(grouped),
  ])
  say(
    table([head.map((name) => colours.dim(name)), ...lines], {
      align: ['left', right, 'left', ...head.slice(3).map(() => right)],
    }),
  )
}

function sayGoals({ say, colours }: Terminal, goals: readonly Goal[]): void {
  if (goals.length === 0) return
  say()
  const lines = goals.map(({ goal, wanted, reached, isMet }) => [
    isMet ? colours.green('met') : colours.red('missed'),
    goal,
    digits(wanted),
    digits(reached),
  ])
  say(table([['', 'goal', 'wanted', 'reached'], ...lines], { align: ['left', 'left', right, right] }))
}
