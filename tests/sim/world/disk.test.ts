import { describe, expect, test } from 'vitest'
import { type Act, Bench } from './bench.js'

/** Each record takes 12 bytes on disk: its length and one word. */
const append =
  (value: number): Act =>
  (host, put) => {
    put(value)
    host.append(0, 8)
  }
const flush =
  (token: number): Act =>
  (host) => {
    host.flush(token)
  }
const acts: Record<string, Act> = {
  append1: append(1),
  append2: append(2),
  append3: append(3),
  truncate(host) {
    host.truncate(1)
  },
  flush1: flush(1),
  flush2: flush(2),
  flush3: flush(3),
}
const bench = (capacityBytes = 120): Bench => new Bench({ acts, disk: { capacityBytes, flushes: 2 } })

/** What node 0 finds on its disk after a crash; choice 1 keeps the unflushed tail. */
function recovered(one: Bench, choice = 0): string[] {
  one.step('crash n0', choice)
  one.step('restart n0')
  return one.heard(0)
}

test('flushed records survive a crash; later ones are lost or kept, as the crash chooses', () => {
  for (const [choice, records] of [
    ['recovered 1'],
    ['recovered 1', 'recovered 2', 'recovered 3'],
  ].entries()) {
    const one = bench().act(0, 'append1', 'flush1')
    one.step('flush n0')
    one.act(0, 'append2', 'append3')
    expect(recovered(one, choice)).toEqual(records)
  }
})

test('a flush that has not returned promises nothing, and covers only what was appended before it', () => {
  const one = bench().act(0, 'append1', 'flush1', 'append2')
  const asked = one.world.snapshot()
  expect(recovered(one)).toEqual([])
  one.world.restore(asked)
  one.step('flush n0')
  expect(one.heard(0)).toEqual(['stored 1 ok'])
  expect(recovered(one)).toEqual(['recovered 1'])
})

test('what a crash kept is durable, and flushes in flight never return', () => {
  const one = bench().act(0, 'append1', 'flush1')
  expect(recovered(one, 1)).toEqual(['recovered 1'])
  expect([one.offers('flush n0'), one.offers('crash n0')]).toEqual([0, 1])
  expect(recovered(one)).toEqual(['recovered 1'])
})

test('flushes return in the order in which they were asked for', () => {
  const one = bench().act(0, 'append1', 'flush2', 'append2', 'flush1')
  one.drain('flush n0')
  expect(one.heard(0)).toEqual(['stored 2 ok', 'stored 1 ok'])
})

test('one flush too many is an assertion', () => {
  expect(bench().act(0, 'flush1', 'flush2', 'flush3').world.failure?.message).toMatch(/at most 2 flushes/)
})

test('a truncation takes effect with the flush that follows it, not before', () => {
  const one = bench().act(0, 'append1', 'append2', 'flush1', 'truncate')
  one.step('flush n0')
  const flushed = one.world.snapshot()
  expect(recovered(one)).toEqual(['recovered 1', 'recovered 2'])
  // The crash has forgotten the truncation, so no later flush brings it about.
  one.act(0, 'flush2')
  one.step('flush n0')
  expect(recovered(one)).toEqual(['recovered 1', 'recovered 2'])
  one.world.restore(flushed)
  one.act(0, 'flush2', 'append3', 'flush3')
  one.drain('flush n0')
  expect(recovered(one)).toEqual(['recovered 2', 'recovered 3'])
})

describe('a full disk', () => {
  test('says so at a flush that makes nothing durable, and is good again when a truncation made room', () => {
    const one = bench(24).act(0, 'append1', 'append2', 'append3', 'truncate', 'flush1')
    one.step('flush n0')
    expect(one.heard(0)).toEqual(['stored 1 diskFull'])
    const full = one.world.snapshot()
    expect(recovered(one)).toEqual([])
    one.world.restore(full)
    // What fitted is covered by the next flush, which is good, and so is the truncation.
    one.act(0, 'flush2')
    one.step('flush n0')
    one.act(0, 'append3', 'flush3')
    one.step('flush n0')
    expect(one.heard(0)).toEqual(['stored 1 diskFull', 'stored 2 ok', 'stored 3 ok'])
    expect(recovered(one)).toEqual(['recovered 2', 'recovered 3'])
  })

  test('says so to every flush that was asked for while a lost record was not reported', () => {
    const one = bench(24).act(0, 'append1', 'append2', 'append3', 'flush1', 'flush2')
    one.drain('flush n0')
    expect(one.heard(0)).toEqual(['stored 1 diskFull', 'stored 2 diskFull'])
  })

  test('says so also of a record that is lost while such a flush is in flight', () => {
    const one = bench(24).act(0, 'append1', 'append2', 'append3', 'flush1', 'append3')
    one.step('flush n0')
    one.act(0, 'flush2')
    one.step('flush n0')
    expect(one.heard(0)).toEqual(['stored 1 diskFull', 'stored 2 diskFull'])
  })
})

test('a wiped disk recovers nothing', () => {
  const one = bench().act(0, 'append1', 'flush1')
  one.step('flush n0')
  one.step('crash n0')
  one.step('wipe n0')
  one.step('restart n0')
  expect(one.heard(0)).toEqual([])
})
