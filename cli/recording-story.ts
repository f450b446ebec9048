/** A recorded run told to a person: all nodes in one order, with an arrow for whatever led to an input. */
import { type Story, finished, storySteps } from '../runner/index.js'
import { drawLanes, wrapWords } from '../sim/index.js'
import { Exit } from './errors.js'
import { type RecordedRun, asUsage, readRecordedRun } from './recording-file.js'
import { makeTerminal, plural } from './terminal.js'

/** Replays a run and puts its inputs into one order, the last `keep` of each recording. Throws {@link UsageError}. */
export const storyOf = (run: RecordedRun, keep: number): Story =>
  asUsage(() => finished(storySteps(run.recordings, run.hardware, keep)))

/** `aviary explain` of a recording. */
export async function explainRun(
  path: string,
  flags: { readonly last: number; readonly system?: string },
): Promise<Exit> {
  const { say, colours, width } = makeTerminal()
  const run = await readRecordedRun(path, flags.system, undefined)
  const { header } = run.recordings[0]!
  const { inputs, replays, all } = storyOf(run, flags.last)
  say(
    `${colours.bold(run.system.argument)}${header.isService ? ' as a service' : ''}, recorded on ${plural(header.nodes, 'node')}: ${plural(all, 'input')}`,
  )
  const shown = inputs.slice(-flags.last)
  const first = inputs.length - shown.length
  const lanes = drawLanes(
    Array.from({ length: header.nodes }, (_, node) => `n${String(node)}`),
    Math.floor(width * 0.3),
  )
  const timeWidth = 12
  say()
  say(colours.bold(`${'seconds'.padStart(timeWidth)}  ${lanes.head}`.trimEnd()))
  if (all > shown.length)
    say(colours.dim(`${' '.repeat(timeWidth + 2)}${plural(all - shown.length, 'input')} before`))
  const line = (): string => '│'
  shown.forEach((input, i) => {
    const cause = input.causes.find((at) => at >= 0 && inputs[at]!.node !== input.node) ?? -1
    const from = cause < 0 ? -1 : inputs[cause]!.node
    const text = [input.words, ...input.effects].join('; ')
    const seconds = (input.nanos / 1e9).toFixed(6).padStart(timeWidth)
    const room = Math.max(24, width - timeWidth - 3 - lanes.head.length)
    wrapWords(text, room).forEach((piece, k) => {
      const lead =
        k === 0
          ? `${seconds}  ${lanes.draw(line, from, input.node, '●')}`
          : `${' '.repeat(timeWidth + 2)}${lanes.draw(line, -1, -1, '')}`
      say(`${lead} ${piece}`.trimEnd())
    })
    if (first + i === inputs.length - 1) say()
  })
  let exit: Exit = Exit.nothingFound
  for (const { recording, divergence, failure } of replays) {
    const name = `member ${String(recording.header.node)}`
    if (recording.ending !== 'whole')
      say(colours.yellow(`${name}: the recording has no end (${recording.ending}): there was more.`))
    if (failure !== undefined) say(colours.red(`${name} failed: ${failure.message}`))
    if (divergence === undefined) continue
    say(colours.red(`${name} leaves its recording at input ${String(divergence.input)}: see aviary replay.`))
    exit = Exit.diverged
  }
  return exit
}
