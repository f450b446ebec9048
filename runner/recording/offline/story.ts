/** A recorded run as its inputs: of all nodes in one order, with whatever led to each. */
import type { Hardware } from '../../../protocol/index.js'
import { InputCollector, type RunInput, mergeInputs } from './merge.js'
import type { Recording } from './parse.js'
import { type NodeReplay, replaySteps } from './replay.js'
import type { Steps } from './steps.js'
import { vocabularyOf } from './words.js'

export interface Story {
  readonly inputs: readonly RunInput[]
  readonly replays: readonly NodeReplay[]
  /** Inputs, those included that were not kept. */
  readonly all: number
}

/**
 * Replays a run and puts its inputs into one order. Polls that asked for nothing are left out.
 *
 * @param keep how many inputs of each recording, the last ones; Infinity: all
 * @throws {@link RunError} for a recording that cannot be read
 */
export function* storySteps(
  recordings: readonly Recording[],
  hardware: Hardware,
  keep: number,
): Steps<Story> {
  const base = recordings
    .map(({ header }) => BigInt(header.begunNanos))
    .reduce((least, each) => (each < least ? each : least))
  let all = 0
  const replays: NodeReplay[] = []
  const nodes: (readonly RunInput[])[] = []
  for (const recording of recordings) {
    const words = vocabularyOf(hardware, recording)
    const collector = new InputCollector(recording, words, base, keep)
    const replay = yield* replaySteps(recording, {
      words,
      visit: (input) => {
        all++
        collector.add(input)
      },
    })
    replays.push(replay)
    nodes.push(collector.inputs)
  }
  return { inputs: mergeInputs(nodes), replays, all }
}
