/** What a program in a machine of the testbed is to measure, and what it says meanwhile. Plain data. */
import type { FabricAddress } from '../../runner/fabric-choice.js'
import type { Load } from '../commit/load.js'

export type Task =
  /** WRITEs of a port to itself, in native code. */
  | { readonly kind: 'probe'; readonly trips: number }
  /** WRITEs from node 0 to node 1. */
  | { readonly kind: 'write'; readonly self: 0 | 1; readonly trips: number }
  | ReplicaTask
  /** SETs of a Redis client. */
  | { readonly kind: 'set'; readonly host: string; readonly port: number; readonly loads: readonly Load[] }

/** A replica of APUS; the one with loads proposes. */
export interface ReplicaTask {
  readonly kind: 'replica'
  readonly fabric: 'verbs' | 'shm'
  /** Names the cluster on its machine. */
  readonly cluster: string
  readonly self: number
  readonly nodes: number
  readonly parameters: Readonly<Record<string, number>>
  readonly loads: readonly Load[]
}

/** Microseconds from post to completion. */
export interface RawWrite {
  readonly p50: number
  readonly p99: number
  /** Of the RoCE address that was used; undefined where the port was not asked. */
  readonly gidIndex?: number
}

/** How a node, or a replica, is reached by a peer. */
export type Address = FabricAddress | Uint8Array

/** To the program that has begun it. */
export type Said =
  | { readonly kind: 'addresses'; readonly addresses: readonly (Address | undefined)[] }
  | { readonly kind: 'result'; readonly value: unknown }

/** From it. */
export interface Meet {
  readonly peer: number
  readonly address: Address
}
