/** Three replicas of APUS in one thread, with recorders at their cores. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { type ServiceModel, systems } from '../../../protocol/index.js'
import {
  Outcome,
  type Recording,
  type RecordingHeader,
  type NodeReplay,
  type NodeReplayOptions,
  RunError,
  ServiceReplica,
  layoutDigest,
  replayNode,
} from '../../../runner/index.js'
import { Recorder, type Sink, originAt } from '../../../runner/recording/recorder.js'

const nodes = 3
/** Little memory, so that replays are quick and a flight recorder turns over. */
export const parameters = {
  beatMicros: 20_000,
  suspectMicros: 400_000,
  keys: 16,
  storeBytes: 4096,
  operationBytes: 128,
  window: 8,
  retained: 16,
}
export const apus = systems.find(({ name }) => name === 'apus')!
let clusters = 0

/** A folder that is gone when the test is over. */
export function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'aviary-recording-'))
  onTestFinished(() => {
    rmSync(path, { recursive: true, force: true })
  })
  return path
}

export function headerOf(
  node: number,
  model: ServiceModel,
  isFlight = false,
  incarnation = 0,
): RecordingHeader {
  return {
    version: 1,
    createdBy: 'a test',
    system: 'apus',
    codeFingerprint: 'none',
    isService: true,
    parameters,
    seed: 1,
    nodes,
    node,
    incarnation,
    layoutDigest: layoutDigest(model),
    begunNanos: String(process.hrtime.bigint()),
    clock: 'of the test',
    cluster: 'test',
    isFlight,
  }
}

/**
 * Runs so many operations, one after the other, at replica 0. `sinkOf` takes the recording of each node. What they
 * said of themselves in the end is put into `standings`.
 */
export function serve(
  operations: number,
  sinkOf: (node: number) => Sink,
  standings: Float64Array[] = [],
): ServiceModel {
  const model = apus.service!.build({ nodes, parameters })
  const recorders = Array.from({ length: nodes }, (_, node) => {
    return new Recorder(sinkOf(node), nodes, originAt(process.hrtime.bigint()))
  })
  const cluster = `recording-${String(process.pid)}-${String(clusters++)}`
  const incarnations = new Uint32Array(nodes)
  const replicas = recorders.map((tap, self) => {
    let epoch = 0
    const nextEpoch = (): number => epoch++
    return new ServiceReplica({ model, self, nodes, incarnation: 0, incarnations, cluster, nextEpoch, tap })
  })
  try {
    const ends = performance.now() + 20_000
    const turn = (): void => {
      replicas.forEach((each, i) => {
        each.turn(performance.now())
        recorders[i]!.tick(performance.now())
      })
      if (performance.now() > ends) throw new Error('three replicas did not get through in 20 s')
    }
    const met = (): boolean =>
      replicas.every(({ replica }, i) =>
        replicas.every((_, k) => i === k || replica.native.peerState(k) === 'connected'),
      )
    while (!met()) turn()
    for (const each of replicas) each.start(performance.now())
    const operation = new Uint8Array(8 + 48)
    let done = 0
    const put = (): void => {
      operation.set([1, done % 5, 6])
      operation[8] = done
      replicas[0]!.propose(operation, operation.length, (outcome) => {
        if (outcome !== Outcome.done) throw new Error(`operation ${String(done)} ended in ${String(outcome)}`)
        if (++done < operations) put()
      })
    }
    put()
    while (done < operations) turn()
    for (let i = 0; i < 200; i++) turn()
    for (const recorder of recorders) recorder.end()
    standings.push(...replicas.map(({ standing }) => standing.slice()))
  } finally {
    for (const each of replicas) each.close()
  }
  return model
}

/** Keeps the stream, as a file would. */
export class MemorySink implements Sink {
  readonly pieces: Uint8Array[] = []
  lost = 0
  /** @param room bytes that it takes before it has no room */
  constructor(private readonly room = Infinity) {}
  take(bytes: Uint8Array, length: number): boolean {
    if (this.size + length > this.room) return false
    this.pieces.push(bytes.slice(0, length))
    return true
  }
  takePatiently(bytes: Uint8Array, length: number): boolean {
    return this.take(bytes, length)
  }
  expect(): void {
    // All of it is kept.
  }
  wantsWhole(): boolean {
    return false
  }
  beginAnew(): void {
    throw new Error('nobody has asked for it')
  }
  end(lost: number): void {
    this.lost = lost
  }
  get size(): number {
    return this.pieces.reduce((sum, { length }) => sum + length, 0)
  }
}

/** Replays a recording on the core of the model. */
export function replay(
  recording: Recording,
  model: ServiceModel,
  watch?: NodeReplayOptions['watch'],
): NodeReplay {
  const definition = model.cores[recording.header.node]!
  const words = {
    definition,
    cores: model.cores,
    network: model.network,
    pairsPerPeer: model.fabric!.pairsPerPeer,
  }
  return replayNode(recording, { words, watch })
}

/** What a call throws, which must be a RunError. */
export function errorOf(call: () => unknown): RunError | undefined {
  try {
    call()
    return undefined
  } catch (error) {
    if (error instanceof RunError) return error
    throw error
  }
}
