/** What a load's history says: whether it can be explained, and how long nothing was acknowledged after what was done. */
import { type NotLinearizable, type Operation, checkLinearizable } from '../../sim/index.js'
import type { Load } from './load.js'
import { type KeyInput, type KeyOutput, keyModel } from './model.js'
import type { Deed } from './nemesis.js'
import { type ChaosKind, chaosKinds } from './plan.js'

export interface HistoryVerdict {
  /** `unknown`: the check was cut off, which is no pass. */
  readonly verdict: 'linearizable' | 'violated' | 'unknown'
  readonly steps: number
  readonly violation: KeyViolation | undefined
}

export interface KeyViolation {
  readonly key: string
  readonly sentence: string
  /** The history of the key in lines for people. */
  readonly story: string
}

/** Steps of the search for each key. */
const MOST_STEPS = 5_000_000

/** Judges everything that was recorded, key by key. */
export function judgeLoad(
  { recorder, times }: Pick<Load, 'recorder' | 'times'>,
  maxSteps = MOST_STEPS,
): HistoryVerdict {
  const result = checkLinearizable(recorder.operations(), keyModel, { maxSteps })
  if (result.verdict === 'linearizable')
    return { verdict: 'linearizable', steps: result.steps, violation: undefined }
  const { verdict, steps, partition, sentence } = result
  const violation = { key: String(partition), sentence, story: tell(result, times) }
  return { verdict, steps, violation }
}

/** A line for each operation of the key, in the order of their calls. */
function tell(
  { partition, history, sentence, cited, blocked }: NotLinearizable<KeyInput, KeyOutput>,
  times: readonly number[],
): string {
  const begun = times[0] ?? 0
  const at = (position: number): string =>
    position === Infinity ? 'never' : `${((times[position]! - begun) / 1000).toFixed(6)} s`
  const sign = (operation: Operation<KeyInput, KeyOutput>): string =>
    operation === blocked ? '>' : cited.includes(operation) ? '*' : ' '
  const lines = history.map(
    (operation) =>
      `${sign(operation)} ${at(operation.called).padStart(13)} to ${at(operation.returned).padStart(13)}  client ${String(operation.client).padStart(3)}  ${keyModel.describe(operation.input, operation.output)}`,
  )
  return [
    `Key ${String(partition)}: no order of these operations explains what the clients saw.`,
    sentence,
    '">" is the first operation that fits nowhere, "*" are others that the sentence speaks of; "?" is an unknown outcome.',
    "Times are from the first call of the run, on the machine's monotonic clock.",
    '',
    ...lines,
    '',
  ].join('\n')
}

/** Milliseconds without an acknowledgement after what was done, for each kind. */
export interface SilenceFigures {
  readonly kind: ChaosKind
  readonly count: number
  /** How often it met the leader. */
  readonly ofLeader: number
  readonly p50: number
  readonly p99: number
  readonly most: number
}

/**
 * The longest silence between each deed and the next: from the deed, or the last acknowledgement after it, to the next
 * acknowledgement or deed. Infinity where nothing was acknowledged any more.
 *
 * @param acknowledged rising; milliseconds of the same clock as the deeds
 */
export function silences(
  deeds: readonly Deed[],
  acknowledged: readonly number[],
  end: number,
): readonly number[] {
  return deeds.map((deed, index) => {
    const until = deeds[index + 1]?.at ?? end
    let last = deed.at
    let longest = 0
    let k = firstAfter(acknowledged, deed.at)
    if (k === acknowledged.length) return Infinity
    for (; k < acknowledged.length && acknowledged[k]! < until; k++) {
      longest = Math.max(longest, acknowledged[k]! - last)
      last = acknowledged[k]!
    }
    return Math.max(longest, until - last)
  })
}

export function silenceFigures(deeds: readonly Deed[], spans: readonly number[]): readonly SilenceFigures[] {
  return chaosKinds.flatMap((kind) => {
    const its = deeds.flatMap((deed, index) => (deed.kind === kind ? [spans[index]!] : []))
    if (its.length === 0) return []
    return [
      {
        kind,
        count: its.length,
        ofLeader: deeds.filter((deed) => deed.kind === kind && deed.wasLeader).length,
        p50: quantile(its, 0.5),
        p99: quantile(its, 0.99),
        most: quantile(its, 1),
      },
    ]
  })
}

/** By nearest rank. */
export function quantile(values: readonly number[], fraction: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(fraction * sorted.length) - 1)] ?? NaN
}

/** Index of the first that is later. */
function firstAfter(rising: readonly number[], moment: number): number {
  let low = 0
  let high = rising.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (rising[middle]! <= moment) low = middle + 1
    else high = middle
  }
  return low
}
