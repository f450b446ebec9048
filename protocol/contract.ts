/**
 * The contract between a protocol core and whatever hosts it: the simulator, the model checker, the browser or a
 * replica process on RDMA hardware.
 *
 * A core is a pure function of its private bytes and one input. Every method of {@link Core} is one input; every
 * output is a call on {@link Host}. Host calls take effect after the handler has returned, in program order; nothing
 * of a host can be read back inside a handler but the constants `self`, `nodes` and `incarnation`, and the `clock`.
 *
 * Bytes are captured from `output` at the call, padding and all: clear a message with padding before it is built.
 *
 * A core keeps no state outside `state` (its private memory). Scratch memories are not state: `input` holds the
 * bytes of the input while the handler runs, `output` is where a core builds the bytes that it hands to the host.
 * Both are overwritten between handlers, and so is every window.
 */
import type { RoleDefinition } from './roles.js'
import type { StructLayout, ViewOf } from './layout/index.js'

/** Index of a node in its cluster, from 0. At most 32 nodes. */
export type NodeId = number

/**
 * A queue pair as one end sees it: `peer * pairsPerPeer + pair`, where `pairsPerPeer` is declared by the system.
 * See {@link queuePairTo}.
 */
export type QueuePairId = number

/** The queue pair number `pair` of this node towards `peer`, when the system declares `pairsPerPeer` of them. */
export function queuePairTo(peer: NodeId, pair: number, pairsPerPeer: number): QueuePairId {
  return peer * pairsPerPeer + pair
}

/** Outcome of a work request, a control call or a flush, as told to `completion` and `stored`. */
export const Status = {
  /** Done at the responder and acknowledged. For a WRITE this is neither visibility to its CPU nor durability. */
  ok: 0,
  /** The queue pair was in the error state (IBV_WC_WR_FLUSH_ERR). What was under way before may have been applied. */
  flushed: 1,
  /** The responder refused: bad region, range or right (IBV_WC_REM_ACCESS_ERR). Both ends are in ERR. */
  remoteAccess: 2,
  /** The responder's queue pair lacks the right (IBV_WC_REM_INV_REQ_ERR). Both ends are in ERR. */
  remoteInvalidRequest: 3,
  /** No answer after all retries (IBV_WC_RETRY_EXC_ERR). The request may or may not have been applied, or may yet be. */
  retryExceeded: 4,
  /** The disk has no room for what was appended; nothing after the last good flush is promised. */
  diskFull: 5,
  /** The flush failed; nothing after the last good flush is promised. */
  diskFailed: 6,
  /** The receiver had no receive buffer until the retries were used up (IBV_WC_RNR_RETRY_EXC_ERR). Not applied. */
  receiverNotReady: 7,
  /** A control call that the state of the queue pair does not allow (EINVAL); nothing has changed. */
  invalidTransition: 8,
} as const
export type Status = (typeof Status)[keyof typeof Status]
export const statusNames: readonly string[] = Object.keys(Status)

/** Flags of a work request; combine with `|`. */
export const Flag = {
  /** A success completes too. Errors always complete. Slots of unsignalled requests are freed by the next signalled completion of the same queue pair. */
  signaled: 1,
  /** The payload is captured at the post; without it the NIC fetches it from the local region at any later time before completion. */
  inline: 2,
  /** The request waits until all earlier READs and atomics of its queue pair are done. Without it a WRITE or SEND may overtake them. */
  fence: 4,
} as const

/**
 * Flags with the key (rkey) under which a request names its remote region or memory window. Keys count from 0, which is
 * what a request without a key has; each `protect` or `bind` makes a new key and ends the old one.
 *
 * @param key 0 … 65 535
 */
export function withKey(flags: number, key: number): number {
  return (flags & 0xffff) | (key << 16)
}

/**
 * What `control` can ask of one end of a queue pair (`ibv_modify_qp(3)`). Legal are RESET → INIT → RTR → RTS, RTS ↔ SQD,
 * anything → RESET, anything but RESET → ERR; another call ends in `invalidTransition`.
 */
