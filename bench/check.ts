/**
 * The speed of the model checker on one core: time to a known number of distinct states, with invariants judged and
 * parents kept, from the building of the world to the end of the search. Each figure is the best of a few runs, each in a
 * thread of its own, so that the compilation of the loops is in it. A search that takes less than that is run again in
 * its thread: `warmSeconds` is what it takes once its loops are compiled.
 */
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads'
import { type CheckResult, Checker } from '../model-check/index.js'
import { systems } from '../protocol/index.js'
import { type Setup, defaultSetup } from '../sim/index.js'

export interface CheckFigures {
  readonly systems: readonly {
    readonly model: string
    readonly seconds: number
    /** The least of what it takes again and again in the same thread; null where it takes more than a second. */
    readonly warmSeconds: number | null
    readonly distinct: number
    /** In TLC's unit: moved + idle + 1. */
    readonly generated: number
    readonly generatedPerSecond: number
    readonly movedPerSecond: number
    readonly distinctPerSecond: number
    readonly bytesPerState: number
    readonly memoHitRate: number
  }[]
}

interface Task {
  readonly model: string
  readonly system: string
  readonly setup: Partial<Setup>
  readonly symmetry?: boolean
  readonly states?: number
}

const register = { words: 2, slots: 1, clients: 1, operations: 2, attempts: 1 }
const tasks: readonly Task[] = [
  { model: '2pc 8', system: '2pc', setup: { nodes: 8 } },
  { model: '2pc 9', system: '2pc', setup: { nodes: 9 } },
  { model: '2pc 8, symmetry', system: '2pc', setup: { nodes: 8 }, symmetry: true },
  { model: 'register by words', system: 'rdma-register', setup: { nodes: 2, parameters: register } },
  {
    model: 'paxos, 1 M states',
    system: 'paxos',
    setup: { parameters: { clients: 1, operations: 1, rounds: 1 } },
    states: 1_000_000,
  },
]
const runs = 3

export async function benchCheck(
  options: { readonly onProgress?: ((model: string) => void) | undefined } = {},
): Promise<CheckFigures> {
  const figures: CheckFigures['systems'][number][] = []
  for (const task of tasks) {
    options.onProgress?.(task.model)
    const all: CheckFigures['systems'][number][] = []
    for (let run = 0; run < runs; run++) all.push(await inThread(task))
    figures.push(all.reduce((best, each) => (each.seconds < best.seconds ? each : best)))
  }
  return { systems: figures }
}

function inThread(task: Task): Promise<CheckFigures['systems'][number]> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: task })
    worker.once('message', resolve)
    worker.once('error', reject)
  })
}

function measure(task: Task): CheckFigures['systems'][number] {
  const { seconds, result } = searched(task)
  const { distinct, generated, moved, bytesPerState, memoHitRate } = result
  return {
    model: task.model,
    seconds,
    warmSeconds: seconds < longSeconds ? warm(task) : null,
    distinct,
    generated,
    generatedPerSecond: Math.round(generated / seconds),
    movedPerSecond: Math.round(moved / seconds),
    distinctPerSecond: Math.round(distinct / seconds),
    bytesPerState,
    memoHitRate,
  }
}

/** What takes longer is not run again. */
const longSeconds = 1
/** The least of what a search takes, run again and again. */
function warm(task: Task): number {
  let best = Infinity
  for (const end = performance.now() + 2000 * longSeconds; performance.now() < end;)
    best = Math.min(best, searched(task).seconds)
  return best
}

function searched({ system, setup, symmetry, states }: Task): { seconds: number; result: CheckResult } {
  const definition = systems.find(({ name }) => name === system)!
  const base = defaultSetup(definition)
  const knobs = system === 'rdma-register' ? ({ ...base.knobs, poll: 'loads' } as const) : base.knobs
  const parameters = { ...base.parameters, ...setup.parameters }
  const begin = performance.now()
  const checker = new Checker(definition, { ...base, ...setup, knobs, parameters }, { symmetry, states })
  while (checker.advance(1 << 14));
  return { seconds: (performance.now() - begin) / 1000, result: checker.result() }
}

if (!isMainThread) parentPort?.postMessage(measure(workerData as Task))
