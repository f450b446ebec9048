/**
 * All bytes of a replica: what travels, what peers write and read, and its private state.
 *
 * An entry of the log is written by one RDMA WRITE to the same offset of every log (APUS, SoCC 2017, section 4). Its
 * 8-byte words move atomically; the entry as a whole may be torn, and bytes of earlier laps, earlier views and deposed
 * leaders may lie under it. So the first word holds a checksum over all others and over the view of the sender.
 */
import { queuePairTo } from '../contract.js'
import type { NodeId, QueuePairId } from '../contract.js'
import {
  array,
  boolean,
  bytes,
  enumeration,
  nodeSet,
  perNode,
  remoteAddressOf,
  struct,
  u16,
  u32,
  u64,
  u8,
} from '../layout/index.js'
import type { ViewOf } from '../layout/index.js'
import type { Application } from './application.js'
import { linkStates, replicaRoles } from './roles.js'

/** One queue pair between any two replicas: a view is a connection, so fencing a view is resetting one queue pair. */
export const PAIRS_PER_PEER = 1
/** With one pair a peer its id is the peer's node id, which completions rely on. */
export function queuePairOf(peer: NodeId): QueuePairId {
  return queuePairTo(peer, 0, PAIRS_PER_PEER)
}

/** Regions by index. `log`: entries. `cells`: one word from each peer. `status`: the own word. `snapshot`: frozen, or being read. `answers`: what READs brought. */
export const Region = { log: 0, cells: 1, status: 2, snapshot: 3, answers: 4 } as const

export const Durability = { memory: 0, disk: 1 } as const
export const Reads = { throughLog: 0, confirmed: 1 } as const

/** Times in microseconds. */
export interface Pace {
  /** Between two beats of a leader: T. */
  readonly beat: number
  /** Without a beat before a replica suspects. */
  readonly suspect: number
  /** Keeps candidates apart. */
  readonly stagger: number
  /** Before what was not answered is said again. */
  readonly retry: number
}

/** Beats every T and suspicion after 3T, as in APUS (SoCC 2017, section 4.2). */
export const usualPace: Pace = { beat: 500, suspect: 1500, stagger: 150, retry: 400 }

/** What the shape of the bytes depends on, and the pace. */
export interface Shape {
  readonly nodes: number
  readonly clients: number
  /** Entries that may be uncommitted at the same time. */
  readonly window: number
  /** Entries that a replica remembers: what a peer that is further behind gets is a snapshot. At least `window` + 2. */
  readonly retained: number
  readonly durability: number
  readonly reads: number
  readonly application: Application
  readonly pace: Pace
}

/** Attempts at a connection within a view; they share a word with the view. */
export const MOST_ATTEMPTS = 255

/** The number of a connection: no two of one pair of replicas are ever the same. */
export function connectionOf(view: number, attempt: number): number {
  return view * (MOST_ATTEMPTS + 1) + attempt
}

/** How many replicas of a cluster are more than half of it. */
export function majorityOf(nodes: number): number {
  return Math.floor(nodes / 2) + 1
}

/** Only this replica can lead the view, so that no view has two leaders. */
export function leaderOf(view: number, nodes: number): NodeId {
  return view % nodes
}

export const entryKind = enumeration(['none', 'nop', 'request'])

/** The header of an entry; the operation follows. */
export const entryHeader = struct({
  /** Checksum of everything behind it and of `sender`. */
  seal: u32,
  /** 1 + the view whose leader has written these bytes. */
  sender: u32,
  index: u32,
  /** The view in which the index was given to this entry: with the index its viewstamp. */
  view: u32,
  /** The leader's commit index when it wrote this. */
  commit: u32,
  kind: entryKind,
  client: u8,
  /** Bytes of the operation, a multiple of 8. */
  bytes: u16,
  sequence: u32,
  zero: u32,
})
/** The last word of an entry: what tells that looking at the entry may be worth while. */
const entryTrailer = struct({ index: u32, sender: u32 })

/** From the leader: a beat. From a follower: the last index that it has stored. One word, so it is never torn. */
export const cellLayout = struct({ connection: u32, value: u32 })

/** What confirms that a replica has not left a view. Zeros, which a replica without memory has, confirm nothing. */
export const statusLayout = struct({ view: u32, member: u32 })

/** Whether the disk takes anything any more. */
export const diskHealth = enumeration(['good', 'full'])

/** Whether an entry is being copied in, or will be looked at again. */
export const looking = enumeration(['no', 'observing', 'waiting'])

export const messageKind = enumeration([
  'join',
  'joined',
  'probe',
  'grant',
  'recover',
  'state',
  'snapshot',
  'ahead',
])
export const messageLayoutOf = (nodes: number) =>
  struct({
    kind: messageKind,
    /** join: the sender has been elected. state: the sender leads the view. */
    leads: boolean,
    view: u32,
    attempt: u32,
    /** The life of the sender; of a state message, of the replica that asked. */
    life: u32,
    /** join, probe: viewstamp of the sender's last entry. state: its index. */
    endView: u32,
    end: u32,
    /** joined, snapshot: index up to which the sender's log is known to agree, or the snapshot reaches. */
    cursor: u32,
    /** Newest life known of each replica. */
    lives: perNode(u32, nodes),
  })

