/**
 * Chains of operations of unknown outcome that lead up to a known operation.
 *
 * Contract. An operation of unknown outcome need never be placed, and stays available for ever once called. So in
 * some order that uses as few of them as possible, and each as late as possible, they only stand right before a known
 * operation that needs them there. `chainsTo` gives all chains worth trying at a configuration, single
 * operations first; it leaves out only those that another chain, or none, covers (see configuration.ts).
 *
 * With shapes the chains are found backwards from the state needed. Without, they are enumerated breadth first, which
 * is exponential in the number of open operations of unknown outcome: give your model shapes.
 */
import { refused, type Outcome } from './model.js'
import { none, type Plan } from './plan.js'

/** The configuration at which chains start; it must be the same whenever the next chain is asked for. */
export interface ChainContext<S> {
  readonly state: S
  readonly key: number
  /** The next member of a class that may take effect now, or -1. */
  available(index: number): number
  stepUnknown(state: S, member: number): Outcome<S>
  keyOf(state: S): number
  exhausted(): boolean
}

type AnyPlan = Plan<unknown, unknown>

/** Chains to the state `needed`, or to any other state than the present one where that is `none`. */
export function* chainsTo<S>(
  plan: AnyPlan,
  context: ChainContext<S>,
  needed: number,
): Generator<readonly number[]> {
  if (!plan.unknownShaped) yield* enumerate(plan, context)
  else if (needed !== none) yield* backwards(plan, context, [needed])
  else {
    for (const key of plan.classesGiving.keys()) {
      if (key !== context.key) yield* backwards(plan, context, [key])
    }
  }
}

/** `keys` are the state keys that the chain goes through from here on, last one first; none of them twice. */
function* backwards<S>(
  plan: AnyPlan,
  context: ChainContext<S>,
  keys: readonly number[],
): Generator<readonly number[]> {
  const { classes, classesGiving } = plan
  const giving = classesGiving.get(keys.at(-1)!) ?? []
  for (const from of [context.key, none]) {
    for (const index of giving) {
      if (classes[index]!.needs === from && context.available(index) >= 0) yield [context.available(index)]
    }
  }
  for (const index of giving) {
    const { needs } = classes[index]!
    const member = context.available(index)
    if (member < 0 || needs === none || needs === context.key || keys.includes(needs) || context.exhausted())
      continue
    for (const chain of backwards(plan, context, [...keys, needs])) yield [...chain, member]
  }
}

interface Reached<S> {
  readonly state: S
  readonly key: number
  readonly chain: readonly number[]
}

function* enumerate<S>(plan: AnyPlan, context: ChainContext<S>): Generator<readonly number[]> {
  const reached: Reached<S>[] = [{ state: context.state, key: context.key, chain: [] }]
  const isCovered = (key: number, chain: readonly number[]): boolean =>
    reached.some((other) => other.key === key && other.chain.every((member) => chain.includes(member)))
  for (let next = 0; next < reached.length; next++) {
    const from = reached[next]!
    for (let index = 0; index < plan.classes.length; index++) {
      if (context.exhausted()) return
      const member = context.available(index)
      if (member < 0 || from.chain.includes(member)) continue
      const state = context.stepUnknown(from.state, member)
      if (state === refused) continue
      const key = context.keyOf(state)
      const chain = [...from.chain, member]
      if (isCovered(key, chain)) continue
      reached.push({ state, key, chain })
      yield chain
    }
  }
}
