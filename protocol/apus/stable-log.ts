/**
 * The log on disk of a replica, on a disk that loses, tears, reorders, rots and misdirects.
 *
 * A record holds what one store adds. Each is appended twice, and the second copy is a word longer, so that lengths alone
 * tell the copies apart: the first has a multiple of 8 bytes. Records are numbered, and a number is used again only by the
 * store that is appended anew after a failed flush. One store is under way at a time, so:
 *
 * - All numbers up to the newest that is good were flushed. One of which no good copy is left has been lost.
 * - Behind the newest good record there may be first copies that are bad: torn by a loss of power, before anything was
 *   acknowledged on their strength. They are cut off.
 * - Anything else that is bad there may have been flushed: both copies of a record that have gone bad, or one that was
 *   written elsewhere. Then this replica is faulty until it has recovered from its peers.
 *
 * The same rule as in `paxos/stable-storage.ts`, for records that add up instead of superseding each other. Source of the
 * problem: Alagappan and others, "Protocol-Aware Recovery for Consensus-Based Storage" (FAST 2018).
 */
import { avalanche, blendBytes } from '../checksum.js'
import { forEachRecord } from '../contract.js'
import { copy } from '../layout/index.js'
import { copyOperation } from './log.js'
import type { Replica } from './replica.js'

/** Bytes of the length that stands before each record. */
const FRAME_BYTES = 4
const COPIES = 2

export const Found = { memory: 0, loss: 1 } as const

