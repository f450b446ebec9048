/**
 * A latency study of APUS in virtual time: the core as it is, on the hardware of `hardware.ts`, without faults. Clients
 * ask the leader in closed loops. Consensus latency is the time from the leader's giving a request an index to its
 * learning that it is committed. The same options give the same figures.
 */
import { Right, type SystemModel, type Workload } from '../../protocol/index.js'
import { replicaCore } from '../../protocol/apus/core.js'
import { keyValueStore } from '../../protocol/apus/key-value-store.js'
import {
  type ApusLayouts,
  Durability,
  PAIRS_PER_PEER,
  Reads,
  apusLayouts,
  entryKind,
  usualPace,
} from '../../protocol/apus/layout.js'
import { describeMessage } from '../../protocol/apus/messages.js'
import { noteKind } from '../../protocol/apus/notes.js'
import { MOST_POSTED } from '../../protocol/apus/replica.js'
import { specOf } from '../../protocol/apus/spec.js'
import { type LatencyModel, Random, World, derivedSeed } from '../../sim/index.js'
import { FaultDice } from '../../sim/schedulers/fault-dice.js'
import { Timed } from '../../sim/schedulers/timed.js'
import { type Hosts, entryBytes, leader, publishedHardware, publishedJitter } from './hardware.js'

const KEYS = 8
/** Words of a value: with its header an operation of 64 bytes. */
const VALUE_WORDS = 7
/** Entries retained beyond the window, so that recycling never holds an entry back. */
const RETAINED = 40
/** Longer than any request takes here: nobody asks twice. */
const CLIENT_TIMEOUT_MICROS = 100_000
/** Requests committed before the measurement begins, so that the clients have come out of step. */
const WARM_UP = 200

/** A point of the study. */
export interface Point extends Hosts {
  readonly replicas: number
  readonly connections: number
}
export interface StudyOptions {
  /** Requests measured with each seed. */
  readonly requests: number
  readonly seeds: readonly number[]
  /** Replaces the published hardware, to see what a part of it contributes. */
  readonly hardware?: (hosts: Hosts) => LatencyModel
}

/** Nanoseconds of virtual time. */
interface Distribution {
  readonly mean: number
  readonly median: number
  readonly p99: number
  readonly most: number
}
export interface PointFigures {
  readonly point: Point
  readonly requests: number
  readonly consensus: Distribution
  /** From the client's request to its reply. */
  readonly answer: Distribution
  /** Requests a second that were answered. */
  readonly rate: number
  /** Entries that were uncommitted at the same time, on average. */
  readonly inFlight: number
}

export function studyPoint(point: Point, options: StudyOptions): PointFigures {
  const consensus: number[] = []
  const answer: number[] = []
  let nanos = 0
  for (const seed of options.seeds) nanos += measure(point, options, seed, consensus, answer)
  const total = consensus.reduce((sum, value) => sum + value, 0)
  return {
    point,
    requests: consensus.length,
    consensus: distributionOf(consensus),
    answer: distributionOf(answer),
    rate: answer.length / (nanos / 1e9),
    inFlight: total / nanos,
  }
}

