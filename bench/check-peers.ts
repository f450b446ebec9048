/**
 * The model checker beside others: wall time to the same number of distinct states, on one core and on two, with the same
 * property judged and paths kept. A time is that of the whole process, its start and its compilation included; runs of
 * the tools take turns, so that what else goes on strikes all alike. Where the counts of two tools differ, nothing is
 * reported: they have not done the same.
 */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Goal, PeerFigures, PeerRow } from '../cli/peer-report.js'
import { type Ended, run } from './peers/process.js'
import { type Counts, type Task, type Tool, findTools } from './peers/tools.js'

interface PeerOptions {
  readonly tasks?: readonly Task[] | undefined
  readonly cores?: readonly number[] | undefined
  /** Runs of each tool for each task; one that takes long is run less often. */
  readonly runs?: number | undefined
  /** Where `bench/peers/build.mjs` has put what it built; default: where AVIARY_PEERS says, or `.cache/peers`. */
  readonly cache?: string | undefined
  readonly onProgress?: ((what: string) => void) | undefined
}

const usualTasks: readonly Task[] = [
  { model: '2pc', size: 8 },
  { model: '2pc', size: 9 },
  { model: 'paxos', size: 3 },
]
/** As large as tests can do often: everything is run once. */
export const smallTasks: readonly Task[] = [
  { model: '2pc', size: 3 },
  { model: 'paxos', size: 1 },
]
const usualRuns = 3
/** A tool is not run again for a task when this much time has gone into it. */
const mostSeconds = 90

export async function benchCheckPeers(options: PeerOptions = {}): Promise<PeerFigures> {
  const checkout = checkoutFolder()
  const cache = options.cache ?? process.env['AVIARY_PEERS'] ?? join(checkout, '.cache', 'peers')
  const { tools, leftOut } = findTools({ checkout, cache })
  const rows: PeerRow[] = []
  for (const task of options.tasks ?? usualTasks)
    for (const cores of options.cores ?? [1, 2])
      rows.push(...(await race(tools, task, cores, options.runs ?? usualRuns, options.onProgress)))
  return {
    tools: tools.map(({ name, version, manner }) => ({ tool: name, version, manner })),
    leftOut,
    rows,
    goals: goalsOf(rows),
  }
}

/** This module is `bench/check-peers` in a checkout, or in its `dist`. */
function checkoutFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder)
  return folder
}

const nameOf = ({ model, size }: Task): string => `${model} ${size}`

async function race(
  tools: readonly Tool[],
  task: Task,
  cores: number,
  runs: number,
  onProgress: PeerOptions['onProgress'],
): Promise<PeerRow[]> {
  const racing = tools.filter((tool) => tool.models(task))
  for (const tool of racing) await tool.prepare(task, cores)
  const ended = new Map<Tool, Ended[]>(racing.map((tool) => [tool, []]))
  const exact = new Map<Tool, Counts>()
  const searched = new Map<Tool, number>()
  for (let turn = 0; turn < runs; turn++)
    for (const tool of racing) {
      const before = ended.get(tool)!
      if (before.reduce((sum, { seconds }) => sum + seconds, 0) > mostSeconds) continue
      onProgress?.(`${nameOf(task)}, ${tool.name}, ${coresText(cores)}, run ${turn + 1}`)
      const result = await run(tool.command(task, cores), cores, tool.folder)
      if (result.code !== 0)
        throw new Error(`${tool.name} failed on ${nameOf(task)}:\n${result.stdout}${result.stderr}`)
      before.push(result)
      const counted = tool.counts(result.stdout)
      agree(task, tool, counted, exact)
      if (tool.digits === undefined) exact.set(tool, counted)
      if (counted.searchSeconds !== undefined)
        searched.set(tool, Math.min(counted.searchSeconds, searched.get(tool) ?? Infinity))
    }
  return racing.map((tool) => ({
    ...rowOf(task, tool, cores, exact.get(tool) ?? sameAs(exact.get(racing[0]!)!), ended.get(tool)!),
    searchSeconds: searched.get(tool),
  }))
}

