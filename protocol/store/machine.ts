/**
 * Executes operations on the bytes of a store. What Redis says of a command holds here too; docs/store.md lists where not.
 *
 * Every check of a command comes before its first change: a command that answers with an error has changed nothing but
 * what nobody can see (expired keys may have been removed).
 */
import type { ViewOf } from '../layout/index.js'
import {
  addInteger,
  formatInteger,
  newInteger,
  parseInteger,
  readInteger,
  writeInteger,
  writeNumber,
} from './integers.js'
import { blocksOf, mostValueBytes, padded, type StoreLayout, type StoreShape } from './layout.js'
import {
  argumentBytes,
  Code,
  commandBytes,
  endOfOperation,
  Flag,
  Mode,
  readsOnly,
  skipCommand,
  skipConditions,
} from './operation.js'
import { createRecords, Time } from './records.js'
import { Fault, REPLY_HEADER_BYTES, Result, SURE_BYTES, Tag, valueWord } from './reply.js'

/** Expired keys that each command which may write removes, whatever it is about. */
const SWEPT = 2
const LATEST = Number.MAX_SAFE_INTEGER
const DIGITS_BYTES = 20

export function createMachine(shape: StoreShape) {
  const { blockBytes, operationBytes, replyBytes } = shape
  const mostValue = mostValueBytes(shape)
  const times = new Float64Array(2)
  const records = createRecords(shape, times)
  const number = newInteger()
  const held = newInteger()
  const digits = new DataView(new ArrayBuffer(DIGITS_BYTES + 4))

  // What is at hand while an operation is applied.
  let operation: DataView = digits
  let reply: DataView = digits
  let write = 0
  /** Where the value of the command at hand must end. */
  let limit = 0
  let flags = 0
  let isWriting = false
  // The argument at hand.
  let at = 0
  let bytes = 0
  let hash = 0

  function apply(
    view: ViewOf<StoreLayout>,
    from: DataView,
    start: number,
    length: number,
    to: DataView,
    replyAt: number,
  ): number {
    operation = from
    reply = to
    write = replyAt + REPLY_HEADER_BYTES
    const end = replyAt + replyBytes
    const commands = length < 16 ? 0 : from.getUint16(start + 12, true)
    const isTransaction = length >= 16 && from.getUint8(start + 8) === Mode.transaction
    const sure = isTransaction ? SURE_BYTES : 0
    if (
      length > operationBytes ||
      endOfOperation(from, start, length) < 0 ||
      write + commands * sure + (commands > 0 ? SURE_BYTES - sure : 0) > end
    )
      return finish(replyAt, Result.malformed, 0)

    const first = skipConditions(from, start)
    isWriting = !onlyReads(first, commands)
    records.open(view, from, start, isWriting)
    if (!conditionsHold(start + 16, from.getUint16(start + 10, true))) {
      return finish(replyAt, Result.conflict, 0)
    }
    let position = first
    for (let k = 0; k < commands; k++) {
      if (!isTransaction && write + SURE_BYTES > end) return finish(replyAt, Result.done, k)
      limit = end - sure * (commands - 1 - k)
      const before = write
      if (!execute(view, position)) {
        write = before
        if (!isTransaction && k > 0) return finish(replyAt, Result.done, k)
        fault(Fault.replyTooLong)
      }
      position = skipCommand(from, position)
    }
    return finish(replyAt, Result.done, commands)
  }

  function finish(replyAt: number, result: number, executed: number): number {
    reply.setUint32(replyAt, result | (executed << 16), true)
    reply.setUint32(replyAt + 4, 0, true)
    if (((write - replyAt) & 7) !== 0) put(0)
    return write - replyAt
  }

  function onlyReads(first: number, commands: number): boolean {
    let position = first
    for (let left = commands; left > 0; left--) {
      if (!readsOnly(operation.getUint8(position))) return false
      position = skipCommand(operation, position)
    }
    return true
  }

  function conditionsHold(first: number, conditions: number): boolean {
    let position = first
    for (let left = conditions; left > 0; left--) {
      const version = operation.getUint32(position, true) + operation.getUint32(position + 4, true) * 2 ** 32
      const after = take(position + 8)
      const slot = lookUp()
      if ((slot === 0 ? 0 : records.versionOf(slot)) !== version) return false
      position = after
    }
    return true
  }

  // ---- arguments and values -----------------------------------------------------------------------------------------

  /** Makes the argument at a position the one at hand, and returns where the next is. */
  function take(position: number): number {
    bytes = operation.getUint32(position, true)
    at = position + 4
    return position + argumentBytes(bytes)
  }

  /** The slot of the key at hand, or 0. One that has expired is removed by who may write. */
  function lookUp(): number {
    hash = records.hashOf(operation, at, bytes)
    const slot = records.find(operation, at, bytes, hash)
    if (slot === 0 || !records.hasExpired(slot)) return slot
    if (isWriting) records.remove(slot)
    return 0
  }

  function put(word: number): void {
    reply.setUint32(write, word, true)
    write += 4
  }

  const nil = (): true => (put(Tag.nil), true)
  const ok = (): true => (put(Tag.ok), true)
  const fault = (which: number): true => (put(valueWord(Tag.error, which)), true)

  function integer(value: number): true {
    put(Tag.integer)
    writeNumber(reply, write, value)
    write += 8
    return true
  }

  const fits = (slot: number): boolean => write + 4 + padded(records.valueBytesOf(slot)) <= limit

  /** Puts the value of a slot. It must fit. */
  function bulk(slot: number): true {
    const length = records.valueBytesOf(slot)
    put(valueWord(Tag.bulk, length))
    records.getValue(slot, reply, write)
    write += padded(length)
    return true
  }

  // ---- commands -----------------------------------------------------------------------------------------------------

  /** Executes the command at a position. False, with nothing changed, when its value does not fit. */
  function execute(view: ViewOf<StoreLayout>, position: number): boolean {
    const code = operation.getUint8(position)
    flags = operation.getUint8(position + 1)
    const count = operation.getUint16(position + 2, true)
    const first = position + commandBytes(flags)
    if ((flags & Flag.number) !== 0) readInteger(operation, position + 4, number)
    if (!readsOnly(code)) for (let left = SWEPT; left > 0 && records.removeExpired(); left--);
    switch (code) {
      case Code.get: {
        take(first)
        const slot = lookUp()
        if (slot === 0) return nil()
        return fits(slot) && bulk(slot)
      }
      case Code.strlen: {
        take(first)
        const slot = lookUp()
        return integer(slot === 0 ? 0 : records.valueBytesOf(slot))
      }
      case Code.exists:
        return exists(first, count)
      case Code.mget:
        return mget(first, count)
      case Code.ttl:
        take(first)
        return ttl(lookUp())
      case Code.type:
        take(first)
        put(valueWord(Tag.type, lookUp() === 0 ? 0 : 1))
        return true
      case Code.versions:
        return versions(first, count)
      case Code.size:
        return integer(view.keys - records.countExpired())
      case Code.count:
        return totals(view)
      case Code.set:
        return set(first)
      case Code.getdel: {
        take(first)
        const slot = lookUp()
        if (slot === 0) return nil()
        if (!fits(slot)) return false
        bulk(slot)
        records.remove(slot)
        return true
      }
      case Code.append:
        return append(first)
      case Code.del:
        return del(first, count)
      case Code.incrby:
        return increment(first)
      case Code.mset:
        return mset(first, count)
      case Code.expire:
        return expire(first)
      case Code.persist: {
        take(first)
        const slot = lookUp()
        if (slot === 0 || !records.mayExpire(slot)) return integer(0)
        records.clearExpiry(slot)
        records.changed(slot)
        return integer(1)
      }
      default:
        records.removeAll()
        return ok()
    }
  }

  function exists(first: number, count: number): true {
    let found = 0
    for (let left = count, next = first; left > 0; left--) {
      next = take(next)
      if (lookUp() !== 0) found++
    }
    return integer(found)
  }

  function mget(first: number, count: number): boolean {
    let needed = write + 4
    for (let left = count, next = first; left > 0; left--) {
      next = take(next)
      const slot = lookUp()
      needed += slot === 0 ? 4 : 4 + padded(records.valueBytesOf(slot))
    }
    if (needed > limit) return false
    put(valueWord(Tag.array, count))
    for (let left = count, next = first; left > 0; left--) {
      next = take(next)
      const slot = lookUp()
      if (slot === 0) nil()
      else bulk(slot)
    }
    return true
  }

  function versions(first: number, count: number): boolean {
    if (write + 4 + 12 * count > limit) return false
    put(valueWord(Tag.array, count))
    for (let left = count, next = first; left > 0; left--) {
      next = take(next)
      const slot = lookUp()
      integer(slot === 0 ? 0 : records.versionOf(slot))
    }
    return true
  }

  function totals(view: ViewOf<StoreLayout>): boolean {
    if (write + 52 > limit) return false
    const expired = records.countExpired()
    put(valueWord(Tag.array, 4))
    integer(view.keys - expired)
    integer(view.expiring - expired)
    integer(view.blocksUsed * blockBytes)
    return integer(shape.blocks * blockBytes)
  }

  function ttl(slot: number): true {
    if (slot === 0) return integer(-2)
    const expiry = records.expiryOf(slot)
    if (expiry === 0) return integer(-1)
    const millis = (flags & Flag.absolute) !== 0 ? expiry : expiry - times[Time.now]!
    return integer((flags & Flag.millis) !== 0 ? millis : Math.floor((millis + 500) / 1000))
  }

  /** Puts the time that the number of a command means with the times, at least 1, so that 0 stays for never. */
  function setDeadline(): void {
    const base = (flags & Flag.relative) !== 0 ? times[Time.now]! : 0
    const time = number.isWide ? (number.wide < 0n ? 1 : LATEST) : base + number.value
    times[Time.deadline] = Math.min(Math.max(time, 1), LATEST)
  }

  function set(first: number): boolean {
    const valueAt = take(first)
    const slot = lookUp()
    const length = operation.getUint32(valueAt, true)
    const isCounted = (flags & Flag.counted) !== 0
    const returns = !isCounted && (flags & Flag.get) !== 0
    if (slot !== 0 ? (flags & Flag.nx) !== 0 : (flags & Flag.xx) !== 0) {
      if (isCounted) return integer(0)
      return returns && slot !== 0 ? fits(slot) && bulk(slot) : nil()
    }
    if (length > mostValue) return fault(Fault.valueTooLong)
    const more = slot === 0 ? blocksOf(bytes, length, blockBytes) : records.growth(slot, length)
    if (!records.hasRoom(slot === 0 ? 1 : 0, more)) return fault(Fault.full)
    if (returns && slot !== 0 && !fits(slot)) return false
    if (isCounted) integer(1)
    else if (!returns) ok()
    else if (slot === 0) nil()
    else bulk(slot)
    const target = slot === 0 ? records.add(operation, at, bytes, hash) : slot
    records.setValue(target, operation, valueAt + 4, length)
    if ((flags & Flag.number) !== 0) {
      setDeadline()
      records.setExpiry(target)
    } else if ((flags & Flag.keepTtl) === 0) records.clearExpiry(target)
    records.changed(target)
    return true
  }

  function append(first: number): true {
    const valueAt = take(first)
    const slot = lookUp()
    const length = operation.getUint32(valueAt, true)
    const total = length + (slot === 0 ? 0 : records.valueBytesOf(slot))
    if (total > mostValue) return fault(Fault.valueTooLong)
    const more = slot === 0 ? blocksOf(bytes, length, blockBytes) : records.growth(slot, total)
    if (!records.hasRoom(slot === 0 ? 1 : 0, more)) return fault(Fault.full)
    const target = slot === 0 ? records.add(operation, at, bytes, hash) : slot
    records.append(target, operation, valueAt + 4, length)
    records.changed(target)
    return integer(total)
  }

  function del(first: number, count: number): true {
    let removed = 0
    for (let left = count, next = first; left > 0; left--) {
      next = take(next)
      const slot = lookUp()
      if (slot === 0) continue
      records.remove(slot)
      removed++
    }
    return integer(removed)
  }

  function increment(first: number): true {
    take(first)
    const slot = lookUp()
    held.isWide = false
    held.value = 0
    if (slot !== 0) {
      const length = records.valueBytesOf(slot)
      if (length > DIGITS_BYTES) return fault(Fault.notInteger)
      records.getValue(slot, digits, 0)
      if (!parseInteger(digits, 0, length, held)) return fault(Fault.notInteger)
    }
    if (!addInteger(held, number)) return fault(Fault.overflow)
    const length = formatInteger(digits, 0, held)
    for (let k = length; (k & 3) !== 0; k++) digits.setUint8(k, 0)
    const more = slot === 0 ? blocksOf(bytes, length, blockBytes) : records.growth(slot, length)
    if (!records.hasRoom(slot === 0 ? 1 : 0, more)) return fault(Fault.full)
    const target = slot === 0 ? records.add(operation, at, bytes, hash) : slot
    records.setValue(target, digits, 0, length)
    records.changed(target)
    put(Tag.integer)
    writeInteger(reply, write, held)
    write += 8
    return true
  }

  /**
   * Room is asked for as if no pair made any: a key that is named twice counts twice, and one whose value gets shorter
   * counts for nothing.
   */
  function mset(first: number, count: number): true {
    let moreKeys = 0
    let moreBlocks = 0
    let found = 0
    let isTooLong = false
    for (let left = count, next = first; left > 0; left -= 2) {
      const valueAt = take(next)
      const slot = lookUp()
      const length = operation.getUint32(valueAt, true)
      next = valueAt + argumentBytes(length)
      isTooLong ||= length > mostValue
      if (slot === 0) {
        moreKeys++
        moreBlocks += blocksOf(bytes, length, blockBytes)
      } else {
        found++
        moreBlocks += Math.max(0, records.growth(slot, length))
      }
    }
    if ((flags & Flag.nx) !== 0 && found > 0) return integer(0)
    if (isTooLong) return fault(Fault.valueTooLong)
    if (!records.hasRoom(moreKeys, moreBlocks)) return fault(Fault.full)
    for (let left = count, next = first; left > 0; left -= 2) {
      const valueAt = take(next)
      const slot = lookUp()
      const target = slot === 0 ? records.add(operation, at, bytes, hash) : slot
      const length = operation.getUint32(valueAt, true)
      next = valueAt + argumentBytes(length)
      records.setValue(target, operation, valueAt + 4, length)
      records.clearExpiry(target)
      records.changed(target)
    }
    return (flags & Flag.counted) !== 0 ? integer(1) : ok()
  }

  function expire(first: number): true {
    take(first)
    const slot = lookUp()
    if (slot === 0) return integer(0)
    const expiry = records.expiryOf(slot)
    setDeadline()
    const time = times[Time.deadline]!
    const isRefused =
      ((flags & Flag.nx) !== 0 && expiry !== 0) ||
      ((flags & Flag.xx) !== 0 && expiry === 0) ||
      ((flags & Flag.gt) !== 0 && (expiry === 0 || time <= expiry)) ||
      ((flags & Flag.lt) !== 0 && expiry !== 0 && time >= expiry)
    if (isRefused) return integer(0)
    if (time <= times[Time.now]!) records.remove(slot)
    else {
      records.setExpiry(slot)
      records.changed(slot)
    }
    return integer(1)
  }

  return apply
}
