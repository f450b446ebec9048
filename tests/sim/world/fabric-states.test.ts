/** States of queue pairs, connections, and what failures do to the fabric (`protocol/rule-book.ts`). */
import { describe, expect, test } from 'vitest'
import { Control, type Knobs, Right } from '../../../protocol/index.js'
import {
  type Act,
  Bench,
  ascending,
  control,
  fetchAdd,
  read,
  send,
  toOne,
  toZero,
  writeInline,
  writeLate,
} from './bench.js'

const signaled = 1
const way = 'n0→n1'
const there = `control ${way}`
const back = 'control n1→n0'

describe('an end of a queue pair', () => {
  const acts = {
    write: writeInline(1, [1]),
    back: writeInline(2, [2], signaled, toZero),
    reset: control(Control.reset, 0, 10, toOne),
    init: control(Control.init, 0, 11, toOne),
    readyToReceive: control(Control.readyToReceive, 0, 12, toOne),
    readyToSend: control(Control.readyToSend, 0, 13, toOne),
    drain: control(Control.drain, 0, 14, toOne),
    error: control(Control.error, 0, 15, toOne),
    rights: control(Control.rights, Right.read, 16, toOne),
  }
  /** Whether node 1 is heard at node 0, after each of these changes there. */
  const heardAfter = (...changes: readonly (keyof typeof acts)[]): boolean => {
    const bench = new Bench({ acts })
    for (const change of changes) bench.act(0, change).settle(there)
    bench.act(1, 'back')
    return bench.send('n1→n0') > 0
  }
  test('goes from RESET by INIT and RTR to RTS, and serves from RTR on', () => {
    expect(heardAfter('reset')).toBe(false)
    expect(heardAfter('reset', 'init')).toBe(false)
    expect(heardAfter('reset', 'init', 'readyToReceive')).toBe(true)
    expect(heardAfter('reset', 'init', 'readyToReceive', 'readyToSend')).toBe(true)
    expect(heardAfter('drain')).toBe(true)
    expect(heardAfter('error')).toBe(false)
  })

  test.each([
    ['init', []],
    ['readyToReceive', []],
    ['readyToReceive', ['reset']],
    ['readyToSend', ['reset']],
    ['readyToSend', ['reset', 'init']],
    ['drain', ['reset', 'init', 'readyToReceive']],
    ['error', ['reset']],
    ['rights', ['reset']],
    ['rights', ['error']],
    ['readyToSend', ['error']],
  ] as const)('does not allow %s after %j, and nothing changes', (change, before) => {
    const bench = new Bench({ acts })
    for (const step of before) bench.act(0, step).settle(there)
    bench.act(0, change)
    const words = (): string => {
      const { end } = bench.world.fabric!.flowBetween(0, 1, 0)!
      return bench.world.memory.bytes.subarray(end.offset, end.offset + 12).toString()
    }
    const unchanged = words()
    bench.settle(there)
    expect([words(), bench.heard(0).at(-1)]).toEqual([unchanged, expect.stringMatching(/invalidTransition$/)])
  })

  test('in RTR may not send', () => {
    const bench = new Bench({ acts })
    for (const change of ['reset', 'init', 'readyToReceive']) bench.act(0, change).settle(there)
    expect(bench.act(0, 'write').world.failure?.message).toMatch(/must be ready to send/)
  })

  test('in SQD finishes what it has begun, the rest waits for RTS', () => {
    const bench = new Bench({
      acts: { ...acts, long: writeInline(3, ascending(16)) },
      fabric: { packetBytes: 64 },
    }).act(0, 'long', 'write')
    bench.step(`arrive ${way}`)
    bench.act(0, 'drain').settle(there)
    expect(bench.drain(`arrive ${way}`)).toBe(1)
    bench.act(0, 'readyToSend').settle(there)
    expect(bench.drain(`arrive ${way}`)).toBe(1)
    bench.send(way)
    bench.drain(`complete ${way}`)
    expect(bench.heard(0)).toEqual(['1: 14 ok', '1: 13 ok', '1: 3 ok', '1: 1 ok'])
  })

  test('in ERR flushes everything queued, in order, and nothing more arrives', () => {
    const bench = new Bench({ acts: { ...acts, last: writeInline(4, [4], 0) } }).act(0, 'write', 'last')
    bench.act(0, 'error').settle(there)
    expect(bench.offers(`arrive ${way}`)).toBe(0)
    bench.act(0, 'write').drain(`complete ${way}`)
    expect(bench.heard(0)).toEqual(['1: 15 ok', '1: 1 flushed', '1: 4 flushed', '1: 1 flushed'])
    expect(bench.words(1)[0]).toBe(0)
  })

  test('in RESET forgets completions and arrivals that were not polled', () => {
    const bench = new Bench({ acts: { ...acts, send: send(5) } })
    bench.act(0, 'write', 'send').send(way)
    expect(['complete', 'receive'].map((kind) => bench.offers(`${kind} ${way}`))).toEqual([1, 1])
    bench.act(0, 'reset').settle(there)
    expect(['complete', 'receive'].map((kind) => bench.offers(`${kind} ${way}`))).toEqual([0, 1])
    const other = new Bench({ acts: { send: send(5), reset: control(Control.reset, 0, 9, toZero) } })
    other.act(0, 'send').send(way)
    other.act(1, 'reset').settle(back)
    expect([other.offers(`receive ${way}`), other.offers(`complete ${way}`)]).toEqual([0, 1])
  })
})

