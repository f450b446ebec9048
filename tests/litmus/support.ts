/** Litmus programs for tests: a few lines around the columns that matter. */
import {
  type LitmusOptions,
  type LitmusProgram,
  enumerateLitmus,
  outcomeKey,
  parseLitmus,
} from '../../model-check/litmus/index.js'

export const programOf = (text: string): LitmusProgram => parseLitmus('test.litmus', `name: test\n${text}`)

/** All outcomes, sorted: values, then how nodes end that do not come to their end. */
export function outcomesOf(text: string, options: LitmusOptions = {}): string[] {
  const result = enumerateLitmus(programOf(text), options)
  if (result.failure !== undefined) throw new Error(result.failure.message)
  return result.outcomes.map(({ outcome }) => outcomeKey(outcome)).sort()
}
