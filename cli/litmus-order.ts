/** What the litmus command and its worker threads say to each other. Plain data. */
import type { Rule } from '../protocol/index.js'
import type { Expectation, Schedule } from '../model-check/litmus/index.js'

export interface LitmusTask {
  readonly index: number
  readonly file: string
  readonly text: string
  readonly broken: readonly Rule[]
  readonly states: number | undefined
}

/** One outcome that was seen, or one that is allowed and was not. */
export interface OutcomeReport {
  readonly values: readonly string[]
  /** How nodes end that do not come to their end, in words. */
  readonly endings: string
  readonly expected: Expectation
  readonly schedule: Schedule | undefined
}

export interface LitmusReport {
  readonly states: number
  readonly steps: number
  readonly seconds: number
  readonly isComplete: boolean
  readonly isAsExpected: boolean
  readonly observables: readonly string[]
  readonly outcomes: readonly OutcomeReport[]
  readonly failure: { readonly message: string; readonly schedule: Schedule } | undefined
  /** A state from which the program never comes to rest. */
  readonly restless: Schedule | undefined
}

export type LitmusAnswer =
  | { readonly index: number; readonly report: LitmusReport }
  | { readonly index: number; readonly error: string; readonly mend: string }