describe('connections:', () => {
  const acts = {
    write: writeInline(1, [1]),
    second: writeInline(2, [2], signaled, toOne, 1),
    read: read(3, 0, 2),
    back: writeInline(4, [4], signaled, toZero),
    connect: control(Control.connect, 5, 9, toOne),
    connectBack: control(Control.connect, 5, 9, toZero),
  }
  /** A write of node 0 fails while its packet is in the network, and both ends connect anew. */
  const reconnected = (psn: Knobs['psn']): Bench => {
    const bench = new Bench({ acts, knobs: { psn } }).act(0, 'write')
    bench.step(`cut ${way}`)
    bench.step(`expire ${way}`)
    bench.step(`heal ${way}`)
    return bench.act(0, 'connect').act(1, 'connectBack').settle(there, back)
  }
  test('a packet of an old one never lands when packet numbers come from the connection', () => {
    expect(reconnected('derived').offers(`land ${way}`)).toBe(0)
  })
  test('it may land when they begin anew, until its number is past', () => {
    const bench = reconnected('constant')
    const here = bench.world.snapshot()
    bench.step(`land ${way}`)
    expect(bench.words(1)[0]).toBe(1)
    bench.world.restore(here)
    bench.act(0, 'second').send(way)
    expect([bench.offers(`land ${way}`), bench.words(1)]).toEqual([0, [0, 2, 0]])
  })
  test('a packet that landed in the place of another makes that one a repetition', () => {
    const bench = reconnected('constant')
    bench.step(`land ${way}`)
    bench.act(0, 'second').send(way)
    bench.step(`complete ${way}`)
    expect([bench.words(1), bench.heard(0).at(-1)]).toEqual([[1, 0, 0], '1: 2 ok'])
  })

  /** After two packets of node 0 and one of node 1, node 0 alone connects anew. */
  const oneSided = (psn: Knobs['psn']): Bench => {
    const bench = new Bench({ acts, knobs: { psn } }).act(0, 'write', 'write').act(1, 'back')
    bench.send(way)
    bench.send('n1→n0')
    bench.drain(`complete ${way}`)
    bench.drain('complete n1→n0')
    return bench.act(0, 'connect').settle(there)
  }
  test('after a reset of one end with constant numbers its packets are acknowledged but not executed', () => {
    const bench = oneSided('constant')
    for (const [posted, landed] of [
      [1, 0],
      [2, 0],
      [3, 2],
    ]) {
      bench.act(0, 'second').send(way)
      bench.step(`complete ${way}`)
      expect([posted, bench.words(1)[1], bench.heard(0).at(-1)]).toEqual([posted, landed, '1: 2 ok'])
    }
  })
  test('a READ in their place is executed', () => {
    const bench = oneSided('constant').act(0, 'read')
    expect(bench.send(way)).toBe(1)
    bench.step(`complete ${way}`)
    expect(bench.words(0)[2]).toBe(1)
  })
  test('the other direction is a gap and ends in retryExceeded', () => {
    const bench = oneSided('constant').act(1, 'back')
    expect(bench.offers('arrive n1→n0')).toBe(0)
    bench.step('expire n1→n0')
    bench.step('complete n1→n0')
    expect(bench.heard(1)).toEqual(['0: 4 ok', '0: 4 retryExceeded'])
  })
  test('a message of which only the beginning passes for a repetition is not acknowledged', () => {
    const long = writeInline(5, ascending(16, 100))
    const bench = new Bench({
      acts: { ...acts, long },
      knobs: { psn: 'constant' },
      fabric: { packetBytes: 64 },
    }).act(0, 'write')
    bench.send(way)
    bench.drain(`complete ${way}`)
    bench.act(0, 'connect').settle(there).act(0, 'long')
    bench.send(way)
    bench.drain(`complete ${way}`)
    // The responder misses the first packet of the second: invalid request (IBTA 9.7.4.1; rxe, check_op_seq).
    expect([bench.words(1, 8)[0], bench.heard(0).at(-1)]).toEqual([0, '1: 5 remoteInvalidRequest'])
  })
  test('with derived numbers neither direction is heard', () => {
    const bench = oneSided('derived').act(0, 'write').act(1, 'back')
    expect(
      [way, 'n1→n0'].map((path) => [bench.offers(`arrive ${path}`), bench.offers(`expire ${path}`)]),
    ).toEqual([
      [0, 1],
      [0, 1],
    ])
  })
})

