/**
 * Chaos: a load on a running cluster, faults from a seed within what the cluster promises, and a judgement of what the
 * clients saw.
 */
import type { Cluster } from '../cluster.js'
import { RunError } from '../errors.js'
import type { ReplicaDigest } from '../order.js'
import { askMember } from '../peers.js'
import type { Harm } from './harm.js'
import { Load, clockMillis } from './load.js'
import { type Deed, Nemesis } from './nemesis.js'
import { type ChaosStep, type Pace, drawPlan } from './plan.js'
import { type HistoryVerdict, type SilenceFigures, judgeLoad, silenceFigures, silences } from './verdict.js'

export interface ChaosOptions {
  readonly cluster: Cluster
  readonly harm: Harm
  /** Whether what members remember outlives their processes. */
  readonly isDurable: boolean
  readonly seed: number
  readonly seconds: number
  readonly clients: number
  /** Something that was done, and its time in milliseconds from the beginning. */
  readonly told?: (text: string, millis: number) => void
  readonly progress?: (line: string) => void
  /** True once somebody wants it to end. */
  readonly isStopped?: () => boolean
}

export interface ChaosResult {
  readonly plan: readonly ChaosStep[]
  readonly deeds: readonly Deed[]
  readonly operations: number
  readonly unknown: number
  readonly refused: number
  readonly keys: number
  readonly silences: readonly SilenceFigures[]
  readonly history: HistoryVerdict
  /** What members differ in at the end, or what they did not get to; undefined: nothing. */
  readonly diverged: string | undefined
  /** What did not go on; undefined: everything did. */
  readonly stalled: string | undefined
}

const THINK_MILLIS = 3
/** The load goes on for so long after the last fault. */
const CALM_MILLIS = 500
const LOOK_MILLIS = 50

/** Runs it all. Throws {@link RunError} where the cluster is not there, or does not serve. */
export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const { cluster, harm, isDurable, seed, seconds, clients, progress, told } = options
  const { pace } = harm
  const { patienceMillis } = pace
  const addresses = cluster.members.map(({ clients: address }, member) => {
    if (address === undefined)
      throw new RunError(
        `member[${String(member)}].clients: this member serves no clients`,
        'give every member an address for clients.',
      )
    return address
  })
  const plan = drawPlan({ seed, nodes: addresses.length, millis: 1000 * seconds, isDurable, pace })
  const load = new Load({
    ...{ addresses, clients, seed },
    thinkMillis: THINK_MILLIS,
    patienceMillis: pace.clientMillis,
  })
  load.start()
  const begun = clockMillis()
  const nemesis = new Nemesis({
    cluster,
    harm,
    isDurable,
    told: (text) => told?.(text, clockMillis() - begun),
  })
  let stalled: string | undefined
  const look = setInterval(() => {
    const now = clockMillis()
    progress?.(
      `${now - begun > 1000 * seconds ? 'waiting until all members are back' : `${((now - begun) / 1000).toFixed(0)} of ${String(seconds)} s`}: ${String(load.operations)} operations, ${String(load.unknown)} unknown, ${String(nemesis.deeds.length)} faults`,
    )
    if (now - Math.max(begun, load.lastAcknowledged) > patienceMillis) {
      const after = nemesis.deeds.at(-1)
      stalled ??= `nothing was acknowledged for ${(patienceMillis / 1000).toFixed(0)} s${after === undefined ? '' : ` after: ${after.text}`}`
    }
    if (stalled !== undefined || options.isStopped?.() === true) nemesis.end()
  }, LOOK_MILLIS)
  try {
    while (load.acknowledged.length === 0 && stalled === undefined) await pause(LOOK_MILLIS)
    await nemesis.run(plan, begun, begun + 1000 * seconds)
    for (const end = clockMillis() + CALM_MILLIS; clockMillis() < end;) await pause(LOOK_MILLIS)
    // After the last fault, too, something must be acknowledged.
    const last = nemesis.deeds.at(-1)?.at ?? begun
    while (load.lastAcknowledged <= last && stalled === undefined && options.isStopped?.() !== true)
      await pause(LOOK_MILLIS)
    stalled ??= nemesis.failure
  } finally {
    clearInterval(look)
    await load.stop()
  }
  const end = clockMillis()
  const spans = silences(nemesis.deeds, load.acknowledged, end)
  const diverged = stalled === undefined ? await convergence(cluster, load, pace) : undefined
  progress?.('judging what clients saw')
  return {
    plan,
    deeds: nemesis.deeds,
    operations: load.operations,
    unknown: load.unknown,
    refused: load.refused,
    keys: load.keys.length,
    silences: silenceFigures(nemesis.deeds, spans),
    history: judgeLoad(load),
    diverged,
    stalled,
  }
}

/**
 * Waits until all members hold the same in memory, then reads every key through every member. Returns what differs.
 */
async function convergence(
  cluster: Cluster,
  load: Load,
  { patienceMillis, lookMillis }: Pace,
): Promise<string | undefined> {
  const { members } = cluster
  for (const end = clockMillis() + patienceMillis; ; await pause(lookMillis)) {
    const digests = await Promise.all(members.map((_, member) => digestOf(cluster, member)))
    const [first] = digests
    if (first !== undefined && digests.every((each) => each?.digest === first.digest)) break
    if (clockMillis() > end)
      return digests
        .map((each, member) =>
          each === undefined
            ? `member ${String(member)} does not answer`
            : `member ${String(member)} has applied ${String(each.applied)} entries and holds ${each.digest.slice(0, 12)}`,
        )
        .join(', ')
  }
  let first: ReadonlyMap<string, string | null> | undefined
  for (let member = 0; member < cluster.members.length; member++) {
    let values = await load.readBack(member)
    for (const end = clockMillis() + patienceMillis; values === undefined && clockMillis() < end;) {
      await pause(lookMillis)
      values = await load.readBack(member)
    }
    if (values === undefined) return `member ${String(member)} did not answer for every key`
    first ??= values
    for (const [key, value] of values)
      if (first.get(key) !== value)
        return `key ${key} is ${String(first.get(key))} through member 0 and ${String(value)} through member ${String(member)}`
  }
  return undefined
}

const digestOf = async (cluster: Cluster, member: number): Promise<ReplicaDigest | undefined> =>
  (await askMember(cluster, member, { kind: 'digest' }).catch(() => undefined)) as ReplicaDigest | undefined

const pause = (millis: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, millis)
  })
