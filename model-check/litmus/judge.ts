/** The outcomes that were seen against those that are expected. */
import type { LitmusResult, SeenOutcome } from './enumerate.js'
import type { LitmusProgram, Row } from './program.js'
import { matches } from './values.js'

export type Expectation = 'allowed' | 'forbidden' | 'unexpected'

interface JudgedOutcome extends SeenOutcome {
  readonly expected: Expectation
}

interface LitmusVerdict {
  readonly isAsExpected: boolean
  readonly outcomes: readonly JudgedOutcome[]
  /** Allowed, and never seen: values, and how nodes end. */
  readonly missing: readonly {
    readonly values: readonly string[]
    readonly endings: string
    readonly line: number
  }[]
}

export function judgeLitmus(program: LitmusProgram, result: LitmusResult): LitmusVerdict {
  const outcomes = result.outcomes.map((seen): JudgedOutcome => {
    const isForbidden = program.forbidden.some((row) => matches(row, seen.outcome))
    const isAllowed = program.allowed.some((row) => matches(row, seen.outcome))
    return { ...seen, expected: isForbidden ? 'forbidden' : isAllowed ? 'allowed' : 'unexpected' }
  })
  outcomes.sort((a, b) => compare(a.outcome.values, b.outcome.values))
  const missing = result.isComplete
    ? program.allowed.flatMap(single).flatMap((row) => {
        if (outcomes.some(({ outcome }) => matches(row, outcome))) return []
        const values = row.values.map((alternatives) => alternatives?.[0] ?? '*')
        const endings = [...row.endings].map(([node, ending]) => `n${String(node)} ${ending}`).join(' ')
        return [{ values, endings, line: row.line }]
      })
    : []
  const isAsExpected =
    result.isComplete &&
    result.restless === undefined &&
    missing.length === 0 &&
    outcomes.every(({ expected }) => expected === 'allowed')
  return { isAsExpected, outcomes, missing }
}

/** A row with alternatives as rows with one value each. */
function single(row: Row): Row[] {
  let rows: (readonly string[] | undefined)[][] = [[]]
  for (const alternatives of row.values)
    rows = rows.flatMap((begun) =>
      alternatives === undefined ? [[...begun, undefined]] : alternatives.map((value) => [...begun, [value]]),
    )
  return rows.map((values) => ({ ...row, values }))
}

function compare(a: readonly string[], b: readonly string[]): number {
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i]!, b[i]!]
    if (x === y) continue
    const difference = Number(x) - Number(y)
    return Number.isNaN(difference) || difference === 0 ? (x < y ? -1 : 1) : difference
  }
  return 0
}
