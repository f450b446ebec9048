/** Whether an operation that need not come yet is worth trying: rules 1 and 4 of the contract in `moves.ts`. */
import { type Configuration, isIn } from './configuration.js'
import { none } from './key-number.js'
import type { Plan } from './plan.js'

export interface ServeContext {
  readonly configuration: Configuration<unknown>
  /** The known operation in each lane, or -1. */
  readonly lanes: Int32Array
  /** The next member of a class that may take effect now, or -1. */
  available(index: number): number
}

/** Does placing an operation before the first return serve anything that is pending? */
export function mayServe(plan: Plan<unknown, unknown>, context: ServeContext, operation: number): boolean {
  const { shaped, needs, gives, lane } = plan
  const { configuration } = context
  if (!shaped) return true
  if (gives[operation] === none) return false
  const key = gives[operation]!
  if (needs[operation] !== none) return needs[operation] === configuration.key
  if (key === configuration.key) return false
  for (const other of context.lanes) {
    if (other < 0) continue
    if (needs[other] === none && gives[other] === none && isIn(configuration.due, lane[other]!)) return true
    if (needs[other] !== key) continue
    if (
      isIn(configuration.due, lane[other]!) ||
      (gives[other] !== none && !isIn(configuration.spent, lane[other]!))
    )
      return true
  }
  return (plan.classesNeeding.get(key) ?? []).some((index) => context.available(index) >= 0)
}
