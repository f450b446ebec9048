// The store against its sequential model, which is a map: random operations, with time, small and full stores.
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { refused } from '../../../protocol/index.js'
import { Code, Flag, type StoreCapacity } from '../../../protocol/store/index.js'
import { encode, openStore, type Asked, type Command } from './support.js'

const capacities: Readonly<Record<string, StoreCapacity>> = {
  tiny: { slots: 3, arenaBytes: 128, operationBytes: 512, replyBytes: 64, blockBytes: 16 },
  'small, of large blocks': { slots: 4, arenaBytes: 640, operationBytes: 512, replyBytes: 128 },
  roomy: { slots: 32, arenaBytes: 8208, operationBytes: 512, replyBytes: 512, blockBytes: 24 },
}

const key = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('a', 'b', 'c', 'd', 'key', 'a longer key') },
  { weight: 1, arbitrary: fc.constantFrom('', '\0', '\0\0', 'twelve bytes', 'twenty-four bytes, a key') },
)
const value = fc.oneof(
  fc.constantFrom(
    '',
    '0',
    '9',
    '10',
    '-1',
    '007',
    '9223372036854775807',
    '-9223372036854775808',
    '9007199254740991',
  ),
  fc.string({ maxLength: 70, unit: 'grapheme-ascii' }),
  fc.constantFrom('x'.repeat(12), 'y'.repeat(60), 'z'.repeat(120)),
)
const amount = fc.oneof(
  fc.bigInt(-20n, 20n),
  fc.constantFrom(2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n, -(2n ** 53n), 2n ** 53n - 1n),
)
const subset = (...flags: readonly number[]) =>
  fc.subarray([...flags]).map((chosen) => chosen.reduce((all, flag) => all | flag, 0))

const one = (...names: readonly (keyof typeof Code)[]) =>
  fc.record({ name: fc.constantFrom(...names), parts: fc.tuple(key) })
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 4, arbitrary: one('get', 'strlen', 'type', 'getdel', 'persist') },
  fc.record({
    name: fc.constantFrom('exists', 'mget', 'versions', 'del'),
    parts: fc.array(key, { minLength: 1, maxLength: 4 }),
  }),
  fc.record({ name: fc.constant('ttl'), parts: fc.tuple(key), flags: subset(Flag.millis, Flag.absolute) }),
  {
    weight: 4,
    arbitrary: fc.record({
      name: fc.constantFrom('set'),
      parts: fc.tuple(key, value),
      flags: subset(Flag.nx, Flag.xx, Flag.get, Flag.keepTtl, Flag.counted),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      name: fc.constantFrom('set'),
      parts: fc.tuple(key, value),
      flags: subset(Flag.get, Flag.relative),
      number: fc.oneof(fc.bigInt(-5n, 60n), fc.bigInt(900n, 1200n), amount),
    }),
  },
  { weight: 2, arbitrary: fc.record({ name: fc.constant('append'), parts: fc.tuple(key, value) }) },
  { weight: 3, arbitrary: fc.record({ name: fc.constant('incrby'), parts: fc.tuple(key), number: amount }) },
  fc.record({
    name: fc.constant('mset'),
    parts: fc.array(fc.tuple(key, value), { minLength: 1, maxLength: 3 }).map((pairs) => pairs.flat()),
    flags: subset(Flag.nx, Flag.counted),
  }),
  {
    weight: 2,
    arbitrary: fc.record({
      name: fc.constant('expire'),
      parts: fc.tuple(key),
      flags: subset(Flag.nx, Flag.xx, Flag.gt, Flag.lt, Flag.relative),
      number: fc.oneof(fc.bigInt(-5n, 60n), fc.bigInt(900n, 1200n), amount),
    }),
  },
  fc.constantFrom<Command>({ name: 'size' }, { name: 'count' }, { name: 'flush' }),
)
const asked: fc.Arbitrary<Asked> = fc.record({
  time: fc.integer({ min: 1_000, max: 1_150 }),
  isTransaction: fc.boolean(),
  conditions: fc.oneof(
    { weight: 6, arbitrary: fc.constant([]) },
    fc.array(fc.record({ key, version: fc.nat(12) }), { maxLength: 2 }),
  ),
  commands: fc.array(command, { maxLength: 6 }),
})

