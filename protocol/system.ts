/**
 * A system: cores on nodes, the networks, disks and clients around them, what may go wrong, and what must hold.
 * It is what a user writes, and all that the tools need to know of a protocol.
 */
import type { NodeId } from './contract.js'
import type { StructLayout, ViewOf } from './layout/index.js'
import type { Rule } from './rule-book.js'
import type { SequentialModel } from './sequential-model.js'
import type { Hardware, Service } from './service.js'

/** A whole number that a user may set and a swarm may draw. */
export interface Parameter {
  readonly minimum: number
  readonly maximum: number
  readonly default: number
  readonly meaning: string
  /** False for a bound of the model, which swarms leave at its default. */
  readonly drawn?: boolean
}

/** A named wrong variant: a few changed lines of the core that the tools must catch. */
export interface Bug {
  /** What was done wrong, in one or two sentences that a newcomer understands. */
  readonly story: string
  /** What mends it. */
  readonly fix: string
  /** Invariants or history properties that catch it; the first is the purpose-made one where there is one. */
  readonly caughtBy: readonly string[]
}

/** Draws whole numbers; the only source of chance a system may use while it is built. */
export interface Draw {
  /** Uniform in [minimum, maximum], both included. */
  between(minimum: number, maximum: number): number
}

/** What a run was set to. */
export interface Choice {
  readonly nodes: number
  readonly parameters: Readonly<Record<string, number>>
  readonly bug: string | undefined
  /** For workloads. Equal draws for equal seeds; a longer script begins with the shorter one. */
  readonly draw: Draw
}

/** Faults that Aviary can inject. Each is budgeted. */
export const faultKinds = [
  'crash', // power loss of a node: private and shared memory gone, the unflushed tail of its disk lost or kept
  'restart', // a crashed node comes back as a new incarnation, with what its disk holds
  'wipe', // a crashed node loses its disk
  'pause', // the process stops while its NIC goes on serving (zombie)
  'resume', // a paused process goes on
  'cut', // a link is cut in one direction
  'heal', // a cut link works again
  'drop', // a message, request or reply is lost
  'duplicate', // a message or request is delivered and stays in flight
  'kill', // the process dies; its NIC goes on serving its memory until the kernel has torn it down
  'halt', // the operating system stops for good: no CPU, while the NIC goes on serving
  'sever', // one queue pair loses its way in one direction
  'mend', // a severed queue pair has its way again
  'retransmit', // a packet or an answer of a queue pair is lost, and the request goes out again
  'corrupt', // a word of registered memory changes by itself
  'fail-flush', // a disk flush fails: nothing after the last good one is promised
  'rot', // a flushed record of a disk changes by itself
  'misdirect', // an append lands on an older record
] as const
export type FaultKind = (typeof faultKinds)[number]

/** Most faults of each kind in a run; a kind that is not named is 0. */
export type FaultBudget = Readonly<Partial<Record<FaultKind, number>>>

/** What a protocol promises to survive, for a given choice of nodes and parameters. */
export interface FaultAtlas {
  /** Most of each kind that safety is promised for; Infinity: any number. */
  readonly safety: FaultBudget
  /** Nodes that may be down or paused at the same time while clients must still be served after healing of the rest. */
  readonly unavailable: number
  /** Nodes that the promise excludes from a kind altogether, for instance a fixed writer from `restart`. */
  readonly spared?: Readonly<Partial<Record<FaultKind, readonly NodeId[]>>> | undefined
  /** One step beyond the promise: named settings that must produce a violation. */
  readonly beyond: readonly Beyond[]
}

/** Faults of processes, of ways between nodes and of messages, which every protocol meets. */
export const everydayFaults = [
  'crash',
  'restart',
  'kill',
  'halt',
  'pause',
  'resume',
  'cut',
  'heal',
  'drop',
  'duplicate',
] as const satisfies readonly FaultKind[]

/** A budget of any number of each of these faults. */
export function anyNumberOf(...kinds: readonly FaultKind[]): FaultBudget {
  return Object.fromEntries(kinds.map((kind) => [kind, Infinity]))
}

export interface Beyond {
  readonly name: string
  readonly story: string
  readonly faults: FaultBudget
  /** Replaces `spared` of the atlas. */
  readonly spared?: Readonly<Partial<Record<FaultKind, readonly NodeId[]>>> | undefined
  readonly caughtBy: readonly string[]
}

