import { describe, expect, test } from 'vitest'
import { Control, Flag, Right, Status, statusNames } from '../../../protocol/index.js'
import { type Act, Bench, control, send, toOne, toZero, word, writeInline, writeLate } from './bench.js'

const { signaled } = Flag
const flushed = statusNames[Status.flushed]!

describe('a WRITE', () => {
  test('that is inline carries the bytes of the post although output changes later', () => {
    const bench = new Bench({ acts: { write: writeInline(7, [1, 2, 3]) } }).act(0, 'write')
    bench.send('n0→n1')
    expect(bench.words(1)).toEqual([1, 2, 3])
    bench.step('complete n0→n1')
    expect(bench.heard(0)).toEqual(['1: 7 ok'])
  })

  test('that is fetched at departure carries what the region holds when each packet goes out', () => {
    const bench = new Bench({ acts: { write: writeLate(7, 10) }, fabric: { packetBytes: 64 } })
    bench.set(0, 0, 1, 2, 3)
    bench.act(0, 'write')
    bench.set(0, 0, 11, 12, 13)
    bench.step('arrive n0→n1')
    bench.set(0, 0, 21)
    bench.set(0, 8, 28, 29)
    bench.send('n0→n1')
    expect([bench.words(1), bench.words(1, 8)]).toEqual([
      [11, 12, 13],
      [28, 29, 0],
    ])
  })

  test('that is fetched by word carries words of different times', () => {
    const bench = new Bench({ acts: { write: writeLate(7, 2) }, knobs: { fetch: 'by-word' } })
    bench.set(0, 0, 1, 2)
    bench.act(0, 'write')
    bench.step('fetch n0→n1')
    bench.set(0, 0, 3, 4)
    expect(bench.offers('arrive n0→n1')).toBe(0)
    bench.step('fetch n0→n1')
    bench.send('n0→n1')
    expect(bench.words(1)).toEqual([1, 4, 0])
  })

  test('that is fetched early carries what the region held then, and does not go out before', () => {
    const bench = new Bench({ acts: { write: writeLate(7, 3) }, knobs: { fetch: 'early' } })
    bench.set(0, 0, 1, 2, 3)
    bench.act(0, 'write')
    expect(bench.offers('arrive n0→n1')).toBe(0)
    bench.set(0, 0, 4, 5, 6)
    bench.step('fetch n0→n1')
    bench.set(0, 0, 7, 8, 9)
    bench.send('n0→n1')
    expect(bench.words(1)).toEqual([4, 5, 6])
  })

  test('lands in ascending order and, when visibility comes first, completes only after its last word', () => {
    const bench = new Bench({
      acts: { write: writeInline(7, [1, 2, 3]) },
      knobs: { visibility: 'prompt' },
    }).act(0, 'write')
    const seen: number[][] = []
    bench.step('arrive n0→n1')
    while (bench.offers('place n0→n1') > 0) {
      expect([bench.offers('place n0→n1'), bench.offers('complete n0→n1')]).toEqual([1, 0])
      bench.step('place n0→n1')
      seen.push(bench.words(1))
    }
    expect(seen).toEqual([
      [1, 0, 0],
      [1, 2, 0],
      [1, 2, 3],
    ])
    expect(bench.offers('complete n0→n1')).toBe(1)
  })

  test('may complete when it has arrived, before any of it is placed', () => {
    const bench = new Bench({ acts: { write: writeInline(7, [1, 2, 3]) } }).act(0, 'write')
    expect(bench.offers('complete n0→n1')).toBe(0)
    bench.step('arrive n0→n1')
    bench.step('complete n0→n1')
    expect([bench.heard(0), bench.words(1)]).toEqual([['1: 7 ok'], [0, 0, 0]])
    expect(bench.drain('place n0→n1')).toBe(3)
    expect(bench.words(1)).toEqual([1, 2, 3])
  })

  test('lands in every order when words are shuffled', () => {
    const bench = new Bench({ acts: { write: writeInline(7, [1, 2, 3]) }, knobs: { placement: 'shuffled' } })
    bench.act(0, 'write').step('arrive n0→n1')
    const orders = new Set<string>()
    const explore = (order: string): void => {
      const here = bench.world.snapshot()
      const offered = bench.offers('place n0→n1')
      if (offered === 0) orders.add(order)
      for (let choice = 0; choice < offered; choice++) {
        const before = bench.words(1)
        bench.step('place n0→n1', choice)
        explore(order + String(bench.words(1).findIndex((value, i) => value !== before[i])))
        bench.world.restore(here)
      }
    }
    explore('')
    expect([...orders].sort()).toEqual(['012', '021', '102', '120', '201', '210'])
  })

  test('of two packets is shuffled inside a packet only', () => {
    const values = Array.from({ length: 130 }, (_, i) => i + 1)
    const bench = new Bench({
      acts: { write: writeInline(7, values) },
      knobs: { placement: 'shuffled-in-packet' },
    }).act(0, 'write')
    expect(bench.drain('arrive n0→n1')).toBe(2)
    const offered: number[] = []
    for (let i = 0; i < 130; i++) {
      offered.push(bench.offers('place n0→n1'))
      bench.step('place n0→n1', bench.offers('place n0→n1') - 1)
      if (i === 0) expect(bench.words(1, 127, 3)).toEqual([128, 0, 0])
      if (i === 127) expect(bench.words(1, 0, 130)).toEqual([...values.slice(0, 128), 0, 0])
    }
    expect(offered).toEqual([...Array.from({ length: 128 }, (_, i) => 128 - i), 2, 1])
    expect(bench.words(1, 0, 130)).toEqual(values)
  })

  test('that is unsignalled completes nothing; its slot is freed by the next signalled completion', () => {
    const bench = new Bench({
      acts: { quiet: writeInline(1, [1], 0), loud: writeInline(2, [2]) },
      fabric: { sendQueueDepth: 2 },
    }).act(0, 'quiet', 'loud')
    bench.step('arrive n0→n1')
    bench.step('place n0→n1')
    expect(bench.offers('complete n0→n1')).toBe(0)
    bench.send('n0→n1')
    bench.step('complete n0→n1')
    expect(bench.heard(0)).toEqual(['1: 2 ok'])
    bench.act(0, 'quiet', 'quiet')
    expect(bench.world.failure).toBeUndefined()
  })
})

