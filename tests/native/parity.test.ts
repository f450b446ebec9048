// One script, two fabrics: every litmus program runs on shared memory with the very cores that the simulator runs, in
// orders drawn from seeds, and may have no outcome that the simulator does not have. That the simulator has exactly the
// outcomes that a file lists is shown by tests/litmus/programs.test.ts. Where a file lists one outcome, it is this one.
import { readFileSync, readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { enumerateLitmus, outcomeKey, parseLitmus } from '../../model-check/litmus/index.js'
import type { LitmusProgram } from '../../model-check/litmus/program.js'
import { matches } from '../../model-check/litmus/values.js'
import { type Absent, absent, deviations } from './parity/deviations.js'
import { ParityRun } from './parity/run.js'

const seeds = 5
const seedsUntilSeen = 80
const folder = new URL('../../model-check/litmus/programs/', import.meta.url)
const programs = readdirSync(folder)
  .filter((name) => name.endsWith('.litmus'))
  .map((name) => parseLitmus(name, readFileSync(new URL(name, folder), 'utf8')))

/** What keeps a program from running on shared memory. */
function missingFor(program: LitmusProgram): Absent | undefined {
  const actions = program.nodes.flatMap(({ threads }) =>
    threads.flatMap(({ operations }) => operations.map(({ action }) => action)),
  )
  const kinds = new Set<string>(actions.map(({ kind }) => kind))
  const faults = new Set<string>([
    ...program.faults.map(({ target }) => target.kind),
    ...actions.flatMap((action) => (action.kind === 'fault' ? [action.fault.kind] : [])),
  ])
  const has = (set: ReadonlySet<string>, ...names: readonly string[]): boolean =>
    names.some((name) => set.has(name))
  if (has(kinds, 'append', 'flush', 'truncate', 'recovered') || has(faults, 'wipe')) return 'disk'
  if (has(kinds, 'clock', 'awaitClock')) return 'clock'
  if (faults.has('retransmit')) return 'retransmission'
  if (faults.has('corrupt')) return 'corruption'
  if (kinds.has('bind')) return 'memory windows'
  return program.fabric.completionQueueDepth === undefined ? undefined : 'completion overrun'
}

const outcomesOf = (
  program: LitmusProgram,
  count: number,
  isEnough: (key: string) => boolean = () => false,
): string[] => {
  const seen = new Set<string>()
  for (let seed = 0; seed < count; seed++) {
    const outcome = new ParityRun(program, seed).run()
    const isAllowed = program.allowed.some((row) => matches(row, outcome))
    const key = `${isAllowed ? 'allowed' : 'not allowed'}: ${outcomeKey(outcome)}`
    seen.add(key)
    if (isEnough(key)) break
  }
  return [...seen]
}

const runnable = programs.filter((program) => missingFor(program) === undefined)
const alike = runnable.filter(({ name }) => deviations[name] === undefined)

test.each(alike.map((program) => [program.name, program] as const))('%s', (_, program) => {
  const seen = outcomesOf(program, seeds)
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
    const seen = outcomesOf(program, seedsUntilSeen, (key) => key === deviation)
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
    const missing = missingFor(program)
    if (missing !== undefined) counts[missing] = (counts[missing] ?? 0) + 1
  }
  expect(Object.keys(counts).sort()).toEqual(Object.keys(absent).sort())
  expect(runnable.length).toBeGreaterThan(0.8 * programs.length)
})

test('seeds bring about different orders', () => {
  const program = programs.find(({ name }) => name === 'message-passing')!
  expect(outcomesOf(program, 40).length).toBeGreaterThan(1)
})