it('draws operations for clients of the simulator that it takes, and that its model explains', () => {
  const seen = new Set<string>()
  const drawing = fc.array(fc.nat(1_000), { minLength: 8, maxLength: 200 })
  fc.assert(
    fc.property(drawing, fc.constantFrom(64, 128), (numbers, operationBytes) => {
      const opened = openStore({ slots: 2, arenaBytes: 64, blockBytes: 16, operationBytes, replyBytes: 64 })
      const { application } = opened
      let turn = 0
      const draw = {
        between: (least: number, most: number): number =>
          least + (numbers[turn++ % numbers.length]! % (most - least + 1)),
      }
      let model: unknown = application.model.initial
      for (let position = 0; position < 20; position++) {
        const operation = application.drawOperation(draw, position % 3, position % 8)
        expect(operation.byteLength).toBeLessThanOrEqual(operationBytes)
        expect(operation.byteLength % 8).toBe(0)
        const input = application.decodeRequest(operation)
        const output = opened.apply(operation)
        expect(output.kind).not.toBe('malformed')
        for (const value of output.values) seen.add(value.kind)
        model = application.model.step(model, input, output)
        expect(model, application.model.describe(input, output)).not.toBe(refused)
        expect(application.check(opened.state)).toBeUndefined()
        // Any other answer is refused.
        const other = { kind: 'malformed', values: [] } as const
        expect(application.model.step(application.model.initial, input, other)).toBe(refused)
      }
    }),
  )
  expect([...seen].sort()).toEqual(['array', 'bulk', 'error', 'integer', 'nil', 'ok'])
})

describe.each(Object.entries(capacities))('a %s store', (_name, capacity) => {
  it('answers as the map, stays whole, and reads change nothing', () => {
    const seen = new Set<string>()
    fc.assert(
      fc.property(fc.array(asked, { maxLength: 40 }), fc.constantFrom(0, 8, 24), (operations, skew) => {
        const opened = openStore(capacity, skew)
        const { application } = opened
        let model: unknown = application.model.initial
        for (const each of operations) {
          const operation = encode(each)
          if (operation.byteLength > application.operationBytes) continue
          const input = application.decodeRequest(operation)
          const before = opened.bytes()
          const output = opened.apply(operation)
          const next = application.model.step(model, input, output)
          expect(next, application.model.describe(input, output)).not.toBe(refused)
          model = next
          expect(application.check(opened.state)).toBeUndefined()
          if (application.isRead(new DataView(operation.buffer), 0))
            expect(opened.bytes().equals(before)).toBe(true)
          seen.add(output.kind)
          for (const each of output.values)
            seen.add(each.kind === 'error' ? `fault ${String(each.fault)}` : each.kind)
        }
      }),
      { numRuns: 400 },
    )
    // Else the property looks at less than it says.
    const faults = ['fault 0', 'fault 1', 'fault 2', 'fault 4']
    const wanted = ['done', 'conflict', 'nil', 'ok', 'integer', 'bulk', 'array', 'type', ...faults]
    const missing = wanted.filter((kind) => !seen.has(kind))
    expect(
      missing.filter((kind) => capacity.replyBytes < 512 || !['fault 0', 'fault 4'].includes(kind)),
    ).toEqual([])
  })

  it('gives the same bytes for the same operations, and for any bytes an answer and no harm', () => {
    const [one, other] = [openStore(capacity), openStore(capacity)]
    fc.assert(
      fc.property(fc.array(asked, { maxLength: 8 }), fc.infiniteStream(fc.nat(255)), (operations, noise) => {
        const byte = (): number => Number(noise.next().value)
        for (const each of operations) {
          const operation = encode(each)
          for (let left = 1 + (byte() % 3); left > 0; left--) operation[byte() % operation.length] = byte()
          expect(one.apply(operation)).toEqual(other.apply(operation))
          one.application.isRead(new DataView(operation.buffer), 0)
          expect(one.application.check(one.state)).toBeUndefined()
        }
        expect(one.bytes().equals(other.bytes())).toBe(true)
      }),
    )
  })
})
