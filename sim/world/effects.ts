/**
 * Effects are data: a host call appends a record, and after the handler has returned the world applies each record to
 * its target. So a handler's outcome can be compared, remembered and replayed without running the core again.
 */
import {
  type Control,
  Flag,
  type Host,
  InvariantViolation,
  type NodeId,
  type QueuePairId,
} from '../../protocol/index.js'

export const EffectKind = {
  note: 1,
  deliver: 2,
  send: 3,
  watch: 4,
  observe: 5,
  publish: 6,
  write: 7,
  read: 8,
  compareSwap: 9,
  fetchAdd: 10,
  post: 11,
  control: 12,
  setTimer: 13,
  cancelTimer: 14,
  append: 15,
  flush: 16,
  truncate: 17,
  reply: 18,
  writeImmediate: 19,
  protect: 20,
  bind: 21,
} as const

/** Words of a record: kind, seven arguments, payload offset, payload length. */
export const recordWords = 10
export const payloadAt = 8
export const payloadLength = 9

/** The effects of one handler: records of {@link recordWords} words, and the bytes they carry. */
export interface EffectLog {
  count: number
  payloadBytes: number
  refused: boolean
  readonly records: Uint32Array
  readonly payload: Uint8Array
  readonly payloadWords: Uint32Array
  readonly payloadView: DataView
}

const mostEffects = 256

export function effectLog(payloadBytes: number): EffectLog {
  const payload = new Uint8Array(payloadBytes)
  return {
    count: 0,
    payloadBytes: 0,
    refused: false,
    records: new Uint32Array(mostEffects * recordWords),
    payload,
    payloadWords: new Uint32Array(payload.buffer),
    payloadView: new DataView(payload.buffer),
  }
}

export function resetEffects(log: EffectLog): void {
  log.count = 0
  log.payloadBytes = 0
  log.refused = false
}

/** The host as one node's core sees it: everything it is asked becomes a record in the log. */
export class RecordingHost implements Host {
  readonly self: NodeId
  readonly nodes: number
  incarnation = 0
  clock = 0
  readonly #log: EffectLog
  readonly #output: Uint8Array
  readonly #outputWords: Uint32Array

  constructor(self: NodeId, nodes: number, log: EffectLog, output: Uint8Array) {
    this.self = self
    this.nodes = nodes
    this.#log = log
    this.#output = output
    this.#outputWords = new Uint32Array(output.buffer)
  }

