/**
 * How long things take: a minimum and an exponential excess per action kind, in nanoseconds. The defaults describe
 * servers with 100 Gb RDMA NICs and NVMe disks in one rack; a study of other hardware gives a model of its own.
 */
import type { Random } from '../random.js'
import type { ActionKind, Site } from '../world/site.js'

export interface Latency {
  readonly minimumNanos: number
  /** Mean of the exponential part on top. */
  readonly excessNanos: number
  readonly source: string
}

const local = 'a loop over a few cache lines; a cache miss is about 100 ns'
const fault = 'drawn by the fault clock, not by this table'
const none = (source: string): Latency => ({ minimumNanos: 0, excessNanos: 0, source })

export const latencies: Readonly<Record<ActionKind, Latency>> = {
  poll: { minimumNanos: 40, excessNanos: 60, source: local },
  observe: { minimumNanos: 50, excessNanos: 50, source: local },
  store: { minimumNanos: 1, excessNanos: 1, source: 'a store to a cached line' },
  timer: none('as set by the core'),
  tick: none('as the clock model of the system says'),
  input: {
    minimumNanos: 1_000,
    excessNanos: 20_000,
    source: 'an environment that makes up its mind in tens of microseconds',
  },
  deliver: {
    minimumNanos: 5_000,
    excessNanos: 2_500,
    source: 'kernel TCP between two hosts of a rack: 10 to 20 µs a round trip',
  },
  fetch: { minimumNanos: 150, excessNanos: 100, source: 'a PCIe read by the NIC: 150 to 400 ns' },
  arrive: {
    minimumNanos: 600,
    excessNanos: 150,
    source: 'one way of a small WRITE on ConnectX-5/6: 0.6 to 0.9 µs; Mu replicates in 1.3 µs (OSDI 2020)',
  },
  place: { minimumNanos: 30, excessNanos: 40, source: 'a posted PCIe write into the last-level cache' },
  answer: { minimumNanos: 500, excessNanos: 150, source: 'as complete, which then follows at once' },
  land: {
    minimumNanos: 50_000,
    excessNanos: 2_000_000,
    source: 'a write reported failed landed seconds later on soft-RoCE; scaled to keep runs short',
  },
  complete: {
    minimumNanos: 500,
    excessNanos: 150,
    source: 'the way back of the acknowledgement, and the completion queue entry over PCIe',
  },
  expire: {
    minimumNanos: 1_048_576,
    excessNanos: 500_000,
    source: '4.096 µs × 2^timeout × (retries + 1), with timeout 7 and one retry',
  },
  receive: { minimumNanos: 100, excessNanos: 100, source: local },
  control: {
    minimumNanos: 80_000,
    excessNanos: 20_000,
    source: 'Mu: a change of access flags takes about 88 µs; a reset and reconnect about 1.2 ms',
  },
  overrun: { minimumNanos: 100, excessNanos: 100, source: local },
  teardown: {
    minimumNanos: 1_000_000,
    excessNanos: 20_000_000,
    source: 'unpinning and freeing the memory of a dead process: milliseconds a gigabyte',
  },
  flush: {
    minimumNanos: 15_000,
    excessNanos: 15_000,
    source:
      'a flush of a data-centre NVMe drive with capacitors: 15 to 40 µs; a slow draw is a drive that stalls',
  },
  invoke: { minimumNanos: 500, excessNanos: 20_000, source: 'a client that thinks for tens of microseconds' },
  request: { minimumNanos: 5_000, excessNanos: 2_500, source: 'as deliver' },
  reply: { minimumNanos: 5_000, excessNanos: 2_500, source: 'as deliver' },
  retry: none('as set by the client model'),
  abandon: none('as set by the client model'),
  drop: none(fault),
  duplicate: none(fault),
  crash: none(fault),
  wipe: none(fault),
  'fail-flush': none(fault),
  rot: none(fault),
  misdirect: none(fault),
  restart: none(fault),
  pause: none(fault),
  resume: none(fault),
  cut: none(fault),
  heal: none(fault),
  kill: none(fault),
  halt: none(fault),
  sever: none(fault),
  mend: none(fault),
  retransmit: none(fault),
  corrupt: none(fault),
  calm: none(fault),
}

/** How long things take on some hardware. */
export interface LatencyModel {
  /** Of the actions of a site. */
  readonly of: (site: Site) => Latency
  /** Words of a WRITE after its first follow at line rate, if words are placed in order. */
  readonly nextWordNanos: number
  /** Time that handlers take of a processor; undefined: none. */
  readonly work?: Work | undefined
}

/** Processor time of what handlers do. All else that they do takes none. */
export interface Work {
  /**
   * Of each publish, before what the handler does next: with APUS, a leader that stores an entry before it posts it. Where
   * publishes land word by word (`poll: loads`) they are actions of their own, and this is not added.
   */
  readonly publishNanos: number
  /** Of each work request that is posted: the NIC has it at the end. */
  readonly postNanos: number
  /**
   * `one`: a node has one thread, which does one thing after another, and no handler runs before it has done so. `many`:
   * each publish and what follows it in its handler is the work of a thread of its own, beside all others.
   */
  readonly threads: 'one' | 'many'
}

/** The hardware of the table: 8 bytes at 100 Gb/s, rounded up. */
export const rackLatencies: LatencyModel = { of: ({ kind }) => latencies[kind], nextWordNanos: 1 }

/** What a swarm varies: how far from the table's figures a run is. */
export interface LatencyProfile {
  /** Multiplies the exponential part: 0 lock-step, 1 as in the table, above 1 a jittery network. */
  readonly jitter: number
  /** Probability that an action takes `slowFactor` times as long (FoundationDB: 0.1 % slow packets). */
  readonly slowChance: number
  readonly slowFactor: number
  /** One slow node, or with `from` one slow link, and how many times as long everything takes there. */
  readonly slow?: { readonly node: number; readonly from?: number; readonly factor: number } | undefined
}

/** The latency of a site's actions, slow node and slow link considered. */
export function latencyOf(site: Site, { slow }: LatencyProfile, model: LatencyModel): Latency {
  const latency = model.of(site)
  if (slow === undefined) return latency
  const isSlow =
    slow.from === undefined
      ? site.node === slow.node || site.from === slow.node
      : site.node === slow.node && site.from === slow.from
  if (!isSlow) return latency
  return {
    ...latency,
    minimumNanos: latency.minimumNanos * slow.factor,
    excessNanos: latency.excessNanos * slow.factor,
  }
}

export const defaultLatency: LatencyProfile = { jitter: 1, slowChance: 0.001, slowFactor: 50 }

/**
 * Quantiles of the exponential distribution with mean 1, in the middle of 512 equal shares of probability: a table that
 * leaves most of a 32 KiB first-level cache to the world.
 */
const quantiles = Float64Array.from({ length: 512 }, (_, i) => -Math.log(1 - (i + 0.5) / 512))

/** Draws a latency: one draw, whose upper 9 bits choose the quantile and whose lower 20 bits say whether it is slow. */
export function drawNanos(latency: Latency, profile: LatencyProfile, random: Random): number {
  const bits = random.bits()
  let nanos = latency.minimumNanos + quantiles[bits >>> 23]! * latency.excessNanos * profile.jitter
  if ((bits & 0xfffff) < profile.slowChance * 0x100000) nanos *= profile.slowFactor
  // Math.round is slower; times are never negative.
  return Math.floor(nanos + 0.5)
}
