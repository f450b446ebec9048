/**
 * What a loss of power leaves of the records that are not durable: those behind the last good flush, and void ones.
 *
 * Source of the outcomes: Alice (OSDI 2014) for appends that are lost, kept, torn or persisted out of order by file
 * systems; volatile write caches of NVMe and SCSI drives do the same to what was not flushed. The file grows with each
 * append that survives, and what did not reach the disk inside it reads as zeros.
 */
import type { DiskRecords } from './disk-records.js'

/** Outcomes, which are the subjects of a crash. Only those that differ from each other are possible. */
export const Tail = {
  /** Nothing of them. */
  lost: 0,
  /** All of them. */
  kept: 1,
  /** The first half of the first one's words, rounded down, its length at least; zeros for the rest of it; nothing of the others. */
  torn: 2,
  /** All but the first, which reads as zeros. */
  reordered: 3,
} as const

export const tailTexts: readonly string[] = [
  'the unflushed tail is lost',
  'the unflushed tail survives',
  'the first unflushed record is torn, the rest of the tail lost',
  'the first unflushed record is lost, the rest of the tail survives',
]

/** The part of a record that a tear spares, in bytes. */
const sparedBytes = (sizeBytes: number): number => Math.max(4, (sizeBytes >>> 3) << 2)

/** The first record from `at` on that is not durable, or `total`. */
function firstUndurable(records: DiskRecords, at: number, flushed: number, total: number): number {
  let first = at
  while (first < flushed && first < total && !records.isVoid(first)) first = records.next(first, total)
  return first
}

/**
 * The possible outcomes as a mask of bits `1 << Tail.…`.
 *
 * @param voids how many records are void
 * @param torn whether power loss does more than to keep all or nothing
 */
export function tailOutcomes(
  records: DiskRecords,
  flushed: number,
  total: number,
  voids: number,
  torn: boolean,
): number {
  const first = voids === 0 ? flushed : firstUndurable(records, 0, flushed, total)
  if (first >= total) return 1 << Tail.lost
  const allOrNothing = (1 << Tail.lost) | (1 << Tail.kept)
  if (!torn) return allOrNothing
  const next = records.next(first, total)
  const others = voids === 0 ? next < total : firstUndurable(records, next, flushed, total) < total
  const spared = first + sparedBytes(next - first)
  let outcomes = allOrNothing
  // A tear shows where bytes are missing that were there, or where it is not the whole tail.
  if (!records.isBlank(first, spared) && (others || !records.isBlank(spared, next)))
    outcomes |= 1 << Tail.torn
  if (others && !records.isBlank(first, next)) outcomes |= 1 << Tail.reordered
  return outcomes
}

/** Does to the bytes what the outcome says; returns the length of the log that is left. */
export function loseTail(records: DiskRecords, outcome: number, flushed: number, total: number): number {
  let end = 0
  let isFirst = true
  for (let at = 0, next: number; at < total; at = next) {
    next = records.next(at, total)
    if (at < flushed && !records.isVoid(at)) {
      end = next
      continue
    }
    let survives = at
    if (outcome === Tail.kept || (outcome === Tail.reordered && !isFirst)) survives = next
    else if (outcome === Tail.torn && isFirst) survives = at + sparedBytes(next - at)
    records.blank(survives, next)
    if (survives > at) end = next
    isFirst = false
  }
  return end
}

// Outcomes as the choices of a crash: choice n is the n-th bit of the mask that is set.

export function outcomeCount(outcomes: number): number {
  let count = 0
  for (let rest = outcomes; rest !== 0; rest &= rest - 1) count++
  return count
}
export function outcomeOf(outcomes: number, choice: number): number {
  let rest = outcomes
  for (let i = 0; i < choice; i++) rest &= rest - 1
  return 31 - Math.clz32(rest & -rest)
}
/** The choice with this outcome, or -1. */
export function choiceOf(outcomes: number, outcome: number): number {
  if (outcome >= tailTexts.length || ((outcomes >>> outcome) & 1) === 0) return -1
  return outcomeCount(outcomes & ((1 << outcome) - 1))
}
