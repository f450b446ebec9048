import { expect, test } from 'vitest'
import { climb, required } from '../../bench/apus-ladder.js'

/** Some minutes, and less than 3 GiB. */
test('APUS keeps every property: three replicas, two operations, one crash, one leader change', () => {
  const { result, notes } = climb(required, { seconds: 3600, mebibytes: 8192 })
  expect(result).toMatchObject({ distinct: 10_939_302, unknown: 0, exhaustive: true, finding: undefined })
  for (const note of ['fenced', 'elected', 'committed', 'replied']) expect(notes).toContain(note)
})
