/**
 * The naive twin of sim/history/linearizability.ts: every order, tried from left to right, nothing remembered.
 *
 * Contract. Straight from the definition (Herlihy & Wing 1990): some subset of the operations of unknown outcome and
 * all others stand in an order that the model allows and in which no operation comes before one that returned before
 * it was called. Takes no partitions; meant for at most eight operations.
 */
import type { Operation } from '../../../sim/history/history.js'
import { refused, type SequentialModel } from '../../../sim/history/model.js'

export function isLinearizableNaively<S, I, O>(
  operations: readonly Operation<I, O>[],
  model: SequentialModel<S, I, O>,
): boolean {
  const search = (state: S, left: readonly Operation<I, O>[]): boolean => {
    if (left.every(({ returned }) => returned === Infinity)) return true
    return left.some((next) => {
      if (left.some((other) => other.returned < next.called)) return false
      const after = model.step(state, next.input, next.output)
      return (
        after !== refused &&
        search(
          after,
          left.filter((other) => other !== next),
        )
      )
    })
  }
  return search(model.initial, operations)
}

/** Is this order a proof? It must hold every operation of known outcome once, and respect the model and real time. */
export function explains<S, I, O>(
  order: readonly Operation<I, O>[],
  operations: readonly Operation<I, O>[],
  model: SequentialModel<S, I, O>,
): boolean {
  let state = model.initial
  let latestCall = -1
  for (const { input, output, called, returned } of order) {
    const after = model.step(state, input, output)
    if (after === refused || returned < latestCall) return false
    state = after
    latestCall = Math.max(latestCall, called)
  }
  const inOrder = new Set(order)
  return (
    inOrder.size === order.length &&
    order.every((operation) => operations.includes(operation)) &&
    operations.every((operation) => operation.returned === Infinity || inOrder.has(operation))
  )
}
