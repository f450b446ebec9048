/** What a hunt and its worker threads say to each other. Plain data. */
import type { SwarmOptions, Violation } from '../sim/index.js'
import type { Totals } from './coverage.js'
import type { SystemSource } from './system-source.js'

export interface HuntOrder {
  readonly source: SystemSource
  readonly swarm: SwarmOptions
  readonly firstSeed: number
  /** How many seeds there are for all workers together. */
  readonly seeds: number
  /** This worker takes the seeds at offsets `worker`, `worker + stride`, … */
  readonly worker: number
  readonly stride: number
  /** Time for exploring, from the moment at which the worker is ready. */
  readonly seconds: number
  readonly keepGoing: boolean
  /** See `control`. */
  readonly control: SharedArrayBuffer
}

/** Words that all threads of a hunt see. */
export const control = {
  /** 1: stop as soon as possible. */
  stop: 0,
  /** The highest offset of a seed that is still of interest. */
  limit: 1,
} as const

/** A violation and the actions that led to it. */
export interface RawFinding {
  readonly seed: number
  readonly run: number
  readonly violation: Violation
  readonly sites: Uint16Array
  readonly subjects: Float64Array
}

export type HuntReport =
  /** The worker has loaded the system and begins. */
  | { readonly kind: 'ready' }
  /** All that the worker has done so far. */
  | { readonly kind: 'totals'; readonly totals: Totals }
  | { readonly kind: 'finding'; readonly finding: RawFinding }
  /** The system or Aviary threw where no protocol code is expected to. */
  | { readonly kind: 'failure'; readonly seed: number; readonly message: string; readonly place: string }
