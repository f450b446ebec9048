/** `aviary replay` of recordings: the same core, offline, on what it was given. */
import { handlerNames } from '../protocol/index.js'
import { Exit } from './errors.js'
import { type RecordedRun, asUsage, originalOf, readRecordedRun, replayRecording } from './recording-file.js'
import {
  type JudgedService,
  type NodeReplay,
  ServiceJudge,
  judgeHistory,
  refuseHoles,
  scriptSetup,
} from '../runner/index.js'
import { buildModel } from '../sim/index.js'
import { type Terminal, grouped, makeTerminal, plural, table, wrap } from './terminal.js'

export interface ReplayRecordingFlags {
  readonly bug?: string
  readonly system?: string
  readonly json?: boolean
}

export async function replayRun(path: string, flags: ReplayRecordingFlags): Promise<Exit> {
  const terminal = makeTerminal(flags)
  const { say, colours, progress } = terminal
  const run = await readRecordedRun(path, flags.system, flags.bug)
  asUsage(() => {
    refuseHoles(run.recordings)
  })
  const { header } = run.recordings[0]!
  say(
    `Replaying ${plural(run.recordings.length, 'recorded life', 'recorded lives')} of ${colours.bold(run.system.argument)}${header.isService ? ' as a service' : ''} on ${plural(header.nodes, 'node')}${flags.bug === undefined ? '' : `, with the planted bug ${colours.yellow(flags.bug)}`}.`,
  )
  if (run.codeChanged) say(colours.dim('The code has changed since it was recorded.'))
  const replays: NodeReplay[] = []
  const service = run.service?.history
  const judge = service === undefined ? undefined : new ServiceJudge(service)
  for (const recording of run.recordings) {
    progress.update(`replaying ${recording.path}`)
    const watch = judge?.watcher(recording.header.node)
    replays.push(replayRecording(run, recording, originalOf(run, recording, flags.bug), { watch }))
  }
  progress.end()
  say()
  say(summary(terminal, replays))
  for (const { recording, before } of replays) {
    const name = `member ${String(recording.header.node)}, life ${String(recording.header.incarnation)}`
    if (recording.ending === 'cut')
      say(
        colours.yellow(
          `${name}: the recording was cut when its process was killed; the last moments are missing.`,
        ),
      )
    if (before > 0)
      say(`${name}: the flight recorder holds what came after the first ${grouped(before)} inputs.`)
  }
  const diverged = replays.filter((replay) => replay.divergence !== undefined)
  // What another core applies is not what callers were answered by.
  const { history, why } =
    diverged.length > 0
      ? { history: undefined, why: 'a core left its recording' }
      : historyOf(run, replays, judge)
  for (const replay of diverged) sayDivergence(terminal, replay)
  for (const { recording, failure } of replays)
    if (failure !== undefined)
      say(
        `\n${colours.red(`Member ${String(recording.header.node)} failed${failure.inHandler ? ' in its core, as recorded' : ' outside of its core'}:`)} ${failure.message}`,
      )
  say()
  if (history === undefined) say(`What clients saw is not judged: ${why}.`)
  else {
    const { verdict, operations, unknown, reason } = history
    const open = unknown === 0 ? '' : `, ${grouped(unknown)} of them without a known outcome`
    say(`What clients saw in ${plural(operations, 'operation')}${open}: ${VERDICTS[verdict](colours)}`)
    if (reason !== undefined) say(reason)
  }
  if (diverged.length === 0) say(colours.green('Every effect and every compared state was as recorded.'))
  terminal.json({
    system: header.system,
    nodes: header.nodes,
    bug: flags.bug ?? null,
    outcome: diverged.length === 0 ? 'reproduced' : 'diverged',
    codeChanged: run.codeChanged,
    lives: replays.map(jsonOf),
    history: history ?? null,
  })
  if (diverged.length > 0) return Exit.diverged
  return history?.verdict === 'violated' ? Exit.violation : Exit.nothingFound
}

const VERDICTS: Readonly<Record<JudgedService['verdict'], (colours: Terminal['colours']) => string>> = {
  linearizable: ({ green }) => green('linearizable'),
  sequential: ({ green }) =>
    `${green('sequentially consistent')}, and linearizable as far as each machine's own clock tells`,
  violated: ({ red }) => red('violated'),
  unknown: ({ yellow }) => yellow('unknown'),
}

