/** What `aviary check --json` prints. */
import type { CheckResult, LivenessKind, SearchOrder } from '../model-check/index.js'
import type { CheckOrder } from './check-options.js'
import type { Checked } from './check-report.js'
import type { CoverageReport } from './coverage.js'

export interface CheckJson {
  readonly system: string
  readonly bug: string | null
  readonly nodes: number
  readonly workers: number
  readonly order: SearchOrder
  /** Why the search ended: everything was looked at, a violation, a bound, or the user. */
  readonly ended: Ending
  readonly exhaustive: boolean
  readonly distinct: number
  /** In TLC's unit: moved + idle + 1. */
  readonly generated: number
  readonly moved: number
  readonly idle: number
  readonly refused: number
  readonly seconds: number
  readonly depth: number
  /** Random walks that have ended. */
  readonly walks: number
  /** States that were found and not expanded. */
  readonly unknown: number
  /** Steps that a ceiling left out, and those that a reduction left out. */
  readonly beyond: number
  readonly takings: number
  readonly historyJudged: boolean
  readonly liveness: LivenessJson | null
  /** Nodes whose names were not told apart. */
  readonly interchangeable: readonly string[]
  readonly violations: readonly {
    readonly name: string
    readonly kind: string
    readonly reason: string
    readonly steps: number
    /** How many steps at the end lead back to where they began; null where there is no such cycle. */
    readonly cycle: number | null
    readonly trace: string
    readonly replay: string
  }[]
  readonly memoHitRate: number
  readonly sites: CheckResult['sites']
  readonly bytesPerState: number
  readonly wordsPerState: number
  /** Of the model, and of the search. */
  readonly bounds: Readonly<Record<string, number>>
  readonly limits: Limits
  /** What the scenario leaves out, in sentences, and the reductions in use. */
  readonly scenario: readonly string[]
  readonly reductions: readonly string[]
  /** Partial-order reduction: states of which not all steps were taken, and how many were not; null where it was off. */
  readonly partialOrder: CheckResult['partialOrder'] | null
  readonly coverage: Pick<CoverageReport, 'handlers' | 'notes' | 'faults' | 'neverSeen'>
  /** When nothing was found: a few short runs out of what was looked at, as actions in words. */
  readonly samples: readonly (readonly string[])[]
}

/** Where a search ends; null where there is no bound. */
export interface Limits {
  readonly states: number | null
  readonly depth: number | null
  readonly seconds: number
  readonly memoryMiB: number
}

export const limitsOf = ({ states, depth, seconds, memoryMiB }: CheckOrder): Limits => ({
  states: states ?? null,
  depth: depth ?? null,
  seconds,
  memoryMiB,
})

/** What was asked of liveness; its counts are null where it was not judged. */
interface LivenessJson {
  readonly kind: LivenessKind
  /** States in which the goal is promised, those of them that have reached it, and those of which a bound leaves it open. */
  readonly promised: number | null
  readonly reached: number | null
  readonly open: number | null
}

export type Ending =
  'exhausted' | 'violation' | 'states' | 'depth' | 'walks' | 'seconds' | 'memory' | 'interrupted'

/** The result of a check for programs. */
export function checkJson(checked: Checked, violations: CheckJson['violations']): CheckJson {
  const { system, setup, result, seconds, ended, coverage, order, workers, limits, samples } = checked
  const { distinct, generated, moved, idle, refused, depth, walks, unknown } = result
  const { handlers, notes, faults, neverSeen } = coverage
  return {
    system: system.definition.name,
    bug: setup.bug ?? null,
    nodes: setup.nodes,
    workers,
    order,
    ended,
    exhaustive: result.exhaustive,
    distinct,
    generated,
    moved,
    idle,
    refused,
    seconds: Math.round(seconds * 1000) / 1000,
    depth,
    walks,
    unknown,
    beyond: result.beyond,
    takings: result.takings,
    historyJudged: result.historyJudged,
    liveness: livenessJson(checked),
    interchangeable: result.interchangeable,
    violations,
    memoHitRate: result.memoHitRate,
    sites: result.sites,
    bytesPerState: result.bytesPerState,
    wordsPerState: result.wordsPerState,
    bounds: result.bounds,
    limits,
    scenario: result.scenario,
    reductions: result.reductions,
    partialOrder: result.partialOrder ?? null,
    coverage: { handlers, notes, faults, neverSeen },
    samples,
  }
}

function livenessJson({ liveness, result }: Checked): LivenessJson | null {
  if (liveness === undefined) return null
  return result.liveness ?? { kind: liveness.kind, promised: null, reached: null, open: null }
}
