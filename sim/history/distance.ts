/**
 * How far a state is from the one that the operation about to return needs: the least number of operations of unknown
 * outcome on a way there.
 *
 * Contract. Needs the shapes of all operations. Between two returns the only ways from state to state are pending
 * operations and those of unknown outcome called so far. The distance takes each of them to be available on every way,
 * so it is never too large; where it is infinite, no order goes from that state on.
 */
import { none } from './key-number.js'
import type { Plan } from './plan.js'

export type Distance = (key: number) => number

export interface DistanceContext {
  /** The operation that is about to return: it is where the ways lead to. */
  readonly first: number
  pending(): Int32Array
  isAvailable(operation: number): boolean
  available(index: number): number
}

export const near: Distance = () => 0

/** Breadth first, backwards from `target`, a pending operation being free. */
export function distancesTo(
  plan: Plan<unknown, unknown>,
  context: DistanceContext,
  target: number,
): Distance {
  const { needs, gives, classes, classesGiving } = plan
  const edges: number[] = []
  for (const operation of context.pending()) {
    if (operation < 0 || operation === context.first || gives[operation]! < 0) continue
    if (context.isAvailable(operation)) edges.push(operation)
  }
  const distances = new Map<number, number>([[target, 0]])
  let fromAnywhere = Infinity
  let keys = [target]
  for (let distance = 0; keys.length > 0 && distance < fromAnywhere; distance++) {
    const further: number[] = []
    const reach = (key: number, at: number, list: number[]): void => {
      if (key === none) fromAnywhere = Math.min(fromAnywhere, at)
      else if ((distances.get(key) ?? Infinity) > at) {
        distances.set(key, at)
        list.push(key)
      }
    }
    for (const key of keys) {
      if (distances.get(key)! < distance) continue
      for (const operation of edges) if (gives[operation] === key) reach(needs[operation]!, distance, keys)
      for (const index of classesGiving.get(key) ?? []) {
        if (context.available(index) >= 0) reach(classes[index]!.needs, distance + 1, further)
      }
    }
    keys = further
  }
  return (key) => Math.min(distances.get(key) ?? Infinity, fromAnywhere)
}
