/** What is wrong with a trace, for people: which field, what is the matter, and what to do about it. */

export type TraceProblem =
  | 'foreign' // not a trace at all
  | 'newer' // written by a newer Aviary
  | 'older' // written by an Aviary whose traces have other fields
  | 'truncated' // the end is missing
  | 'corrupt' // bytes were changed
  | 'absurd' // a size or a count that cannot be
  | 'invalid' // well-formed, but a field has a value that it must not have
  | 'unplayable' // the system at hand cannot follow it

/** The only exception that reading a trace throws, whatever the bytes. */
export class TraceError extends Error {
  override readonly name = 'TraceError'

  /**
   * @param field where: a section of the file, a path into the header, or a line of the text
   * @param mend what the reader can do about it
   */
  constructor(
    readonly problem: TraceProblem,
    readonly field: string,
    what: string,
    readonly mend: string,
  ) {
    super(`${field}: ${what}. ${mend}`)
  }
}