/** The message network: per ordered pair of nodes a bounded bag or queue of messages. */
export interface MessageNetwork {
  /** `set`: a growing set, messages stay deliverable for ever (TLA+ style); `unordered`: a bag; `ordered`: first in, first out. */
  readonly kind: 'set' | 'unordered' | 'ordered'
  /** Most bytes of a message. */
  readonly messageBytes: number
  /** Most different messages in flight per ordered pair. One more is lost when the network is lossy, else an assertion failure. */
  readonly capacity: number
  /** Whether messages may be lost. */
  readonly lossy: boolean
  /**
   * Whether a message that its receiver refuses stays in flight, so that a guard holds the delivery up, as in models
   * whose actions take a message only when they are enabled. Default: refused is ignored, and the message is gone. A set
   * keeps everything anyway; a queue is held up by its first message.
   */
  readonly keepsRefused?: boolean | undefined
  /** What every message is, where that is one layout: symmetry must know whether messages name nodes. */
  readonly layout?: StructLayout | undefined
  /** Words for a message, for names, tables and pictures: 'promise ballot=3'. */
  describe(memory: DataView, at: number, length: number): string
}

/** RC queue pairs between every two nodes. */
export interface RdmaFabric {
  /** Queue pairs between any two nodes. */
  readonly pairsPerPeer: number
  /** Work requests that one end can hold; one more is an assertion failure. */
  readonly sendQueueDepth: number
  /** Most bytes of one request; a multiple of 8. */
  readonly requestBytes: number
  /** Receive buffers per queue pair: what has arrived and waits for the core takes one; without one the receiver is "not ready". */
  readonly receiveQueueDepth: number
  /** Rights that each end has after start. */
  readonly initialRights: number
  /** Path MTU in bytes, a multiple of 64: a longer request travels as several packets. Default 1,024. */
  readonly packetBytes?: number | undefined
  /** Completions that a node's completion queue holds; one more breaks it for good. Default: as many as can be outstanding. */
  readonly completionQueueDepth?: number | undefined
  /** Whether each node also has queue pairs to itself. */
  readonly loopback?: boolean | undefined
  /** What a sender does when the receiver is not ready: tries for ever (rnr_retry 7), or gives up some time. Default: for ever. */
  readonly receiverRetries?: 'infinite' | 'finite' | undefined
}

/**
 * One append-only log per node, which a core gets back when it starts again ({@link forEachRecord} of the contract).
 * Only what a good flush covers is sure to be there after a loss of power. Of what was appended later, or before a flush
 * that failed, it finds nothing, all, a torn record, or later records without the first; what is missing inside the log
 * reads as zeros. When only the process died it finds all it has appended, which is no more durable than before.
 */
export interface DiskModel {
  /** Most bytes of records with their framing. */
  readonly capacityBytes: number
  /** Flushes that may be in flight. */
  readonly flushes: number
}

/**
 * One clock per node, a counter of ticks from 0 that cores read as `host.clock`. It goes on while the process is paused
 * or dead and while the machine is down.
 */
export interface ClockModel {
  /** Length of a tick in microseconds, in schedulers that keep time. */
  readonly tickMicros: number
  /** Ticks after which the clocks stand still: a bound of the model. At least 1. */
  readonly mostTicks: number
  /** Most ticks by which the clocks of two nodes differ; 0: all nodes read one clock. */
  readonly driftTicks: number
}

/** A client: runs its script in order, one operation at a time, retrying at other nodes when no reply comes. */
export interface ClientModel {
  /** Encoded operations. */
  readonly script: readonly Uint8Array[]
  /** Node for the n-th attempt (from 0) at an operation. */
  target(attempt: number): NodeId
  /** Virtual time before a retry, in microseconds. */
  readonly timeoutMicros: number
  /** Attempts before the client gives the operation up as unknown and goes on. */
  readonly attempts: number
}

/** Clients and their wire. */
export interface Workload {
  readonly clients: readonly ClientModel[]
  readonly replyBytes: number
  describeRequest(operation: Uint8Array): string
  describeReply(memory: DataView, at: number, length: number): string
  /**
   * Whether a reply refuses: the client gives the operation up, and its outcome is unknown for ever. Without it no reply
   * refuses.
   */
  isRefusal?(memory: DataView, at: number, length: number): boolean
}

/** What a spec may look at: every byte of every node, between two steps. */
export interface Observer {
  readonly nodes: number
  /**
   * Whether the memory of a node may have changed since the invariant that asks was last found to hold: it need not look
   * again at what only nodes have a part in that have not changed.
   */
  hasChanged(node: NodeId): boolean
  isUp(node: NodeId): boolean
  isPaused(node: NodeId): boolean
  incarnation(node: NodeId): number
  /** View of a node's private memory. The view is reused per (node, layout). */
  state<L extends StructLayout>(node: NodeId, layout: L): ViewOf<L>
  /** View of a node's registered region. */
  region<L extends StructLayout>(node: NodeId, region: number, layout: L): ViewOf<L>
  /** Clients with a pending operation or operations left. */
  readonly clientsBusy: number
}

/** A property of every state. Returns undefined while it holds, else one sentence with the values filled in. */
export interface StateInvariant {
  readonly name: string
  readonly meaning: string
  /** Regions that it looks at, by index; it is judged when private memory or one of these has changed. Default: all. */
  readonly regions?: readonly number[] | undefined
  check(observer: Observer): string | undefined
}

