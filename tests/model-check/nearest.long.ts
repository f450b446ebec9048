/**
 * The wrong variants whose nearest violation is too far for a quick test (nearest.test.ts). Where it is out of reach here
 * too, the result says up to which length there is no violation at all. Results are written beside this file, to be
 * committed.
 */
import { writeFileSync } from 'node:fs'
import { afterAll, expect, test } from 'vitest'
import { farHunts, huntSetup, hunts, nearest } from './nearest.js'
import { expectReplay } from './twins.js'

const mostStates = 12_000_000

interface Row {
  readonly system: string
  readonly bug: string
  readonly minimised: number
  readonly found: { readonly violation: string; readonly steps: number } | null
  /** No schedule of so many steps, or fewer, violates anything. */
  readonly noneUpTo: number
  readonly states: number
}
const rows: Row[] = []

afterAll(() => {
  writeFileSync(
    new URL('nearest.results.json', import.meta.url),
    `${JSON.stringify({ mostStates, rows }, null, 2)}\n`,
  )
})

test.each(hunts.filter(({ bug }) => farHunts.includes(bug)))('$definition.name $bug ($minimised)', (hunt) => {
  const result = nearest(hunt, mostStates)
  const { finding, depth, distinct } = result
  rows.push({
    system: hunt.definition.name,
    bug: hunt.bug,
    minimised: hunt.minimised,
    found:
      finding === undefined ? null : { violation: finding.violation.name, steps: finding.actions.length },
    // The level in which a bound ended the search was not finished.
    noneUpTo: (finding?.actions.length ?? depth) - 1,
    states: distinct,
  })
  if (finding === undefined) expect(distinct).toBeGreaterThanOrEqual(mostStates)
  else {
    expect(finding.actions.length).toBeLessThanOrEqual(hunt.minimised)
    expectReplay(hunt.definition, huntSetup(hunt), result)
  }
})
