/**
 * The speed of the simulator: moved actions per second on one core under the timed scheduler with default latencies and
 * no faults. Idle polls are counted apart. `judged` evaluates every invariant after every step and checks the history of
 * each run; `traced` records a trace with fingerprints as well; `bare` does neither. Each figure comes from a thread of
 * its own that runs one system in one way, as a hunt does: code that has met several systems is slower.
 */
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads'
import { type SystemDefinition, systems } from '../protocol/index.js'
import {
  type Plan,
  Random,
  Run,
  type Setup,
  TraceRecorder,
  defaultLatency,
  defaultSetup,
  makeScheduler,
} from '../sim/index.js'
import { Outcome } from '../sim/world/site.js'
import { median } from './median.js'

export interface SystemFigures {
  readonly system: string
  /** Moved actions per second, nothing judged or recorded. */
  readonly actionsPerSecond: number
  readonly judgedActionsPerSecond: number
  /** Share of the bare rate that recording costs, from pairs of alternating samples. */
  readonly tracingOverhead: number
  readonly idlePollsPerAction: number
  readonly bytesAllocatedPerAction: number
  /** Virtual seconds per second of the wall. */
  readonly virtualToWall: number
  readonly runsPerSecond: number
}
export interface SimFigures {
  readonly systems: readonly SystemFigures[]
}
export interface BenchSimOptions {
  readonly systems?: readonly SystemDefinition[] | undefined
  /** Wall seconds per system. */
  readonly seconds?: number | undefined
  readonly onProgress?: ((system: string) => void) | undefined
}

const samples = 5

export async function benchSim(options: BenchSimOptions = {}): Promise<SimFigures> {
  const seconds = options.seconds ?? 15
  const figures: SystemFigures[] = []
  for (const { name } of options.systems ?? systems) {
    options.onProgress?.(name)
    const { rate, idle, virtualToWall, runs, bytes } = await inThread({
      system: name,
      figure: 'bare',
      seconds: seconds / 3,
    })
    const judged = await inThread({ system: name, figure: 'judged', seconds: seconds / 3 })
    const tracing = await inThread({ system: name, figure: 'tracing', seconds: seconds / 3 })
    figures.push({
      system: name,
      actionsPerSecond: Math.round(rate),
      judgedActionsPerSecond: Math.round(judged.rate),
      tracingOverhead: Math.max(0, 1 - tracing.rate),
      idlePollsPerAction: idle,
      bytesAllocatedPerAction: bytes,
      virtualToWall,
      runsPerSecond: Math.round(runs),
    })
  }
  return { systems: figures }
}

/** What one thread measures. */
interface Task {
  readonly system: string
  /** `tracing`: the rate with tracing as a share of the rate without. */
  readonly figure: 'bare' | 'judged' | 'tracing'
  readonly seconds: number
}
interface Measured {
  readonly rate: number
  /** Idle steps per moved action, bytes of heap per action, virtual per wall second, runs per second. */
  readonly idle: number
  readonly bytes: number
  readonly virtualToWall: number
  readonly runs: number
}

function inThread(task: Task): Promise<Measured> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: task })
    worker.once('message', resolve)
    worker.once('error', reject)
  })
}

/** The longest scripts that the system allows, so that a run is long. */
function longSetup(definition: SystemDefinition): Setup {
  const setup = defaultSetup(definition)
  const operations = definition.parameters['operations']
  if (operations === undefined) return setup
  return { ...setup, parameters: { ...setup.parameters, operations: operations.maximum } }
}

type Mode = 'bare' | 'judged' | 'traced'

interface Sample {
  moved: number
  idle: number
  runs: number
  virtualNanos: number
  wallNanos: number
}

