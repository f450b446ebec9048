/** What goes wrong with a cluster in the hands of its user: what, and the mend. */
export class RunError extends Error {
  override readonly name = 'RunError'
  readonly mend: string
  constructor(message: string, mend: string, options?: ErrorOptions) {
    super(message, options)
    this.mend = mend
  }
}
