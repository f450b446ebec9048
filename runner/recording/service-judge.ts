/**
 * Judges what callers of a service saw, by the order in which its replicas applied their requests.
 *
 * A replay knows that order, so no order has to be searched for: it is a witness of linearizability, and is verified.
 * Every replica must have applied the same entries; what callers were told must be what the replicated program says when
 * it is given them one at a time (a request that comes again changes nothing); and who knew of an operation's end before
 * another began must find it earlier in the order. What is answered without an entry is a read, and may stand wherever
 * those who came before and after it leave room. Herlihy & Wing 1990 for the property.
 */
import type { AppliedRequest, ServiceHistory } from '../../protocol/index.js'
import { EffectKind } from '../../sim/world/effects.js'
import type { JudgedHistory } from '../judgement.js'
import type { ClientEvent } from '../order.js'
import type { NodeReplay, NodeReplayOptions } from './offline/replay.js'

export interface JudgedService extends Omit<JudgedHistory, 'verdict'> {
  /** `sequential`: as linearizable, but times of different clocks were not compared. */
  readonly verdict: JudgedHistory['verdict'] | 'sequential'
}

/** An operation of a caller. */
interface Called {
  readonly client: number
  /** Several have the same where they were ordered as one. */
  readonly sequence: number
  readonly operation: Uint8Array
  /** Of the times. */
  readonly clock: string
  readonly called: bigint
  /** Undefined: never, and the reply with it. */
  readonly returned: bigint | undefined
  readonly reply: Uint8Array | undefined
  /** Index of its entry; undefined: none was applied. */
  index: number | undefined
  /** Of a read without an entry: after how many entries this is the reply; of those that real time allows. */
  readonly readAt: number[]
}

export class ServiceJudge {
  readonly #history: ServiceHistory
  /** By index; undefined: an entry that is no request. */
  readonly #entries = new Map<number, AppliedRequest | undefined>()
  #disagreement: string | undefined

  constructor(history: ServiceHistory) {
    this.#history = history
  }

