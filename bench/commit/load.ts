/** A load on a service: so many proposals under way at any time, for so long; what each took, in the thread of the core. */
import { operationOf } from './operation.js'
import { Standing } from '../../protocol/index.js'
import { Outcome, type ServiceReplica } from '../../runner/index.js'

export interface Load {
  readonly window: number
  readonly sizeBytes: number
  readonly warmUpMillis: number
  readonly millis: number
}

export interface LoadResult {
  readonly window: number
  readonly commits: number
  /** Entries of the log that they made: less than commits where several were ordered as one. */
  readonly entries: number
  readonly millis: number
  /** Processor time of this process meanwhile. */
  readonly cpuMillis: number
  /** Microseconds from proposal to its end. */
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly p999: number
  readonly most: number
}

const MOST_SAMPLES = 2_000_000

/** Drives `round` until the load is over. */
export function runLoad(service: ServiceReplica, load: Load, round: () => void): LoadResult {
  const operation = operationOf(load.sizeBytes)
  const samples = new Float64Array(MOST_SAMPLES)
  let count = 0
  let isMeasuring = false
  let isOver = false
  let underWay = 0
  const begunAt = new Float64Array(load.window)
  const propose = (lane: number): void => {
    begunAt[lane] = performance.now()
    service.propose(operation, operation.length, lanes[lane]!)
    underWay++
  }
  const lanes = Array.from({ length: load.window }, (_, lane) => (outcome: Outcome) => {
    underWay--
    if (outcome !== Outcome.done)
      throw new Error('a proposal was not committed: the figures would say nothing')
    if (isMeasuring) {
      if (count < MOST_SAMPLES) samples[count] = performance.now() - begunAt[lane]!
      count++
    }
    if (!isOver) propose(lane)
  })
  // Not before it leads.
  while (service.leader < 0) round()
  for (let lane = 0; lane < load.window; lane++) propose(lane)
  for (const end = performance.now() + load.warmUpMillis; performance.now() < end;) round()
  isMeasuring = true
  const begun = performance.now()
  const cpu = process.cpuUsage()
  const firstEntry = service.standing[Standing.applied]!
  // A replica without a processor may take longer for the first; an operation that is never answered throws above.
  while (performance.now() - begun < load.millis || count === 0) round()
  const millis = performance.now() - begun
  const { user, system } = process.cpuUsage(cpu)
  const lastEntry = service.standing[Standing.applied]!
  isMeasuring = false
  isOver = true
  while (underWay > 0) round()
  return {
    window: load.window,
    commits: count,
    entries: lastEntry - firstEntry,
    millis,
    cpuMillis: (user + system) / 1000,
    ...percentiles(samples.subarray(0, Math.min(count, MOST_SAMPLES))),
  }
}

/** In microseconds, of samples in milliseconds, which are sorted where they are. */
export function percentiles(
  samples: Float64Array,
): Pick<LoadResult, 'p50' | 'p90' | 'p99' | 'p999' | 'most'> {
  const sorted = samples.sort()
  const at = (fraction: number): number =>
    1000 * (sorted[Math.min(sorted.length - 1, Math.floor(fraction * sorted.length))] ?? NaN)
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999), most: at(1) }
}