  #record(kind: number, a: number, b: number, c: number, d: number, e: number, f: number, g = 0): number {
    const log = this.#log
    if (log.count === mostEffects)
      throw new InvariantViolation(`a handler has at most ${String(mostEffects)} effects`)
    const at = log.count * recordWords
    const records = log.records
    records[at] = kind
    records[at + 1] = a
    records[at + 2] = b
    records[at + 3] = c
    records[at + 4] = d
    records[at + 5] = e
    records[at + 6] = f
    records[at + 7] = g
    records[at + payloadAt] = 0
    records[at + payloadLength] = 0
    log.count++
    return at
  }

  /** Copies payload out of the core's output, so that the core may build the next piece there. */
  #carry(record: number, at: number, length: number): void {
    const log = this.#log
    const target = log.payloadBytes
    const next = target + ((length + 7) & ~7)
    if (next > log.payload.length)
      throw new InvariantViolation(`a handler hands out at most ${String(log.payload.length)} bytes`)
    const output = this.#output
    if (at < 0 || at + length > output.length)
      throw new InvariantViolation(
        `bytes ${String(at)} to ${String(at + length)} must lie inside output (${String(output.length)} bytes)`,
      )
    const payload = log.payload
    if (((at | length) & 3) === 0) {
      const shift = (at - target) >> 2
      const end = (target + length) >> 2
      for (let i = target >> 2; i < end; i++) log.payloadWords[i] = this.#outputWords[i + shift]!
    } else for (let i = 0; i < length; i++) payload[target + i] = output[at + i]!
    for (let i = target + length; i < next; i++) payload[i] = 0
    log.payloadBytes = next
    log.records[record + payloadAt] = target
    log.records[record + payloadLength] = length
  }

  refuse(): void {
    this.#log.refused = true
  }
  note(kind: number, value: number): void {
    this.#record(EffectKind.note, kind, value, 0, 0, 0, 0)
  }
  deliver(index: number, at: number, length: number): void {
    this.#carry(this.#record(EffectKind.deliver, index, 0, 0, 0, 0, 0), at, length)
  }
  send(to: NodeId, at: number, length: number): void {
    this.#carry(this.#record(EffectKind.send, to, 0, 0, 0, 0, 0), at, length)
  }
  watch(window: number, region: number, offset: number): void {
    this.#record(EffectKind.watch, window, region, offset, 0, 0, 0)
  }
  observe(region: number, offset: number, length: number, token: number): void {
    this.#record(EffectKind.observe, region, offset, length, token, 0, 0)
  }
  publish(region: number, offset: number, at: number, length: number): void {
    this.#carry(this.#record(EffectKind.publish, region, offset, 0, 0, 0, 0), at, length)
  }
  write(
    queuePair: QueuePairId,
    remote: number,
    local: number,
    length: number,
    token: number,
    flags: number,
  ): void {
    const record = this.#record(EffectKind.write, queuePair, remote, local, length, token, flags)
    if (flags & Flag.inline) this.#carry(record, local, length)
  }
  writeImmediate(
    queuePair: QueuePairId,
    remote: number,
    local: number,
    length: number,
    token: number,
    flags: number,
    immediate: number,
  ): void {
    const record = this.#record(
      EffectKind.writeImmediate,
      queuePair,
      remote,
      local,
      length,
      token,
      flags,
      immediate,
    )
    if (flags & Flag.inline) this.#carry(record, local, length)
  }
  protect(region: number, rights: number, token: number): void {
    this.#record(EffectKind.protect, region, rights, token, 0, 0, 0)
  }
  bind(
    queuePair: QueuePairId,
    memoryWindow: number,
    region: number,
    offset: number,
    length: number,
    rights: number,
    token: number,
  ): void {
    this.#record(EffectKind.bind, queuePair, memoryWindow, region, offset, length, rights, token)
  }
  read(
    queuePair: QueuePairId,
    remote: number,
    local: number,
    length: number,
    token: number,
    flags: number = Flag.signaled,
  ): void {
    this.#record(EffectKind.read, queuePair, remote, local, length, token, flags)
  }
  compareSwap(
    queuePair: QueuePairId,
    remote: number,
    local: number,
    expected: number,
    desired: number,
    token: number,
    flags: number = Flag.signaled,
  ): void {
    this.#operands(
      this.#record(EffectKind.compareSwap, queuePair, remote, local, 8, token, flags),
      expected,
      desired,
    )
  }
  fetchAdd(
    queuePair: QueuePairId,
    remote: number,
    local: number,
    addend: number,
    token: number,
    flags: number = Flag.signaled,
  ): void {
    this.#operands(this.#record(EffectKind.fetchAdd, queuePair, remote, local, 8, token, flags), addend, 0)
  }
  /** Puts two 64-bit operands into the payload; negative numbers in two's complement. */
  #operands(record: number, first: number, second: number): void {
    const log = this.#log
    const at = log.payloadBytes
    if (at + 16 > log.payload.length)
      throw new InvariantViolation(`a handler hands out at most ${String(log.payload.length)} bytes`)
    writeInteger(log.payloadView, at, first)
    writeInteger(log.payloadView, at + 8, second)
    log.payloadBytes = at + 16
    log.records[record + payloadAt] = at
    log.records[record + payloadLength] = 16
  }
  post(queuePair: QueuePairId, at: number, length: number, token: number, flags: number): void {
    this.#carry(this.#record(EffectKind.post, queuePair, 0, 0, length, token, flags), at, length)
  }
  control(queuePair: QueuePairId, change: Control, argument: number, token: number): void {
    this.#record(EffectKind.control, queuePair, change, argument, 0, token, 0)
  }
  setTimer(timer: number, micros: number): void {
    this.#record(EffectKind.setTimer, timer, micros, 0, 0, 0, 0)
  }
  cancelTimer(timer: number): void {
    this.#record(EffectKind.cancelTimer, timer, 0, 0, 0, 0, 0)
  }
  append(at: number, length: number): void {
    this.#carry(this.#record(EffectKind.append, 0, 0, 0, 0, 0, 0), at, length)
  }
  flush(token: number): void {
    this.#record(EffectKind.flush, token, 0, 0, 0, 0, 0)
  }
  truncate(records: number): void {
    this.#record(EffectKind.truncate, records, 0, 0, 0, 0, 0)
  }
  reply(client: number, sequence: number, at: number, length: number): void {
    this.#carry(this.#record(EffectKind.reply, client, sequence, 0, 0, 0, 0), at, length)
  }
}

/** Writes a safe integer as 64-bit two's complement, little-endian. */
function writeInteger(view: DataView, at: number, value: number): void {
  if (!Number.isSafeInteger(value))
    throw new InvariantViolation(`operand ${String(value)} must be a safe integer`)
  view.setUint32(at, value >>> 0, true)
  view.setUint32(at + 4, Math.floor(value / 0x1_0000_0000) >>> 0, true)
}
