/** The bytes of a Paxos server: what it remembers, what it writes to its disk, and what clients say and hear. */
import { array, boolean, enumeration, nodeSet, struct, u32, u8 } from '../layout/index.js'
import type { NodeId } from '../contract.js'
import type { ViewOf } from '../layout/index.js'
import { serverRoles } from './roles.js'

/** A ballot ("proposal number" in the paper) is `round * 32 + server`, so no two servers ever use the same; 0 is none. */
const BALLOTS_PER_ROUND = 32

export function ballotOf(round: number, server: NodeId): number {
  return round * BALLOTS_PER_ROUND + server
}
export function roundOf(ballot: number): number {
  return Math.floor(ballot / BALLOTS_PER_ROUND)
}
export function ownerOf(ballot: number): NodeId {
  return ballot % BALLOTS_PER_ROUND
}

/** The same server's ballot of the round before; none before the first. */
export function formerRound(ballot: number): number {
  return Math.max(0, ballot - BALLOTS_PER_ROUND)
}

/** What an acceptor must never forget, in the two copies that it stores (`stable-storage.ts`). */
const remembered = { promised: u32, acceptedBallot: u32, acceptedValue: u32, checksum: u32 } as const
export const firstCopy = struct(remembered)
/** A word longer than the first, so that the lengths alone tell them apart. */
export const secondCopy = struct({ ...remembered, filler: u32 })
export type RememberedView = ViewOf<typeof firstCopy>

/** Whether the disk can be relied on: `full` ends with a restart, `lost` never (what was stored there cannot be read). */
export const diskHealth = enumeration(['good', 'full', 'lost'])

/** What the acceptor will say to the owner of the ballot it has promised, once all that rests on is stored. */
export const owedAnswer = enumeration(['nothing', 'promise', 'acceptance'])

/** What a client waits for; `none`: nothing. */
export const requestKind = enumeration(['none', 'put', 'get'])

/** A client's request, as it travels and as it waits for a decision. */
export const operation = struct({ kind: requestKind, value: u32 })
const pendingRequest = struct({ kind: requestKind, value: u32, sequence: u32 })

/** `value` is the value that was decided: own for `ok`, another's for `taken`, the one asked for by a get for `value`. */
export const replyKind = enumeration(['ok', 'taken', 'value'])
export const reply = struct({ kind: replyKind, value: u32 })

/** The private state of a server. Values are numbers from 1; 0 is "no value". */
export function serverState(clients: number) {
  return struct({
    role: serverRoles.layout,

    // Acceptor. The ballots and the value are what is stored, possibly ahead of the disk.
    disk: diskHealth,
    owed: owedAnswer,
    /** A flush is under way; there is at most one. */
    flushing: boolean,
    /** What is in memory is ahead of what the flush under way will store. */
    unstored: boolean,
    promised: u32,
    acceptedBallot: u32,
    acceptedValue: u32,

    // Proposer. All zero unless preparing or proposing; a server that decided its own proposal keeps them as evidence.
    ballot: u32,
    value: u32,
    promises: nodeSet,
    acceptances: nodeSet,
    /** The accepted proposal of the highest ballot that a promise has reported. */
    bestBallot: u32,
    bestValue: u32,
    /** The highest ballot seen anywhere; the next own one is above it. */
    seen: u32,
    /** Proposals lost to higher ballots, counted for the backoff. */
    defeats: u8,
    /** Records on disk that are not truncated, stored or not. */
    records: u8,

    // Learner.
    decided: u32,

    /** The latest request of each client, until the decision answers it. */
    pending: array(pendingRequest, clients),
  })
}
export type ServerState = ReturnType<typeof serverState>
export type ServerView = ViewOf<ServerState>
