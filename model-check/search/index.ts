/** The model checker: search with interned components and remembered local steps. */
export {
  type CheckCounts,
  type CheckOptions,
  type CheckResult,
  Checker,
  type SearchOrder,
  type SiteCounts,
  check,
  searchOrders,
  usualWalkDepth,
} from './check.js'
export type { Finding } from './counterexample.js'
export { type LivenessCounts, type LivenessKind, livenessKinds } from './liveness.js'
export { SymmetryRefused } from './symmetry.js'
export type { Rounds } from './rounds.js'
export { type Round, type RoundReport, sweepShared } from './shared-sweep.js'
export { type Reduction, ReductionRefused, ScenarioRefused, reductionNames } from './reductions.js'