  /** Watches the replay of one life. */
  watcher(node: number): NonNullable<NodeReplayOptions['watch']> {
    return ({ kind, numbers }, state) => {
      const [note, index] = numbers as [number, number]
      if (kind === EffectKind.note && note === this.#history.appliedNote)
        this.#apply(node, index, this.#history.requestAt(state, index))
    }
  }

  #apply(node: number, index: number, request: AppliedRequest | undefined): void {
    if (!this.#entries.has(index)) this.#entries.set(index, request)
    else if (!isSame(this.#entries.get(index), request))
      this.#disagreement ??= `Node ${String(node)} applied at index ${String(index)} ${this.#say(request)}, and another ${this.#say(this.#entries.get(index))}.`
  }

  #say(request: AppliedRequest | undefined): string {
    return request === undefined
      ? 'no request'
      : `${this.#history.describe(request.operation, undefined)} of client ${String(request.client)}`
  }

  /**
   * @param isWhole whether every life of every node is there from its beginning to its end: only then can be said that
   * something was never asked for, or never applied
   */
  judge(replays: readonly NodeReplay[], isWhole: boolean): JudgedService {
    const operations = calledOf(replays)
    const unknown = operations.filter(({ reply }) => reply === undefined).length
    const say = (verdict: JudgedService['verdict'], reason: string | undefined): JudgedService => {
      return { verdict, reason, operations: operations.length, unknown }
    }
    if (this.#disagreement !== undefined) return say('violated', this.#disagreement)
    const last = Math.max(0, ...this.#entries.keys())
    for (let index = 1; index <= last; index++)
      if (!this.#entries.has(index))
        return say('unknown', `No recorded replica applied the entry at index ${String(index)}.`)
    const applied = this.#assign(operations, last)
    const byClock = clocksOf(operations).map((clock) => operations.filter((each) => each.clock === clock))
    const histories = byClock.map((its) => ({ its, events: eventsOf(its) }))
    const reads = new Map<number, Called[]>()
    for (const { its, events } of histories) placeReads(reads, its, events, last, this.#history)
    let wrong = this.#run(applied, reads, isWhole)
    for (const { events } of histories) wrong ??= this.#precedence(events, isWhole)
    if (wrong === undefined) return say(byClock.length > 1 ? 'sequential' : 'linearizable', undefined)
    return say(wrong.isCertain ? 'violated' : 'unknown', wrong.sentence)
  }

  /** The entries that have an effect, by index; tells each operation its own. */
  #assign(operations: readonly Called[], last: number): readonly (Applied | undefined)[] {
    const byName = new Map<string, Called[]>()
    for (const each of operations) {
      const name = nameOf(each.client, each.sequence)
      const others = byName.get(name)
      if (others === undefined) byName.set(name, [each])
      else others.push(each)
    }
    const latest = new Map<number, number>()
    return Array.from({ length: last + 1 }, (_, index) => {
      const entry = this.#entries.get(index)
      // A request that comes again, or comes late, has its effect behind it.
      if (entry === undefined || entry.sequence <= (latest.get(entry.client) ?? 0)) return undefined
      latest.set(entry.client, entry.sequence)
      const members = byName.get(nameOf(entry.client, entry.sequence)) ?? []
      for (const each of members) each.index = index
      return { entry, members }
    })
  }

  /** Gives the program one entry after the other, and compares what it says with what callers were told. */
  #run(
    applied: readonly (Applied | undefined)[],
    reads: ReadonlyMap<number, readonly Called[]>,
    isWhole: boolean,
  ): Wrong | undefined {
    const run = this.#history.program()
    for (const [index, each] of applied.entries()) {
      if (each !== undefined) {
        const wrong = this.#runEntry(run, each, `at index ${String(index)}`, isWhole)
        if (wrong !== undefined) return wrong
      }
      for (const read of reads.get(index) ?? [])
        if (isEqual(run(read.operation), read.reply!)) read.readAt.push(index)
    }
    return undefined
  }

  /** Gives the program what an entry is made of, caller by caller. */
  #runEntry(
    run: (operation: Uint8Array) => Uint8Array,
    { entry, members }: Applied,
    at: string,
    isWhole: boolean,
  ): Wrong | undefined {
    if (members.length === 0 && isWhole)
      return certain(`${this.#say(entry)} was applied ${at}, and nobody asked for it.`)
    const isAll = members.length > 0 && isEqual(this.#joined(members), entry.operation)
    if (!isAll) {
      run(entry.operation)
      // Calls come before every end: they are all there where an end is, and else the last may be cut off.
      if (members.length === 0 || !(isWhole || members.some(({ reply }) => reply !== undefined)))
        return undefined
      return certain(
        `${members.map((its) => this.#tell(its)).join(', and ')} was asked for, and ${this.#history.describe(entry.operation, undefined)} applied ${at}.`,
      )
    }
    for (const its of members) {
      const reply = run(its.operation)
      if (its.reply !== undefined && !isEqual(its.reply, reply))
        return certain(
          `${this.#tell(its)} was applied ${at}, where the answer is: ${this.#history.describe(its.operation, reply)}.`,
        )
    }
    return undefined
  }

  #joined(members: readonly Called[]): Uint8Array {
    const [first, ...others] = members.map(({ operation }) => operation)
    return others.length === 0 ? first! : (this.#history.joined?.([first!, ...others]) ?? new Uint8Array(0))
  }

  /** Whoever returned before another was called must come first. Reads take the earliest place that is left to them. */
  #precedence(events: readonly Moment[], isWhole: boolean): Wrong | undefined {
    let floor = 0
    let before: Called | undefined
    const places = new Map<Called, number>()
    for (const { operation, isCall } of events) {
      if (!isCall) {
        const place = places.get(operation)
        if (place !== undefined && place > floor) {
          floor = place
          before = operation
        }
        continue
      }
      const { index, reply, readAt } = operation
      if (index !== undefined) {
        if (index <= floor)
          return certain(
            `${this.#tell(operation)} was asked for after ${this.#tell(before!)} had returned, and was applied before it, at index ${String(index)}.`,
          )
        places.set(operation, index)
      } else if (reply !== undefined) {
        const place = readAt.find((at) => at >= floor)
        if (place === undefined)
          return {
            isCertain: isWhole,
            sentence:
              before === undefined || readAt.length === 0
                ? `${this.#tell(operation)} was answered, and nothing that was applied explains the answer.`
                : `${this.#tell(operation)} was asked for after ${this.#tell(before)} had returned, and does not know of it.`,
          }
        places.set(operation, place)
      }
    }
    return undefined
  }

  #tell({ client, sequence, operation, reply }: Called): string {
    return `${this.#history.describe(operation, reply)} (client ${String(client)}, number ${String(sequence)})`
  }
}

interface Applied {
  readonly entry: AppliedRequest
  /** What callers asked for that it is, in their order; several where they were ordered as one. */
  readonly members: readonly Called[]
}

/** A call or a return. */
interface Moment {
  readonly at: bigint
  readonly operation: Called
  readonly isCall: boolean
}

const clocksOf = (operations: readonly Called[]): readonly string[] => [
  ...new Set(operations.map(({ clock }) => clock)),
]

/** In order of time; what happened in the same nanosecond overlaps. */
function eventsOf(operations: readonly Called[]): readonly Moment[] {
  return operations
    .flatMap((operation): Moment[] => [
      { at: operation.called, operation, isCall: true },
      ...(operation.returned === undefined ? [] : [{ at: operation.returned, operation, isCall: false }]),
    ])
    .sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : Number(b.isCall) - Number(a.isCall)))
}