export type ApusLayouts = ReturnType<typeof apusLayouts>
export type ReplicaView = ViewOf<ApusLayouts['state']>

export function apusLayouts(shape: Shape) {
  const { nodes, clients, retained, application } = shape
  const { operationBytes, replyBytes } = application
  const mostEntryBytes = entryHeader.sizeBytes + operationBytes + entryTrailer.sizeBytes
  // One entry more than is retained, for the end of the ring is left out where the longest entry might not fit.
  const logBytes = (retained + 1) * mostEntryBytes

  const retainedEntry = struct({
    /** Byte position in the endless log; its place in the ring is the remainder. */
    position: u64,
    view: u32,
    /** The view in which these bytes were put into the own ring; 0: not yet, else view + 1. */
    written: u32,
    sequence: u32,
    client: u8,
    kind: entryKind,
    bytes: u16,
    operation: bytes(operationBytes),
  })
  const link = struct({
    state: linkStates.layout,
    attempt: u32,
    /** The next entry to write. */
    next: u32,
    /** Entries up to here are stored at the peer. */
    acked: u32,
    /** Entries up to here are out of the NIC's hands. */
    fetched: u32,
    /** Has answered since the last look. */
    alive: boolean,
    /** What the peer held, and `next`, at the last look, to see who stands still. */
    marked: u32,
    markedNext: u32,
    /** What the peer has written into its word of the cells, whatever it means now. */
    heardConnection: u32,
    heardValue: u32,
  })
  /** Requests posted to one peer. One of them is signalled at a time: its completion frees all before it. */
  const sendQueue = struct({ outstanding: u8, covered: u8, signaled: boolean, reading: boolean, upTo: u32 })
  /** A client's request that waits for room in the log or, a read, for a confirmation. */
  const waiting = struct({
    /** 0: none. */
    sequence: u32,
    /** The last request of this client that was given an index in this office. */
    taken: u32,
    bytes: u16,
    isRead: boolean,
    /** Of a read: the confirmation under way was begun after it had come. */
    confirming: boolean,
    operation: bytes(operationBytes),
  })
  /** The part of a replica that entries make: what a snapshot holds. */
  const machineTable = array(struct({ sequence: u32, replyLength: u32, reply: bytes(replyBytes) }), clients)
  const machine = struct({
    /** The last entry applied: its viewstamp. */
    applied: u32,
    appliedView: u32,
    /** Hash of all that was applied, in order. */
    digest: u32,
    table: machineTable,
    application: application.layout,
  })

  const state = struct({
    role: replicaRoles.layout,
    view: u32,
    /** Connection attempt under which this replica has joined the leader of its view. */
    attempt: u32,
    /** The incarnation in which this replica lost its memory, or took up again what it remembered; goes with its votes. */
    life: u32,
    lives: perNode(u32, nodes),

    // Joining a view. Until all control calls have returned the replica is in its old view.
    /** 1 + the view that is being joined; 0: none. */
    target: u32,
    targetAttempt: u32,
    /** As the join said: viewstamp of the leader's last entry. */
    targetEndView: u32,
    targetEnd: u32,
    targetLeads: boolean,
    /** Queue pairs with a control call under way. */
    changing: nodeSet,
    /** Queue pairs that are not in RESET. */
    open: nodeSet,

    // The log.
    /** The oldest entry retained. */
    head: u32,
    end: u32,
    endView: u32,
    /** Where the entry after the last will be. */
    endPosition: u64,
    commit: u32,
    /** Entries up to here are stored: in memory, or flushed to disk. */
    stored: u32,
    log: array(retainedEntry, retained),

    // The disk; all zero in memory mode.
    disk: diskHealth,
    /** Number of the last store that was flushed; each has the next number. */
    serial: u32,
    /** Records on the disk and their bytes. */
    records: u32,
    usedBytes: u32,
    /** A store is under way, with these entries; from 0: with none. */
    flushing: boolean,
    storingFrom: u32,
    storingEnd: u32,
    storingBase: boolean,
    storingBytes: u32,
    /** The first entry that is in no store; 0: none. */
    unstoredFrom: u32,
    /** View or membership are not in a store yet. */
    viewUnstored: boolean,
    /** The disk does not hold what this replica started from. */
    baseNeeded: boolean,
    /** Something waits for the view to be stored. */
    keepingView: boolean,

    // Following.
    /** Entries up to here are those of the leader of this view. */
    cursor: u32,
    cursorPosition: u64,
    /** The index of the entry whose header has been seen; 0: none. */
    sighted: u32,
    /** 1 + the offset of the trailer that is watched; 0: none. */
    trailerAt: u32,
    looking: looking,
    /** Last acknowledgement posted. */
    acknowledged: u32,
    /** The last beat at the last look; 0: none yet. */
    beatMarked: u32,
    suspecting: boolean,

    // Standing for election, and leading.
    probeView: u32,
    grants: nodeSet,
    votes: nodeSet,
    voteLives: perNode(u32, nodes),
    /** The first entry of the own view; nothing is committed, and no read answered, before it is committed. */
    office: u32,
    /** The commit index in the newest entry. */
    told: u32,
    /** The last entry retained that holds a request; 0: none. */
    lastRequest: u32,
    /** Number of the last beat: 1 to 2^16 - 1, then 1 again. */
    beats: u32,
    links: perNode(link, nodes),
    queues: perNode(sendQueue, nodes),
    /** Index that the snapshot region is frozen at; 0: not frozen. */
    frozen: u32,
    observingSnapshot: boolean,

    // Reads without a log entry: one round of confirmations at a time.
    confirming: boolean,
    /** Peers that were asked in this round, whose answers have come, are being looked at, have confirmed. */
    asked: nodeSet,
    answered: nodeSet,
    lookedAt: nodeSet,
    confirmed: nodeSet,
    /** Answers are being copied in. */
    observingAnswers: boolean,

    /** The highest view heard of. */
    heardView: u32,

    // Recovering.
    /** What each peer has answered last: 1 + its view, or 0; whether it leads it; where its log ended. */
    states: perNode(struct({ view: u32, leads: boolean, end: u32 }), nodes),
    amnesiacs: nodeSet,
    /** A majority has answered, with the leader of the highest view among them, which `heardView` is then. */
    quorate: boolean,
    /** What this replica must have stored before it may vote again. */
    catchUpTo: u32,

    machine,
    waiting: array(waiting, clients),
    /** How many of them are requests for the log, and reads. */
    requestsWaiting: u16,
    readsWaiting: u16,
    /** Who is the next to be given an index, so that nobody waits for ever. */
    nextClient: u8,
  })

  const snapshot = struct({
    /** Checksum of everything behind it. */
    seal: u32,
    zero: u32,
    /** Where the entry after the last applied is. */
    position: u64,
    machine: bytes(roundUp8(machine.sizeBytes)),
  })
  const message = messageLayoutOf(nodes)
  const store = struct({
    checksum: u32,
    serial: u32,
    view: u32,
    life: u32,
    commit: u32,
    /** Index of the first entry that follows. */
    first: u32,
    count: u16,
    /** The machine and the position of what comes after it follow, before the entries. */
    isBase: boolean,
    /** What is stored here may be relied on: false while it is recovered from others. */
    isMember: boolean,
    zero: u32,
  })
  const base = struct({ position: u64, machine: bytes(roundUp8(machine.sizeBytes)) })
  const storedEntry = struct({ view: u32, sequence: u32, client: u8, kind: entryKind, bytes: u16, zero: u32 })
  const mostStoreBytes =
    store.sizeBytes + base.sizeBytes + retained * (storedEntry.sizeBytes + operationBytes) + 4
  // Twice what a base takes after another one was begun, and room for what failing flushes leave behind.
  const diskBytes = 12 * (mostStoreBytes + 4)

  return {
    ...shape,
    mostEntryBytes,
    logBytes,
    state,
    machine,
    machineTable,
    snapshot,
    message,
    store,
    base,
    storedEntry,
    diskBytes,
    log: struct({ bytes: bytes(logBytes) }),
    cells: struct({ cells: perNode(cellLayout, nodes) }),
    status: struct({ status: statusLayout }),
    answers: struct({ answers: perNode(statusLayout, nodes) }),
    header: entryHeader,
    trailer: entryTrailer,
    addressOfLog: (position: number): number => remoteAddressOf(Region.log, position % logBytes),
    addressOfCell: (writer: NodeId): number => remoteAddressOf(Region.cells, writer * cellLayout.sizeBytes),
    addressOfStatus: remoteAddressOf(Region.status, 0),
    addressOfSnapshot: remoteAddressOf(Region.snapshot, 0),
    addressOfAnswer: (peer: NodeId): number => remoteAddressOf(Region.answers, peer * statusLayout.sizeBytes),
    entryBytes: (operation: number): number => entryHeader.sizeBytes + operation + entryTrailer.sizeBytes,
    /** Where the entry after one of `bytes` bytes at `position` begins: at the next lap where the longest might not fit. */
    after(position: number, bytes: number): number {
      const next = position + bytes
      const left = logBytes - (next % logBytes)
      return left < mostEntryBytes ? next + left : next
    },
    // Hosts carry eight times as much for one handler, in which a leader may lay all entries anew and write to everybody.
    scratchBytes: Math.max(
      shape.durability === Durability.disk ? diskBytes : mostStoreBytes,
      mostEntryBytes,
      snapshot.sizeBytes,
      message.sizeBytes,
      roundUp8((retained * mostEntryBytes + nodes * (message.sizeBytes + 32) + clients * replyBytes) / 8),
    ),
  }
}

function roundUp8(bytes: number): number {
  return Math.ceil(bytes / 8) * 8
}
