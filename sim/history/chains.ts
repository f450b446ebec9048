/**
 * Chains of operations of unknown outcome that lead up to a known operation.
 *
 * Contract. An operation of unknown outcome need never be placed, and stays available for ever once called. So in
 * some order that uses as few of them as possible, and each as late as possible, they only stand right before a known
 * operation that needs them there. `chains` gives all chains worth trying at a configuration, those that promise to
 * use the fewest operations first; it leaves out only those that another chain, or none, covers (see
 * configuration.ts), and those from whose end the state that is wanted cannot be reached.
 *
 * With shapes the chains are found in the order of a best-first search, of which `distance` is the consistent
 * heuristic (Hart, Nilsson & Raphael 1968). Without, they are enumerated breadth first, which is exponential in the
 * number of open operations of unknown outcome: give your model shapes.
 */
import type { Distance } from './distance.js'
import { refused, type Outcome } from './model.js'
import type { Plan } from './plan.js'

/** The configuration at which chains start; it must be the same whenever the next chain is asked for. */
export interface ChainContext<S> {
  readonly state: S
  readonly key: number
  /** The next member of a class that may take effect now, or -1. */
  available(index: number): number
  stepUnknown(state: S, member: number): Outcome<S>
  keyOf(state: S): number
  countStep(): void
  exhausted(): boolean
}

type AnyPlan = Plan<unknown, unknown>

export interface Chain {
  readonly members: readonly number[]
  /** The state after it. */
  readonly key: number
}

/** Chains to any other state than the present one, except to those of infinite distance. */
export function chains<S>(plan: AnyPlan, context: ChainContext<S>, distance: Distance): Generator<Chain> {
  return plan.unknownShaped ? bestFirst(plan, context, distance) : enumerate(plan, context)
}

interface Node extends Chain {
  readonly cost: number
  readonly before: Node | undefined
}

function* bestFirst<S>(plan: AnyPlan, context: ChainContext<S>, distance: Distance): Generator<Chain> {
  const { classes, classesNeeding, freeClasses } = plan
  const queue: Node[][] = [] // by the promised cost
  let queued = 0
  const extend = (before: Node | undefined, indices: readonly number[]): void => {
    for (const index of indices) {
      const key = classes[index]!.gives
      const member = context.available(index)
      if (member < 0 || key === context.key) continue
      let seen = before
      while (seen !== undefined && seen.key !== key) seen = seen.before
      if (seen !== undefined) continue
      const cost = (before?.cost ?? 0) + 1
      const promised = cost + distance(key)
      if (promised === Infinity) continue
      ;(queue[promised] ??= []).push({ members: [...(before?.members ?? []), member], key, cost, before })
      queued++
    }
  }
  extend(undefined, classesNeeding.get(context.key) ?? [])
  extend(undefined, freeClasses)
  for (let promised = 0; queued > 0; promised++) {
    const nodes = queue[promised] ?? []
    for (const node of nodes) {
      if (context.exhausted()) return
      queued--
      context.countStep()
      yield node
      extend(node, classesNeeding.get(node.key) ?? [])
    }
    queue[promised] = []
  }
}

interface Reached<S> {
  readonly state: S
  readonly key: number
  readonly members: readonly number[]
}

function* enumerate<S>(plan: AnyPlan, context: ChainContext<S>): Generator<Chain> {
  const reached: Reached<S>[] = [{ state: context.state, key: context.key, members: [] }]
  const isCovered = (key: number, members: readonly number[]): boolean =>
    reached.some((other) => other.key === key && other.members.every((member) => members.includes(member)))
  for (let next = 0; next < reached.length; next++) {
    const from = reached[next]!
    for (let index = 0; index < plan.classes.length; index++) {
      if (context.exhausted()) return
      const member = context.available(index)
      if (member < 0 || from.members.includes(member)) continue
      const state = context.stepUnknown(from.state, member)
      if (state === refused) continue
      const key = context.keyOf(state)
      const members = [...from.members, member]
      if (isCovered(key, members)) continue
      const chain = { state, key, members }
      reached.push(chain)
      yield chain
    }
  }
}