test('requests of one queue pair execute in order of posting, two pairs do not wait for each other', () => {
  const bench = new Bench({
    acts: {
      first: writeInline(1, [1], signaled, 2),
      second: writeInline(2, [2], signaled, 2),
      other: writeInline(3, [3], signaled, 3, 1),
    },
    fabric: { pairsPerPeer: 2 },
    knobs: { placement: 'shuffled' },
  }).act(0, 'first', 'second', 'other')
  bench.drain('arrive n0→n1#0')
  bench.send('n0→n1#1')
  bench.step('complete n0→n1#1')
  expect(bench.words(1)).toEqual([0, 3, 0])
  bench.step('place n0→n1#0')
  expect(bench.words(1)).toEqual([1, 3, 0])
  bench.step('place n0→n1#0')
  expect(bench.words(1)).toEqual([2, 3, 0])
  bench.drain('complete n0→n1#0')
  expect(bench.heard(0)).toEqual(['3: 3 ok', '2: 1 ok', '2: 2 ok'])
})

test('a READ brings the bytes of its placement into the region of the requester before it completes', () => {
  const bench = new Bench({
    acts: {
      read(host) {
        host.read(toOne, word(1), word(0), 16, 5)
      },
    },
  })
  bench.set(1, 1, 6, 7)
  bench.act(0, 'read').deliver('n0→n1')
  bench.set(1, 1, 8, 9)
  for (const landed of [
    [0, 0, 0],
    [6, 0, 0],
  ]) {
    expect([bench.words(0), bench.offers('complete n0→n1')]).toEqual([landed, 0])
    bench.step('answer n0→n1')
  }
  expect(bench.words(0)).toEqual([6, 7, 0])
  bench.step('complete n0→n1')
  expect(bench.heard(0)).toEqual(['1: 5 ok'])
})

test('a compare-and-swap swaps only what it expects and returns the former value either way', () => {
  const swap: Act = (host) => {
    host.compareSwap(toOne, word(0), word(1), 5, 0x1_0000_0006, 1)
  }
  const bench = new Bench({ acts: { swap } })
  bench.set(1, 0, 5)
  for (const former of [5, 0x1_0000_0006]) {
    bench.act(0, 'swap')
    expect(bench.send('n0→n1')).toBe(2)
    bench.step('complete n0→n1')
    expect([bench.words(1)[0], bench.words(0)[1]]).toEqual([0x1_0000_0006, former])
  }
})

test.each([
  [40, 2, 42],
  [0xffff_ffff, 1, 0x1_0000_0000],
  [0x1_0000_0001, -2, 0xffff_ffff],
  [0x2_0000_0000, -0x1_0000_0001, 0xffff_ffff],
])('a fetch-and-add on %i of %i leaves %i', (before, addend, after) => {
  const bench = new Bench({
    acts: {
      add(host) {
        host.fetchAdd(toOne, word(0), word(1), addend, 1)
      },
    },
  })
  bench.set(1, 0, before)
  bench.act(0, 'add')
  bench.send('n0→n1')
  bench.step('complete n0→n1')
  expect([bench.words(1)[0], bench.words(0)[1]]).toEqual([after, before])
})

