import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Operation } from '../../../sim/history/history.js'
import { checkLinearizable } from '../../../sim/history/linearizability.js'
import { refused, type SequentialModel } from '../../../sim/history/model.js'
import {
  register,
  type RegisterInput,
  type RegisterOutput,
  type RegisterValue,
} from '../../../sim/history/register.js'
import { runRegister, seeded, type Next } from './executions.js'
import { explains, isLinearizableNaively } from './naive.js'

type RegisterOperation = Operation<RegisterInput, RegisterOutput>

const model = register()
/** The same register, of which the checker knows nothing but its steps. */
const { shape: _shape, ...shapeless } = model
/** Every write has a shape, nothing else has: known and unknown operations with and without one are mixed. */
const halfShaped: typeof model = {
  ...shapeless,
  shape: (input, output) => (input.kind === 'write' ? model.shape?.(input, output) : undefined),
}

const value = fc.integer({ min: 0, max: 2 })
const step: fc.Arbitrary<{ input: RegisterInput; output: RegisterOutput | undefined }> = fc.oneof(
  fc.record({ input: fc.constant({ kind: 'read' as const }), output: fc.option(value, { nil: undefined }) }),
  fc.record({
    input: fc.record({ kind: fc.constant('write' as const), value }),
    output: fc.constantFrom('ok' as const, 'ok' as const, undefined),
  }),
  fc.record({
    input: fc.record({ kind: fc.constant('compareAndSet' as const), expected: value, value }),
    output: fc.constantFrom(true, false, undefined),
  }),
)

/** Up to seven operations whose calls and returns lie anywhere, each of a client of its own. */
const anyHistory: fc.Arbitrary<readonly RegisterOperation[]> = fc
  .array(
    fc.tuple(step, fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true })),
    {
      maxLength: 7,
    },
  )
  .map((drawn) => {
    const events = drawn
      .flatMap(([, a, b], operation) => [
        { operation, time: Math.min(a, b), kind: 'call' },
        { operation, time: Math.max(a, b), kind: 'return' },
      ])
      .sort((a, b) => a.time - b.time || (a.kind < b.kind ? -1 : 1))
    const position = (operation: number, kind: string): number =>
      events.findIndex((event) => event.operation === operation && event.kind === kind)
    return drawn.map(([{ input, output }], client) => ({
      client,
      index: 0,
      input,
      output,
      called: position(client, 'call'),
      returned: output === undefined ? Infinity : position(client, 'return'),
    }))
  })

function agrees<S>(
  operations: readonly RegisterOperation[],
  checked: SequentialModel<S, RegisterInput, RegisterOutput>,
): boolean {
  const result = checkLinearizable(operations, checked)
  const expected = isLinearizableNaively(operations, checked)
  expect(result.verdict).toBe(expected ? 'linearizable' : 'violated')
  if (result.verdict === 'linearizable') {
    if (operations.length > 0)
      expect(explains(result.orders.get('register')!, operations, checked)).toBe(true)
  } else {
    expect(result.partial).not.toContain(result.blocked)
    expect(result.sentence).not.toBe('')
  }
  return expected
}

test.each([
  ['with shapes', model],
  ['without shapes', shapeless],
  ['with some shapes', halfShaped],
])('on any small history the checker and its naive twin agree (%s)', (_name, checked) => {
  const seen = { true: 0, false: 0 }
  fc.assert(
    fc.property(anyHistory, (operations) => {
      seen[`${agrees(operations, checked)}`]++
    }),
    { numRuns: 3000, seed: 7 },
  )
  expect(Math.min(seen.true, seen.false)).toBeGreaterThan(300)
})

const certain = step.filter(({ output }) => output !== undefined)
const uncertain = step.filter(({ input, output }) => input.kind !== 'read' && output === undefined)

/** Some operations of unknown outcome, and then others one after the other, with few values: what can be used when? */
const sequentialHistory: fc.Arbitrary<readonly RegisterOperation[]> = fc
  .tuple(fc.array(uncertain, { minLength: 1, maxLength: 3 }), fc.array(step, { maxLength: 2 }))
  .chain(([first, middle]) =>
    fc.array(certain, { minLength: 1, maxLength: 5 }).map((last) => [...first, ...last, ...middle]),
  )
  .map((drawn) =>
    drawn.map(({ input, output }, client) => ({
      client,
      index: 0,
      input,
      output,
      called: 2 * client,
      returned: output === undefined ? Infinity : 2 * client + 1,
    })),
  )

