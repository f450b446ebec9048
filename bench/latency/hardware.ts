/**
 * The hardware on which APUS was published, as latencies: nine Dell R430 (24 hyperthreads of 2.6 GHz), ConnectX-3 Pro
 * NICs on 40 Gb/s InfiniBand, an SSD each, Linux 3.16.
 *
 * All figures were fixed, with their sources, before the study gave its first result, and are not fitted to it. The
 * paper says little of its hardware beyond the names, so the NIC is taken from other people's measurements of the same
 * kind: NICs of the mlx4 family at 40 Gb/s.
 */
import {
  type Latency,
  type LatencyModel,
  type LatencyProfile,
  type Work,
  latencies,
} from '../../sim/index.js'
import type { Site } from '../../sim/world/site.js'

/** A figure of the study, in nanoseconds. */
export interface Figure {
  readonly name: string
  readonly nanos: number
  readonly source: string
}

const perftest =
  '`ib_write_lat` (half of a ping-pong, typical of 1,000) between two mlx4 HCAs at 40 Gb/s (4X QDR InfiniBand) through one InfiniScale-IV switch, from a public note titled "Perftest 包"'
const paper = 'APUS (SoCC 2017; draft of February 2017)'

/** An entry of the study: header 32, operation 64, trailer 8 bytes. */
export const entryBytes = 104
const wordBytes = 8

// ---- measured

const inlineWrite: Figure = {
  name: 'WRITE of 8 bytes, inline, from the call that posts it to the poll that sees it',
  nanos: 890,
  source: `${perftest}. The same test on ConnectX-3 Pro, 40 Gb/s RoCE without a switch: 0.85 µs (Aksoy, "GPU Cluster LAB Setup", 2026)`,
}
/** Too long to be inline, by bytes. */
const fetchedWrite = { 256: 1840, 512: 2090 } as const
const entryWrite: Figure = {
  name: `WRITE of an entry of ${String(entryBytes)} bytes, not inline`,
  nanos: Math.round(
    fetchedWrite[256] - ((fetchedWrite[512] - fetchedWrite[256]) * (256 - entryBytes)) / (512 - 256),
  ),
  source:
    'the same listing: 1.84 µs for 256 bytes and 2.09 µs for 512, the shortest that are not inline there; the line through both, carried on to the length of an entry',
}
const post: Figure = {
  name: 'posting a work request',
  nanos: 200,
  source: `${paper}: at most 0.2 µs. Taken at its bound`,
}
const store: Figure = {
  name: 'storing an entry, at the leader before it posts and at a follower before it acknowledges',
  nanos: 2_800,
  source: `${paper}: the leader's storing on a call of Redis, the least of nine programs (2.8 to 8.7 µs), and the one whose storing and waiting for the quorum (2.8 + 6.0) add up to the 8.8 µs of the figure; no flush of a device is in it. That a follower takes as long is assumed; so is that it takes always as long: its spread is not published`,
}
const ping: Figure = {
  name: 'way between a client and the leader, there and back',
  nanos: 84_000,
  source: `${paper}: ping over IPoIB`,
}

// ---- divided

const place: Latency = {
  minimumNanos: 30,
  excessNanos: 20,
  source: 'a posted PCIe write into the last-level cache. Assumed; only the sum of a way is measured',
}
const poll: Latency = {
  minimumNanos: 40,
  excessNanos: 20,
  source:
    'a loop over a few lines that the NIC has put into the last-level cache. Assumed; only the sum of a way is measured',
}
const look: Latency = {
  minimumNanos: 50,
  excessNanos: 20,
  source: 'copying two cache lines and computing their checksum. Assumed',
}
const mean = ({ minimumNanos, excessNanos }: Latency): number => minimumNanos + excessNanos

/** 8 bytes at the 32 Gb/s of data that 4X QDR carries. */
const nextWordNanos = 2
/** With those of placing and polling: the standard deviation of 0.04 µs that the listing has for a way. */
const wireExcessNanos = 30

function wire({ nanos }: Figure, bytes: number, source: string): Latency {
  const rest = post.nanos + mean(place) + (bytes / wordBytes - 1) * nextWordNanos + mean(poll)
  return { minimumNanos: nanos - rest - wireExcessNanos, excessNanos: wireExcessNanos, source }
}
const entryWire = wire(
  entryWrite,
  entryBytes,
  'WRITE of an entry, less posting, placing and polling: PCIe, the fetch of the payload, both NICs, switch',
)
const inlineWire = wire(
  inlineWrite,
  wordBytes,
  'WRITE of 8 bytes, less posting, placing and polling: PCIe, both NICs, switch',
)

/** Where the clients are. */
export type Clients = 'network' | 'leader'
/** What a point of the study assumes of the hosts. */
export interface Hosts {
  readonly stores: boolean
  readonly threads: Work['threads']
  readonly clients: Clients
}

/** The leader of the study, which is never replaced. */
export const leader = 0

