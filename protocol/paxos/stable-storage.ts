/**
 * Stable storage of an acceptor ("Paxos Made Simple", section 2.5) on a disk that loses, tears, reorders, rots and
 * misdirects. A log on disk holds the acceptor's memory as of each store; the newest good record counts.
 *
 * The danger is a bad record: is it torn, so that nobody was answered on its strength and it may be dropped? Or was it
 * stored and has gone bad, so that a promise is forgotten? A checksum tells that a record is bad, not why. So each store
 * appends two copies under one flush, and the second is a word longer than the first:
 *
 * - An answer is given when the flush has returned. By then both copies are on disk, side by side.
 * - One copy that goes bad leaves the other. Nothing is lost.
 * - Both copies gone bad stand in the log as something that is not just a bad first copy: there is a second one behind
 *   it, or, if writes went astray, zeros or lengths that no acceptor writes.
 * - A loss of power in the middle of a store leaves at the end of the log nothing, both copies, a torn first copy alone,
 *   or zeros and a good second copy.
 *
 * Hence the rule of recovery: bad first copies behind the last good record are torn and harmless, however many crashes
 * have left there; anything else that is bad behind it may have been stored, and the acceptor must not take part any
 * more. What is bad before a good record is superseded by it. On hardware that tears both copies at once the rule errs
 * on the safe side: an acceptor is given up, no promise is.
 *
 * Source of the problem: Alagappan and others, "Protocol-Aware Recovery for Consensus-Based Storage" (FAST 2018).
 */
import { type Context, forEachRecord } from '../contract.js'
import { type RememberedView, type ServerState, firstCopy, secondCopy } from './layout.js'

const FIRST = 1
const SECOND = 2
const RECORD_HEADER_BYTES = 4
const STORE_BYTES = 2 * RECORD_HEADER_BYTES + firstCopy.sizeBytes + secondCopy.sizeBytes
/** What is superseded, what is stored, what is being stored; and room for torn records and for stores that failed. */
const MOST_STORES = 8
export const diskBytes = MOST_STORES * STORE_BYTES

/** What recovery found. */
export const Found = {
  /** Nothing was ever stored. */
  nothing: 0,
  /** The newest good record is in the state now, and every promise that was ever given with it. */
  memory: 1,
  /** Something may have been stored that cannot be read any more. */
  loss: 2,
} as const

export function openStableStorage(
  { host, state, input, output }: Context<ServerState>,
  bug: string | undefined,
) {
  const tornRecordTrusted = bug === 'torn-record-trusted'
  const rotTakenForTorn = bug === 'rot-taken-for-torn'
  const copies = rotTakenForTorn ? 1 : 2
  const outgoing = { [FIRST]: firstCopy.view(output), [SECOND]: secondCopy.view(output) }
  const incoming = { [FIRST]: firstCopy.view(input), [SECOND]: secondCopy.view(input) }

  function appendCopy(copy: typeof FIRST | typeof SECOND, lengthBytes: number): void {
    const record = outgoing[copy]
    record.promised = state.promised
    record.acceptedBallot = state.acceptedBallot
    record.acceptedValue = state.acceptedValue
    record.checksum = checksumOf(copy, record)
    host.append(0, lengthBytes)
    state.records++
  }

  /** Appends what must not be forgotten; it is stored when a flush that is asked for later has returned. */
  function append(): void {
    appendCopy(FIRST, firstCopy.sizeBytes)
    if (copies < 2) return
    outgoing[SECOND].filler = 0
    appendCopy(SECOND, secondCopy.sizeBytes)
  }

  /** Drops all records but those appended last, which supersede them. */
  function dropSuperseded(): void {
    if (state.records <= copies) return
    host.truncate(state.records - copies)
    state.records = copies
  }

  /** Reads the log back into the state. Superseded records at its front are dropped: `superseded` says whether any were. */
  function recover(lengthBytes: number): { readonly found: number; readonly superseded: boolean } {
    let records = 0
    let newest = -1
    let isSuspect = false
    let former = 0
    forEachRecord(input, lengthBytes, (offset, length, isWhole) => {
      const copy = isWhole ? copyOf(length) : 0
      const isGood = copy !== 0 && isGoodCopy(copy, offset)
      if (isGood) {
        isSuspect = false
        if (takeIfNewer(copy, offset)) newest = records
      } else if (copy !== FIRST && !(copy === SECOND && former === FIRST)) isSuspect = true
      former = isGood ? copy : 0
      records++
    })
    if (isSuspect && !rotTakenForTorn) return { found: Found.loss, superseded: false }
    state.records = records
    if (newest < 0) return { found: Found.nothing, superseded: false }
    if (newest === 0) return { found: Found.memory, superseded: false }
    host.truncate(newest)
    state.records = records - newest
    return { found: Found.memory, superseded: true }
  }

  function isGoodCopy(copy: typeof FIRST | typeof SECOND, offset: number): boolean {
    const record = incoming[copy]
    record.base = offset
    const isGood = tornRecordTrusted || record.checksum === checksumOf(copy, record)
    record.base = 0
    return isGood
  }

  /** An acceptor's ballots never fall, so they tell which of two records is newer. */
  function takeIfNewer(copy: typeof FIRST | typeof SECOND, offset: number): boolean {
    const record = incoming[copy]
    record.base = offset
    const { promised, acceptedBallot, acceptedValue } = record
    record.base = 0
    if (promised < state.promised) return false
    if (promised === state.promised && acceptedBallot <= state.acceptedBallot) return false
    state.promised = promised
    state.acceptedBallot = acceptedBallot
    state.acceptedValue = acceptedValue
    return true
  }

  return { append, dropSuperseded, recover }
}

function copyOf(lengthBytes: number): typeof FIRST | typeof SECOND | 0 {
  if (lengthBytes === firstCopy.sizeBytes) return FIRST
  return lengthBytes === secondCopy.sizeBytes ? SECOND : 0
}

/** 32 bits that no record with one word changed has, nor the other copy (the rounds of murmur3, each a bijection). */
function checksumOf(copy: number, { promised, acceptedBallot, acceptedValue }: RememberedView): number {
  let hash = Math.imul(copy, 0x9e3779b1)
  hash = mix(hash ^ promised)
  hash = mix(hash ^ acceptedBallot)
  hash = mix(hash ^ acceptedValue)
  return hash >>> 0
}

function mix(word: number): number {
  let hash = Math.imul(word ^ (word >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}
