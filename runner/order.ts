/** What the threads of a replica process say to each other. Plain data. */

import type { FabricAddress, FabricChoice } from './fabric-choice.js'
import type { RecordingHeader } from './recording/format.js'

/** What a core thread is started with. */
export interface CoreOrder {
  /** How the system is found; opaque to the runner. */
  readonly source: unknown
  readonly self: number
  readonly nodes: number
  readonly incarnation: number
  /** Names the cluster on this machine. */
  readonly cluster: string
  readonly fabric: FabricChoice
  /** Folder of this replica: its log and its numbers. */
  readonly folder: string
  readonly parameters: Readonly<Record<string, number>>
  /** Seed of scripts and of spontaneous inputs. */
  readonly seed: number
  /** Milliseconds of looking in vain before the thread sleeps. */
  readonly spinMillis: number
  readonly shared: SharedMemory
  readonly recording: RecordingOrder
}

/** How what the core is given is kept. */
export interface RecordingOrder {
  readonly header: RecordingHeader
  /** Takes all of it to the control thread, which writes the file; undefined: only the last seconds are kept, in memory. */
  readonly ring: SharedArrayBuffer | undefined
  /** The file that is written: from the beginning, or when the core has failed. */
  readonly path: string
}

export interface SharedMemory {
  /** Incarnation of each node, as far as known. */
  readonly incarnations: SharedArrayBuffer
  /** See {@link Gauge}. */
  readonly gauges: SharedArrayBuffer
  readonly proposals: SharedArrayBuffer
  readonly replies: SharedArrayBuffer
}

/** 64-bit numbers that a core thread shows, by index. The standing of the service comes first. */
export const Gauge = {
  standing: 0,
  /** 1 once the core has had its first input. */
  started: 8,
  /** Turns, and those that came to something. */
  turns: 9,
  busyTurns: 10,
  inputs: 11,
  /** Operations of callers that have ended, and those under way. */
  ended: 12,
  underWay: 13,
  sleeps: 14,
  /** Messages between nodes that found no way. */
  dropped: 15,
  /** How often memory has moved away from a stopped writer. */
  relocations: 16,
  /** Microseconds from proposal to end, of the last operations: p50, p99, most. */
  latencyP50: 17,
  latencyP99: 18,
  latencyMost: 19,
  /** From here: for each of 32 peers whether its fabric is there. */
  peers: 32,
  /** From here: for each of 32 peers the states of up to 8 queue pairs, as digits of base 8, the first lowest; see `endStates`. */
  pairs: 64,
} as const
export const gaugeWords = 96

/** To the core thread. */
export type CoreCommand =
  /** All peers are there that must be; the core begins when the fabric has met those of `await`. */
  | { readonly kind: 'start'; readonly await: readonly number[] }
  /** What a peer has told of how its fabric is reached. */
  | { readonly kind: 'meet'; readonly peer: number; readonly address: FabricAddress }
  /** Everything to a peer, and its answers, are lost from here on, or no more. */
  | { readonly kind: 'impair'; readonly peer: number; readonly requests: boolean; readonly answers: boolean }
  /** Waits so long in each round of the loop: a slow node. */
  | { readonly kind: 'slow'; readonly micros: number }
  | { readonly kind: 'dump' }
  /** Asks for a digest of what is replicated; services only. */
  | { readonly kind: 'digest' }
  | { readonly kind: 'stop' }

/** From the core thread. */
export type CoreReport =
  /** Its native node is open; `waker` wakes the thread out of its sleep. */
  | { readonly kind: 'ready'; readonly waker: number }
  /** What each peer must be told so that it can reach this node's fabric; only of fabrics that need it. */
  | { readonly kind: 'addresses'; readonly addresses: readonly FabricAddress[] }
  | { readonly kind: 'started' }
  /** What a client of the system's own script has lived through; see `script-clients.ts`. */
  | { readonly kind: 'client'; readonly client: number; readonly events: readonly ClientEvent[] }
  | { readonly kind: 'dump'; readonly state: Uint8Array; readonly regions: readonly Uint8Array[] }
  | ({ readonly kind: 'digest' } & ReplicaDigest)
  /** The core broke an invariant of its own, or asked for what cannot be. */
  | { readonly kind: 'failed'; readonly message: string; readonly mend: string }
  | { readonly kind: 'stopped' }

/** What a replica of a service has applied, and the SHA-256 of what that has made of its memory. */
export interface ReplicaDigest {
  readonly applied: number
  readonly digest: string
}

export type ClientEventKind = 'call' | 'return' | 'abandon'

export interface ClientEvent {
  readonly kind: ClientEventKind
  readonly operation: number
  /** Nanoseconds of the machine's monotonic clock. */
  readonly at: bigint
  /** What a caller of a service asks for; a script's client asks for what stands in the script. */
  readonly request?: Uint8Array
  readonly reply?: Uint8Array
}
