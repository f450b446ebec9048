/** What is wrong with a litmus file: where, which word, and what was expected in its place. */

export interface Place {
  /** From 1. */
  readonly line: number
  /** From 1. */
  readonly column: number
}

export class LitmusError extends Error {
  override readonly name = 'LitmusError'

  /**
   * @param problem what is the matter, for instance `"wrte" is no operation`
   * @param mend what to write instead
   * @param word the word that is wrong
   * @param known the words that are possible in its place, where there is a list
   */
  constructor(
    readonly file: string,
    readonly place: Place,
    readonly problem: string,
    readonly mend: string,
    readonly word = '',
    readonly known: readonly string[] = [],
  ) {
    super(`${file}:${String(place.line)}:${String(place.column)}: ${problem}`)
  }
}
