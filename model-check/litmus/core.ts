/**
 * The core that executes one node's columns of a litmus program.
 *
 * Every operation that does something is one input of its thread, so that all interleavings arise. Whatever only waits
 * (a load, an await, a wait for a completion or a message) is begun by the handler that came to it, and goes on in the
 * handler that brings what it waits for. All state is in bytes: program counters, registers, statuses of labelled
 * requests, messages that have arrived; what is not needed any more is zero.
 */
import {
  type Context,
  type Core,
  type CoreDefinition,
  type Host,
  array,
  defineCore,
  forEachRecord,
  queuePairTo,
  remoteAddressOf,
  struct,
  u64,
  withKey,
} from '../../protocol/index.js'
import { type CoreShape, layoutOf, noteOf, notesOf, threadName } from './core-shape.js'
import { Inbox } from './inbox.js'
import { labelEnd, lifetimesOf, registerEnd } from './liveness.js'
import { holds } from './numbers.js'
import type { Action, NodeProgram, Operand, Operation, Span, Variable } from './program.js'

/** Token of a request that nobody waits for. */
const nobody = 255
/** Token of the call that thread t waits for: this plus t. */
const calls = 240
type State = ReturnType<typeof layoutOf>

export function litmusCore(shape: CoreShape): CoreDefinition {
  const program = shape.program.nodes[shape.node]!
  return defineCore({
    state: layoutOf(program, shape.inbox),
    regions: program.regions.map(({ name, relaxed, variables }) => ({
      name,
      layout: struct(
        Object.fromEntries(
          variables.map((each) => [each.name, each.isArray ? array(u64, each.span.words) : u64]),
        ),
      ),
      initial: initialOf(variables),
      ...(relaxed ? { relaxedOrdering: true } : {}),
    })),
    memoryWindows: program.memoryWindows,
    inputs: program.threads.map((_, thread) => threadName(program, thread)),
    notes: notesOf(program),
    scratchBytes: shape.scratchBytes,
    create: (context) => new LitmusCore(shape, context),
  })
}

class LitmusCore implements Core {
  readonly #shape: CoreShape
  readonly #program: NodeProgram
  readonly #host: Host
  readonly #state: Context<State>['state']
  readonly #input: DataView
  readonly #output: DataView
  readonly #lifetimes: ReturnType<typeof lifetimesOf>
  readonly #notes: readonly string[]
  readonly #inbox: Inbox

  constructor(shape: CoreShape, context: Context<State>) {
    this.#shape = shape
    this.#program = shape.program.nodes[shape.node]!
    this.#host = context.host
    this.#state = context.state
    this.#input = context.input
    this.#output = context.output
    this.#lifetimes = lifetimesOf(this.#program, shape.node, shape.program.observables)
    this.#notes = notesOf(this.#program)
    this.#inbox = new Inbox(shape.inbox, this.#state.arrivals)
  }

  start(recovered: boolean, length: number): void {
    const { threads } = this.#program
    threads.forEach(({ restartAt }, thread) => {
      this.#state.counters.set(thread, recovered ? restartAt : 0)
      if (recovered) this.#recover(thread, length)
      this.#settle(thread)
    })
  }