export const Control = {
  /** Sets what the peer may do to this node's memory through this queue pair (`argument`: a {@link Right} mask). Not in RESET, not in ERR. */
  rights: 0,
  /** Moves the end to RESET: queued requests vanish without completions, incoming requests are dropped without an answer. */
  reset: 1,
  /** RESET, which swallows completions not yet delivered, then INIT, RTR and RTS under the connection number `argument`. Ends with different numbers do not hear each other. */
  connect: 2,
  /** RESET → INIT: the rights are the initial ones; incoming requests are dropped still. */
  init: 3,
  /** INIT → RTR under the connection number `argument`: incoming requests are served, requests may be queued. */
  readyToReceive: 4,
  /** RTR or SQD → RTS: requests go out. */
  readyToSend: 5,
  /** RTS → SQD: what was begun is finished, the rest of the queue waits. */
  drain: 6,
  /** To ERR: everything queued completes as `flushed`, incoming requests are dropped without an answer. */
  error: 7,
} as const
export type Control = (typeof Control)[keyof typeof Control]

/** What a peer may do through a queue pair; combine with `|`. */
export const Right = { write: 1, read: 2, atomic: 4, all: 7, none: 0 } as const

/** Everything a core can do. `at` is always a byte offset into the core's `output` memory, lengths are in bytes. */
export interface Host {
  readonly self: NodeId
  readonly nodes: number
  /** How often this node has been restarted, from 0. A restarted node is a new incarnation. */
  readonly incarnation: number
  /**
   * What the own clock says, in ticks of the system's clock model; 0 without one. It is part of the input: constant
   * inside a handler, as of its beginning. It never goes back, differs between nodes, and goes on while the process is
   * stopped, so what an earlier handler has read may be long past. A core that promises `pollFollowsWindows` must not
   * let a poll depend on it.
   */
  readonly clock: number

  /** The guard of this input is false: nothing has been changed or asked for. Must be the handler's only effect. */
  refuse(): void
  /** For traces and coverage; never read back. `kind` indexes the core's declared `notes`. */
  note(kind: number, value: number): void
  /** Hands a decided entry, `length` bytes at `at`, to the application. */
  deliver(index: number, at: number, length: number): void

  // Message network.
  /** Sends `length` bytes to a peer's `message`. May be lost, duplicated or reordered as the network declares. */
  send(to: NodeId, at: number, length: number): void

  // Own shared memory.
  /** From now on the bytes at `offset` of own region `region` are copied into window `window` before each `poll`. */
  watch(window: number, region: number, offset: number): void
  /** Copies `length` bytes at `offset` of own region `region`, word by word; they arrive as input of `observed(token)`. */
  observe(region: number, offset: number, length: number, token: number): void
  /** Copies `length` bytes (a multiple of 8) to `offset` (8-aligned) of own region `region`, word by word in ascending order. */
  publish(region: number, offset: number, at: number, length: number): void

  // One-sided operations. `remote` is a symbolic remote address (see `remoteAddressOf`): region and byte offset at the peer.
  /** RDMA WRITE of `length` bytes. Inline: from `output` at `local`, captured now. Else `local` is a remote-address-like (region, offset) of own shared memory, fetched later. */
  write(
    queuePair: QueuePairId,
    remote: number,
    local: number,
    length: number,
    token: number,
    flags: number,
  ): void
  /** RDMA READ of `length` bytes into own shared memory at `local` (region, offset), where they land, word by word, before the completion. Signalled by default. */
  read(
    queuePair: QueuePairId,
    remote: number,
    local: number,
    length: number,
    token: number,
    flags?: number,
  ): void
  /** 8-byte compare-and-swap at the peer; the former value lands in own shared memory at `local`. Operands are safe integers. Signalled by default. */
  compareSwap(
    queuePair: QueuePairId,
    remote: number,
    local: number,
    expected: number,
    desired: number,
    token: number,
    flags?: number,
  ): void
  /** 8-byte fetch-and-add at the peer; the former value lands in own shared memory at `local`. The addend is a safe integer. Signalled by default. */
  fetchAdd(
    queuePair: QueuePairId,
    remote: number,
    local: number,
    addend: number,
    token: number,
    flags?: number,
  ): void
  /** As `write`, and when all of it is visible the peer's core is `notified` with 32 bits. Takes a receive buffer as a SEND does. */
  writeImmediate(
    queuePair: QueuePairId,
    remote: number,
    local: number,
    length: number,
    token: number,
    flags: number,
    immediate: number,
  ): void
  /** Two-sided SEND of `length` bytes at `at`, captured now; arrives as `message` at the peer. */
  post(queuePair: QueuePairId, at: number, length: number, token: number, flags: number): void
  /** Asks for a change of one end of a queue pair: slow, races with requests in flight, completes with `token`. One at a time per end. */
  control(queuePair: QueuePairId, change: Control, argument: number, token: number): void