function measure({ system, figure, seconds }: Task): Measured {
  const definition = systems.find(({ name }) => name === system)!
  const run = bench(definition, figure === 'judged' ? 'judged' : 'bare')
  const traced = figure === 'tracing' ? bench(definition, 'traced') : undefined
  const wallNanos = (seconds * 1e9) / (traced === undefined ? 1 : 2)
  // A third of the time goes into warming up: the compiler has the other core, if that is free.
  run(wallNanos / 3)
  traced?.(wallNanos / 3)
  const budget = (wallNanos * 2) / 3 / samples
  const rates: number[] = []
  let last = run(1)
  for (let i = 0; i < samples; i++) {
    const recorded = traced?.(budget)
    last = run(budget)
    rates.push(recorded === undefined ? rate(last) : rate(recorded) / rate(last))
  }
  return {
    rate: median(rates),
    idle: last.idle / last.moved,
    bytes: figure === 'bare' ? allocation(definition) : 0,
    virtualToWall: last.virtualNanos / last.wallNanos,
    runs: (last.runs / last.wallNanos) * 1e9,
  }
}

const rate = (sample: Sample): number => (sample.moved / sample.wallNanos) * 1e9

/** A function that runs one system over and over for some time. */
function bench(definition: SystemDefinition, mode: Mode): (wallNanos: number) => Sample {
  const setup = longSetup(definition)
  const run = new Run(definition, setup)
  const { world } = run
  const start = world.snapshot()
  const scheduler = makeScheduler(world, quietPlan(setup), new Random(7))
  const recorder = mode === 'traced' ? new TraceRecorder(world) : undefined
  return (wallNanos) => {
    const sample: Sample = { moved: 0, idle: 0, runs: 0, virtualNanos: 0, wallNanos: 0 }
    const begun = process.hrtime.bigint()
    while (sample.wallNanos < wallNanos) {
      world.restore(start)
      world.nowNanos = 0
      if (mode === 'judged') run.judge.reset()
      else world.listener = undefined
      recorder?.clear()
      scheduler.begin()
      let left = 20_000
      while (left-- > 0 && scheduler.next()) {
        const { site } = scheduler
        const subject = mode === 'traced' ? world.sites[site]!.subject(scheduler.choice) : 0
        const outcome = world.step(site, scheduler.choice)
        if (outcome === Outcome.moved) {
          sample.moved++
          recorder?.add(site, subject)
          if (mode === 'judged' && run.judge.afterStep() !== undefined)
            throw new Error(`${definition.name} violates its spec in the benchmark`)
        } else sample.idle++
        scheduler.after(outcome)
        if ((left & 15) === 0 && world.clients !== undefined && world.clients.busy() === 0) break
      }
      if (mode === 'judged' && run.judge.finish() !== undefined)
        throw new Error(`${definition.name} violates its spec in the benchmark`)
      sample.runs++
      sample.virtualNanos += world.nowNanos
      sample.wallNanos = Number(process.hrtime.bigint() - begun)
    }
    return sample
  }
}

function quietPlan(setup: Setup): Plan {
  return {
    seed: 7,
    setup,
    scheduler: 'timed',
    depth: 1,
    actions: 20_000,
    pace: { meanActions: Infinity, stableActions: 0 },
    clock: { meanNanos: Infinity, stableNanos: 0 },
    latency: defaultLatency,
  }
}

/**
 * Bytes of heap that an action takes, once the code is warm: the growth of the heap over stretches that met no
 * collection (growth is then exact), the least of several.
 */
function allocation(definition: SystemDefinition): number {
  const setup = longSetup(definition)
  const run = new Run(definition, setup)
  const { world } = run
  world.listener = undefined
  const start = world.snapshot()
  const scheduler = makeScheduler(world, quietPlan(setup), new Random(7))
  let best = Infinity
  for (let stretch = 0; stretch < 60; stretch++) {
    let moved = 0
    const before = process.memoryUsage().heapUsed
    while (moved < 4_000) {
      world.restore(start)
      scheduler.begin()
      let left = 4_000
      while (left-- > 0 && scheduler.next()) {
        const outcome = world.step(scheduler.site, scheduler.choice)
        if (outcome === Outcome.moved) moved++
        scheduler.after(outcome)
        if ((left & 15) === 0 && world.clients !== undefined && world.clients.busy() === 0) break
      }
    }
    const grown = process.memoryUsage().heapUsed - before
    if (moved > 0 && grown >= 0) best = Math.min(best, grown / moved)
  }
  return best
}

if (!isMainThread) parentPort!.postMessage(measure(workerData as Task))
