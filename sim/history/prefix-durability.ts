/**
 * Prefix durability: what was acknowledged is in every later visible log, at its place, and visible logs agree.
 *
 * Contract. A protocol's spec feeds events in the order in which they happened. `acknowledged`: a client was told that
 * `value` stands at `index` (from 0). `recovered`: after a failure, or whenever the spec looks, `log` is what a reader
 * can now see, from index 0; entries that the protocol may still replace do not belong in it, unless the rule for
 * prefixes is 'free'. The first violation is reported. Work is linear in the entries fed.
 *
 * Rules. Always: an index is acknowledged with one value only; a log recovered later holds it there. And for two logs:
 * - 'agree' (the usual one): they hold equal values wherever both have an entry, so one is a prefix of the other;
 * - 'grow': and the later one is not shorter;
 * - 'free': nothing more; tails that were never acknowledged may be replaced.
 * A value acknowledged after a log was recovered must agree with that log too, except under 'free'.
 *
 * Source: log matching and leader completeness as an observer sees them (Ongaro & Ousterhout, "In search of an
 * understandable consensus algorithm", 2014, section 5.3 and 5.4), stated for any replicated log.
 */

export type DurabilityEvent<V extends string | number> =
  | { readonly kind: 'acknowledged'; readonly index: number; readonly value: V }
  | { readonly kind: 'recovered'; readonly log: readonly V[] }

export type PrefixRule = 'agree' | 'grow' | 'free'

export type DurabilityResult =
  | { readonly verdict: 'durable'; readonly acknowledged: number; readonly recovered: number }
  | {
      readonly verdict: 'violated'
      readonly event: number
      readonly earlier: number
      readonly sentence: string
    }

/** What an index must hold, and the event that said so. */
interface Entry<V> {
  readonly value: V
  readonly event: number
  readonly acknowledged: boolean
}

export function checkPrefixDurability<V extends string | number>(
  events: readonly DurabilityEvent<V>[],
  rule: PrefixRule = 'agree',
): DurabilityResult {
  const entries = new Map<number, Entry<V>>()
  let lastAcknowledged = -1
  let longest = { length: 0, event: -1 }
  let acknowledged = 0
  let recovered = 0

  for (const [event, it] of events.entries()) {
    if (it.kind === 'acknowledged') {
      if (!Number.isInteger(it.index) || it.index < 0)
        throw new Error(`Event ${event} has no index: ${it.index}.`)
      acknowledged++
      const entry = entries.get(it.index)
      if (entry !== undefined && entry.value !== it.value) {
        const sentence = `Entry ${it.index} was acknowledged as ${it.value}, but ${told(it.index, entry)}.`
        return { verdict: 'violated', event, earlier: entry.event, sentence }
      }
      if (entry?.acknowledged !== true) entries.set(it.index, { value: it.value, event, acknowledged: true })
      lastAcknowledged = Math.max(lastAcknowledged, it.index)
      continue
    }

    recovered++
    const { log } = it
    for (const [index, value] of log.entries()) {
      const entry = entries.get(index)
      if (entry === undefined) {
        if (rule !== 'free') entries.set(index, { value, event, acknowledged: false })
      } else if (entry.value !== value) {
        const sentence = `The log recovered at event ${event} holds ${value} at ${index}, but ${told(index, entry)}.`
        return { verdict: 'violated', event, earlier: entry.event, sentence }
      }
    }
    if (log.length <= lastAcknowledged) {
      const index = firstAcknowledged(entries, log.length, lastAcknowledged)
      const entry = entries.get(index)!
      const sentence = `The log recovered at event ${event} ends at ${log.length}, but ${told(index, entry)}.`
      return { verdict: 'violated', event, earlier: entry.event, sentence }
    }
    if (rule === 'grow' && log.length < longest.length) {
      const sentence =
        `The log recovered at event ${event} has ${log.length} entries, ` +
        `but the one at event ${longest.event} had ${longest.length}.`
      return { verdict: 'violated', event, earlier: longest.event, sentence }
    }
    if (log.length > longest.length) longest = { length: log.length, event }
  }
  return { verdict: 'durable', acknowledged, recovered }
}

function firstAcknowledged<V>(entries: ReadonlyMap<number, Entry<V>>, from: number, last: number): number {
  for (let index = from; index < last; index++) {
    if (entries.get(index)?.acknowledged === true) return index
  }
  return last
}

function told<V extends string | number>(index: number, entry: Entry<V>): string {
  const how = entry.acknowledged ? 'was acknowledged' : 'was recovered'
  return `${entry.value} at ${index} ${how} at event ${entry.event}`
}