test('SENDs arrive as messages in order, and wait while the receive queue is full', () => {
  const bench = new Bench({ acts: { a: send(1), b: send(2), c: send(3) } }).act(0, 'a', 'b', 'c')
  expect(bench.send('n0→n1')).toBe(2)
  bench.step('receive n0→n1')
  expect(bench.send('n0→n1')).toBe(1)
  bench.drain('receive n0→n1')
  expect(bench.heard(1)).toEqual(['from 0: 1', 'from 0: 2', 'from 0: 3'])
  bench.drain('complete n0→n1')
  expect(bench.heard(0)).toEqual(['1: 1 ok', '1: 2 ok', '1: 3 ok'])
})

describe('a refusal', () => {
  test('by a revoked right stops what arrives after it, and both ends go to ERR', () => {
    const bench = new Bench({
      acts: {
        write: writeInline(1, [1, 2, 3], 0),
        next: writeInline(2, [4], 0),
        last: writeInline(4, [5]),
        back: writeInline(3, [5], signaled, toZero),
        revoke: control(Control.rights, Right.read, 9, toZero),
      },
    })
      .act(0, 'write', 'next', 'last')
      .act(1, 'back', 'revoke')
    bench.step('arrive n0→n1')
    bench.step('place n0→n1')
    bench.step('control n1→n0')
    bench.step('arrive n0→n1')
    expect([bench.words(1), bench.offers('arrive n0→n1')]).toEqual([[1, 0, 0], 0])
    bench.step('control n1→n0')
    bench.drain('complete n0→n1')
    bench.drain('complete n1→n0')
    expect(bench.heard(0)).toEqual(['1: 2 remoteInvalidRequest', `1: 4 ${flushed}`])
    expect(bench.heard(1)).toEqual(['0: 9 ok', `0: 3 ${flushed}`])
    // What had been accepted stays.
    bench.drain('place n0→n1')
    expect(bench.words(1)).toEqual([1, 2, 3])
  })

  test('of a write beyond the region says remoteAccess', () => {
    const bench = new Bench({
      acts: {
        beyond: writeInline(1, [1, 2], signaled, toOne, 135),
      },
    }).act(0, 'beyond')
    bench.step('arrive n0→n1')
    expect([bench.words(1, 135, 1), bench.offers('place n0→n1')]).toEqual([[0], 0])
    bench.step('complete n0→n1')
    expect(bench.heard(0)).toEqual(['1: 1 remoteAccess'])
  })

  test('of a READ or an atomic needs the right of its own', () => {
    const ask: Record<string, Act> = {
      read(host) {
        host.read(toOne, word(0), word(0), 8, 1)
      },
      add(host) {
        host.fetchAdd(toOne, word(0), word(0), 1, 1)
      },
    }
    const outcome = (act: string, initialRights: number): string[] => {
      const bench = new Bench({ acts: ask, fabric: { initialRights } }).act(0, act)
      bench.send('n0→n1')
      bench.step('complete n0→n1')
      return bench.heard(0)
    }
    expect(outcome('read', Right.write | Right.atomic)).toEqual(['1: 1 remoteInvalidRequest'])
    expect(outcome('add', Right.write | Right.read)).toEqual(['1: 1 remoteInvalidRequest'])
    expect(outcome('read', Right.read)).toEqual(['1: 1 ok'])
    expect(outcome('add', Right.atomic)).toEqual(['1: 1 ok'])
  })
})

describe('a write without an answer', () => {
  const acts = {
    write: writeInline(1, [1, 2, 3]),
    next: writeInline(2, [4]),
    connect5: control(Control.connect, 5, 9, toZero),
    connect0: control(Control.connect, 0, 8, toZero),
  }
  test.each(['cut n0→n1', 'crash n1'])('after %s ends in retryExceeded, the rest is flushed', (fault) => {
    const bench = new Bench({ acts }).act(0, 'write', 'next')
    expect(bench.offers('expire n0→n1')).toBe(0)
    bench.step(fault)
    expect(bench.offers('arrive n0→n1')).toBe(0)
    bench.step('expire n0→n1')
    bench.drain('complete n0→n1')
    expect(bench.heard(0)).toEqual(['1: 1 retryExceeded', `1: 2 ${flushed}`])
  })

  test('may have been applied: a cut way back hides the acknowledgement', () => {
    const bench = new Bench({ acts }).act(0, 'write')
    bench.step('cut n1→n0')
    bench.send('n0→n1')
    expect([bench.words(1), bench.offers('complete n0→n1')]).toEqual([[1, 2, 3], 0])
    bench.step('expire n0→n1')
    bench.step('complete n0→n1')
    expect(bench.heard(0)).toEqual(['1: 1 retryExceeded'])
  })

  /** Failed before it arrived. */
  const failed = (): Bench => {
    const bench = new Bench({ acts }).act(0, 'write')
    bench.step('cut n0→n1')
    bench.step('expire n0→n1')
    bench.step('complete n0→n1')
    expect([bench.heard(0), bench.offers('land n0→n1')]).toEqual([['1: 1 retryExceeded'], 0])
    bench.step('heal n0→n1')
    return bench
  }
  test('may land later, once', () => {
    const bench = failed()
    expect(bench.words(1)).toEqual([0, 0, 0])
    bench.step('land n0→n1')
    expect([bench.words(1), bench.offers('land n0→n1')]).toEqual([[1, 2, 3], 0])
  })
  test('is gone when the responder has reconnected under another connection', () => {
    const bench = failed().act(1, 'connect5')
    bench.settle('control n1→n0')
    expect(bench.offers('land n0→n1')).toBe(0)
    bench.act(1, 'connect0')
    bench.settle('control n1→n0')
    expect([bench.offers('land n0→n1'), bench.words(1)]).toEqual([0, [0, 0, 0]])
  })
})

