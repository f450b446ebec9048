/** `aviary export` of recordings: the inputs of all nodes in one order. */
import type { RunInput } from '../runner/index.js'
import { Message, describeProcesses, emit, event, eventType, laneOf } from '../sim/trace/index.js'
import { readRecordedRun } from './recording-file.js'
import { storyOf } from './recording-story.js'

/** Pieces of the file, to be written one after the other. */
export async function recordingChunks(
  path: string,
  format: 'perfetto' | 'jsonl' | 'text',
  named: string | undefined,
): Promise<Iterable<string | Uint8Array>> {
  const run = await readRecordedRun(path, named, undefined)
  const { inputs } = storyOf(run, Infinity)
  switch (format) {
    case 'perfetto':
      return perfetto(inputs, run.recordings[0]!.header.nodes)
    case 'jsonl':
      return lines(inputs, jsonLine)
    case 'text':
      return lines(inputs, textLine)
  }
}

function* lines(
  inputs: readonly RunInput[],
  line: (input: RunInput, index: number) => string,
): Generator<string, void> {
  for (const [i, input] of inputs.entries()) yield `${line(input, i)}\n`
}

const jsonLine = ({ node, life, number, nanos, words, effects, causes }: RunInput, index: number): string =>
  JSON.stringify({ index, node, life, input: number, nanos, given: words, effects, causes })

const textLine = ({ node, nanos, words, effects, causes }: RunInput, index: number): string => {
  const after = causes.length === 0 ? '' : ` (after ${causes.map(String).join(', ')})`
  return `${String(index)} ${(nanos / 1e9).toFixed(9)} n${String(node)} ${words}${after}${effects.map((each) => `; ${each}`).join('')}`
}

/** Width of a slice, unless the next input of its node comes sooner. */
const SLICE_NANOS = 800
const CHUNK_BYTES = 1 << 16

/** Nodes are processes, numbered from 3 as in exports of traces; an arrow for each cause. */
function* perfetto(inputs: readonly RunInput[], nodes: number): Generator<Uint8Array, void> {
  let out = new Message()
  const process = describeProcesses(out)
  for (let node = 0; node < nodes; node++) process(3 + node, `n${String(node)}`, ['core'])
  const flowsOf = inputs.map((): number[] => [])
  let flows = 0
  inputs.forEach(({ causes }) => {
    for (const cause of causes) flowsOf[cause]!.push(++flows)
  })
  // The arrows that end at an input were numbered in the order of inputs.
  let ending = 0
  const following: number[] = new Array<number>(inputs.length).fill(Infinity)
  const last = new Map<number, number>()
  inputs.forEach(({ node, nanos }, i) => {
    const before = last.get(node)
    if (before !== undefined) following[before] = nanos
    last.set(node, i)
  })
  for (const [i, { node, nanos, words, effects, causes }] of inputs.entries()) {
    const track = laneOf(3 + node, 1)
    const slice = new Message()
      .uint(event.type, eventType.sliceBegin)
      .uint(event.track, track)
      .string(event.name, [words, ...effects].join('; '))
    for (const flow of flowsOf[i]!) slice.fixed64(event.flows, flow)
    for (let k = 0; k < causes.length; k++) slice.fixed64(event.endingFlows, ++ending)
    emit(out, nanos, slice)
    const end = Math.max(nanos, Math.min(nanos + SLICE_NANOS, following[i]!))
    emit(out, end, new Message().uint(event.type, eventType.sliceEnd).uint(event.track, track))
    if (out.length >= CHUNK_BYTES) {
      yield out.take()
      out = new Message()
    }
  }
  if (out.length > 0) yield out.take()
}
