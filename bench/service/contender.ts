/** Who is measured, and at which boundary. Figures of different boundaries are never divided by each other. */
import type { Load, LoadResult } from '../commit/load.js'
import type { Scope } from '../scope.js'

/** `program`: a call in the process of the leader. `protocol`: a client's connection to the leader. */
export type Boundary = 'program' | 'protocol'
/** What an acknowledgement stands for: a majority of memories, or a majority of flushed disks. */
export type Durability = 'memory' | 'disk'

export type Measured = Pick<LoadResult, 'window' | 'commits' | 'millis' | 'p50' | 'p90' | 'p99'>

export interface Setting {
  readonly boundary: Boundary
  readonly durability: Durability
  /** Where members keep what is durable: a file system in memory, or one on a disk, the same for all contenders. */
  readonly folder: string
  /** Members, on loopback and shared memory of this machine. */
  readonly nodes: number
  readonly loads: readonly Load[]
}

export interface Contender {
  readonly system: 'aviary' | 'etcd'
  readonly boundary: Boundary
  /** How it is set up, in a few words. */
  readonly manner: string
  readonly version: string
  /** Starts a cluster, has its leader take the loads, one after the other, and leaves the rest to the scope. */
  measure(scope: Scope, setting: Setting): Promise<readonly Measured[]>
}

export interface LeftOut {
  readonly part: string
  readonly reason: string
}