const none: Latency = { minimumNanos: 0, excessNanos: 0, source: 'asks again as soon as it is answered' }
/** Spread of a way: assumed, for clients that keep no step. */
const wayExcessNanos = 5_000
const way: Latency = {
  minimumNanos: ping.nanos / 2 - wayExcessNanos,
  excessNanos: wayExcessNanos,
  source: `half of a ping (${paper}); the spread of 5 µs is assumed`,
}

/**
 * Latencies of the published hardware. What does not happen in the study (control calls, messages, READs, flushes,
 * faults) is as in the simulator's table.
 */
export function publishedHardware({ stores, threads, clients }: Hosts): LatencyModel {
  const storeNanos = stores ? store.nanos : 0
  const observe: Latency = { ...look, minimumNanos: look.minimumNanos + storeNanos }
  const request = clients === 'network' ? way : none
  const of = ({ kind, from }: Site): Latency => {
    switch (kind) {
      case 'poll':
        return poll
      case 'observe':
        return observe
      case 'place':
        return place
      case 'arrive':
        return from === leader ? entryWire : inlineWire
      case 'complete':
        return { ...inlineWire, minimumNanos: inlineWire.minimumNanos + mean(place) + mean(poll) }
      case 'expire':
        return { minimumNanos: 8_192, excessNanos: 0, source: 'APUS v0.1: timeout 1, no retry' }
      case 'invoke':
        return none
      case 'request':
      case 'reply':
        return request
      default:
        return latencies[kind]
    }
  }
  return { of, nextWordNanos, work: { publishNanos: storeNanos, postNanos: post.nanos, threads } }
}

/**
 * Of 1,000 WRITEs of 8 to 128 bytes in the listing the slowest took 2.4 to 3.7 µs where the typical took 0.9 to 1.1: one
 * in a thousand is about four times as long on the wire.
 */
export const publishedJitter: LatencyProfile = { jitter: 1, slowChance: 0.001, slowFactor: 4 }

/** Everything that the study assumes, for its document. */
export const measured: readonly Figure[] = [inlineWrite, entryWrite, post, store, ping]
export const divided: readonly (Latency & { readonly name: string })[] = [
  { name: 'arrive (an entry)', ...entryWire },
  { name: 'arrive (an acknowledgement)', ...inlineWire },
  { name: 'place (first word)', ...place },
  {
    name: 'place (each next word)',
    minimumNanos: nextWordNanos,
    excessNanos: 0,
    source: '8 bytes at the 32 Gb/s of data that 4X QDR carries',
  },
  { name: 'poll', ...poll },
  { name: 'observe (without storing)', ...look },
  {
    name: 'complete',
    ...inlineWire,
    minimumNanos: inlineWire.minimumNanos + mean(place) + mean(poll),
    source:
      'as the way of an acknowledgement, placed and polled. Assumed; it frees places in send queues only',
  },
  { name: 'request, reply (clients over the network)', ...way },
  {
    name: 'expire',
    minimumNanos: 8_192,
    excessNanos: 0,
    source: 'APUS v0.1: timeout 1, no retry. Nothing expires in the study',
  },
]

/** The least time of one round trip of an entry and its acknowledgement, without storing: nothing can undercut it. */
export const leastRoundTripNanos =
  2 * post.nanos +
  entryWire.minimumNanos +
  inlineWire.minimumNanos +
  2 * (place.minimumNanos + poll.minimumNanos)

/** What a request goes through that meets no other: nanoseconds by part, from the means of the figures above. */
export function pathOf(replicas: number, stores: boolean): readonly { name: string; nanos: number }[] {
  /** Followers that make a majority with the leader: so many WRITEs are posted before the one that decides is out. */
  const deciding = Math.floor(replicas / 2)
  const storeNanos = stores ? store.nanos : 0
  return [
    { name: 'storing, leader', nanos: storeNanos },
    { name: 'posting, leader', nanos: deciding * post.nanos },
    {
      name: 'wire, entry',
      nanos: mean(entryWire) + mean(place) + (entryBytes / wordBytes - 1) * nextWordNanos,
    },
    { name: 'polls and copy, follower', nanos: 2 * mean(poll) + mean(look) },
    { name: 'storing, follower', nanos: storeNanos },
    { name: 'posting, follower', nanos: post.nanos },
    { name: 'wire, acknowledgement', nanos: mean(inlineWire) + mean(place) },
    { name: 'poll, leader', nanos: mean(poll) },
  ]
}
/** How long a follower, which has one thread, is busy with one entry: nanoseconds. */
export function followerNanos(stores: boolean): number {
  return 2 * mean(poll) + mean(look) + (stores ? store.nanos : 0)
}

/** The hardware of some hosts without the time that posting takes. */
export function withFreePosting(hosts: Hosts): LatencyModel {
  const model = publishedHardware(hosts)
  return { ...model, work: { ...model.work!, postNanos: 0 } }
}
/** The hardware of some hosts on which all but the way of the clients takes always as long as on average. */
export function withoutJitter(hosts: Hosts): LatencyModel {
  const model = publishedHardware(hosts)
  const of = (site: Site): Latency => {
    const latency = model.of(site)
    if (site.kind === 'request' || site.kind === 'reply') return latency
    return { ...latency, minimumNanos: mean(latency), excessNanos: 0 }
  }
  return { ...model, of }
}
