/** What commands and the keeper of a testbed say to each other. */
import { join } from 'node:path'
import type { Accelerator } from './accelerator.js'
import type { Kernel } from './kernel.js'
import type { Network } from './machine.js'

/** What the keeper is told by the command that starts it, as a file in the testbed's folder. */
export interface KeeperOrder {
  readonly name: string
  readonly nodes: number
  readonly memoryMiB: number
  readonly processors: number
  readonly isCounted: boolean
  readonly kernel: Kernel
  readonly accelerator: Accelerator
  readonly network: Network
}

export type MachineState = 'booting' | 'ready' | 'paused' | 'down'

export interface MachineStatus {
  readonly machine: number
  readonly address: string
  readonly state: MachineState
  /** Of the process of QEMU. */
  readonly pid: number | undefined
  /** Seconds from the start of that process to readiness. */
  readonly bootSeconds: number | undefined
  /** Why it went down, unless it was asked to. */
  readonly reason: string | undefined
}

export interface TestbedStatus {
  readonly name: string
  readonly folder: string
  readonly accelerator: Accelerator
  readonly kernel: string
  readonly pid: number
  readonly machines: readonly MachineStatus[]
  /** Directions that lose everything. */
  readonly cuts: readonly (readonly [from: number, to: number])[]
}

export type KeeperRequest =
  | { readonly op: 'status' | 'down' }
  | { readonly op: 'kill' | 'pause' | 'resume' | 'start'; readonly machine: number }
  | { readonly op: 'cut'; readonly from: number; readonly to: number }
  /** Without a direction: all. */
  | { readonly op: 'heal'; readonly from?: number; readonly to?: number }

/** To the keeper a process also names its machine. */
export type Routed<Order> = Order & { readonly machine: number }

export const orderPath = (folder: string): string => join(folder, 'order.json')