describe('a pair to oneself', () => {
  const toSelf = 0
  const acts = {
    write: writeInline(1, [1, 2], signaled, toSelf),
    add: fetchAdd(2, toSelf, 4),
    refused: writeInline(3, [9], signaled, toSelf, 136),
  }
  test('writes own memory as others do', () => {
    const bench = new Bench({ acts, fabric: { loopback: true } }).act(0, 'write', 'add')
    expect(bench.send('n0→n0')).toBe(4)
    bench.drain('complete n0→n0')
    expect([bench.words(0), bench.heard(0)]).toEqual([
      [5, 1, 0],
      ['0: 1 ok', '0: 2 ok'],
    ])
  })
  test('fails once when it refuses itself', () => {
    const bench = new Bench({ acts, fabric: { loopback: true } }).act(0, 'refused', 'write')
    expect(bench.send('n0→n0')).toBe(0)
    bench.drain('complete n0→n0')
    expect(bench.heard(0)).toEqual(['0: 3 remoteAccess', '0: 1 flushed'])
  })
})

describe('a fault:', () => {
  const acts: Record<string, Act> = {
    write: writeInline(1, [1]),
    back: writeInline(2, [2], signaled, toZero),
    other: writeInline(3, [3], signaled, 3, 1),
    first: writeInline(4, [4], signaled, 2),
    connect: control(Control.connect, 6, 9, toOne),
    connectBack: control(Control.connect, 6, 9, toZero),
  }
  test.each([
    ['pause', 'resume'],
    ['halt', undefined],
  ])('the memory of a node after %s is still written, and no handler runs', (fault, repair) => {
    const bench = new Bench({ acts }).act(1, 'back')
    bench.step(`${fault} n1`)
    bench.act(0, 'write').send(way)
    bench.send('n1→n0')
    expect([bench.words(1)[0], bench.words(0)[0]]).toEqual([1, 2])
    expect([bench.offers(`complete ${way}`), bench.offers('complete n1→n0')]).toEqual([1, 0])
    if (repair === undefined) {
      // Only power brings it back, and its memory is gone then.
      expect(bench.offers('resume n1')).toBe(0)
      bench.step('restart n1')
      expect(bench.words(1)[0]).toBe(0)
    } else {
      bench.step(`${repair} n1`)
      bench.step('complete n1→n0')
      expect(bench.heard(1)).toEqual(['0: 2 ok'])
    }
  })

  test('a killed process is served until the kernel has torn it down, and silent then', () => {
    const bench = new Bench({ acts })
    bench.step('kill n1')
    bench.act(0, 'write').send(way)
    bench.step(`complete ${way}`)
    expect([bench.words(1)[0], bench.offers('input n1 back')]).toEqual([1, 0])
    bench.step('teardown n1')
    expect([bench.words(1)[0], bench.offers('teardown n1')]).toEqual([0, 0])
    bench.act(0, 'write')
    expect(bench.offers(`arrive ${way}`)).toBe(0)
    bench.step(`expire ${way}`)
    bench.step(`complete ${way}`)
    bench.step('restart n1')
    bench.act(0, 'connect').act(1, 'connectBack').settle(there, back)
    bench.act(0, 'write').send(way)
    bench.step(`complete ${way}`)
    expect(bench.heard(0)).toEqual(['1: 1 ok', '1: 1 retryExceeded', '1: 9 ok', '1: 1 ok'])
    expect(bench.words(1)[0]).toBe(1)
  })

  test('a WRITE whose target loses power between two packets is sent again from its beginning', () => {
    const bench = new Bench({
      acts: { long: writeLate(1, 16), connectBack: control(Control.connect, 0, 9, toZero) },
      fabric: { packetBytes: 64 },
    })
    bench.set(0, 0, ...ascending(16))
    bench.act(0, 'long').step(`arrive ${way}`)
    bench.step('crash n1')
    bench.step('restart n1')
    bench.act(1, 'connectBack').settle(back)
    bench.send(way)
    expect(bench.words(1, 0, 16)).toEqual(ascending(16))
  })

  test('a severed queue pair has no way, the others between the same nodes do', () => {
    const bench = new Bench({ acts, fabric: { pairsPerPeer: 2 } }).act(0, 'first', 'other')
    bench.step('sever n0→n1#0')
    expect([bench.send('n0→n1#0'), bench.send('n0→n1#1'), bench.words(1)]).toEqual([0, 1, [0, 3, 0]])
    expect(bench.offers('expire n0→n1#0')).toBe(1)
    bench.step('mend n0→n1#0')
    expect([bench.offers('expire n0→n1#0'), bench.send('n0→n1#0')]).toEqual([0, 1])
  })

  test('a word of registered memory is corrupted without a sign', () => {
    const bench = new Bench({ acts })
    bench.set(1, 2, 0)
    bench.step('corrupt n1', 2)
    expect([bench.words(1, 0, 4).map((value) => value !== 0), bench.heard(1)]).toEqual([
      [false, false, true, false],
      [],
    ])
  })
})