export function openStableLog(replica: Replica) {
  const { context, layouts } = replica
  const { host, state, input, output } = context
  const { store, base, storedEntry, machine } = layouts
  const baseAt = store.sizeBytes
  const outgoing = store.view(output)
  const outgoingBase = base.view(output, baseAt)
  const outgoingMachine = machine.view(output, baseAt + base.offsetOf('machine'))
  const outgoingEntry = storedEntry.view(output)
  const tornTrusted = replica.is('torn-record-trusted')
  const rotTakenForTorn = replica.is('rot-taken-for-torn')
  const copies = rotTakenForTorn ? 1 : COPIES

  /** Appends what a store adds: the entries from `from` on (0: none), or, as a base, everything. */
  function append(isBase: boolean, from: number): void {
    const { applied } = state.machine
    const first = isBase ? applied + 1 : from === 0 ? state.end + 1 : from
    outgoing.serial = state.serial + 1
    outgoing.view = state.view
    outgoing.life = state.life
    outgoing.commit = state.commit
    outgoing.first = first
    outgoing.count = state.end + 1 - first
    outgoing.isBase = isBase
    outgoing.isMember = replica.recovery.hasMemory()
    outgoing.zero = 0
    let at = baseAt
    if (isBase) {
      outgoingBase.position = replica.log.positionOf(first)
      const machineAt = baseAt + base.offsetOf('machine')
      for (let k = machineAt; k < baseAt + base.sizeBytes; k += 4) output.setUint32(k, 0, true)
      copy(machine, state.machine, outgoingMachine)
      at += base.sizeBytes
    }
    for (let index = first; index <= state.end; index++) at = putEntry(at, index)
    state.storingBytes = 0
    for (let number = 1; number <= copies; number++) {
      // The second copy is a word longer.
      const length = at + (number - 1) * 4
      output.setUint32(at, 0, true)
      outgoing.checksum = checksumOf(output, 0, length)
      host.append(0, length)
      state.records += 1
      state.usedBytes += FRAME_BYTES + length
      state.storingBytes += FRAME_BYTES + length
    }
  }

  function putEntry(at: number, index: number): number {
    const entry = replica.log.at(index)
    outgoingEntry.base = at
    outgoingEntry.view = entry.view
    outgoingEntry.sequence = entry.sequence
    outgoingEntry.client = entry.client
    outgoingEntry.kind = entry.kind
    outgoingEntry.bytes = entry.bytes
    outgoingEntry.zero = 0
    const { bytes } = entry
    const source = entry.operation.memory
    const from = entry.operation.base
    const to = at + storedEntry.sizeBytes
    copyOperation(source, from, bytes, output, to, 0)
    return to + bytes
  }

  /** The base is flushed: what came before it is dropped. */
  function dropBeforeBase(): void {
    if (state.records <= copies) return
    host.truncate(state.records - copies)
    state.records = copies
    state.usedBytes = state.storingBytes
  }

  /** Reads everything back into the state, if it can be relied on. */
  function read(lengthBytes: number): { readonly found: number; readonly records: number } {
    let records = 0
    let isLost = false
    let isSuspect = false
    let isFirstGood = false
    let serial = 0
    let isMember = true
    forEachRecord(input, lengthBytes, (at, length, isWhole) => {
      records += 1
      const isGood = isWhole && length >= store.sizeBytes && (tornTrusted || isGoodAt(at, length))
      if (isGood) {
        const its = input.getUint32(at + store.offsetOf('serial'), true)
        if (serial !== 0 && its > serial + 1) isLost = true
        if (serial === 0 && input.getUint8(at + store.offsetOf('isBase')) === 0 && its !== 1) isLost = true
        if (its >= serial) {
          serial = its
          isSuspect = false
          isMember = input.getUint8(at + store.offsetOf('isMember')) === 1
        }
      } else if (
        !(isWhole && length > 0 && length % 8 === 0) &&
        !(isWhole && length % 8 === 4 && isFirstGood)
      )
        isSuspect = true
      isFirstGood = isGood && length % 8 === 0
    })
    if ((isLost || isSuspect) && !rotTakenForTorn) return { found: Found.loss, records }
    if (!isMember) return { found: Found.loss, records }
    forEachRecord(input, lengthBytes, (at, length, isWhole) => {
      if (isWhole && length >= store.sizeBytes && (tornTrusted || isGoodAt(at, length))) take(at)
    })
    return { found: Found.memory, records }
  }

  function isGoodAt(at: number, length: number): boolean {
    return input.getUint32(at, true) === checksumOf(input, at, length)
  }

  /** Adds a record to the state; one that is older than what is there already adds nothing. */
  function take(at: number): void {
    const word = (field: string): number => input.getUint32(at + store.offsetOf(field), true)
    const serial = word('serial')
    if (serial < state.serial) return
    state.serial = serial
    state.view = word('view')
    state.life = word('life')
    const commit = word('commit')
    const first = word('first')
    const count = input.getUint16(at + store.offsetOf('count'), true)
    let next = at + baseAt
    if (input.getUint8(at + store.offsetOf('isBase')) === 1) {
      const low = input.getUint32(next, true)
      state.endPosition = input.getUint32(next + 4, true) * 4294967296 + low
      const machineAt = next + base.offsetOf('machine')
      const target = state.machine.memory
      const to = state.machine.base
      for (let k = 0; k < machine.sizeBytes; k++) target.setUint8(to + k, input.getUint8(machineAt + k))
      state.end = first - 1
      state.endView = state.machine.appliedView
      state.head = first
      state.commit = state.machine.applied
      next += base.sizeBytes
    }
    replica.log.commitUpTo(Math.min(commit, first - 1))
    for (let index = first; index < first + count; index++) {
      const its = (field: string): number => next + storedEntry.offsetOf(field)
      const bytes = input.getUint16(its('bytes'), true)
      replica.log.put(
        index,
        input.getUint32(its('view'), true),
        input.getUint8(its('kind')),
        input.getUint8(its('client')),
        input.getUint32(its('sequence'), true),
        input,
        next + storedEntry.sizeBytes,
        bytes,
      )
      next += storedEntry.sizeBytes + bytes
    }
    replica.log.commitUpTo(Math.min(commit, state.end))
  }

  return { append, dropBeforeBase, read }
}

/** Checksum of a record of `length` bytes: over its length and everything behind the checksum itself. */
function checksumOf(memory: DataView, at: number, length: number): number {
  return avalanche(blendBytes(length, memory, at + 4, length - 4)) >>> 0
}