/** What clients saw, judged; or why it is not. */
function historyOf(
  run: RecordedRun,
  replays: readonly NodeReplay[],
  judge: ServiceJudge | undefined,
): { readonly history: JudgedService | undefined; readonly why: string } {
  const not = (why: string) => ({ history: undefined, why })
  const { header } = run.recordings[0]!
  if (header.isService && judge === undefined) return not('the service declares no history')
  if (judge === undefined && new Set(run.recordings.map((each) => each.header.clock)).size > 1)
    return not('the members ran on machines with clocks of their own')
  if (replays.some(({ before }) => before > 0)) return not('only the last seconds were recorded')
  const lives = replays.map(({ recording }) => recording.header)
  const isComplete = Array.from({ length: header.nodes }, (_, node) => node).every((node) =>
    lives.some((life) => life.node === node && life.incarnation === 0),
  )
  if (!isComplete) return not('the recording of a member is missing')
  const isWhole = replays.every(({ recording }) => recording.ending === 'whole')
  if (judge !== undefined) return { history: judge.judge(replays, isWhole), why: '' }
  if (!isWhole) return not('a recording was cut, and clients may have learned more')
  if (replays.length > header.nodes) return not('a script that ran in two lives has used its numbers twice')
  const model = buildModel(run.system.definition, scriptSetup(run.system.definition, header))
  const history = judgeHistory(model, new Map(replays.flatMap(({ clients }) => [...clients])))
  return { history, why: 'the system declares no history property' }
}

function summary({ colours }: Terminal, replays: readonly NodeReplay[]): string {
  const used = handlerNames
    .map((_, handler) => handler)
    .filter((h) => replays.some((r) => r.byHandler[h]! > 0))
  const head = [
    'member',
    'life',
    'seconds',
    ...used.map((h) => handlerNames[h]!),
    'quiet polls',
    'effects',
    'states',
    '',
  ]
  const rows = replays.map((replay) => [
    String(replay.recording.header.node),
    String(replay.recording.header.incarnation),
    (replay.nanos / 1e9).toFixed(1),
    ...used.map((h) => grouped(replay.byHandler[h]!)),
    grouped(replay.quietPolls),
    grouped(replay.effects),
    String(replay.statesCompared),
    replay.divergence === undefined ? colours.green('the same') : colours.red('diverged'),
  ])
  return table([head.map((each) => colours.dim(each)), ...rows])
}

const EFFECTS_SHOWN = 12

function sayDivergence({ say, colours, width }: Terminal, { recording, divergence }: NodeReplay): void {
  const { input, nanos, given, what, recorded, here } = divergence!
  const { node, incarnation } = recording.header
  say(
    `\n${colours.red(`Member ${String(node)}, life ${String(incarnation)}, left its recording at input ${String(input)}`)} (${(nanos / 1e9).toFixed(6)} s): ${what}.`,
  )
  if (given !== '') say(`  it was given: ${given}`)
  const list = (title: string, effects: readonly string[]): void => {
    say(`  ${title}: ${effects.length === 0 ? 'nothing' : ''}`.trimEnd())
    for (const effect of effects.slice(0, EFFECTS_SHOWN)) say(wrap(`- ${effect}`, width, 4))
    if (effects.length > EFFECTS_SHOWN) say(`    … and ${String(effects.length - EFFECTS_SHOWN)} more`)
  }
  list('recorded', recorded)
  list('here', here)
}

function jsonOf(replay: NodeReplay): unknown {
  const { recording, byHandler, divergence, failure } = replay
  return {
    file: recording.path,
    node: recording.header.node,
    life: recording.header.incarnation,
    ending: recording.ending,
    seconds: replay.nanos / 1e9,
    inputs: replay.inputs,
    before: replay.before,
    byHandler: Object.fromEntries(handlerNames.map((name, h) => [name, byHandler[h]])),
    quietPolls: replay.quietPolls,
    effects: replay.effects,
    statesCompared: replay.statesCompared,
    stateHash: replay.stateHash.toString(16).padStart(8, '0'),
    divergence: divergence ?? null,
    failure: failure ?? null,
  }
}
