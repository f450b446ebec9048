/** Thrown when something that must hold does not. The message is the sentence that says what must hold. */
export class InvariantViolation extends Error {
  override readonly name = 'InvariantViolation'
}

/** Asserts what must hold. Violations are bugs in a protocol or in Aviary, never bad input. */
export function invariant(condition: boolean, sentence: string): asserts condition {
  if (!condition) throw new InvariantViolation(sentence)
}