/** One run. Adds what it measures to the lists; returns how long the measurement took in virtual time. */
function measure(
  point: Point,
  { requests, hardware = publishedHardware }: StudyOptions,
  seed: number,
  consensus: number[],
  answer: number[],
): number {
  const { model, layouts } = systemOf(point, (requests + WARM_UP) * 2)
  const world = new World(model, { knobs: { poll: 'atomic', placement: 'in-order', visibility: 'lagging' } })
  const random = new Random(derivedSeed(seed, 7))
  const dice = new FaultDice(world, random, { meanActions: Infinity, stableActions: 0 })
  const quiet = { meanNanos: Infinity, stableNanos: 0 }
  const scheduler = new Timed(world, random, dice, quiet, publishedJitter, hardware(point))
  const state = layouts.state.view(world.memory.view, world.nodes[leader]!.parts.state.offset)
  const appended = new Map<number, number>()
  const asked = new Float64Array(point.connections)
  let committed = 0
  let done = 0
  let begun = 0
  const last = WARM_UP + requests
  world.listener = {
    note(node, kind, value) {
      if (node !== leader) return
      if (kind === noteKind.code.appended) {
        if (state.log.at(value % layouts.retained).kind === entryKind.code.request)
          appended.set(value, world.nowNanos)
      } else if (kind === noteKind.code.committed) {
        for (committed += 1; committed <= value; committed++) {
          const since = appended.get(committed)
          if (since === undefined) continue
          appended.delete(committed)
          done += 1
          if (done === WARM_UP) begun = world.nowNanos
          if (done > WARM_UP && done <= last) consensus.push(world.nowNanos - since)
        }
        committed = value
      }
    },
    call(client) {
      asked[client] = world.nowNanos
    },
    return(client) {
      if (done > WARM_UP) answer.push(world.nowNanos - asked[client]!)
    },
  }
  scheduler.begin()
  while (done < last) {
    if (!scheduler.next()) throw new Error('the study has come to a standstill')
    scheduler.after(world.step(scheduler.site, scheduler.choice))
    if (world.failure !== undefined) throw world.failure.error
  }
  return world.nowNanos - begun
}

function distributionOf(values: readonly number[]): Distribution {
  const sorted = Float64Array.from(values).sort()
  const at = (share: number): number => sorted[Math.floor(share * sorted.length)]!
  return {
    mean: sorted.reduce((sum, value) => sum + value, 0) / sorted.length,
    median: at(0.5),
    p99: at(0.99),
    most: sorted.at(-1)!,
  }
}

/** APUS with a window and clients for the study, and no more of a system than it needs. */
function systemOf(
  { replicas, connections }: Point,
  operations: number,
): { readonly model: SystemModel; readonly layouts: ApusLayouts } {
  const application = keyValueStore(KEYS, VALUE_WORDS)
  const layouts = apusLayouts({
    pace: usualPace,
    nodes: replicas,
    clients: connections,
    window: connections,
    retained: connections + RETAINED,
    durability: Durability.memory,
    reads: Reads.throughLog,
    application,
  })
  if (layouts.mostEntryBytes !== entryBytes)
    throw new RangeError(`an entry has ${String(layouts.mostEntryBytes)} bytes, not ${String(entryBytes)}`)
  const core = replicaCore(layouts, undefined)
  const put = longestPut(application)
  const script = new Array<Uint8Array>(operations).fill(put)
  const client = { script, target: () => leader, timeoutMicros: CLIENT_TIMEOUT_MICROS, attempts: 2 }
  const workload: Workload = {
    clients: Array.from({ length: connections }, () => client),
    replyBytes: application.replyBytes,
    describeRequest: (operation) => application.describeRequest(operation),
    describeReply: (memory, at, length) => application.describeReply(memory, at, length),
  }
  const model: SystemModel = {
    cores: Array.from({ length: replicas }, () => core),
    network: {
      kind: 'unordered',
      messageBytes: layouts.message.sizeBytes,
      capacity: 8,
      lossy: true,
      describe: describeMessage(replicas),
    },
    fabric: {
      pairsPerPeer: PAIRS_PER_PEER,
      sendQueueDepth: MOST_POSTED + 1,
      requestBytes: Math.max(layouts.mostEntryBytes, layouts.snapshot.sizeBytes),
      receiveQueueDepth: 0,
      initialRights: Right.write | Right.read,
    },
    workload,
    atlas: { safety: {}, unavailable: 0, beyond: [] },
    spec: specOf(layouts, workload),
    requires: { psn: 'derived' },
    bounds: {},
  }
  return { model, layouts }
}

/** A put of the longest value, found among what clients may draw. */
function longestPut(application: ReturnType<typeof keyValueStore>): Uint8Array {
  const random = new Random(1)
  for (let position = 0; ; position++) {
    const operation = application.drawOperation(random, 0, position)
    if (
      operation.length === application.operationBytes &&
      application.describeRequest(operation).startsWith('put')
    )
      return operation
  }
}
