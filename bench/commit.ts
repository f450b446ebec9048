/**
 * `aviary bench commit`: what a commit of APUS takes over shared memory, measured in the thread of the core, as a user of
 * the embedded API has it.
 *
 * Two settings. *Processes*: each replica a process that spins, as it is meant to be run; the figures are of the protocol
 * only where each has a processor of its own. *One thread*: all replicas in this thread, turned in their turn; the cost of
 * the leader for each commit is measured alone, and what it consists of. Its followers cost it nothing but caches.
 */
import { availableParallelism } from 'node:os'
import { apus } from '../protocol/apus/index.js'
import { ServiceReplica, type Tap } from '../runner/index.js'
import { type LoadResult, runLoad } from './commit/load.js'
import { inProcesses } from './commit/processes.js'
import { scoped } from './scope.js'

export interface CommitOptions {
  readonly nodes?: number | undefined
  readonly sizeBytes?: number | undefined
  readonly seconds?: number | undefined
  readonly onProgress?: ((what: string) => void) | undefined
}

/** Microseconds for each commit. */
export interface LeaderCost {
  readonly window: number
  readonly total: number
  /** In the native node: posting, copying, polling. */
  readonly native: number
  /** In handlers of the core. */
  readonly handlers: number
  /** In the runner around them: sessions, replies, timers. */
  readonly runner: number
  readonly turns: number
  readonly handlerCalls: number
  /** Operations in an entry of the log. */
  readonly grouped: number
}

export interface CommitResult {
  readonly nodes: number
  readonly sizeBytes: number
  readonly processors: number
  /** Whether each replica had a processor. */
  readonly isUncrowded: boolean
  readonly processes: readonly LoadResult[]
  readonly leader: readonly LeaderCost[]
}

const WINDOWS = [1, 2, 4, 8, 16, 32, 64, 128, 256]
const WINDOWS_IN_THREAD = [1, 16, 64, 256]
/** No failover is measured here: a leader must not be suspected because it had no processor for a moment. */
const PARAMETERS = { beatMicros: 20_000, suspectMicros: 1_000_000, sessions: 64, window: 256 }
export async function benchCommit(options: CommitOptions = {}): Promise<CommitResult> {
  const { nodes = 3, sizeBytes = 64, seconds = 2, onProgress } = options
  const millis = 1000 * seconds
  const processors = availableParallelism()
  onProgress?.(`${String(nodes)} processes`)
  const loads = WINDOWS.map((window) => ({ window, sizeBytes, warmUpMillis: millis / 2, millis }))
  const processes = await scoped((scope) => inProcesses(scope, { nodes, parameters: PARAMETERS, loads }))
  const leader: LeaderCost[] = []
  for (const window of WINDOWS_IN_THREAD) {
    onProgress?.(`one thread, window ${String(window)}`)
    leader.push(inOneThread(nodes, sizeBytes, window, millis))
  }
  return { nodes, sizeBytes, processors, isUncrowded: processors >= nodes, processes, leader }
}

/** Adds up the time between two of its calls. */
class Stopwatch {
  total = 0
  calls = 0
  #since = 0
  start(): void {
    this.#since = performance.now()
  }
  stop(): void {
    this.total += performance.now() - this.#since
    this.calls++
  }
}

function inOneThread(nodes: number, sizeBytes: number, window: number, millis: number): LeaderCost {
  const model = apus.service!.build({ nodes, parameters: PARAMETERS })
  const incarnations = new Uint32Array(nodes)
  const handlers = new Stopwatch()
  const tap: Tap = {
    before: () => {
      handlers.start()
    },
    after: () => {
      handlers.stop()
    },
  }
  let isDetailed = false
  const open = (self: number, its: Tap | undefined): ServiceReplica => {
    let epochs = 0
    return new ServiceReplica({
      model,
      self,
      nodes,
      incarnation: 0,
      incarnations,
      cluster: `bench-thread-${String(process.pid)}-${String(window)}-${isDetailed ? 'detailed' : 'plain'}`,
      nextEpoch: () => epochs++,
      ...(its === undefined ? {} : { tap: its }),
    })
  }
  const measure = (): {
    readonly load: LoadResult
    readonly turn: Stopwatch
    readonly others: Stopwatch
    readonly native: Stopwatch
  } => {
    const replicas = Array.from({ length: nodes }, (_, self) =>
      open(self, isDetailed && self === 0 ? tap : undefined),
    )
    const [leader] = replicas as [ServiceReplica]
    const turn = new Stopwatch()
    const others = new Stopwatch()
    const native = new Stopwatch()
    const isMet = (): boolean =>
      replicas.every((each, i) =>
        replicas.every((_, j) => i === j || each.replica.native.peerState(j) === 'connected'),
      )
    while (!isMet()) for (const each of replicas) each.replica.native.turn()
    for (const each of replicas) each.start(performance.now())
    if (isDetailed) {
      const node = leader.replica.native
      const plain = node.turn.bind(node)
      node.turn = () => {
        native.start()
        const ended = plain()
        native.stop()
        return ended
      }
    }
    const round = (): void => {
      turn.start()
      leader.turn(performance.now())
      turn.stop()
      others.start()
      for (let k = 1; k < nodes; k++) replicas[k]!.turn(performance.now())
      others.stop()
    }
    runLoad(leader, { window, sizeBytes, warmUpMillis: millis / 2, millis: 0 }, round)
    for (const watch of [turn, others, native, handlers]) watch.total = watch.calls = 0
    const load = runLoad(leader, { window, sizeBytes, warmUpMillis: 0, millis }, round)
    for (const each of replicas) each.close()
    return { load, turn, others, native }
  }
  const clock = clockMillis()
  const net = (watch: Stopwatch, looks = 1): number => Math.max(0, watch.total - watch.calls * looks * clock)
  const plain = measure()
  // Processor time, so that what else runs on this machine does not count; the leader's part of it by the clock.
  const cpuMicros = (1000 * plain.load.cpuMillis) / plain.load.commits
  const clockMicros = (1000 * clock * 6 * plain.turn.calls) / plain.load.commits
  const ofLeader = net(plain.turn, 2) / (net(plain.turn, 2) + net(plain.others, nodes))
  const perCommit = Math.max(0, cpuMicros - clockMicros) * ofLeader
  // What it consists of is measured anew, for looking costs time; only the shares are taken from there.
  isDetailed = true
  const detail = measure()
  const all =
    detail.turn.total - (2 * detail.turn.calls + 2 * detail.native.calls + 2 * handlers.calls) * clock
  const share = (watch: Stopwatch): number => net(watch) / all
  return {
    window,
    total: perCommit,
    native: perCommit * share(detail.native),
    handlers: perCommit * share(handlers),
    runner: perCommit * Math.max(0, 1 - share(detail.native) - share(handlers)),
    turns: detail.turn.calls / detail.load.commits,
    handlerCalls: handlers.calls / detail.load.commits,
    grouped: plain.load.commits / plain.load.entries,
  }
}

/** Milliseconds that one look at the clock takes. */
function clockMillis(): number {
  const looks = 200_000
  let sum = 0
  const begun = performance.now()
  for (let k = 0; k < looks; k++) sum += performance.now()
  return sum === 0 ? 0 : (performance.now() - begun) / looks
}