  /**
   * Registers an own region anew with other rights (a {@link Right} mask; `ibv_rereg_mr`, or dereg and reg): slow, races
   * with requests in flight, makes a new key. Ends in `completion(noQueuePair, token)`. One at a time per node.
   */
  protect(region: number, rights: number, token: number): void
  /**
   * Binds memory window `memoryWindow` (its index in the core's declared `memoryWindows`) to `length` bytes at `offset`
   * of an own region with `rights`; `Right.none` unbinds it. A posted request: takes effect in the order of the queue
   * pair and completes with `token`. Makes a new key. Peers name the window by region number `regions.length + memoryWindow`.
   */
  bind(
    queuePair: QueuePairId,
    memoryWindow: number,
    region: number,
    offset: number,
    length: number,
    rights: number,
    token: number,
  ): void

  // Time.
  /** (Re)arms a timer of the core's declared `timers`. */
  setTimer(timer: number, micros: number): void
  cancelTimer(timer: number): void

  // Own disk: an append-only log of records.
  /** Appends a record of `length` bytes; not durable before a later flush has returned ok. */
  append(at: number, length: number): void
  /** Asks that everything appended (and truncated) so far become durable; answers with `stored(token, status)`. */
  flush(token: number): void
  /** Drops the first `records` records; durable with the next flush. */
  truncate(records: number): void

  // Clients.
  /** Answers request `sequence` of a client. */
  reply(client: number, sequence: number, at: number, length: number): void
}

/** Everything that can happen to a core. Input bytes, where there are any, are `length` bytes at offset 0 of `input`. */
export interface Core {
  /** First input of an incarnation. `input` holds the records recovered from the disk (see {@link forEachRecord}), `length` bytes. */
  start(recovered: boolean, length: number): void
  /** Windows have been copied in. On unchanged windows repeated polls must become idle. */
  poll?(): void
  /** An `observe` has copied its bytes in. */
  observed?(token: number, length: number): void
  timer?(timer: number): void
  /** A work request or a control call ended. After a restart all ends of a node are in RESET. */
  completion?(queuePair: QueuePairId, token: number, status: Status): void
  message?(from: NodeId, length: number): void
  /** A WRITE with immediate has arrived: all its bytes, and those of earlier requests of its queue pair, are visible. */
  notified?(from: NodeId, immediate: number): void
  /** A client asks; its operations are numbered from 1, and a retry has the number of the operation. */
  request?(client: number, sequence: number, length: number): void
  /** A flush ended. */
  stored?(token: number, status: Status): void
  /** A spontaneous input without state of its own, always offered; `kind` indexes the core's declared `inputs`. */
  input?(kind: number): void
}

/** The queue pair of a completion that belongs to none (the end of a `protect`). */
export const noQueuePair: QueuePairId = 0xffff

/** A named layout: a registered region, or a window into one. */
export interface NamedLayout {
  readonly name: string
  readonly layout: StructLayout
}

/** Registered memory. */
export interface RegionLayout extends NamedLayout {
  /** What it holds at every start; zeros by default. At most as long as the region. */
  readonly initial?: Uint8Array | undefined
  /** Registered with IBV_ACCESS_RELAXED_ORDERING: WRITEs of one queue pair may be placed in any order. */
  readonly relaxedOrdering?: boolean | undefined
}

