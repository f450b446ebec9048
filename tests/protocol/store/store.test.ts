// The store where a map says nothing: room, expiry and its reclaiming, what an operation may be, and what it costs.
import { describe, expect, it, test } from 'vitest'
import { Flag, store, type StoreCapacity } from '../../../protocol/store/index.js'
import { encode, openStore } from './support.js'

const capacity: StoreCapacity = { slots: 64, arenaBytes: 64 * 64, operationBytes: 4_096, replyBytes: 4_096 }
const full = { kind: 'error', fault: 0 }

describe('room', () => {
  it('is never lost to fragments: what was freed in pieces takes the largest value', () => {
    const opened = openStore(capacity)
    for (let round = 0; round < 50; round++) {
      // 64 records of one block, of which every other goes, then every third, then the rest.
      for (let k = 0; k < 64; k++)
        expect(opened.ask('set', [`key ${String(k)}`, 'v'])).toEqual({ kind: 'ok' })
      expect(opened.ask('append', ['key 0', 'x'.repeat(60)])).toEqual(full)
      for (const step of [2, 3, 1]) for (let k = 0; k < 64; k += step) opened.ask('del', [`key ${String(k)}`])
      const largest = 'y'.repeat(64 * 60 - 4)
      expect(opened.ask('set', ['big', largest])).toEqual({ kind: 'ok' })
      expect(opened.ask('get', ['big'])).toEqual({ kind: 'bulk', text: largest })
      expect(opened.ask('set', ['k', ''])).toEqual(full)
      expect(opened.application.check(opened.state)).toBeUndefined()
      expect(opened.ask('del', ['big'])).toEqual({ kind: 'integer', value: 1n })
    }
  })

  it('of an expired key is there for others at once, however many have expired', () => {
    const opened = openStore(capacity)
    for (let k = 0; k < 64; k++) opened.ask('set', [`key ${String(k)}`, 'v'], Flag.relative, 10n, 1_000)
    expect(opened.ask('set', ['other', 'v'], 0, undefined, 1_010)).toEqual(full)
    expect(opened.ask('size', [], 0, undefined, 1_011)).toEqual({ kind: 'integer', value: 0n })
    const largest = 'y'.repeat(64 * 60 - 8)
    expect(opened.ask('set', ['other', largest], 0, undefined, 1_011)).toEqual({ kind: 'ok' })
    expect(opened.application.check(opened.state)).toBeUndefined()
  })

  it('is what an empty store had, after everything has gone', () => {
    const opened = openStore(capacity)
    for (let k = 0; k < 64; k++) opened.ask('set', [`key ${String(k)}`, 'v'])
    for (let k = 0; k < 64; k++) opened.ask('getdel', [`key ${String(k)}`])
    expect([opened.state.keys, opened.state.blocksUsed]).toEqual([0, 0])
    opened.ask('set', ['a', 'v'])
    const { versions } = opened.state
    opened.ask('flush')
    expect([opened.state.keys, opened.state.blocksUsed, opened.state.versions]).toEqual([0, 0, versions])
  })
})

describe('time', () => {
  it('does not go back: an operation with an earlier time has that of the clock', () => {
    const opened = openStore(capacity)
    opened.ask('set', ['k', 'v'], Flag.relative, 10n, 1_000)
    opened.ask('set', ['other', 'v'], 0, undefined, 2_000)
    expect(opened.ask('get', ['k'], 0, undefined, 1_005)).toEqual({ kind: 'nil' })
    opened.ask('set', ['late', 'v'], Flag.relative, 10n, 500)
    expect(opened.ask('ttl', ['late'], Flag.millis, undefined, 500)).toEqual({ kind: 'integer', value: 10n })
  })

  it('of a read is not kept: what a read sees as expired is there for an earlier one', () => {
    const opened = openStore(capacity)
    opened.ask('set', ['k', 'v'], Flag.relative, 10n, 1_000)
    const before = opened.bytes()
    expect(opened.ask('get', ['k'], 0, undefined, 5_000)).toEqual({ kind: 'nil' })
    expect(opened.ask('get', ['k'], 0, undefined, 1_010)).toEqual({ kind: 'bulk', text: 'v' })
    expect(opened.bytes().equals(before)).toBe(true)
  })

  it('takes what has expired out a few at a time, whatever is written', () => {
    const opened = openStore(capacity)
    for (let k = 0; k < 40; k++) opened.ask('set', [`key ${String(k)}`, 'v'], Flag.relative, 10n, 1_000)
    const keys: number[] = []
    for (let k = 0; k < 20; k++) {
      opened.ask('set', ['k', 'v'], 0, undefined, 2_000)
      keys.push(opened.state.keys)
    }
    expect(keys).toEqual(Array.from({ length: 20 }, (_, k) => 39 - 2 * k))
  })
})

