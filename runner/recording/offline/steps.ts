/** Work in pieces: who asks for it tells how far it has come, and may do something else in between. */
export type Steps<T> = Generator<StepProgress, T>

export interface StepProgress {
  /** What is done, in words that go on with how far it has come. */
  readonly what: string
  readonly done: number
  readonly total: number
}

/** Goes through to the end. */
export function finished<P, T>(steps: Generator<P, T>, told?: (progress: P) => void): T {
  for (;;) {
    const { done, value } = steps.next()
    if (done === true) return value
    told?.(value)
  }
}
