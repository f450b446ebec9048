/** Options of a node. Wrong ones are refused with `ERR_OPTIONS`, which names them. */

/** What every fabric is told. */
export interface FabricOptions {
  readonly self: number
  /** 1 to 32. */
  readonly nodes: number
  /** Queue pairs to each peer, 1 to 16; default 1. The same at all nodes, like `receiveQueueDepth` and `messageBytes`. */
  readonly pairsPerPeer?: number
  /** Whether there are queue pairs to itself; default false. */
  readonly loopback?: boolean
  /** Bytes of each own registered region, multiples of 8; 32 regions at most. */
  readonly regionBytes: readonly number[]
  /** Requests that a queue pair holds until a signalled one has completed; default 64. */
  readonly sendQueueDepth?: number
  /** Messages and notices that wait for their receiver, per queue pair; default 0: none can be sent. */
  readonly receiveQueueDepth?: number
  /** Most bytes of a message; default 0. */
  readonly messageBytes?: number
  /** Most inline bytes of a WRITE; default 256. */
  readonly inlineBytes?: number
  /** Rights of peers after a start, and after `connect` and `init`; default all. */
  readonly initialRights?: number
  /** A node that was restarted begins with all its ends in RESET; a new one under connection 0, ready. Default false. */
  readonly isRestarted?: boolean
  /** Whether a message gives up when its receiver has no buffer for the retry time; default false. */
  readonly receiverRetriesFinite?: boolean
  /** Microseconds that a request waits for an answer before it fails; default 10 000 on shared memory, 450 000 over verbs. */
  readonly retryMicros?: number
}

export interface ShmOptions extends FabricOptions {
  /** Names the cluster on this machine: letters, digits, `-`, `_` and `.`. */
  readonly cluster: string
  /** Bytes of a request for which rights are looked at once (path MTU), a multiple of 64; default 4096. */
  readonly packetBytes?: number
  /** How long a revocation waits for a packet under way before the memory moves; default 1 000. */
  readonly graceMicros?: number
}

/** Which port of which RDMA device, and under which address. */
export interface PortChoice {
  /** Such as `mlx5_0`; default: the first device with a port that is up. */
  readonly device?: string
  /** From 1; default: the first that is up. */
  readonly port?: number
  /** RoCE: an IP address of the port, or the index of a GID; default: its first IPv4 address. */
  readonly gid?: string
}

export interface VerbsOptions extends FabricOptions, PortChoice {
  /** How often a packet without an answer is sent again, 1 to 6; `retryMicros` are divided among them. Default 6. */
  readonly retryCount?: number
}

export interface LogOptions {
  /** Made if it is not there; its parent must be. */
  readonly folder: string
  /** Size of a file, a multiple of 4096, and a bound of a record with its 32 bytes of framing; default 16 MiB. */
  readonly segmentBytes?: number
  /** What may wait for the log's thread, a power of two; a record takes half of it at most. Default 1 MiB. */
  readonly bufferBytes?: number
  /** Whether io_uring is used where the kernel has it; default true. */
  readonly ioUring?: boolean
}

export interface BatchOptions {
  /** Requests of one turn; default 256. */
  readonly requests?: number
  /** Completions of one turn; what does not fit comes with the next. Default 256. */
  readonly completions?: number
  /** The arena for bytes that go out; default 64 KiB. */
  readonly outputBytes?: number
  /** The arena for messages and observations of one turn; default 64 KiB. */
  readonly inputBytes?: number
  /** Sizes of the windows, multiples of 8; default none. */
  readonly windowBytes?: readonly number[]
}

/** A node has a fabric (one of two), a log, or both. */
export interface NodeOptions {
  readonly shm?: ShmOptions
  readonly verbs?: VerbsOptions
  readonly log?: LogOptions
  readonly batch?: BatchOptions
}
