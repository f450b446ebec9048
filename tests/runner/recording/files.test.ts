import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ServiceModel, Standing, standingWords } from '../../../protocol/index.js'
import { type NodeReplay, type Recording, parseRecording, readRecording } from '../../../runner/index.js'
import { RecordingFile } from '../../../runner/recording/file.js'
import { BlockKind } from '../../../runner/recording/format.js'
import { FlightSink } from '../../../runner/recording/sinks.js'
import { MemorySink, apus, errorOf, folder, headerOf, replay, serve } from './support.js'

/** Writes what was recorded of a node, in blocks of so many bytes. */
function fileOf(
  node: number,
  model: ServiceModel,
  pieces: readonly Uint8Array[],
  ending?: number,
  lost = 0,
): string {
  const path = join(folder(), `node-${String(node)}.aviaryrec`)
  const file = new RecordingFile(path, headerOf(node, model))
  for (const piece of pieces) file.add(BlockKind.records, piece)
  if (ending !== undefined) file.add(ending, new TextEncoder().encode(String(lost)))
  file.close()
  return path
}

const facts = ({ divergence, failure, inputs, quietPolls, effects }: NodeReplay) => ({
  divergence,
  failure,
  inputs: inputs - quietPolls,
  effects,
})

describe('a service of three replicas', () => {
  const sinks = [new MemorySink(), new MemorySink(), new MemorySink()]
  const standings: Float64Array[] = []
  let model: ServiceModel
  beforeAll(() => {
    model = serve(300, (node) => sinks[node]!, standings)
  })

  test('every node does what was recorded, and ends with the memory that it had', () => {
    for (const [node, sink] of sinks.entries()) {
      const result = replay(readRecording(fileOf(node, model, sink.pieces, BlockKind.end)), model)
      expect(result.divergence).toBeUndefined()
      expect(result.byHandler[0]).toBe(1)
      expect(result.effects).toBeGreaterThan(300)
      expect(result.statesCompared).toBeGreaterThan(0)
    }
  })

  test('a replay ends with the same leader, view and entries', () => {
    for (const [node, sink] of sinks.entries()) {
      const result = replay(readRecording(fileOf(node, model, sink.pieces, BlockKind.end)), model)
      const standing = new Float64Array(standingWords)
      model.look(node, new DataView(result.state.buffer as ArrayBuffer))(standing)
      expect(standing).toEqual(standings[node])
      expect(standing[Standing.applied]).toBeGreaterThan(100)
    }
  })

  test('a core of other parameters leaves the recording at an input that is named', () => {
    const { nodes, parameters } = headerOf(0, model)
    const other = apus.service!.build({ nodes, parameters: { ...parameters, beatMicros: 10_000 } })
    const { divergence } = replay(readRecording(fileOf(0, model, sinks[0]!.pieces, BlockKind.end)), other)
    expect(divergence).toMatchObject({ input: 1, given: 'start' })
    expect(divergence!.here.join()).toContain('set timer beat to 10000 µs')
    expect(divergence!.recorded.join()).toContain('setTimer (its arguments were not recorded)')
  })

  test('a hole is said, with what is missing', () => {
    const narrow = [new MemorySink(20_000), new MemorySink(20_000), new MemorySink(20_000)]
    serve(300, (node) => narrow[node]!)
    for (const [node, { pieces, lost, size }] of narrow.entries()) {
      expect(size).toBeLessThanOrEqual(20_000)
      expect(lost).toBeGreaterThan(0)
      const recording = readRecording(fileOf(node, model, pieces, BlockKind.hole, lost))
      expect(recording).toMatchObject({ ending: 'hole', lost })
      // What came before the hole is whole.
      expect(replay(recording, model).divergence).toBeUndefined()
    }
  })

  test('the flight recorder begins in the middle, and what it holds replays', () => {
    const flights = [0, 1, 2].map(() => new FlightSink(2 ** 18))
    serve(4000, (node) => flights[node]!)
    for (const [node, flight] of flights.entries()) {
      const result = replay(readRecording(fileOf(node, model, flight.pieces(), BlockKind.end)), model)
      expect(result.divergence).toBeUndefined()
      expect(result.inputs).toBeGreaterThan(100)
      expect(result.statesCompared).toBeGreaterThan(0)
      if (node > 0) expect(result.before).toBeGreaterThan(0)
    }
  })
})

