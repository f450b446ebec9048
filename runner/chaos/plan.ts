/**
 * What is done to a cluster, drawn from a seed: the same seed, the same plan. Which member a step meets is drawn too, but
 * a real cluster decides whether it may: then the next one that may takes its place, and the step waits where none may.
 */
import { Random, derivedSeed } from '../../sim/index.js'

export const chaosKinds = ['kill', 'stop', 'cut', 'slow', 'kill all'] as const
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
    | { readonly kind: 'stop'; readonly lastsMillis: number }
    | {
        readonly kind: 'cut'
        readonly lastsMillis: number
        /** The other end of the link. */
        readonly peer: number
        readonly direction: Direction
      }
    /** Waits so many microseconds in each round of its loop. */
    | { readonly kind: 'slow'; readonly lastsMillis: number; readonly micros: number }
    /** So many members at the same moment; only where acknowledgements are flushed. */
    | { readonly kind: 'kill all'; readonly count: number }
  )

export interface PlanChoice {
  readonly seed: number
  readonly nodes: number
  readonly millis: number
  /** Whether what members remember outlives their processes. */
  readonly isDurable: boolean
}

const LEADER_SHARE = 0.4
/** Milliseconds between two steps. */
const LEAST_PAUSE = 150
const MOST_PAUSE = 900
/** Milliseconds that a fault lasts which ends by itself. */
const LEAST_LASTING = 20
const MOST_LASTING = 1200
/** Microseconds: from less than a heartbeat to more than what makes a leader suspect. */
const SLOWNESS = [100, 500, 2_000, 10_000, 30_000]

export function drawPlan({ seed, nodes, millis, isDurable }: PlanChoice): readonly ChaosStep[] {
  const random = new Random(derivedSeed(seed, 1))
  const steps: ChaosStep[] = []
  const lasting = (): number => random.between(LEAST_LASTING, MOST_LASTING)
  for (let at = LEAST_PAUSE; at < millis; at += random.between(LEAST_PAUSE, MOST_PAUSE)) {
    const target = random.chance(LEADER_SHARE) ? 'leader' : random.below(nodes)
    const common = { atMillis: at, target } as const
    const draw = random.below(100)
    if (isDurable && draw < 8)
      steps.push({ ...common, kind: 'kill all', count: random.between((nodes >> 1) + 1, nodes) })
    else if (draw < 38) steps.push({ ...common, kind: 'kill' })
    else if (draw < 63) steps.push({ ...common, kind: 'stop', lastsMillis: lasting() })
    else if (draw < 85)
      steps.push({
        ...common,
        kind: 'cut',
        lastsMillis: lasting(),
        peer: random.below(nodes),
        direction: random.pick(['to', 'from', 'both']),
      })
    else steps.push({ ...common, kind: 'slow', lastsMillis: lasting(), micros: random.pick(SLOWNESS) })
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
    case 'stop':
      return `stop ${who} for ${String(step.lastsMillis)} ms`
    case 'cut': {
      const way = { to: 'everything to', from: 'everything from', both: 'the link to' }[step.direction]
      return `cut ${who}: ${way} member ${String(step.peer)} for ${String(step.lastsMillis)} ms`
    }
    case 'slow':
      return `slow ${who} by ${String(step.micros)} µs a round for ${String(step.lastsMillis)} ms`
    case 'kill all':
      return `kill ${String(step.count)} members at once`
  }
}
