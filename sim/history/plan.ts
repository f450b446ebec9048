/**
 * One partition of a history, prepared for the search: operations become small numbers, calls and returns one list
 * of events, and what the model's shapes tell is indexed by state key.
 *
 * Contract. Operations with a known outcome are numbered in the order of their calls, those with an unknown outcome
 * separately. Known operations get *lanes*: two that overlap never share one, so the operations pending at an event
 * are told apart by lane alone, and a bitset over lanes replaces one over the whole history. Operations of unknown
 * outcome that can never change the state are left out. Those of equal shape form one *class*: they are
 * interchangeable, and the one called first can always stand in for another, so each class is used in call order.
 * Where a shape is missing each operation is a class of its own.
 */
import type { Operation } from './history.js'
import type { Key, SequentialModel, Shape } from './model.js'

/** In `needs`: the output may be allowed in several states. In `gives`: the state stays as it is. */
export const none = -1
/** In `gives`: the operation has no shape, so it may lead anywhere. */
export const anywhere = -2

interface UnknownClass {
  readonly needs: number
  readonly gives: number
  readonly members: readonly number[]
}

export interface Plan<I, O> {
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
  /** Known operations that need a state key, by return; those that give one, by call. */
  readonly needers: ReadonlyMap<number, readonly number[]>
  readonly givers: ReadonlyMap<number, readonly number[]>
  /** Known operations that need a state key, by call; and those that only observe, but not one certain state. */
  readonly needersByCall: ReadonlyMap<number, readonly number[]>
  /** The earliest return among operations called from an event on that cannot be placed while the state stays `key`. */
  readonly watchers: readonly number[]
  readonly apart: (key: number, event: number) => number
  /** Every operation, or every one of unknown outcome, has a shape. */
  readonly shaped: boolean
  readonly unknownShaped: boolean
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
  const shapeOf = ({ input, output }: Operation<I, O>): Shape | undefined => {
    const shape = model.shape?.(input, output)
    return shape?.kind === 'sets' && shape.from === shape.to ? { kind: 'observes', from: shape.to } : shape
  }

  const byCall = [...history].sort((a, b) => a.called - b.called)
  const operations = byCall.filter((operation) => operation.returned !== Infinity)
  const unknown = byCall.filter((it) => it.returned === Infinity && shapeOf(it)?.kind !== 'observes')

  const shapes = operations.map(shapeOf)
  const needs = Int32Array.from(shapes, (shape) => (shape?.from === undefined ? none : intern(shape.from)))
  const gives = Int32Array.from(shapes, (shape) => givenBy(shape, intern))
  const unknownShapes = unknown.map(shapeOf)
  const unknownShaped = !unknownShapes.includes(undefined)
  const classes = classify(unknownShapes, unknownShaped, intern)
  const classOf = new Int32Array(unknown.length)
  classes.forEach(({ members }, index) => members.forEach((member) => (classOf[member] = index)))

  const timeline = layOut(operations, unknown)
  const byReturn = Array.from(operations.keys()).sort(
    (a, b) => timeline.returnEvent[a]! - timeline.returnEvent[b]!,
  )
  return {
    operations,
    unknown,
    ...timeline,
    needs,
    gives,
    classes,
    classOf,
    classesGiving: groupBy(Array.from(classes.keys()), (index) => classes[index]!.gives),
    classesNeeding: groupBy(Array.from(classes.keys()), (index) => classes[index]!.needs),
    needers: groupBy(byReturn, (operation) => needs[operation]!),
    givers: groupBy(Array.from(operations.keys()), (operation) => gives[operation]!),
    needersByCall: groupBy(Array.from(operations.keys()), (operation) => needs[operation]!),
    watchers: Array.from(operations.keys()).filter((it) => needs[it] === none && gives[it] === none),
    apart: separations(timeline.events, timeline.returnEvent, needs, gives),
    shaped: unknownShaped && !shapes.includes(undefined),
    unknownShaped,
    intern,
  }
}

function givenBy(shape: Shape | undefined, intern: (key: Key) => number): number {
  if (shape === undefined) return anywhere
  return shape.kind === 'observes' ? none : intern(shape.to)
}

function classify(
  shapes: readonly (Shape | undefined)[],
  together: boolean,
  intern: (key: Key) => number,
): UnknownClass[] {
  const classes: { needs: number; gives: number; members: number[] }[] = []
  const byShape = new Map<string, number>()
  shapes.forEach((shape, member) => {
    const needs = shape?.from === undefined ? none : intern(shape.from)
    const gives = givenBy(shape, intern)
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
  'events' | 'callEvent' | 'returnEvent' | 'lane' | 'laneCount' | 'unknownFrom'
>

function layOut<I, O>(operations: readonly Operation<I, O>[], unknown: readonly Operation<I, O>[]): Timeline {
  const position = (event: number): number => {
    const operation = operations[event >> 1]!
    return event & 1 ? operation.returned : operation.called
  }
  const events = Int32Array.from({ length: operations.length * 2 }, (_, event) => event)
  events.sort((a, b) => position(a) - position(b))

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
    while (before < events.length && position(events[before]!) < called) before++
    return before
  })
  return { events, callEvent, returnEvent, lane, laneCount, unknownFrom }
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

function separations(
  events: Int32Array,
  returnEvent: Int32Array,
  needs: Int32Array,
  gives: Int32Array,
): (key: number, event: number) => number {
  // The earliest return, the key it allows, and the earliest return among those that allow another.
  const earliest = new Int32Array(events.length + 1)
  const allows = new Int32Array(events.length + 1)
  const second = new Int32Array(events.length + 1)
  earliest[events.length] = second[events.length] = events.length
  allows[events.length] = anywhere
  for (let index = events.length - 1; index >= 0; index--) {
    earliest[index] = earliest[index + 1]!
    allows[index] = allows[index + 1]!
    second[index] = second[index + 1]!
    if (events[index]! & 1) continue
    const operation = events[index]! >> 1
    const from = needs[operation]!
    const to = gives[operation]!
    if (from === none && to === none) continue
    const key = to === none || to === from ? from : from === none ? to : anywhere
    const end = returnEvent[operation]!
    if (end < earliest[index]!) {
      if (key !== allows[index] || key === anywhere) second[index] = earliest[index]!
      earliest[index] = end
      allows[index] = key
    } else if ((key !== allows[index] || key === anywhere) && end < second[index]!) second[index] = end
  }
  return (key, event) => (allows[event] === key ? second[event]! : earliest[event]!)
}
