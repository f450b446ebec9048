/**
 * Why an operation cannot be placed, in one sentence.
 *
 * Contract. Each sentence is a fact about the history that excludes every order by itself, without the search:
 * nothing leads to the state that was seen, or what led to it was over before something else that was over before
 * the operation began, or a state was replaced more often than it was there. Where no such fact is found, the
 * sentence says how far the longest order goes and that the operation is refused there.
 * The facts need the model's shapes.
 */
import type { Operation } from './history.js'
import { refused, type Key, type SequentialModel, type Shape } from './model.js'

export interface Reason<I, O> {
  readonly sentence: string
  /** The operations that the sentence speaks of. */
  readonly cited: readonly Operation<I, O>[]
}

interface Shaped<I, O> {
  readonly operation: Operation<I, O>
  readonly shape: Shape
}

export function findReason<S, I, O>(
  history: readonly Operation<I, O>[],
  partial: readonly Operation<I, O>[],
  blocked: Operation<I, O>,
  model: SequentialModel<S, I, O>,
): Reason<I, O> {
  const fallback = (): Reason<I, O> => endOfOrder(history, partial, blocked, model)
  const shaped: Shaped<I, O>[] = []
  for (const operation of history) {
    const shape = model.shape?.(operation.input, operation.output)
    if (shape === undefined) return fallback()
    shaped.push({ operation, shape })
  }
  const needed = shaped.find(({ operation }) => operation === blocked)?.shape.from
  if (needed === undefined) return fallback()
  return (
    neverThere(shaped, blocked, needed, model) ??
    overBefore(shaped, blocked, needed, model) ??
    replacedTooOften(shaped, blocked, needed, model) ??
    fallback()
  )
}

function name<S, I, O>(model: SequentialModel<S, I, O>, { input, output, client }: Operation<I, O>): string {
  return `${model.describe(input, output)} by client ${client}`
}

function giversOf<I, O>(
  shaped: readonly Shaped<I, O>[],
  key: Key,
  except: Operation<I, O>,
): Operation<I, O>[] {
  return shaped
    .filter(({ operation, shape }) => operation !== except && shape.kind === 'sets' && shape.to === key)
    .map(({ operation }) => operation)
}

function neverThere<S, I, O>(
  shaped: readonly Shaped<I, O>[],
  blocked: Operation<I, O>,
  needed: Key,
  model: SequentialModel<S, I, O>,
): Reason<I, O> | undefined {
  if (model.key(model.initial) === needed) return undefined
  const givers = giversOf(shaped, needed, blocked)
  const first = givers.sort((a, b) => a.called - b.called)[0]
  if (first === undefined) {
    return {
      sentence: `${name(model, blocked)} needs the state ${needed}, but nothing ever led to it.`,
      cited: [],
    }
  }
  if (first.called < blocked.returned) return undefined
  const sentence =
    `${name(model, blocked)} had returned before ${name(model, first)} was called, ` +
    `and nothing else led to ${needed} before.`
  return { sentence, cited: [first] }
}

function overBefore<S, I, O>(
  shaped: readonly Shaped<I, O>[],
  blocked: Operation<I, O>,
  needed: Key,
  model: SequentialModel<S, I, O>,
): Reason<I, O> | undefined {
  const givers = giversOf(shaped, needed, blocked).filter((giver) => giver.called < blocked.returned)
  const lastReturn = Math.max(-Infinity, ...givers.map((giver) => giver.returned))
  const between = shaped.filter(({ operation, shape }) => {
    const after = shape.kind === 'sets' ? shape.to : shape.from
    if (after === undefined || after === needed) return false
    return lastReturn < operation.called && operation.returned < blocked.called
  })
  const latest = (kind: Shape['kind']): Shaped<I, O> | undefined =>
    between
      .filter(({ shape }) => shape.kind === kind)
      .sort((a, b) => b.operation.called - a.operation.called)[0]
  const other = (latest('sets') ?? latest('observes'))?.operation
  if (other === undefined) return undefined
  const lastGiver = givers.find((giver) => giver.returned === lastReturn)
  const origin =
    lastGiver === undefined
      ? `${needed} was only there at the start`
      : `${name(model, lastGiver)}, the last to lead to ${needed}, had returned before that began`
  const sentence = `${name(model, blocked)} was called after ${name(model, other)} had returned, but ${origin}.`
  return { sentence, cited: lastGiver === undefined ? [other] : [lastGiver, other] }
}

function replacedTooOften<S, I, O>(
  shaped: readonly Shaped<I, O>[],
  blocked: Operation<I, O>,
  needed: Key,
  model: SequentialModel<S, I, O>,
): Reason<I, O> | undefined {
  const replacers = shaped
    .filter(({ operation, shape }) => {
      return (
        operation.returned !== Infinity &&
        shape.kind === 'sets' &&
        shape.from === needed &&
        shape.to !== needed
      )
    })
    .map(({ operation }) => operation)
  const givers = giversOf(shaped, needed, blocked).length
  const times = givers + (model.key(model.initial) === needed ? 1 : 0)
  if (!replacers.includes(blocked) || replacers.length <= times) return undefined
  const names = replacers.slice(0, 3).map((operation) => name(model, operation))
  const more = replacers.length > names.length ? ` (and ${replacers.length - names.length} more)` : ''
  const sentence =
    `${names.join(' and ')}${more} each replaced the state ${needed}, ` +
    `which was there at most ${times === 1 ? 'once' : `${times} times`}.`
  return { sentence, cited: replacers.slice(0, 3) }
}

function endOfOrder<S, I, O>(
  history: readonly Operation<I, O>[],
  partial: readonly Operation<I, O>[],
  blocked: Operation<I, O>,
  model: SequentialModel<S, I, O>,
): Reason<I, O> {
  let state = model.initial
  for (const { input, output } of partial) {
    const next = model.step(state, input, output)
    if (next === refused) throw new Error(`Model '${model.name}' refuses a step that it allowed before.`)
    state = next
  }
  const last = partial.at(-1)
  const ending = last === undefined ? '' : `, ends with ${name(model, last)}`
  const sentence =
    `No order of the operations has a place for ${name(model, blocked)}: the longest one found holds ` +
    `${partial.length} of ${history.length} operations${ending} and leaves the state ${model.key(state)}.`
  return { sentence, cited: last === undefined ? [] : [last] }
}
