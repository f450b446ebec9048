/** Only ratios and step counts are asserted: they are the same on every machine. Times are printed. */
import { expect, test } from 'vitest'
import { checkLinearizable } from '../../../sim/history/linearizability.js'
import { register } from '../../../sim/history/register.js'
import { runRegister, seeded, type Execution } from './executions.js'

const maxSteps = 3_000_000
const base = { clients: 20, readPercent: 50, compareAndSetPercent: 0 }

function measure(execution: Execution): { readonly millis: number; readonly steps: number } {
  let millis = Infinity
  let steps = 0
  const operations = runRegister(execution, seeded(1))
  for (let run = 0; run < 3; run++) {
    const start = performance.now()
    const result = checkLinearizable(operations, register(), { maxSteps })
    millis = Math.min(millis, performance.now() - start)
    steps = result.steps
    expect(result.verdict).toBe('linearizable')
  }
  return { millis, steps }
}

test.each([
  ['each value written once', { ...base, values: Infinity, unknownPercent: 0 }],
  ['each value written once, 5 % unknown', { ...base, values: Infinity, unknownPercent: 5 }],
  ['five values', { ...base, values: 5, unknownPercent: 0 }],
  ['five values, 5 % unknown', { ...base, values: 5, unknownPercent: 5 }],
  [
    'fresh values, 30 % compare-and-set, 5 % unknown',
    { ...base, values: Infinity, compareAndSetPercent: 30, unknownPercent: 5 },
  ],
])('ten times the history takes about ten times the work (%s)', (name, execution) => {
  measure({ ...execution, operations: 1_000 })
  const small = measure({ ...execution, operations: 1_000 })
  const large = measure({ ...execution, operations: 10_000 })
  console.log(
    `${name}: 1,000 operations ${small.millis.toFixed(1)} ms, 10,000 operations ${large.millis.toFixed(1)} ms, ` +
      `${large.steps} steps`,
  )
  expect(large.steps).toBeLessThan(30 * small.steps)
  expect(large.millis).toBeLessThan(60 * small.millis)
})

test.each([
  ['each value written once', { ...base, values: Infinity, unknownPercent: 0 }],
  ['each value written once, 5 % unknown', { ...base, values: Infinity, unknownPercent: 5 }],
  [
    'fresh values, 30 % compare-and-set, 5 % unknown',
    { ...base, values: Infinity, compareAndSetPercent: 30, unknownPercent: 5 },
  ],
  ['100 values', { ...base, values: 100, unknownPercent: 0 }],
])('one changed read at 90 % of the history is found within the limit (%s)', (name, execution) => {
  const operations = [...runRegister({ ...execution, operations: 10_000 }, seeded(1))]
  const isRead = ({ output }: (typeof operations)[number]): boolean => typeof output === 'number'
  const changed = operations.findIndex((operation, index) => index >= 9_000 && isRead(operation))
  const stale = operations.find((operation, index) => index >= 8_800 && isRead(operation))!.output
  const output = execution.values === Infinity ? stale : 101
  operations[changed] = { ...operations[changed]!, output }
  const result = checkLinearizable(operations, register(), { maxSteps })
  console.log(`${name}, violated: ${result.steps} steps`)
  expect(result.verdict).toBe('violated')
})

test.each([
  ['100 values, 5 % unknown', { ...base, values: 100, unknownPercent: 5 }],
  [
    '100 values, 30 % compare-and-set, 5 % unknown',
    { ...base, values: 100, compareAndSetPercent: 30, unknownPercent: 5 },
  ],
])('repeated values and unknown outcomes are decided within the limit (%s)', (_name, execution) => {
  const operations = runRegister({ ...execution, operations: 10_000 }, seeded(1))
  expect(checkLinearizable(operations, register(), { maxSteps }).verdict).toBe('linearizable')
})
