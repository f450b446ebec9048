/** The model checker: breadth-first search with interned components and remembered local steps. */
export {
  type CheckCounts,
  type CheckOptions,
  type CheckResult,
  Checker,
  type SiteCounts,
  check,
} from './check.js'
export type { Finding } from './counterexample.js'
export { SymmetryRefused } from './symmetry.js'
export type { Rounds } from './rounds.js'
export { type Round, type RoundReport, sweepShared } from './shared-sweep.js'
