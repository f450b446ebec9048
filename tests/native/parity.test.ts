// One script, two fabrics: every litmus program runs on shared memory with the very cores that the simulator runs, in
// orders drawn from seeds, and may have no outcome that the simulator does not have. That the simulator has exactly the
// outcomes that a file lists is shown by tests/litmus/programs.test.ts. Where a file lists one outcome, it is this one.
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { enumerateLitmus, outcomeKey } from '../../model-check/litmus/index.js'
import { type Absent, absent, deviations } from './parity/deviations.js'
import { missingFor, outcomesOf, readPrograms } from './parity/suite.js'

const seeds = 5
const seedsUntilSeen = 80
const programs = readPrograms(fileURLToPath(new URL('../../model-check/litmus/programs/', import.meta.url)))

const runnable = programs.filter((program) => missingFor(program, 'shm') === undefined)
const alike = runnable.filter(({ name }) => deviations[name] === undefined)

test.each(alike.map((program) => [program.name, program] as const))('%s', (_, program) => {
  const seen = outcomesOf(program, 'shm', seeds)
  expect(seen).toEqual(seen.map((key) => key.replace(/^not allowed/, 'allowed')))
})

describe('deviations', () => {
  test('are of programs that run here', () => {
    const names = runnable.map(({ name }) => name)
    expect(Object.keys(deviations).filter((name) => !names.includes(name))).toEqual([])
  })
  test.each(Object.entries(deviations))('%s is seen, and no other outcome', (name, { outcome }) => {
    const program = runnable.find((each) => each.name === name)!
    const deviation = `not allowed: ${outcome}`
    const seen = outcomesOf(program, 'shm', seedsUntilSeen, (key) => key === deviation)
    expect(seen).toContain(deviation)
    expect(seen.filter((key) => key !== deviation && key.startsWith('not'))).toEqual([])
  })
  test.each(Object.keys(deviations).filter((name) => name.startsWith('one-sided-reset')))(
    '%s is what the simulator does when packet numbers are derived from connections',
    (name) => {
      const program = runnable.find((each) => each.name === name)!
      const derived = enumerateLitmus({ ...program, knobs: { ...program.knobs, psn: 'derived' } })
      expect(derived.outcomes.map(({ outcome }) => outcomeKey(outcome))).toContain(deviations[name]!.outcome)
    },
  )
})

test('what does not run here needs something that is listed, with its reason', () => {
  const counts: Partial<Record<Absent, number>> = {}
  for (const program of programs) {
    const missing = missingFor(program, 'shm')
    if (missing !== undefined) counts[missing] = (counts[missing] ?? 0) + 1
  }
  const onShm = Object.entries(absent).filter(([, { on }]) => (on as readonly string[]).includes('shm'))
  expect(Object.keys(counts).sort()).toEqual(onShm.map(([name]) => name).sort())
  expect(runnable.length).toBeGreaterThan(0.8 * programs.length)
})

test('seeds bring about different orders', () => {
  const program = programs.find(({ name }) => name === 'message-passing')!
  expect(outcomesOf(program, 'shm', 40).length).toBeGreaterThan(1)
})
