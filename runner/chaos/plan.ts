/**
 * What is done to a cluster, drawn from a seed: the same seed, the same plan. Which member a step meets is drawn too, but
 * a real cluster decides whether it may: then the next one that may takes its place, and the step waits where none may.
 */
import { Random, derivedSeed } from '../../sim/index.js'

export const chaosKinds = ['kill', 'kill machine', 'stop', 'cut', 'slow', 'kill all'] as const
export type ChaosKind = (typeof chaosKinds)[number]

/** Which directions of a link are cut, seen from the member that the step is about. */
export type Direction = 'to' | 'from' | 'both'

interface Common {
  /** Milliseconds from the beginning; it is not done earlier. */
  readonly atMillis: number
  /** The member it is about: the leader of that moment, or this one. */
  readonly target: number | 'leader'
}
export type ChaosStep = Common &
  (
    | { readonly kind: 'kill' }
    /** The machine that it runs on, with all that its memory holds. */
    | { readonly kind: 'kill machine' }
    | { readonly kind: 'stop'; readonly lastsMillis: number }
    | {
        readonly kind: 'cut'
        readonly lastsMillis: number
        /** The other end of the link; `all`: of all links that it has. */
        readonly peer: number | 'all'
        readonly direction: Direction
      }
    /** Waits so many microseconds in each round of its loop. */
    | { readonly kind: 'slow'; readonly lastsMillis: number; readonly micros: number }
    /** So many members at the same moment; only where acknowledgements are flushed. */
    | { readonly kind: 'kill all'; readonly count: number }
  )

/** How fast and how hard, as suits the place where members run; what harms them knows it. */
export interface Pace {
  /** Milliseconds between two steps, at least and at most. */
  readonly pauseMillis: readonly [number, number]
  /** Milliseconds that a fault lasts which ends by itself. */
  readonly lastingMillis: readonly [number, number]
  /** Microseconds that a slow member waits in each round of its loop. */
  readonly slownessMicros: readonly number[]
  /** How many of those that are killed lose their machine; 0: there is none to lose. */
  readonly machineShare: number
  /** How many of those that are cut off lose all their links at once. */
  readonly isolationShare: number
  /** Milliseconds between two looks at the members. */
  readonly lookMillis: number
  /** Milliseconds until a client gives up on a connection that does not answer. */
  readonly clientMillis: number
  /** Milliseconds in which something must be acknowledged, and a member be available again. */
  readonly patienceMillis: number
}

export interface PlanChoice {
  readonly seed: number
  readonly nodes: number
  readonly millis: number
  /** Whether what members remember outlives their processes. */
  readonly isDurable: boolean
  readonly pace: Pace
}

const LEADER_SHARE = 0.4

export function drawPlan({ seed, nodes, millis, isDurable, pace }: PlanChoice): readonly ChaosStep[] {
  const { pauseMillis, lastingMillis, slownessMicros, machineShare, isolationShare } = pace
  const random = new Random(derivedSeed(seed, 1))
  const steps: ChaosStep[] = []
  const lasting = (): number => random.between(...lastingMillis)
  for (let at = pauseMillis[0]; at < millis; at += random.between(...pauseMillis)) {
    const target = random.chance(LEADER_SHARE) ? 'leader' : random.below(nodes)
    const common = { atMillis: at, target } as const
    const draw = random.below(100)
    if (isDurable && draw < 8)
      steps.push({ ...common, kind: 'kill all', count: random.between((nodes >> 1) + 1, nodes) })
    else if (draw < 38) {
      const isMachine = machineShare > 0 && random.chance(machineShare)
      steps.push({ ...common, kind: isMachine ? 'kill machine' : 'kill' })
    } else if (draw < 63) steps.push({ ...common, kind: 'stop', lastsMillis: lasting() })
    else if (draw < 85)
      steps.push({
        ...common,
        kind: 'cut',
        lastsMillis: lasting(),
        peer: isolationShare > 0 && random.chance(isolationShare) ? 'all' : random.below(nodes),
        direction: random.pick(['to', 'from', 'both']),
      })
    else steps.push({ ...common, kind: 'slow', lastsMillis: lasting(), micros: random.pick(slownessMicros) })
  }
  return steps
}

/** "+1.250 s kill the leader" */
export function describeStep(step: ChaosStep): string {
  const who = step.target === 'leader' ? 'the leader' : `member ${String(step.target)}`
  return `+${(step.atMillis / 1000).toFixed(3)} s ${describeWhat(step, who)}`
}

export function describeWhat(step: ChaosStep, who: string): string {
  switch (step.kind) {
    case 'kill':
      return `kill ${who}`
    case 'kill machine':
      return `kill the machine of ${who}`
    case 'stop':
      return `stop ${who} for ${String(step.lastsMillis)} ms`
    case 'cut': {
      const isAll = step.peer === 'all'
      const link = isAll ? 'the links to' : 'the link to'
      const way = { to: 'everything to', from: 'everything from', both: link }[step.direction]
      const peer = isAll ? 'all others' : `member ${String(step.peer)}`
      return `cut ${who}: ${way} ${peer} for ${String(step.lastsMillis)} ms`
    }
    case 'slow':
      return `slow ${who} by ${String(step.micros)} µs a round for ${String(step.lastsMillis)} ms`
    case 'kill all':
      return `kill ${String(step.count)} members at once`
  }
}