  input(thread: number): void {
    const { action } = this.#operation(thread)
    if (this.#state.calling.get(thread) !== 0 || isWaiting(action)) return this.#host.refuse()
    if (action.kind === 'awaitClock' && !holds(this.#host.clock, 0, action.relation, action.value))
      return this.#host.refuse()
    let at = this.#state.counters.get(thread)
    const { operations } = this.#program.threads[thread]!
    for (; ; at++) {
      const each = operations[at]!
      if (at > this.#state.counters.get(thread) && !this.#isWanted(each)) {
        if (!each.joined) break
        continue
      }
      this.#note(each)
      this.#do(each, thread)
      if (!each.joined) break
    }
    if (this.#state.calling.get(thread) === 0) this.#goOn(thread, at + 1)
  }

  observed(thread: number, length: number): void {
    const operation = this.#operation(thread)
    const { action } = operation
    const at = this.#state.counters.get(thread)
    if (action.kind === 'await') {
      const low = this.#input.getUint32(0, true)
      const high = this.#input.getUint32(4, true)
      if (!holds(low, high, action.relation, action.value)) return this.#observe(action.from, thread)
    } else if (action.kind === 'load')
      for (let i = 0; i < length / 8; i++)
        this.#assign(
          thread,
          action.into[i]!,
          this.#input.getUint32(8 * i, true),
          this.#input.getUint32(8 * i + 4, true),
        )
    this.#note(operation)
    this.#goOn(thread, at + 1)
  }

  completion(_queuePair: number, token: number, status: number): void {
    if (token >= calls && token < nobody) {
      const thread = token - calls
      if (this.#state.calling.get(thread) === 0) return
      this.#state.calling.set(thread, 0)
      const { label } = this.#operation(thread)
      if (label >= 0) this.#learn(label, status)
      this.#goOn(thread, this.#state.counters.get(thread) + 1)
    } else if (token < this.#program.labels.length) this.#learn(token, status)
  }

  stored(token: number, status: number): void {
    if (token < this.#program.labels.length) this.#learn(token, status)
  }

  message(from: number, length: number): void {
    this.#inbox.put(false, from, this.#input, length >>> 3)
    this.#settleAll()
  }

  notified(from: number, immediate: number): void {
    this.#output.setUint32(0, immediate, true)
    this.#output.setUint32(4, 0, true)
    this.#inbox.put(true, from, this.#output, 1)
    this.#settleAll()
  }

  // ---- going on

  #note(operation: Operation): void {
    this.#host.note(this.#notes.indexOf(noteOf(operation)), operation.line)
  }

  #operation(thread: number): Operation {
    return this.#program.threads[thread]!.operations[this.#state.counters.get(thread)]!
  }

  #goOn(thread: number, to: number): void {
    this.#state.counters.set(thread, to)
    this.#settle(thread)
    this.#clearUnneeded(thread)
  }

  #settleAll(): void {
    for (let thread = 0; thread < this.#program.threads.length; thread++)
      if (isWaitingForNews(this.#operation(thread).action)) {
        this.#settle(thread)
        this.#clearUnneeded(thread)
      }
  }

  /** Passes what need not be done or waited for; begins what waits. */
  #settle(thread: number): void {
    for (;;) {
      const operation = this.#operation(thread)
      const { action } = operation
      if (this.#isWanted(operation)) {
        if (action.kind === 'load' || action.kind === 'await') return this.#observe(action.from, thread)
        if (action.kind === 'wait') {
          if (action.labels.some((label) => this.#state.statuses.get(label) === 0)) return
        } else if (action.kind === 'receive') {
          if (!this.#receive(thread, action)) return
        } else return
        this.#note(operation)
      }
      this.#state.counters.set(thread, this.#state.counters.get(thread) + 1)
    }
  }

  #isWanted({ condition }: Operation): boolean {
    if (condition === undefined) return true
    const { subject, relation, value } = condition
    if ('label' in subject) {
      const known = this.#state.statuses.get(subject.label)
      return known > 0 && holds(known - 1, 0, relation, value)
    }
    const { registers } = this.#state
    return holds(
      registers.get(2 * subject.register),
      registers.get(2 * subject.register + 1),
      relation,
      value,
    )
  }

  #clearUnneeded(thread: number): void {
    const at = this.#state.counters.get(thread)
    const { registers, labels } = this.#lifetimes
    registers[thread]!.forEach((last, register) => {
      if (last >= 0 && registerEnd(this.#lifetimes, thread, register) < at) this.#forget(register)
    })
    labels[thread]!.forEach((last, label) => {
      if (last >= 0 && labelEnd(this.#lifetimes, thread, label) < at) this.#state.statuses.set(label, 0)
    })
  }

  #forget(register: number): void {
    this.#state.assigned = (this.#state.assigned & ~(1 << register)) >>> 0
    this.#state.registers.set(2 * register, 0)
    this.#state.registers.set(2 * register + 1, 0)
  }

  #assign(thread: number, register: number, low: number, high: number): void {
    if (registerEnd(this.#lifetimes, thread, register) <= this.#state.counters.get(thread)) return
    this.#state.assigned = (this.#state.assigned | (1 << register)) >>> 0
    this.#state.registers.set(2 * register, low)
    this.#state.registers.set(2 * register + 1, high)
  }

  /** The outcome of a labelled request is known. */
  #learn(label: number, status: number): void {
    const isNeeded = this.#program.threads.some(
      (_, thread) => labelEnd(this.#lifetimes, thread, label) >= this.#state.counters.get(thread),
    )
    if (!isNeeded) return
    this.#state.statuses.set(label, 1 + status)
    this.#settleAll()
  }

  // ---- memory and messages

  #observe({ region, offset, words }: Span, thread: number): void {
    this.#host.observe(region, offset, 8 * words, thread)
  }

  /** Reads what the disk held; such operations stand first after a restart. */
  #recover(thread: number, length: number): void {
    for (;;) {
      const { action } = this.#operation(thread)
      if (action.kind !== 'recovered') return
      let count = 0
      forEachRecord(this.#input, length, (offset, bytes) => {
        if (count++ === action.record && bytes >= 8)
          this.#assign(
            thread,
            action.into,
            this.#input.getUint32(offset, true),
            this.#input.getUint32(offset + 4, true),
          )
      })
      if (action.record === undefined) this.#assign(thread, action.into, count, 0)
      this.#state.counters.set(thread, this.#state.counters.get(thread) + 1)
    }
  }

  /** Takes the first message that the operation waits for, if it has arrived. */
  #receive(thread: number, { notice, from, into }: Action & { kind: 'receive' }): boolean {
    const slot = this.#inbox.find(notice, from)
    if (slot < 0) return false
    into.forEach((register, i) => {
      if (i < this.#inbox.length(slot))
        this.#assign(thread, register, this.#inbox.low(slot, i), this.#inbox.high(slot, i))
    })
    this.#inbox.remove(slot)
    return true
  }

  // ---- doing

  #put(index: number, value: number): void {
    this.#output.setUint32(8 * index, value >>> 0, true)
    this.#output.setUint32(8 * index + 4, Math.floor(value / 0x1_0000_0000) >>> 0, true)
  }

  /** Puts the values into output, one word each. */
  #fill(values: readonly Operand[]): void {
    const { registers } = this.#state
    values.forEach((value, i) => {
      if ('constant' in value) return this.#put(i, value.constant)
      this.#output.setUint32(8 * i, registers.get(2 * value.register), true)
      this.#output.setUint32(8 * i + 4, registers.get(2 * value.register + 1), true)
    })
  }

  #do({ action, label }: Operation, thread: number): void {
    const host = this.#host
    const token = label < 0 ? nobody : label
    switch (action.kind) {
      case 'store':
        this.#fill(action.values)
        return host.publish(action.to.region, action.to.offset, 0, 8 * action.values.length)
      case 'write':
        return this.#write(action, token)
      case 'read': {
        const { from, into } = action
        const pair = this.#pair(action)
        return host.read(pair, addressOf(from), addressOf(into), 8 * from.words, token, flagsOf(action))
      }
      case 'compareSwap': {
        const { at, into, expected, desired } = action
        const [pair, flags] = [this.#pair(action), flagsOf(action)]
        return host.compareSwap(pair, addressOf(at), addressOf(into), expected, desired, token, flags)
      }
      case 'fetchAdd': {
        const { at, into, addend } = action
        const [pair, flags] = [this.#pair(action), flagsOf(action)]
        return host.fetchAdd(pair, addressOf(at), addressOf(into), addend, token, flags)
      }
      case 'send':
        this.#fill(action.values)
        return host.post(this.#pair(action), 0, 8 * action.values.length, token, action.posting.flags)
      case 'bind': {
        const { memoryWindow, to, rights } = action
        const { region, offset, words } = to
        return host.bind(this.#pair(action), memoryWindow, region, offset, 8 * words, rights, token)
      }
      case 'control': {
        const queuePair = queuePairTo(action.peer, action.pair, this.#shape.pairsPerPeer)
        this.#state.calling.set(thread, 1)
        return host.control(queuePair, action.change, action.argument, calls + thread)
      }
      case 'protect':
        this.#state.calling.set(thread, 1)
        return host.protect(action.region, action.rights, calls + thread)
      case 'append':
        this.#fill(action.values)
        return host.append(0, 8 * action.values.length)
      case 'flush':
        return host.flush(token)
      case 'truncate':
        return host.truncate(action.records)
      case 'clock':
        return this.#assign(thread, action.into, this.#host.clock, 0)
      case 'fault':
      case 'awaitClock':
        return
      case 'load':
      case 'await':
      case 'wait':
      case 'receive':
      case 'recovered':
      case 'end':
        return
    }
  }

  #pair({ posting }: Extract<Action, { posting: unknown }>): number {
    return queuePairTo(posting.peer, posting.pair, this.#shape.pairsPerPeer)
  }

  #write(action: Action & { kind: 'write' }, token: number): void {
    const { to, payload, immediate } = action
    const inline = !('region' in payload)
    if (inline) this.#fill(payload)
    const local = inline ? 0 : addressOf(payload)
    const flags = flagsOf(action)
    const remote = addressOf(to)
    if (immediate === undefined)
      this.#host.write(this.#pair(action), remote, local, 8 * to.words, token, flags)
    else this.#host.writeImmediate(this.#pair(action), remote, local, 8 * to.words, token, flags, immediate)
  }
}

/** What the variables of a region hold at every start, also after a crash. */
function initialOf(variables: readonly Variable[]): Uint8Array {
  const words = variables.flatMap(({ initial }) => initial)
  const view = new DataView(new ArrayBuffer(8 * words.length))
  words.forEach((value, i) => view.setBigInt64(8 * i, BigInt(value), true))
  return new Uint8Array(view.buffer)
}

const flagsOf = ({ posting }: Extract<Action, { posting: unknown }>): number =>
  withKey(posting.flags, posting.key)
const addressOf = ({ region, offset }: Span): number => remoteAddressOf(region, offset)

/** Whether an input is no way to go on from here. */
const isWaiting = ({ kind }: Action): boolean =>
  kind === 'load' || kind === 'await' || kind === 'end' || kind === 'wait' || kind === 'receive'
const isWaitingForNews = ({ kind }: Action): boolean => kind === 'wait' || kind === 'receive'