describe('a transaction', () => {
  it('is executed only while the versions it saw are those of now', () => {
    const opened = openStore(capacity)
    const version = (time = 1_000): number => {
      const output = opened.apply(encode({ time, commands: [{ name: 'versions', parts: ['k'] }] }))
      const [value] = output.values
      return value?.kind === 'array' && value.items[0]?.kind === 'integer' ? Number(value.items[0].value) : -1
    }
    const put = (seen: number, time = 1_000): string =>
      opened.apply(
        encode({
          time,
          isTransaction: true,
          conditions: [{ key: 'k', version: seen }],
          commands: [{ name: 'set', parts: ['k', 'v'], flags: Flag.relative, number: 10 }],
        }),
      ).kind
    expect(version()).toBe(0)
    expect(put(0)).toBe('done')
    expect(put(0)).toBe('conflict')
    const seen = version()
    opened.ask('expire', ['k'], Flag.relative, 20n)
    expect(put(seen)).toBe('conflict')
    expect(put(version())).toBe('done')
    // Expiry is a change.
    expect(put(version(), 1_500)).toBe('conflict')
    expect(put(0, 1_500)).toBe('done')
  })

  it('whose reply could not hold a result for each command is no operation', () => {
    const opened = openStore({ ...capacity, replyBytes: 64 })
    const commands = Array.from({ length: 5 }, () => ({ name: 'incrby' as const, parts: ['n'], number: 1 }))
    expect(opened.apply(encode({ isTransaction: true, commands })).kind).toBe('malformed')
    expect(opened.apply(encode({ isTransaction: true, commands: commands.slice(0, 4) })).values).toHaveLength(
      4,
    )
    // A batch does what fits.
    expect(opened.apply(encode({ commands })).values).toHaveLength(4)
    expect(opened.ask('get', ['n'])).toEqual({ kind: 'bulk', text: '8' })
  })
})

test.each([
  ['slots', { ...capacity, slots: 0 }],
  ['arenaBytes', { ...capacity, arenaBytes: 100 }],
  ['blockBytes', { ...capacity, blockBytes: 12 }],
  ['operationBytes', { ...capacity, operationBytes: 100 }],
  ['replyBytes', { ...capacity, replyBytes: 2 ** 24 }],
])('a capacity out of bounds is refused by name: %s', (name, wrong) => {
  expect(() => store(wrong)).toThrow(new RegExp(`^${name} is \\d+; it must be a?n? ?.* from \\d+ to \\d+$`))
})

test('applying allocates nothing', () => {
  const { application, state } = openStore(capacity)
  const now = 1_800_000_000_000
  const operations = [
    encode({ time: now, commands: [{ name: 'set', parts: ['key', 'value'.repeat(30)] }] }),
    encode({ time: now, commands: [{ name: 'get', parts: ['key'] }] }),
    encode({ time: now, commands: [{ name: 'incrby', parts: ['n'], number: 1 }] }),
    encode({ time: now, commands: [{ name: 'append', parts: ['key', 'x'] }] }),
    encode({ time: now, commands: [{ name: 'set', parts: ['t', 'v'], flags: Flag.relative, number: 1 }] }),
    encode({
      time: now,
      commands: [
        { name: 'mset', parts: ['a', '1', 'b', '2'] },
        { name: 'mget', parts: ['a', 'b', 'c'] },
      ],
    }),
    encode({ time: now, commands: [{ name: 'del', parts: ['a', 'b'] }] }),
  ].map((bytes) => new DataView(bytes.buffer))
  const reply = new DataView(new ArrayBuffer(application.replyBytes))
  const work = (turns: number): void => {
    for (let k = 0; k < turns; k++)
      for (const operation of operations)
        application.apply(state, operation, 0, operation.byteLength, reply, 0)
  }
  work(20_000)
  // The least of a few: others of this process allocate now and then. One object in ten operations would be 160 KB.
  const grown = Array.from({ length: 5 }, () => {
    const before = process.memoryUsage().heapUsed
    work(10_000)
    return process.memoryUsage().heapUsed - before
  })
  expect(Math.min(...grown.map(Math.abs))).toBeLessThan(60_000)
})