describe('a file that is not as it was written', () => {
  const sinks = [new MemorySink(), new MemorySink(), new MemorySink()]
  let model: ServiceModel
  let path: string
  let bytes: Uint8Array
  let good: Recording
  const kept = mkdtempSync(join(tmpdir(), 'aviary-recording-'))
  afterAll(() => {
    rmSync(kept, { recursive: true, force: true })
  })
  beforeAll(() => {
    model = serve(2, (node) => sinks[node]!)
    const pieces = sinks[1]!.pieces.flatMap((piece) =>
      Array.from({ length: Math.ceil(piece.length / 400) }, (_, i) => piece.slice(400 * i, 400 * (i + 1))),
    )
    const file = new RecordingFile(join(kept, 'small.aviaryrec'), headerOf(1, model))
    for (const piece of pieces) file.add(BlockKind.records, piece)
    file.add(BlockKind.end, new TextEncoder().encode('0'))
    file.close()
    path = file.path
    // A Buffer would share its memory with what is sliced off.
    bytes = new Uint8Array(readFileSync(path))
    good = parseRecording(bytes, path)
  })

  test('no byte can be another without an error that names a place', () => {
    expect(bytes.length).toBeLessThan(200_000)
    for (let at = 0; at < bytes.length; at++) {
      const changed = bytes.slice()
      changed[at]! ^= 1 << (at % 8)
      const error = errorOf(() => parseRecording(changed, 'small'))
      expect(error, `byte ${String(at)}`).toBeDefined()
      expect(error!.message).toMatch(/^small: (byte \d+|header)/)
    }
  })

  test('cut anywhere, it is read up to the last whole record, or it has no whole header', () => {
    const whole = facts(replay(good, model))
    let before = 0
    for (let length = 0; length < bytes.length; length++) {
      // Each length of the header and around blocks, and some of the rest.
      if (length > 2000 && length % 97 !== 0) continue
      let recording: Recording
      try {
        recording = parseRecording(bytes.slice(0, length), 'small')
      } catch (error) {
        expect(String(error)).toMatch(/ends inside of its header|this is no recording/)
        expect(before).toBe(0)
        continue
      }
      expect(recording.ending).toBe('cut')
      const result = facts(replay(recording, model))
      expect(result.divergence).toBeUndefined()
      expect(result.inputs).toBeGreaterThanOrEqual(before)
      before = result.inputs
    }
    expect(before).toBeGreaterThan(0)
    expect(whole.inputs).toBeGreaterThanOrEqual(before)
  })

  test('blocks that are left out, repeated or exchanged are noticed', () => {
    const starts = blocksOf(bytes)
    expect(starts.length).toBeGreaterThan(3)
    const [first, second, third] = starts as [number, number, number]
    const cutOut = new Uint8Array([...bytes.subarray(0, first), ...bytes.subarray(second)])
    const repeated = new Uint8Array([...bytes.subarray(0, second), ...bytes.subarray(first)])
    const exchanged = new Uint8Array([
      ...bytes.subarray(0, first),
      ...bytes.subarray(second, third),
      ...bytes.subarray(first, second),
      ...bytes.subarray(third),
    ])
    for (const changed of [cutOut, repeated, exchanged])
      expect(errorOf(() => parseRecording(changed, 'small'))?.message).toMatch(
        /stands where block \d+ should/,
      )
  })

  test('what stands behind the end is noticed', () => {
    const longer = new Uint8Array([...bytes, 0])
    expect(errorOf(() => parseRecording(longer, 'small'))?.message).toContain('behind the end')
  })

  test('a recording is not written over another', () => {
    expect(errorOf(() => new RecordingFile(path, headerOf(1, model)))?.message).toContain('already')
  })
})

/** Where blocks begin. */
function blocksOf(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 17 + 4 + view.getUint32(17, true) + 4
  const starts: number[] = []
  while (at < bytes.length) {
    starts.push(at)
    at += 16 + view.getUint32(at + 4, true)
  }
  return starts
}
