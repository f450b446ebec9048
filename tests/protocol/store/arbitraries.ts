// Random operations of the store: all commands, few keys, values and numbers at the edges.
import * as fc from 'fast-check'
import { Code, Flag } from '../../../protocol/store/index.js'
import type { Asked, Command } from './support.js'

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
export const command: fc.Arbitrary<Command> = fc.oneof(
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
export const asked: fc.Arbitrary<Asked> = fc.record({
  time: fc.integer({ min: 1_000, max: 1_150 }),
  isTransaction: fc.boolean(),
  conditions: fc.oneof(
    { weight: 6, arbitrary: fc.constant([]) },
    fc.array(fc.record({ key, version: fc.nat(12) }), { maxLength: 2 }),
  ),
  commands: fc.array(command, { maxLength: 6 }),
})
