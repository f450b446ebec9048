/** A host that tells a tap of every call before it passes it on, if there is anybody to pass it on to. */
import { Flag, type Host, type NodeId } from '../protocol/index.js'
import { EffectKind } from '../sim/world/effects.js'
import type { EffectTap } from './tap.js'

/** Kinds of effects by number: `refuse`, then those of the simulator. The numbers stand in files. */
export const effectNames: readonly string[] = ['refuse', ...Object.keys(EffectKind)]
export const REFUSE = 0

const HIGH = 0x1_0000_0000

export class TappedHost implements Host {
  readonly self: NodeId
  readonly nodes: number
  readonly incarnation: number
  readonly clock = 0
  readonly #tap: EffectTap
  readonly #inner: Host | undefined

  constructor(
    place: { readonly self: NodeId; readonly nodes: number; readonly incarnation: number },
    tap: EffectTap,
    inner?: Host,
  ) {
    this.self = place.self
    this.nodes = place.nodes
    this.incarnation = place.incarnation
    this.#tap = tap
    this.#inner = inner
  }

  refuse(): void {
    this.#tap.effect(REFUSE, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    this.#inner?.refuse()
  }
  note(kind: number, value: number): void {
    this.#tap.effect(EffectKind.note, kind, value, 0, 0, 0, 0, 0, 0, 0)
    this.#inner?.note(kind, value)
  }
  deliver(index: number, at: number, length: number): void {
    this.#tap.effect(EffectKind.deliver, index, 0, 0, 0, 0, 0, 0, at, length)
    this.#inner?.deliver(index, at, length)
  }
  send(to: NodeId, at: number, length: number): void {
    this.#tap.effect(EffectKind.send, to, 0, 0, 0, 0, 0, 0, at, length)
    this.#inner?.send(to, at, length)
  }
  watch(window: number, region: number, offset: number): void {
    this.#tap.effect(EffectKind.watch, window, region, offset, 0, 0, 0, 0, 0, 0)
    this.#inner?.watch(window, region, offset)
  }
  observe(region: number, offset: number, length: number, token: number): void {
    this.#tap.effect(EffectKind.observe, region, offset, length, token, 0, 0, 0, 0, 0)
    this.#inner?.observe(region, offset, length, token)
  }
  publish(region: number, offset: number, at: number, length: number): void {
    this.#tap.effect(EffectKind.publish, region, offset, 0, 0, 0, 0, 0, at, length)
    this.#inner?.publish(region, offset, at, length)
  }
  /** Bytes that are fetched later are none of the handler's: only where they lie is an argument. */
  write(
    queuePair: number,
    remote: number,
    local: number,
    length: number,
    token: number,
    flags: number,
  ): void {
    const isInline = (flags & Flag.inline) !== 0
    const from = isInline ? 0 : local
    const bytes = isInline ? length : 0
    this.#tap.effect(EffectKind.write, queuePair, remote, from, length, token, flags, 0, local, bytes)
    this.#inner?.write(queuePair, remote, local, length, token, flags)
  }
  writeImmediate(
    queuePair: number,
    remote: number,
    local: number,
    length: number,
    token: number,
    flags: number,
    immediate: number,
  ): void {
    const isInline = (flags & Flag.inline) !== 0
    const from = isInline ? 0 : local
    const bytes = isInline ? length : 0
    const kind = EffectKind.writeImmediate
    this.#tap.effect(kind, queuePair, remote, from, length, token, flags, immediate, local, bytes)
    this.#inner?.writeImmediate(queuePair, remote, local, length, token, flags, immediate)
  }
  read(
    queuePair: number,
    remote: number,
    local: number,
    length: number,
    token: number,
    flags: number = Flag.signaled,
  ): void {
    this.#tap.effect(EffectKind.read, queuePair, remote, local, length, token, flags, 0, 0, 0)
    this.#inner?.read(queuePair, remote, local, length, token, flags)
  }
  /** Operands of 64 bits take two arguments. */
  compareSwap(
    queuePair: number,
    remote: number,
    local: number,
    expected: number,
    desired: number,
    token: number,
    flags: number = Flag.signaled,
  ): void {
    const kind = EffectKind.compareSwap
    // There are more arguments than places: what is above 32 bits and the flags share one.
    const high = Math.floor(expected / HIGH) ^ Math.imul(Math.floor(desired / HIGH), 31)
    this.#tap.effect(kind, queuePair, remote, local, expected, desired, token, high ^ (flags << 8), 0, 0)
    this.#inner?.compareSwap(queuePair, remote, local, expected, desired, token, flags)
  }
  fetchAdd(
    queuePair: number,
    remote: number,
    local: number,
    addend: number,
    token: number,
    flags: number = Flag.signaled,
  ): void {
    const high = Math.floor(addend / HIGH)
    this.#tap.effect(EffectKind.fetchAdd, queuePair, remote, local, addend, token, flags, high, 0, 0)
    this.#inner?.fetchAdd(queuePair, remote, local, addend, token, flags)
  }
  post(queuePair: number, at: number, length: number, token: number, flags: number): void {
    this.#tap.effect(EffectKind.post, queuePair, 0, 0, length, token, flags, 0, at, length)
    this.#inner?.post(queuePair, at, length, token, flags)
  }
  control(queuePair: number, change: number, argument: number, token: number): void {
    this.#tap.effect(EffectKind.control, queuePair, change, argument, token, 0, 0, 0, 0, 0)
    this.#inner?.control(queuePair, change as never, argument, token)
  }
  protect(region: number, rights: number, token: number): void {
    this.#tap.effect(EffectKind.protect, region, rights, token, 0, 0, 0, 0, 0, 0)
    this.#inner?.protect(region, rights, token)
  }
  bind(
    queuePair: number,
    memoryWindow: number,
    region: number,
    offset: number,
    length: number,
    rights: number,
    token: number,
  ): void {
    this.#tap.effect(EffectKind.bind, queuePair, memoryWindow, region, offset, length, rights, token, 0, 0)
    this.#inner?.bind(queuePair, memoryWindow, region, offset, length, rights, token)
  }
  setTimer(timer: number, micros: number): void {
    this.#tap.effect(EffectKind.setTimer, timer, micros, 0, 0, 0, 0, 0, 0, 0)
    this.#inner?.setTimer(timer, micros)
  }
  cancelTimer(timer: number): void {
    this.#tap.effect(EffectKind.cancelTimer, timer, 0, 0, 0, 0, 0, 0, 0, 0)
    this.#inner?.cancelTimer(timer)
  }
  append(at: number, length: number): void {
    this.#tap.effect(EffectKind.append, 0, 0, 0, 0, 0, 0, 0, at, length)
    this.#inner?.append(at, length)
  }
  flush(token: number): void {
    this.#tap.effect(EffectKind.flush, token, 0, 0, 0, 0, 0, 0, 0, 0)
    this.#inner?.flush(token)
  }
  truncate(records: number): void {
    this.#tap.effect(EffectKind.truncate, records, 0, 0, 0, 0, 0, 0, 0, 0)
    this.#inner?.truncate(records)
  }
  reply(client: number, sequence: number, at: number, length: number): void {
    this.#tap.effect(EffectKind.reply, client, sequence, 0, 0, 0, 0, 0, at, length)
    this.#inner?.reply(client, sequence, at, length)
  }
}