test('on histories where only unknown outcomes overlap the checker and its naive twin agree', () => {
  const seen = { true: 0, false: 0 }
  fc.assert(
    fc.property(sequentialHistory, (operations) => {
      seen[`${agrees(operations, model)}`]++
    }),
    { numRuns: 20_000, seed: 7 },
  )
  expect(Math.min(seen.true, seen.false)).toBeGreaterThan(500)
})

const execution = fc.record({
  operations: fc.integer({ min: 1, max: 7 }),
  clients: fc.integer({ min: 1, max: 4 }),
  values: fc.constantFrom(2, 3, Infinity),
  readPercent: fc.constant(50),
  compareAndSetPercent: fc.constantFrom(0, 30),
  unknownPercent: fc.constantFrom(0, 20),
})

const drawnBy =
  (gen: fc.GeneratorValue): Next =>
  (bound) =>
    gen(fc.integer, { min: 0, max: bound - 1 })

test('a history of a real execution always passes, with an order that explains it', () => {
  fc.assert(
    fc.property(execution, fc.gen(), (parameters, gen) => {
      expect(agrees(runRegister(parameters, drawnBy(gen)), model)).toBe(true)
    }),
    { numRuns: 500 },
  )
})

/** What shows only where more operations overlap than the naive twin can order: narrow sweeps, hidden operations. */
test('a longer history of a real execution passes too, with an order that explains it', () => {
  const longer = fc.record({
    operations: fc.integer({ min: 20, max: 300 }),
    clients: fc.integer({ min: 4, max: 12 }),
    values: fc.constantFrom(2, 5, 20, 50, Infinity),
    readPercent: fc.constantFrom(20, 50),
    compareAndSetPercent: fc.constantFrom(0, 30),
    unknownPercent: fc.constantFrom(5, 30),
  })
  fc.assert(
    fc.property(longer, fc.integer(), (parameters, seed) => {
      const operations = runRegister(parameters, seeded(seed))
      const result = checkLinearizable(operations, model)
      expect(result.verdict).toBe('linearizable')
      if (result.verdict === 'linearizable')
        expect(explains(result.orders.get('register')!, operations, model)).toBe(true)
    }),
    { numRuns: 600, seed: 7 },
  )
})

test('after a change to one result of a real execution the checker and its naive twin still agree', () => {
  const seen = { true: 0, false: 0 }
  fc.assert(
    fc.property(execution, fc.gen(), fc.nat(), value, (parameters, gen, which, other) => {
      const operations = [...runRegister(parameters, drawnBy(gen))]
      const index = which % operations.length
      const changed = operations[index]!
      if (typeof changed.output === 'number') operations[index] = { ...changed, output: other }
      if (typeof changed.output === 'boolean') operations[index] = { ...changed, output: !changed.output }
      seen[`${agrees(operations, model)}`]++
    }),
    { numRuns: 1000, seed: 7 },
  )
  expect(Math.min(seen.true, seen.false)).toBeGreaterThan(50)
})

test('the shapes of the register say what its steps do', () => {
  const values: RegisterValue[] = [null, 0, 1, 2]
  const inputs: RegisterInput[] = [{ kind: 'read' }]
  for (const value of values) {
    inputs.push({ kind: 'write', value })
    for (const expected of values) inputs.push({ kind: 'compareAndSet', expected, value })
  }
  for (const input of inputs) {
    for (const output of [...values, 'ok' as const, true, false, undefined]) {
      const shape = model.shape!(input, output)
      for (const state of values) {
        const after = model.step(state, input, output)
        const isFrom = shape?.from === undefined || shape.from === model.key(state)
        if (shape === undefined) expect(after).toBe(refused)
        else if (shape.kind === 'observes') {
          expect([state, refused]).toContain(after)
          if (shape.from !== undefined) expect(after !== refused).toBe(isFrom)
        } else if (isFrom) expect(after === refused ? refused : model.key(after)).toBe(shape.to)
        else expect(after).toBe(output === undefined ? state : refused)
      }
    }
  }
})