describe('control:', () => {
  const acts = {
    write: writeInline(1, [1]),
    reset: control(Control.reset, 0, 7, toOne),
    connect0: control(Control.connect, 5, 8, toOne),
    connect1: control(Control.connect, 5, 9, toZero),
  }
  test('RESET swallows queued requests without completions', () => {
    const bench = new Bench({ acts }).act(0, 'write', 'write', 'reset')
    bench.settle('control n0→n1')
    expect(['arrive', 'place', 'complete', 'expire'].map((kind) => bench.offers(`${kind} n0→n1`))).toEqual([
      0, 0, 0, 0,
    ])
    expect(bench.heard(0)).toEqual(['1: 7 ok'])
    bench.act(0, 'connect0').act(1, 'connect1')
    bench.settle('control n0→n1')
    bench.settle('control n1→n0')
    bench.act(0, 'write')
    expect([bench.send('n0→n1'), bench.drain('complete n0→n1')]).toEqual([1, 1])
    expect(bench.heard(0)).toEqual(['1: 7 ok', '1: 8 ok', '1: 1 ok'])
  })

  test('ends of different connections do not hear each other', () => {
    const bench = new Bench({ acts }).act(0, 'connect0')
    bench.settle('control n0→n1')
    bench.act(0, 'write')
    expect([bench.offers('arrive n0→n1'), bench.offers('expire n0→n1')]).toEqual([0, 1])
    bench.act(1, 'connect1')
    bench.settle('control n1→n0')
    expect([bench.offers('arrive n0→n1'), bench.offers('expire n0→n1')]).toEqual([1, 0])
  })

  test('posting in RESET is an assertion', () => {
    const bench = new Bench({ acts }).act(0, 'reset')
    bench.settle('control n0→n1')
    bench.act(0, 'write')
    expect(bench.world.failure).toMatchObject({
      kind: 'assertion',
      message: expect.stringMatching(/must be ready to send/) as string,
    })
  })

  test('overflow of the send queue is an assertion', () => {
    const bench = new Bench({ acts, fabric: { sendQueueDepth: 2 } }).act(0, 'write', 'write')
    expect(bench.world.failure).toBeUndefined()
    bench.act(0, 'write')
    expect(bench.world.failure).toMatchObject({
      kind: 'assertion',
      message: expect.stringMatching(/at most 2 requests/) as string,
    })
  })

  test('a second control call at one end is an assertion', () => {
    const bench = new Bench({ acts }).act(0, 'reset', 'connect0')
    expect(bench.world.failure?.message).toMatch(/one control call at a time/)
  })
})

test("a paused process's memory is still written, and it hears of nothing until it is resumed", () => {
  const bench = new Bench({
    acts: { write: writeInline(1, [1]), back: writeInline(2, [2], signaled, toZero) },
  })
    .act(0, 'write')
    .act(1, 'back')
  bench.step('pause n1')
  bench.send('n0→n1')
  bench.send('n1→n0')
  expect([bench.words(1)[0], bench.words(0)[0]]).toEqual([1, 2])
  expect([bench.offers('complete n0→n1'), bench.offers('complete n1→n0')]).toEqual([1, 0])
  bench.step('resume n1')
  bench.step('complete n1→n0')
  expect(bench.heard(1)).toEqual(['0: 2 ok'])
})

test('a restarted node is in RESET, and its peer gets no answer', () => {
  const bench = new Bench({
    acts: { write: writeInline(1, [1]), back: writeInline(2, [2], signaled, toZero) },
  })
  bench.step('crash n1')
  bench.step('restart n1')
  bench.act(0, 'write')
  expect([bench.offers('arrive n0→n1'), bench.offers('expire n0→n1')]).toEqual([0, 1])
  bench.act(1, 'back')
  expect(bench.world.failure?.message).toMatch(/must be ready to send/)
})
