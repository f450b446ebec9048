/**
 * One partition of a history, prepared for the search: operations become small numbers, calls and returns one list
 * of events, and what the model's shapes tell is indexed by state key.
 *
 * Contract. Operations with a known outcome are numbered in the order of their calls, those with an unknown outcome
 * separately. Known operations get *lanes*: two that overlap never share one, so the operations pending at an event
 * are told apart by lane alone, and a bitset over lanes replaces one over the whole history. Operations of unknown
 * outcome that can never change the state are left out; one that must take effect before a certain event counts as
 * known (see demand.ts). Those of equal shape form one *class*: they are interchangeable, and the one called first can
 * always stand in for another, so each class is used in call order. Where a shape is missing each operation is a class
 * of its own.
 */
import type { Operation } from './history.js'
import { anywhere, none } from './key-number.js'
import type { Key, SequentialModel, Shape } from './model.js'
import { separationsAfter, separationsBefore, type Separation } from './separation.js'

/** One operation; what its shape tells is in numbers. */
export interface Entry<I, O> {
  readonly operation: Operation<I, O>
  readonly needs: number
  readonly gives: number
  /** Positions between which it must take effect: its call and return, or what the demand tells (see demand.ts). */
  readonly called: number
  readonly deadline: number
  /** The position up to which the demand tells it from; -Infinity where it tells nothing. */
  readonly toldBy: number
}

interface UnknownClass {
  readonly needs: number
  readonly gives: number
  readonly members: readonly number[]
}

export interface Plan<I, O> {
  readonly entries: readonly Entry<I, O>[]
  /** Operations with a deadline, and without. */
  readonly operations: readonly Operation<I, O>[]
  readonly unknown: readonly Operation<I, O>[]
  /** Operation number * 2, plus 1 for its return. */
  readonly events: Int32Array
  readonly callEvent: Int32Array
  readonly returnEvent: Int32Array
  readonly lane: Int32Array
  readonly laneCount: number
  /** An unknown operation may take effect at event e when `unknownFrom` of it is at most e. */
  readonly unknownFrom: Int32Array
  readonly needs: Int32Array
  readonly gives: Int32Array
  readonly classes: readonly UnknownClass[]
  readonly classOf: Int32Array
  readonly classesGiving: ReadonlyMap<number, readonly number[]>
  readonly classesNeeding: ReadonlyMap<number, readonly number[]>
  /** The classes that are allowed in every state. */
  readonly freeClasses: readonly number[]
  /** Known operations that need a state key, by return; those that give one, by call. */
  readonly needers: ReadonlyMap<number, readonly number[]>
  readonly givers: ReadonlyMap<number, readonly number[]>
  /** Known operations that need a state key, by call; and those that only observe, but not one certain state. */
  readonly needersByCall: ReadonlyMap<number, readonly number[]>
  readonly watchers: readonly number[]
  /** The earliest return among operations called from an event on that cannot be placed while the state stays `key`. */
  readonly apart: Separation
  /** The latest call among such operations that returned before an event; -1 where there is none. */
  readonly apartBefore: Separation
  /** Every operation, or every one of unknown outcome, has a shape. */
  readonly shaped: boolean
  readonly unknownShaped: boolean
  /** The position of an event. */
  readonly positionOf: (event: number) => number
  /** The number of a state key; numbers are given on first sight, the initial state has 0. */
  readonly intern: (key: Key) => number
}

export function prepare<S, I, O>(
  history: readonly Operation<I, O>[],
  model: SequentialModel<S, I, O>,
): Plan<I, O> {
  const keys = new Map<Key, number>()
  const intern = (key: Key): number => {
    const known = keys.get(key)
    if (known !== undefined) return known
    keys.set(key, keys.size)
    return keys.size - 1
  }
  intern(model.key(model.initial))
  const entries = [...history]
    .sort((a, b) => a.called - b.called)
    .map((operation) => {
      const shape = model.shape?.(operation.input, operation.output)
      const needs = shape?.from === undefined ? none : intern(shape.from)
      return {
        operation,
        needs,
        gives: givenBy(shape, intern),
        called: operation.called,
        deadline: operation.returned,
        toldBy: -Infinity,
      }
    })
    .filter(({ operation, gives }) => operation.returned !== Infinity || gives !== none)
  return arrange(entries, intern)
}

function givenBy(shape: Shape | undefined, intern: (key: Key) => number): number {
  if (shape === undefined) return anywhere
  return shape.kind === 'observes' || shape.from === shape.to ? none : intern(shape.to)
}