/** Throws unless these counts are those of all tools before, as far as the tool says what it has counted. */
export function agree(
  task: Task,
  { name, digits }: Pick<Tool, 'name' | 'digits'>,
  { distinct, generated }: Counts,
  others: ReadonlyMap<Pick<Tool, 'name'>, Counts>,
): void {
  const asPrinted = (count: number): number =>
    digits === undefined ? count : Number(count.toPrecision(digits))
  for (const [other, theirs] of others)
    if (asPrinted(theirs.distinct) !== distinct || asPrinted(theirs.generated) !== generated)
      throw new Error(
        `${nameOf(task)}: ${name} has counted ${distinct} distinct states of ${generated} generated ones, ` +
          `${other.name} ${theirs.distinct} of ${theirs.generated}: they do not check the same model`,
      )
}

/** What a tool has printed in fewer digits has been found to agree with another's counts, which are these. */
const sameAs = ({ distinct, generated }: Counts): Counts => ({ distinct, generated })

function rowOf(task: Task, tool: Tool, cores: number, counts: Counts, ended: readonly Ended[]): PeerRow {
  const { distinct, generated } = counts
  const times = ended.map(({ seconds }) => seconds).sort((a, b) => a - b)
  const [seconds = NaN] = times
  return {
    model: nameOf(task),
    tool: tool.name,
    cores,
    runs: times.length,
    seconds,
    medianSeconds: times[times.length >> 1]!,
    cpuSeconds: Math.min(...ended.map(({ cpuSeconds }) => cpuSeconds)),
    distinct,
    generated,
    generatedPerSecond: Math.round(generated / seconds),
    distinctPerSecond: Math.round(distinct / seconds),
    moved: counts.moved,
    bytesPerState: counts.bytesPerState,
  }
}

const coresText = (cores: number): string => (cores === 1 ? 'one core' : `${cores} cores`)

/** What is wanted, as far as it was measured. */
export function goalsOf(rows: readonly PeerRow[]): readonly Goal[] {
  const goals: Goal[] = []
  const of = (model: string, tool: string, cores: number): PeerRow | undefined =>
    rows.find((row) => row.model === model && row.tool === tool && row.cores === cores)
  const want = (goal: string, wanted: number, reached: number, isMet: boolean, byCpu?: number): void => {
    goals.push({ goal, wanted, reached, isMet, ...(byCpu === undefined ? {} : { reachedByCpu: byCpu }) })
  }
  const eight = of('2pc 8', 'aviary', 1)
  if (eight !== undefined) {
    const { generated, searchSeconds, bytesPerState } = eight
    const rate = Math.round(generated / (searchSeconds ?? NaN))
    want('2pc 8: generated states a second of search, one core', 12e6, rate, rate >= 12e6)
    const bytes = bytesPerState ?? NaN
    want('2pc 8: bytes a state, at most', 40, bytes, bytes <= 40)
  }
  for (const [model, tool, factor] of [
    ['2pc 8', 'stateright', 3],
    ['2pc 9', 'stateright', 3],
    ['2pc 8', 'spin', 2],
    ['2pc 9', 'spin', 2],
    ['2pc 8', 'tlc', 25],
    ['2pc 9', 'tlc', 25],
    ['paxos 3', 'stateright', 10],
  ] as const) {
    const ours = of(model, 'aviary', 1)
    const theirs = of(model, tool, 1)
    if (ours === undefined || theirs === undefined) continue
    const times = theirs.seconds / ours.seconds
    const byCpu = theirs.cpuSeconds / ours.cpuSeconds
    // Both, so that no goal is met because other programs were in the way of a peer.
    const isMet = times >= factor && byCpu >= factor
    want(`${model}: times as fast as ${tool}, one core`, factor, times, isMet, byCpu)
  }
  for (const model of ['2pc 8', '2pc 9']) {
    const one = of(model, 'aviary', 1)
    const two = of(model, 'aviary', 2)
    if (one === undefined || two === undefined) continue
    const gain = one.seconds / two.seconds
    want(`${model}: two workers on two cores, times as fast as one`, 1.7, gain, gain >= 1.7)
  }
  return goals
}
