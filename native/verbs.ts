/** What can be asked about the RDMA devices of this machine without opening a node. */
import { loadAddon } from './addon.js'
import { typed } from './errors.js'
import type { PortChoice } from './options.js'

/** Median and 99th percentile of microseconds from post to completion. */
export type RoundTrip = readonly [p50: number, p99: number]

export interface PortReport {
  readonly device: string
  readonly firmware: string
  readonly link: 'Ethernet' | 'InfiniBand'
  readonly state: string
  readonly port: number
  /** RoCE: the address under which peers reach the port, and its kind. */
  readonly gid: string
  readonly gidKind: string
  readonly gidIndex: number
  /** InfiniBand: the number under which peers reach the port. */
  readonly lid: number
  readonly mtuBytes: number
  readonly mtuBytesMax: number
  /** READs and atomics that a queue pair serves at once. */
  readonly readsAtOnce: number
  readonly hasAtomics: boolean
  /** Whether the words of a WRITE become visible in ascending order, so that a canary behind them may be trusted. */
  readonly placesInOrder: boolean
  readonly roundTrips: number
  readonly writeMicros: RoundTrip
  readonly readMicros: RoundTrip
  readonly atomicMicros: RoundTrip
}

/**
 * Names of all RDMA devices. Throws {@link NativeError}: `ERR_NO_VERBS` where libibverbs is absent, `ERR_VERBS` where the
 * kernel has no RDMA.
 */
export function verbsDevices(): readonly string[] {
  const addon = loadAddon()
  try {
    return addon.verbsDevices()
  } catch (error) {
    throw typed(error)
  }
}

/**
 * Opens a port, and measures requests from it to itself: WRITE and READ of 64 bytes, fetch-and-add.
 *
 * @param roundTrips of each kind, 0 to 100 000
 */
export function probePort(choice: PortChoice, roundTrips: number): PortReport {
  const addon = loadAddon()
  try {
    return addon.probePort({ ...choice, roundTrips })
  } catch (error) {
    throw typed(error)
  }
}
