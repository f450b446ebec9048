/** What `aviary bench commit` has measured, and how it is shown. The bench itself is in a checkout only. */
import { type Terminal, grouped, table } from './terminal.js'

interface Commits {
  readonly window: number
  readonly commits: number
  readonly entries: number
  readonly millis: number
  readonly cpuMillis: number
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly p999: number
  readonly most: number
}

interface LeaderCost {
  readonly window: number
  readonly total: number
  readonly native: number
  readonly handlers: number
  readonly runner: number
  readonly turns: number
  readonly handlerCalls: number
  readonly grouped: number
}

interface CommitFigures {
  readonly nodes: number
  readonly sizeBytes: number
  readonly processors: number
  readonly isUncrowded: boolean
  readonly processes: readonly Commits[]
  readonly leader: readonly LeaderCost[]
}

export interface CommitBench {
  benchCommit(options: {
    readonly nodes: number | undefined
    readonly sizeBytes: number | undefined
    readonly seconds: number | undefined
    readonly onProgress: (what: string) => void
  }): Promise<CommitFigures>
}

const micros = (value: number): string => (value < 100 ? value.toFixed(2) : grouped(Math.round(value)))

export function sayCommits({ say, colours }: Terminal, figures: CommitFigures): void {
  const { nodes, sizeBytes, processors, isUncrowded, processes, leader } = figures
  const head = (names: readonly string[]): string[] => names.map((name) => colours.dim(name))
  const right = Array.from({ length: 9 }, () => 'right' as const)
  say(
    `\nA commit of ${String(sizeBytes)} bytes, ${String(nodes)} replicas, from proposal to its end in the thread of the core, in microseconds.`,
  )
  say(
    isUncrowded
      ? `Each replica is a process with a processor of its own.`
      : colours.yellow(
          `${String(nodes)} processes share ${String(processors)} processors: latencies are those of the scheduler more than of the protocol.`,
        ),
  )
  say(
    table(
      [
        head(['window', 'p50', 'p90', 'p99', 'p99.9', 'most', 'commits/s', 'grouped', 'leader CPU']),
        ...processes.map(({ window, p50, p90, p99, p999, most, commits, entries, millis, cpuMillis }) => [
          String(window),
          ...[p50, p90, p99, p999, most].map(micros),
          grouped(Math.round((1000 * commits) / millis)),
          (commits / entries).toFixed(1),
          micros((1000 * cpuMillis) / commits),
        ]),
      ],
      { align: right },
    ),
  )
  say(
    `\nAll replicas in one thread: what the leader alone costs, for each commit, in microseconds; turns and calls of handlers.`,
  )
  say(
    table(
      [
        head(['window', 'leader', 'native', 'handlers', 'runner', 'turns', 'calls', 'grouped']),
        ...leader.map(
          ({ window, total, native, handlers, runner, turns, handlerCalls, grouped: together }) => [
            String(window),
            ...[total, native, handlers, runner].map(micros),
            turns.toFixed(2),
            handlerCalls.toFixed(2),
            together.toFixed(1),
          ],
        ),
      ],
      { align: right },
    ),
  )
  say(
    colours.dim(
      'grouped: operations in an entry of the log. native: posting, copying, polling. handlers: the core. runner: sessions, replies, timers. Three replicas of one program in one thread are slower than one: their code is not shared.',
    ),
  )
}
