/**
 * Is a history linearizable? Could its operations have taken effect one at a time, each between its call and its
 * return, with the results that the clients saw?
 *
 * Contract. Exact within the limit: 'linearizable' comes with an order for each partition, 'violated' means that no
 * order exists for one of them, and 'unknown' says that the limit was reached first: it is never a pass. Operations
 * of unknown outcome may take effect at any time after their call, or never.
 *
 * Source: Herlihy & Wing 1990 (the property, and locality: partitions are checked one by one); Wing & Gong 1993 and
 * Lowe 2017 (the search, see search.ts).
 */
import type { Operation } from './history.js'
import type { Key, SequentialModel } from './model.js'
import { prepare } from './plan.js'
import { findReason } from './reason.js'
import { search } from './search.js'

export interface LinearizabilityLimits {
  /**
   * Steps of the model, configurations entered and chains tried (see chains.ts), for each partition: one that is hard
   * does not hide another.
   */
  readonly maxSteps: number
}

interface Linearizable<I, O> {
  readonly verdict: 'linearizable'
  /** For each partition an order that explains it; without the operations of unknown outcome that it does not need. */
  readonly orders: ReadonlyMap<Key, readonly Operation<I, O>[]>
  readonly steps: number
}

export interface NotLinearizable<I, O> {
  readonly verdict: 'violated' | 'unknown'
  /** The partition, or the model's name where it has none. */
  readonly partition: Key
  /** All operations of the partition. */
  readonly history: readonly Operation<I, O>[]
  /** The longest order found. */
  readonly partial: readonly Operation<I, O>[]
  /** The first operation, by return, that could not be placed in it. */
  readonly blocked: Operation<I, O>
  /** Why, for a person; and the operations that it speaks of. */
  readonly sentence: string
  readonly cited: readonly Operation<I, O>[]
  readonly steps: number
}

export type LinearizabilityResult<I, O> = Linearizable<I, O> | NotLinearizable<I, O>

const defaultLimits: LinearizabilityLimits = { maxSteps: 10_000_000 }

/** How long the longest order is looked for once a violation is certain. */
const maxStepsToExplain = 1_000_000

export function checkLinearizable<S, I, O>(
  operations: readonly Operation<I, O>[],
  model: SequentialModel<S, I, O>,
  limits: LinearizabilityLimits = defaultLimits,
): LinearizabilityResult<I, O> {
  assertWellFormed(operations)
  const orders = new Map<Key, readonly Operation<I, O>[]>()
  let steps = 0
  let undecided: NotLinearizable<I, O> | undefined
  for (const [partition, history] of split(operations, model)) {
    const plan = prepare(history, model)
    const result = search(plan, model, limits.maxSteps, 'decide')
    steps += result.steps
    if (result.outcome === 'found') {
      orders.set(partition, result.order)
    } else if (result.outcome === 'none') {
      return {
        verdict: 'violated',
        partition,
        history,
        ...describeViolation(history, result.horizon, model),
        steps,
      }
    } else {
      const blocked = result.blocked!
      const sentence =
        `The limit of ${limits.maxSteps} steps was reached: the longest order found places ` +
        `${result.order.length} of ${history.length} operations.`
      undecided ??= {
        verdict: 'unknown',
        partition,
        history,
        partial: result.order,
        blocked,
        sentence,
        cited: [],
        steps,
      }
    }
  }
  return undecided === undefined ? { verdict: 'linearizable', orders, steps } : { ...undecided, steps }
}

function split<S, I, O>(
  operations: readonly Operation<I, O>[],
  model: SequentialModel<S, I, O>,
): ReadonlyMap<Key, Operation<I, O>[]> {
  const partitions = new Map<Key, Operation<I, O>[]>()
  for (const operation of operations) {
    for (const partition of model.partition?.(operation.input) ?? [model.name]) {
      const history = partitions.get(partition)
      if (history === undefined) partitions.set(partition, [operation])
      else history.push(operation)
    }
  }
  return partitions
}

/**
 * Foresight stops the search at the choice that dooms a later operation. A person wants to see that operation fail,
 * so the search runs once more without it, on the part of the history that was needed to exclude every order.
 */
function describeViolation<S, I, O>(
  history: readonly Operation<I, O>[],
  horizon: number,
  model: SequentialModel<S, I, O>,
): Pick<NotLinearizable<I, O>, 'partial' | 'blocked' | 'sentence' | 'cited'> {
  const needed = history.filter((operation) => operation.called < horizon)
  const { outcome, order, blocked } = search(prepare(needed, model), model, maxStepsToExplain, 'explain')
  if (outcome === 'found' || blocked === undefined) {
    throw new Error(
      `The shapes of model '${model.name}' contradict its steps: an order exists that they exclude.`,
    )
  }
  return { partial: order, blocked, ...findReason(history, order, blocked, model) }
}

function assertWellFormed<I, O>(operations: readonly Operation<I, O>[]): void {
  const positions = new Set<number>()
  for (const { client, index, output, called, returned } of operations) {
    const name = `Operation ${index} of client ${client}`
    if (!(called < returned)) throw new Error(`${name} must be called before it returns.`)
    if ((output === undefined) !== (returned === Infinity)) {
      throw new Error(`${name} must have no output exactly when it never returns.`)
    }
    for (const position of returned === Infinity ? [called] : [called, returned]) {
      if (positions.has(position)) throw new Error(`${name} shares position ${position} with another event.`)
      positions.add(position)
    }
  }
}
