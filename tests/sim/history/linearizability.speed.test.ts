/**
 * How much work long histories are. Steps are asserted, which are the same on every machine; CPU time only once, since
 * it is what is promised: 10,000 operations in under a second.
 */
import { expect, test } from 'vitest'
import { checkLinearizable, type LinearizabilityResult } from '../../../sim/history/linearizability.js'
import {
  register,
  type RegisterInput,
  type RegisterOutput,
  type RegisterValue,
} from '../../../sim/history/register.js'
import { runRegister, seeded, type Execution } from './executions.js'

type Row = readonly [name: string, execution: Omit<Execution, 'operations'>]

/** Steps for each operation; the hardest row takes 220. */
const maxStepsPerOperation = 400

const base = { clients: 20, readPercent: 50, compareAndSetPercent: 0, unknownPercent: 0 }
const swapping = { ...base, compareAndSetPercent: 30, unknownPercent: 5 }

const rows: readonly Row[] = [
  ['each value written once, 5 % unknown', { ...base, values: Infinity, unknownPercent: 5 }],
  ['fresh values, 30 % compare-and-set, 5 % unknown', { ...swapping, values: Infinity }],
  ['two values', { ...base, values: 2 }],
  ['100 values, 5 % unknown', { ...base, values: 100, unknownPercent: 5 }],
  ['five values, 30 % compare-and-set, 5 % unknown', { ...swapping, values: 5 }],
  ['20 values, 30 % compare-and-set, 5 % unknown', { ...swapping, values: 20 }],
  ['100 values, 30 % compare-and-set, 5 % unknown', { ...swapping, values: 100 }],
  ['100 values, 30 % compare-and-set, 20 % unknown', { ...swapping, values: 100, unknownPercent: 20 }],
  ['100 values, 50 % compare-and-set, 5 % unknown', { ...swapping, values: 100, compareAndSetPercent: 50 }],
  [
    '100 values, 20 % reads, 30 % compare-and-set, 5 % unknown',
    { ...swapping, values: 100, readPercent: 20 },
  ],
]

function check(
  operations: ReturnType<typeof runRegister>,
): LinearizabilityResult<RegisterInput, RegisterOutput> {
  return checkLinearizable<RegisterValue, RegisterInput, RegisterOutput>(operations, register())
}

test.each(rows)('the work for an operation does not grow with the history (%s)', (_name, execution) => {
  for (const count of [1_000, 10_000]) {
    const result = check(runRegister({ ...execution, operations: count }, seeded(1)))
    expect(result.verdict).toBe('linearizable')
    expect(result.steps / count).toBeLessThan(maxStepsPerOperation)
  }
})

test('10,000 operations take less than a second of CPU time', () => {
  const operations = runRegister({ ...swapping, values: 20, operations: 10_000 }, seeded(1))
  let best = Infinity // seconds
  for (let tries = 0; tries < 3 && best >= 1; tries++) {
    const start = process.cpuUsage()
    expect(check(operations).verdict).toBe('linearizable')
    const { user, system } = process.cpuUsage(start)
    best = Math.min(best, (user + system) / 1e6)
  }
  expect(best).toBeLessThan(1)
})

const isRead = ({ output }: { readonly output: RegisterOutput | undefined }): boolean =>
  typeof output === 'number'

test.each([
  ['each value written once', { ...base, values: Infinity }],
  ['each value written once, 5 % unknown', { ...base, values: Infinity, unknownPercent: 5 }],
  ['fresh values, 30 % compare-and-set, 5 % unknown', { ...swapping, values: Infinity }],
  ['20 values', { ...base, values: 20 }],
  ['100 values, 30 % compare-and-set', { ...swapping, values: 100, unknownPercent: 0 }],
] satisfies Row[])(
  'a read made stale at 90 %% of the history is found without a search (%s)',
  (_name, execution) => {
    const operations = [...runRegister({ ...execution, operations: 10_000 }, seeded(1))]
    const changed = operations.findIndex((operation, index) => index >= 9_000 && isRead(operation))
    const { output } = operations.find((operation, index) => index >= 8_800 && isRead(operation))!
    operations[changed] = { ...operations[changed]!, output }
    expect(check(operations)).toMatchObject({ verdict: 'violated', steps: 0 })
  },
)

test.each([
  ['two values', { ...base, values: 2 }],
  ['100 values, 30 % compare-and-set, 5 % unknown', { ...swapping, values: 100 }],
] satisfies Row[])('a read of what nobody wrote is found without a search (%s)', (_name, execution) => {
  const operations = [...runRegister({ ...execution, operations: 10_000 }, seeded(1))]
  const changed = operations.findIndex((operation, index) => index >= 9_000 && isRead(operation))
  operations[changed] = { ...operations[changed]!, output: -1 }
  expect(check(operations)).toMatchObject({ verdict: 'violated', steps: 0 })
})