/**
 * Where reads without an entry may stand: behind every entry whose operation had returned before the read was called, and
 * before every one whose operation was called after the read had returned.
 */
function placeReads(
  byPlace: Map<number, Called[]>,
  operations: readonly Called[],
  events: readonly Moment[],
  last: number,
  history: ServiceHistory,
): void {
  const reads = new Set(
    operations.filter(
      ({ index, reply, operation }) =>
        index === undefined && reply !== undefined && history.isRead(operation),
    ),
  )
  const first = new Map<Called, number>()
  let returned = 0
  for (const { operation, isCall } of events)
    if (!isCall) returned = Math.max(returned, operation.index ?? 0)
    else if (reads.has(operation)) first.set(operation, returned)
  let called = last + 1
  for (const { operation, isCall } of [...events].reverse()) {
    if (isCall) called = Math.min(called, operation.index ?? called)
    else if (reads.has(operation))
      for (let place = first.get(operation)!; place < called; place++) {
        const others = byPlace.get(place)
        if (others === undefined) byPlace.set(place, [operation])
        else others.push(operation)
      }
  }
}

interface Wrong {
  readonly isCertain: boolean
  readonly sentence: string
}
const certain = (sentence: string): Wrong => ({ isCertain: true, sentence })

const nameOf = (client: number, sequence: number): string => `${String(client)}.${String(sequence)}`

const isEqual = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0

const isSame = (a: AppliedRequest | undefined, b: AppliedRequest | undefined): boolean =>
  a === undefined || b === undefined
    ? a === b
    : a.client === b.client && a.sequence === b.sequence && isEqual(a.operation, b.operation)

/** The operations of all callers, of all lives. */
function calledOf(replays: readonly NodeReplay[]): Called[] {
  const called: Called[] = []
  for (const { clients, recording } of replays)
    for (const [client, events] of clients) {
      // Those of one number that have not ended: first all are called, then all end, in the same order.
      const open: ClientEvent[] = []
      const add = (end: ClientEvent | undefined): void => {
        const call = open.shift()
        if (call?.request === undefined) return
        const { at, operation, request } = call
        called.push({
          client,
          sequence: operation,
          operation: request,
          clock: recording.header.clock,
          called: at,
          returned: end?.reply === undefined ? undefined : end.at,
          reply: end?.reply,
          index: undefined,
          readAt: [],
        })
      }
      const addOpen = (): void => {
        while (open.length > 0) add(undefined)
      }
      for (const event of events) {
        if (event.kind !== 'call') {
          add(event)
          continue
        }
        // A life that was cut off leaves calls without an end.
        if (open[0]?.operation !== event.operation) addOpen()
        open.push(event)
      }
      addOpen()
    }
  return called
}