/** What a core is given to work with. It sees its own private memory and scratch, never shared memory. */
export interface Context<State extends StructLayout> {
  readonly host: Host
  readonly state: ViewOf<State>
  /** Bytes of the input that is being handled. */
  readonly input: DataView
  /** Scratch for outgoing bytes. */
  readonly output: DataView
  /** View of the copy of a watched window, by its index in `windows`; valid inside `poll` only. */
  window<L extends StructLayout>(index: number, layout: L): ViewOf<L>
}

/** A core and the declarations that hosts need: all memory, all names. */
export interface CoreDefinition {
  readonly state: StructLayout
  /** Registered memory that peers read and write; sizes are multiples of 8. */
  readonly regions: readonly RegionLayout[]
  /** Names of memory windows (type 2), unbound at the start. */
  readonly memoryWindows: readonly string[]
  readonly windows: readonly NamedLayout[]
  readonly timers: readonly string[]
  readonly inputs: readonly string[]
  readonly notes: readonly string[]
  /** Those of the notes that say that something is decided for good; drawings mark them. */
  readonly decisions?: readonly string[] | undefined
  /** Most bytes that one input or one handler's output takes. */
  readonly scratchBytes: number
  /**
   * A promise: a poll that came to nothing comes to nothing again until bytes under a window change, whatever the other
   * handlers did meanwhile (what they make possible, they do themselves). Hosts may then leave out such polls. The
   * self-test of the simulator catches a core that breaks it.
   */
  readonly pollFollowsWindows?: boolean | undefined
  /** Where the role of the core is kept and which changes are legal, for traces, drawings and the step check. */
  readonly role?: { readonly field: string; readonly machine: RoleMachine } | undefined
  create(context: Context<StructLayout>): Core
}

/** What generic code needs of a compiled role machine (see `defineRoles`). */
export interface RoleMachine {
  /** The plain data that it was compiled from. */
  readonly definition: RoleDefinition
  readonly stateNames: readonly string[]
  /** Whether some event leads from one state straight to the other. */
  mayChange(from: number, to: number): boolean
}

/** Declares a core; types its context by the layout of its private state. */
export function defineCore<State extends StructLayout>(definition: {
  readonly state: State
  readonly regions?: readonly RegionLayout[]
  readonly memoryWindows?: readonly string[]
  readonly windows?: readonly NamedLayout[]
  readonly timers?: readonly string[]
  readonly inputs?: readonly string[]
  readonly notes?: readonly string[]
  readonly decisions?: readonly string[]
  readonly scratchBytes: number
  readonly pollFollowsWindows?: boolean
  readonly role?: { readonly field: string; readonly machine: RoleMachine }
  create(context: Context<State>): Core
}): CoreDefinition {
  return {
    regions: [],
    memoryWindows: [],
    windows: [],
    timers: [],
    inputs: [],
    notes: [],
    ...definition,
    // The host builds the context from `definition.state`, so its type is the one that `create` expects.
    create: (context) => definition.create(context),
  }
}

/**
 * Calls `visit(offset, length, isWhole)` for each record in recovered bytes. A record is a u32 length and that many
 * bytes, padded to 4.
 *
 * What a disk hands back is what it holds, not what was written, so bytes may be bad and the framing with them. A word
 * of zeros where a length should be is a record without bytes; what has been lost from the middle of a log reads as
 * many of them. A length that reaches beyond the end is cut off there, `isWhole` is false, and it is the last. So each
 * byte is visited once at most, never one beyond `length`, and the visits end.
 */
export function forEachRecord(
  memory: DataView,
  length: number,
  visit: (offset: number, length: number, isWhole: boolean) => void,
): void {
  let at = 0
  while (at + 4 <= length) {
    const recordBytes = memory.getUint32(at, true)
    const left = length - at - 4
    if (recordBytes > left) return visit(at + 4, left, false)
    visit(at + 4, recordBytes, true)
    at += 4 + ((recordBytes + 3) & ~3)
  }
}
