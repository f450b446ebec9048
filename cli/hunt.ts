/**
 * A hunt: many seeds on many worker threads, until time, seeds or patience are over, or something is found.
 *
 * Contract. Worker w takes the seeds at offsets w, w + W, …; unless the hunt keeps going, a finding ends it after all
 * earlier seeds have been looked at, so that the result does not depend on how many workers there are (as long as there
 * is time). A run that only stalls (liveness) lets the hunt go on for some seeds, for a violation of safety says more. The thread that calls only listens, so that it can draw and be interrupted.
 */
import { Worker } from 'node:worker_threads'
import type { SwarmOptions } from '../sim/index.js'
import { type Totals, mergeTotals, noTotals } from './coverage.js'
import { UsageError, oneLine } from './errors.js'
import { type HuntOrder, type HuntReport, type RawFinding, control } from './hunt-order.js'
import type { Interrupt } from './interrupt.js'
import type { LoadedSystem } from './load-system.js'

export interface HuntRequest {
  readonly system: LoadedSystem
  readonly swarm: SwarmOptions
  readonly firstSeed: number
  /** Undefined: as many as there is time for. */
  readonly seeds: number | undefined
  /** Undefined: as long as there are seeds. */
  readonly seconds: number | undefined
  readonly workers: number
  readonly keepGoing: boolean
  readonly interrupt: Interrupt
  onProgress(state: HuntState): void
}

export interface HuntState {
  readonly totals: Totals
  readonly seconds: number
  readonly findings: readonly RawFinding[]
}

export interface HuntResult extends HuntState {
  readonly interrupted: boolean
}

const progressMillis = 200
/** Offsets of seeds are below this; more than anybody explores. */
const mostSeeds = 2 ** 31 - 1

export async function hunt(request: HuntRequest): Promise<HuntResult> {
  const { system, swarm, firstSeed, workers, keepGoing, interrupt } = request
  const shared = new SharedArrayBuffer(8)
  const words = new Int32Array(shared)
  words[control.limit] = mostSeeds
  const seeds = Math.min(request.seeds ?? mostSeeds, mostSeeds)
  // Starting threads is no exploring: on a busy machine it takes a while.
  let begin: number | undefined
  const totals = Array.from({ length: workers }, noTotals)
  const findings: RawFinding[] = []
  let failure: UsageError | undefined
  const stop = (): void => {
    Atomics.store(words, control.stop, 1)
  }
  const release = interrupt.onStop(stop)
  const state = (): HuntState => ({
    totals: mergeTotals(totals),
    seconds: begin === undefined ? 0 : (performance.now() - begin) / 1000,
    findings,
  })
  const ticker = setInterval(() => {
    request.onProgress(state())
  }, progressMillis)
  const order: Omit<HuntOrder, 'worker'> = {
    source: system.source,
    swarm,
    firstSeed,
    seeds,
    stride: workers,
    seconds: request.seconds ?? Infinity,
    keepGoing,
    control: shared,
  }
  const runWorker = (worker: number): Promise<void> =>
    new Promise((resolve) => {
      const workerData: HuntOrder = { ...order, worker }
      const thread = new Worker(new URL('./hunt-worker.js', import.meta.url), { workerData })
      thread.on('message', (report: HuntReport) => {
        switch (report.kind) {
          case 'ready':
            begin ??= performance.now()
            break
          case 'totals':
            totals[worker] = report.totals
            break
          case 'finding':
            findings.push(report.finding)
            break
          case 'failure':
            failure ??= new UsageError(
              `seed ${String(report.seed)}: ${system.argument} throws outside of its cores: ${report.message}${report.place}`,
              'mend the system: build, its workload and its properties must not throw for any choice that they allow.',
            )
            stop()
            break
        }
      })
      thread.on('error', (error) => {
        failure ??= new UsageError(
          `a worker thread ended: ${oneLine(error.message)}`,
          'use fewer --workers, or a smaller cluster, if memory ran out.',
        )
        stop()
      })
      thread.on('exit', () => {
        resolve()
      })
    })
  try {
    await Promise.all(Array.from({ length: Math.min(workers, seeds) }, (_, worker) => runWorker(worker)))
  } finally {
    clearInterval(ticker)
    release()
  }
  if (failure !== undefined) throw failure
  findings.sort((a, b) => a.seed - b.seed || a.run - b.run)
  const isStall = ({ violation }: RawFinding): boolean => violation.kind === 'liveness'
  const first = findings.find((finding) => !isStall(finding)) ?? findings[0]
  const kept =
    keepGoing || first === undefined
      ? findings
      : findings.filter((finding) => finding.seed === first.seed && isStall(finding) === isStall(first))
  return { ...state(), findings: kept, interrupted: interrupt.stopped }
}