/** A property of every step: judged after each, given what it looked like before through `before`. */
export interface StepInvariant {
  readonly name: string
  readonly meaning: string
  /** Regions that it looks at, by index, as for a state invariant. Default: all. */
  readonly regions?: readonly number[] | undefined
  /** A few numbers taken from the state, remembered for the next step. */
  readonly residue: number
  /** Writes what it must remember of this state into `into`. */
  remember(observer: Observer, into: Float64Array): void
  check(before: Float64Array, after: Float64Array, observer: Observer): string | undefined
}

/** What clients saw must be explained by a sequential model. */
export interface HistoryProperty<Input = unknown, Output = unknown> {
  readonly name: string
  readonly meaning: string
  readonly model: SequentialModel<unknown, Input, Output>
  decodeRequest(operation: Uint8Array, client: number): Input
  decodeReply(memory: DataView, at: number, length: number): Output
}

export interface Spec {
  readonly invariants: readonly StateInvariant[]
  readonly stepInvariants: readonly StepInvariant[]
  readonly history: HistoryProperty | undefined
  /** Liveness: what the healed core of the cluster must reach. */
  readonly goal: Goal
}

/** What is reached in the end, when faults have ended. */
export interface Goal {
  readonly name: string
  readonly meaning: string
  /** Regions that it looks at, by index, as for a state invariant; besides memory it may ask for `clientsBusy`. Default: all. */
  readonly regions?: readonly number[] | undefined
  reached(observer: Observer): boolean
}

/** What hardware may be like, each value as some hardware is; drawn by a swarm, set by a checker, stored with every trace. */
export interface Knobs {
  /** `atomic`: a poll copies all windows in one step, a publish lands in one. `loads`: word by word, the truth. */
  readonly poll: 'atomic' | 'loads'
  /** Order in which the 8-byte words of one WRITE are placed: ascending, any order inside a packet, any order at all. */
  readonly placement: 'in-order' | 'shuffled-in-packet' | 'shuffled'
  /** When the NIC reads a payload that is not inline: each packet as it goes out, whole some time before, or word by word. */
  readonly fetch: 'at-departure' | 'early' | 'by-word'
  /** `lagging`: a WRITE may be acknowledged, and complete, before the CPU of its target sees all of it. `prompt`: not before. */
  readonly visibility: 'lagging' | 'prompt'
  /** First packet sequence number of a connection: derived from its number, or always the same (DARE, Mu). */
  readonly psn: 'derived' | 'constant'
  /** Rules of the rule book that are switched off (`rule-book.ts`): for showing what each is for. */
  readonly broken: readonly Rule[]
}

/**
 * A log that lies in a registered region as a ring of bytes, as far as a replica knows it: for people to look at. Offsets
 * are bytes from the start of the region.
 */
export interface LogRing {
  /** The region, by index. */
  readonly region: number
  readonly sizeBytes: number
  /** `head`: the oldest entry remembered; `applied`, `commit`: the last one that is; `end`: the place after the last. */
  readonly marks: readonly { readonly name: string; readonly index: number; readonly offset: number }[]
  readonly entries: readonly LogRingEntry[]
}
export interface LogRingEntry {
  readonly index: number
  readonly view: number
  readonly offset: number
  readonly sizeBytes: number
  /** Words for what it holds. */
  readonly text: string
  /** `seen`: its bytes have landed, and it has not been accepted. */
  readonly state: 'applied' | 'committed' | 'uncommitted' | 'seen'
}

/** A system with every choice made. */
export interface SystemModel extends Hardware {
  /** The logs of a node that are rings, where the protocol has any. Asked between two steps, of a node that has its memory. */
  readonly rings?: ((observer: Observer, node: NodeId) => readonly LogRing[]) | undefined
  readonly workload?: Workload | undefined
  readonly atlas: FaultAtlas
  readonly spec: Spec
  /** What the protocol needs its hardware to promise, for instance in-order placement. */
  readonly requires?: Partial<Knobs> | undefined
  /** Bounds of the model in words and numbers, printed with every result. */
  readonly bounds: Readonly<Record<string, number>>
}

export interface SystemDefinition {
  readonly name: string
  readonly summary: string
  readonly nodes: {
    readonly minimum: number
    readonly maximum: number
    readonly default: number
    readonly noun: string
  }
  readonly parameters: Readonly<Record<string, Parameter>>
  readonly bugs: Readonly<Record<string, Bug>>
  build(choice: Choice): SystemModel
  /** How it is run for callers from outside, where it can be. */
  readonly service?: Service | undefined
}

/** Declares a system. */
export function defineSystem(definition: SystemDefinition): SystemDefinition {
  return definition
}