/** Entries are in the order of their calls. */
export function arrange<I, O>(entries: readonly Entry<I, O>[], intern: (key: Key) => number): Plan<I, O> {
  const known = entries.filter(({ deadline }) => deadline !== Infinity)
  const open = entries.filter(({ deadline }) => deadline === Infinity)
  const needs = Int32Array.from(known, (entry) => entry.needs)
  const gives = Int32Array.from(known, (entry) => entry.gives)
  const unknownShaped = open.every((entry) => entry.gives !== anywhere)
  const classes = classify(open, unknownShaped)
  const classOf = new Int32Array(open.length)
  classes.forEach(({ members }, index) => members.forEach((member) => (classOf[member] = index)))

  const timeline = layOut(known, open)
  const operations = Array.from(known.keys())
  const indices = Array.from(classes.keys())
  const byReturn: number[] = []
  for (const event of timeline.events) if (event & 1) byReturn.push(event >> 1)
  return {
    entries,
    operations: known.map(({ operation }) => operation),
    unknown: open.map(({ operation }) => operation),
    ...timeline,
    needs,
    gives,
    classes,
    classOf,
    classesGiving: groupBy(indices, (index) => classes[index]!.gives),
    classesNeeding: groupBy(indices, (index) => classes[index]!.needs),
    freeClasses: indices.filter((index) => classes[index]!.needs === none),
    needers: groupBy(byReturn, (operation) => needs[operation]!),
    givers: groupBy(operations, (operation) => gives[operation]!),
    needersByCall: groupBy(operations, (operation) => needs[operation]!),
    watchers: operations.filter((it) => needs[it] === none && gives[it] === none),
    apart: separationsAfter(timeline, needs, gives),
    apartBefore: separationsBefore(timeline, needs, gives),
    shaped: unknownShaped && !gives.includes(anywhere),
    unknownShaped,
    intern,
  }
}

function classify<I, O>(open: readonly Entry<I, O>[], together: boolean): UnknownClass[] {
  const classes: { needs: number; gives: number; members: number[] }[] = []
  const byShape = new Map<string, number>()
  open.forEach(({ needs, gives }, member) => {
    const name = together ? `${needs} ${gives}` : `${member}`
    const index = byShape.get(name)
    if (index !== undefined) {
      classes[index]!.members.push(member)
      return
    }
    byShape.set(name, classes.length)
    classes.push({ needs, gives, members: [member] })
  })
  return classes
}

type Timeline = Pick<
  Plan<unknown, unknown>,
  'events' | 'positionOf' | 'callEvent' | 'returnEvent' | 'lane' | 'laneCount' | 'unknownFrom'
>

function layOut<I, O>(operations: readonly Entry<I, O>[], unknown: readonly Entry<I, O>[]): Timeline {
  const called = Float64Array.from(operations, (entry) => entry.called)
  const deadline = Float64Array.from(operations, (entry) => entry.deadline)
  const positionOf = (event: number): number => (event & 1 ? deadline : called)[event >> 1]!
  // One of unknown outcome that has a deadline has its positions from known ones, between which it lies.
  const side = (event: number): number =>
    operations[event >> 1]!.operation.returned !== Infinity ? 0 : event & 1 ? -1 : 1
  const events = Int32Array.from({ length: operations.length * 2 }, (_, event) => event)
  events.sort((a, b) => positionOf(a) - positionOf(b) || side(a) - side(b))

  const callEvent = new Int32Array(operations.length)
  const returnEvent = new Int32Array(operations.length)
  const lane = new Int32Array(operations.length)
  const free: number[] = []
  let laneCount = 0
  events.forEach((event, index) => {
    const operation = event >> 1
    if (event & 1) {
      returnEvent[operation] = index
      free.push(lane[operation]!)
    } else {
      callEvent[operation] = index
      lane[operation] = free.pop() ?? laneCount++
    }
  })

  let before = 0
  const unknownFrom = Int32Array.from(unknown, ({ called }) => {
    while (before < events.length && positionOf(events[before]!) < called) before++
    return before
  })
  return { events, positionOf, callEvent, returnEvent, lane, laneCount, unknownFrom }
}

function groupBy(members: readonly number[], keyOf: (member: number) => number): Map<number, number[]> {
  const groups = new Map<number, number[]>()
  for (const member of members) {
    const key = keyOf(member)
    if (key < 0) continue
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [member])
    else group.push(member)
  }
  return groups
}
