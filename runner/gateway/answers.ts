/** From a reply of the store to the replies that a client gets, with those between them that needed no store. */
import {
  argumentBytes,
  REPLY_HEADER_BYTES,
  skipConditions,
  SURE_BYTES,
  Tag,
  tagOf,
} from '../../protocol/store/index.js'
import { Answer, type Batch } from './batch.js'
import { infoText } from './info.js'
import type { ReplyWriter } from './reply-writer.js'
import type { Session, Shared, StoreTotals } from './session.js'

export interface ReplyBytes {
  octets: Uint8Array
  view: DataView
}

type Hub = Shared & { readonly writer: ReplyWriter }

/** Answers what was executed of a batch. False when something is left, which is to be proposed again. */
export function answerBatch(hub: Hub, session: Session, reply: ReplyBytes, batch: Batch): boolean {
  const executed = reply.view.getUint16(2, true)
  let at = REPLY_HEADER_BYTES
  let values = 0
  let k = 0
  for (; k < batch.entries; k++) {
    if (batch.answers[k] !== Answer.own && values++ === executed) break
    at = answer(hub, session, reply, batch, k, at)
  }
  const isAll = k === batch.entries
  if (isAll) batch.clear()
  else batch.drop(executed, k)
  return isAll
}

export function answerTransaction(hub: Hub, session: Session, reply: ReplyBytes, transaction: Batch): void {
  hub.writer.array(transaction.entries)
  let at = REPLY_HEADER_BYTES
  for (let k = 0; k < transaction.entries; k++) at = answer(hub, session, reply, transaction, k, at)
}

/** Answers all commands of a batch with an error. */
export function answerAll({ writer }: Hub, batch: Batch, text: string): void {
  for (let k = 0; k < batch.entries; k++) {
    const own = batch.own[k]
    if (own instanceof Uint8Array) writer.rawBytes(own)
    else writer.error(text)
  }
  batch.clear()
}

/** Writes the reply of an entry, of which the value is at `at` if it has one, and returns where the next value is. */
function answer(
  hub: Hub,
  session: Session,
  reply: ReplyBytes,
  batch: Batch,
  entry: number,
  at: number,
): number {
  const own = batch.own[entry]
  if (own === undefined) return hub.writer.value(reply.view, reply.octets, at, session.version)
  if (own instanceof Uint8Array) hub.writer.rawBytes(own)
  else if (typeof own === 'function') own()
  else {
    // An error where there was no room for the totals.
    const isThere = tagOf(reply.view.getUint32(at, true)) === Tag.array
    const total = (k: number): number => Number(reply.view.getBigInt64(at + 8 + SURE_BYTES * k, true))
    writeInfo(hub, session, own, isThere ? [total(0), total(1), total(2), total(3)] : undefined)
    return isThere ? at + 4 + 4 * SURE_BYTES : at + 4
  }
  return at
}

export function writeInfo(
  hub: Hub,
  { version }: Session,
  sections: readonly string[],
  totals: StoreTotals | undefined,
): void {
  hub.writer.verbatim(infoText(hub, sections, totals), version)
}

/** Makes conditions of the versions that a batch asked for. False when not all of them have room. */
export function addConditions(transaction: Batch, batch: Batch, { view }: ReplyBytes): boolean {
  let at = skipConditions(batch.memory, 0)
  const count = batch.memory.getUint16(at + 2, true)
  at += 4
  if (tagOf(view.getUint32(REPLY_HEADER_BYTES, true)) !== Tag.array) return false
  for (let k = 0; k < count; k++) {
    const bytes = batch.memory.getUint32(at, true)
    const version = Number(view.getBigInt64(REPLY_HEADER_BYTES + 8 + SURE_BYTES * k, true))
    if (!transaction.addCondition(version, batch.memory, at + 4, bytes)) return false
    at += argumentBytes(bytes)
  }
  return true
}
