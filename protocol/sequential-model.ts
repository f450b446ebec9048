/**
 * Sequential models: what an object does when operations come one at a time.
 *
 * Contract. A model is pure and deterministic; states are never mutated. Two states with the same key behave alike
 * for ever: the checker's memory holds keys, and is exact because of this. An operation with an unknown outcome is
 * stepped with output `undefined`: any result is then allowed, and the step gives the state after its effect.
 *
 * Where `partition` is given, the model describes ONE partition: `initial` is its state, and `step` only meets
 * operations of that partition. A history is then linearizable if and only if each partition is (locality: Herlihy &
 * Wing 1990, theorem 1), which turns one hard search into many easy ones.
 *
 * The interface asks nothing of a search, so that an incremental tester (a canonical set of states and effects) can use
 * it as it stands: key(state), and step for each pending operation with the result it was given.
 */

export type Key = string | number

/** The answer of `step` when the output is not allowed in that state. */
export const refused: unique symbol = Symbol('refused')

export type Allowed<S> = S | typeof refused

/**
 * What an operation with this output can do, whatever the state; lets the checker look ahead. Leaving it out costs
 * time, a wrong one costs the truth, so test yours against `step`.
 *
 * - `observes`: never changes the state. With `from`, the output is allowed in that state only.
 * - `sets`: allowed in `from` only, or in every state where that is absent; always leaves the state `to`. With an
 *   unknown output `from` is the only state that the operation would change.
 */
export type Shape =
  | { readonly kind: 'observes'; readonly from?: Key }
  | { readonly kind: 'sets'; readonly from?: Key; readonly to: Key }

export interface SequentialModel<S, I, O> {
  readonly name: string
  readonly initial: S
  step(state: S, input: I, output: O | undefined): Allowed<S>
  /** Equal exactly for states that behave alike. */
  key(state: S): Key
  /** For people: 'put(3) -> ok', and 'put(3) -> ?' where the outcome is unknown. */
  describe(input: I, output: O | undefined): string
  /** The independent objects that this input touches. More than one only where the property is per observer. */
  partition?(input: I): readonly Key[]
  shape?(input: I, output: O | undefined): Shape | undefined
}
