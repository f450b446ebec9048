/** Rules of packets, order, atomics, refusals and completions (`protocol/rule-book.ts`), one or two tests each. */
import { describe, expect, test } from 'vitest'
import { Control, Flag, Right, type Rule, withKey } from '../../../protocol/index.js'
import {
  type Act,
  Bench,
  type BenchOptions,
  ascending,
  control,
  fetchAdd,
  read,
  send,
  toOne,
  toZero,
  windowWord,
  word,
  writeInline,
} from './bench.js'

const { signaled, inline, fence } = Flag
const way = 'n0→n1'
/** A packet carries eight words. */
const packets = { packetBytes: 64 }
const long = writeInline(1, ascending(16))

describe('a WRITE of two packets', () => {
  const acts = {
    long,
    back: writeInline(3, [5], signaled, toZero),
    revoke: control(Control.rights, Right.read, 9, toZero),
    reset: control(Control.reset, 0, 9, toZero),
    resetOwn: control(Control.reset, 0, 9, toOne),
  }
  test('lands half when its right is revoked between them, and both ends go to ERR', () => {
    const bench = new Bench({ acts, fabric: packets }).act(0, 'long').act(1, 'back', 'revoke')
    bench.step(`arrive ${way}`)
    bench.settle('control n1→n0')
    bench.step(`arrive ${way}`)
    expect([bench.offers(`arrive ${way}`), bench.offers('arrive n1→n0')]).toEqual([0, 0])
    bench.step(`complete ${way}`)
    bench.step('complete n1→n0')
    expect([bench.heard(0), bench.heard(1)]).toEqual([
      ['1: 1 remoteInvalidRequest'],
      ['0: 9 ok', '0: 3 flushed'],
    ])
    expect(bench.drain(`place ${way}`)).toBe(8)
    expect(bench.words(1, 7)).toEqual([8, 0, 0])
  })

  test.each([
    ['revoke', 1],
    ['reset', 1],
    ['resetOwn', 0],
  ] as const)('keeps its accepted packet after a %s of node %i', (act, node) => {
    const bench = new Bench({ acts, fabric: packets }).act(0, 'long')
    bench.step(`arrive ${way}`)
    bench.step(`place ${way}`)
    bench.act(node, act).settle(node === 0 ? `control ${way}` : 'control n1→n0')
    expect(bench.drain(`place ${way}`)).toBe(7)
    expect(bench.words(1, 6)).toEqual([7, 8, 0])
  })

  test('places no word of a packet that has not arrived', () => {
    const bench = new Bench({ acts, fabric: packets, knobs: { placement: 'shuffled' } }).act(0, 'long')
    bench.step(`arrive ${way}`)
    expect(bench.offers(`place ${way}`)).toBe(8)
    bench.step(`arrive ${way}`)
    expect(bench.offers(`place ${way}`)).toBe(16)
  })
})

describe('order:', () => {
  const readFirst = {
    read: read(1, 0, 2),
    write: writeInline(2, [7]),
    fenced: writeInline(3, [8], signaled | fence),
    send: send(4),
  }
  test('a WRITE may overtake an earlier READ, but completes after it', () => {
    const bench = new Bench({ acts: readFirst }).act(0, 'read', 'write')
    bench.drain(`arrive ${way}`)
    expect(bench.offers(`place ${way}`)).toBe(2)
    bench.step(`place ${way}`, 1)
    expect([bench.words(1)[0], bench.offers(`complete ${way}`)]).toEqual([7, 0])
    bench.step(`place ${way}`)
    expect([bench.words(0)[2], bench.offers(`complete ${way}`)]).toEqual([0, 0])
    bench.step(`answer ${way}`)
    bench.drain(`complete ${way}`)
    expect([bench.words(0)[2], bench.heard(0)]).toEqual([7, ['1: 1 ok', '1: 2 ok']])
  })

  test('a fenced WRITE waits for its answer to land', () => {
    const bench = new Bench({ acts: readFirst }).act(0, 'read', 'fenced')
    expect(bench.drain(`arrive ${way}`)).toBe(1)
    expect([bench.deliver(way), bench.words(1)[0]]).toEqual([1, 0])
    bench.step(`answer ${way}`)
    expect(bench.deliver(way)).toBe(1)
    bench.drain(`complete ${way}`)
    expect([bench.words(1)[0], bench.words(0)[2], bench.heard(0)]).toEqual([8, 0, ['1: 1 ok', '1: 3 ok']])
  })

  test('a READ and a SEND wait until earlier WRITEs are visible', () => {
    for (const later of ['read', 'send']) {
      const bench = new Bench({ acts: readFirst }).act(0, 'write', later)
      bench.drain(`arrive ${way}`)
      bench.step(`complete ${way}`)
      expect([later, bench.offers(`place ${way}`), bench.words(1)[0]]).toEqual([later, 1, 0])
      bench.step(`place ${way}`)
      expect([later, bench.offers(`place ${way}`), bench.words(1)[0]]).toEqual([later, 1, 7])
    }
  })

  test('WRITEs into a relaxed region land in any order, a SEND comes after all of them', () => {
    const acts = { one: writeInline(1, [1]), two: writeInline(2, [2], signaled, toOne, 1), send: send(3) }
    const offers = (relaxed: boolean): Bench => {
      const bench = new Bench({ acts, relaxed }).act(0, 'one', 'two', 'send')
      bench.drain(`arrive ${way}`)
      return bench
    }
    expect(offers(false).offers(`place ${way}`)).toBe(1)
    const bench = offers(true)
    expect(bench.offers(`place ${way}`)).toBe(2)
    bench.step(`place ${way}`, 1)
    expect([bench.words(1), bench.offers(`place ${way}`)]).toEqual([[0, 2, 0], 1])
    expect([bench.drain(`place ${way}`), bench.words(1)]).toEqual([2, [1, 2, 0]])
  })
})

describe('a WRITE with immediate', () => {
  const notify: Act = (host, put) => {
    put(1, 2)
    host.writeImmediate(toOne, word(0), 0, 16, 1, signaled | inline, 77)
  }
  const acts = { notify, before: writeInline(2, [9], signaled, toOne, 2) }
  test('tells the receiver when its bytes and those before are visible', () => {
    const bench = new Bench({ acts, relaxed: true }).act(0, 'before', 'notify')
    bench.drain(`arrive ${way}`)
    bench.drain(`complete ${way}`)
    while (bench.words(1).includes(0)) {
      expect(bench.offers(`receive ${way}`)).toBe(0)
      bench.step(`place ${way}`, bench.offers(`place ${way}`) - 1)
    }
    bench.drain(`place ${way}`)
    bench.step(`receive ${way}`)
    expect([bench.heard(1), bench.words(1)]).toEqual([['notified by 0: 77'], [1, 2, 9]])
  })

  test('takes a receive buffer', () => {
    const bench = new Bench({ acts, fabric: { receiveQueueDepth: 1 } }).act(0, 'notify', 'notify')
    expect(bench.drain(`arrive ${way}`)).toBe(1)
    bench.drain(`place ${way}`)
    expect(bench.offers(`arrive ${way}`)).toBe(0)
    bench.step(`receive ${way}`)
    expect(bench.offers(`arrive ${way}`)).toBe(1)
  })
})

describe('an atomic', () => {
  const acts: Record<string, Act> = {
    add: fetchAdd(1, toOne),
    store(host, put) {
      put(50)
      host.publish(0, 0, 0, 8)
    },
  }
  test('overwrites what the CPU stores between its read and its write', () => {
    const bench = new Bench({ acts })
    bench.set(1, 0, 5)
    bench.act(0, 'add')
    bench.step(`arrive ${way}`)
    bench.step(`place ${way}`)
    bench.act(1, 'store')
    expect(bench.words(1)[0]).toBe(50)
    bench.step(`place ${way}`)
    bench.step(`answer ${way}`)
    bench.step(`complete ${way}`)
    expect([bench.words(1)[0], bench.words(0)[1]]).toEqual([6, 5])
  })

  test('keeps other requests out meanwhile, of all nodes', () => {
    const bench = new Bench({
      acts: { add: fetchAdd(1, 2, 3), write: writeInline(2, [9], signaled, 2, 4) },
      nodes: 3,
    })
    bench.act(0, 'add').act(1, 'add', 'write')
    bench.drain('arrive n0→n2')
    bench.drain('arrive n1→n2')
    bench.step('place n0→n2')
    expect(bench.offers('place n1→n2')).toBe(0)
    bench.step('place n0→n2')
    expect(bench.drain('place n1→n2')).toBe(3)
    expect(bench.words(2, 0, 5)).toEqual([6, 0, 0, 0, 9])
  })
})

test('a late WRITE does not land between the read and the write of an atomic', () => {
  const acts = { write: writeInline(1, [50], signaled, 2), add: fetchAdd(2, 2) }
  const bench = new Bench({ acts, nodes: 3 }).act(0, 'write').act(1, 'add')
  bench.step('cut n0→n2')
  bench.step('expire n0→n2')
  bench.step('heal n0→n2')
  bench.step('arrive n1→n2')
  // It lands, or is lost.
  expect(bench.offers('land n0→n2')).toBe(2)
  bench.step('place n1→n2')
  expect(bench.offers('land n0→n2')).toBe(0)
  bench.step('place n1→n2')
  bench.step('land n0→n2')
  expect(bench.words(2)[0]).toBe(50)
})

describe('what is sent again:', () => {
  const acts = {
    revoke: control(Control.rights, Right.write, 9, toZero),
    read: read(1, 0, 1),
    add: fetchAdd(2, toOne),
    write: writeInline(3, [7]),
    late: ((host) => {
      host.write(toOne, word(0), word(0), 8, 4, signaled)
    }) satisfies Act,
  }
  test('a READ sees newer memory', () => {
    const bench = new Bench({ acts })
    bench.set(1, 0, 5)
    bench.act(0, 'read').deliver(way)
    bench.set(1, 0, 6)
    bench.step(`retransmit ${way}`)
    expect(bench.offers(`answer ${way}`)).toBe(0)
    bench.send(way)
    bench.step(`complete ${way}`)
    expect(bench.words(0)[1]).toBe(6)
  })

  test('a READ is checked again', () => {
    const bench = new Bench({ acts }).act(0, 'read')
    bench.deliver(way)
    bench.act(1, 'revoke').settle('control n1→n0')
    bench.step(`retransmit ${way}`)
    bench.send(way)
    bench.step(`complete ${way}`)
    expect(bench.heard(0)).toEqual(['1: 1 remoteInvalidRequest'])
  })

  test('a WRITE and an atomic are not executed again', () => {
    for (const act of ['add', 'write']) {
      const bench = new Bench({ acts }).act(0, act)
      bench.deliver(way)
      expect([act, bench.offers(`retransmit ${way}`)]).toEqual([act, 0])
    }
  })

  test('a payload is fetched again', () => {
    const bench = new Bench({ acts, knobs: { fetch: 'early' } })
    bench.set(0, 0, 5)
    bench.act(0, 'late')
    bench.step(`fetch ${way}`)
    bench.set(0, 0, 6)
    bench.step(`retransmit ${way}`)
    bench.step(`fetch ${way}`)
    bench.send(way)
    expect(bench.words(1)[0]).toBe(6)
  })
})

describe('keys:', () => {
  const access: Record<string, Act> = {
    oldKey: writeInline(1, [1]),
    newKey: writeInline(2, [2], withKey(signaled, 1)),
    protect(host) {
      host.protect(0, Right.all, 8)
    },
    readOnly(host) {
      host.protect(0, Right.read, 9)
    },
  }
  test('registering a region anew ends the old key, and what was accepted before stays', () => {
    const bench = new Bench({ acts: access }).act(0, 'oldKey').act(1, 'protect')
    bench.step(`arrive ${way}`)
    bench.settle('protect n1')
    bench.drain(`place ${way}`)
    expect([bench.words(1)[0], bench.heard(1)]).toEqual([1, ['65535: 8 ok']])
    bench.drain(`complete ${way}`)
    bench.act(0, 'newKey').send(way)
    bench.act(0, 'oldKey').send(way)
    bench.drain(`complete ${way}`)
    expect(bench.heard(0)).toEqual(['1: 1 ok', '1: 2 ok', '1: 1 remoteAccess'])
  })

  test('a region keeps the rights of its last registration', () => {
    const bench = new Bench({ acts: access }).act(1, 'readOnly').settle('protect n1').act(0, 'newKey')
    bench.send(way)
    bench.step(`complete ${way}`)
    expect(bench.heard(0)).toEqual(['1: 2 remoteAccess'])
  })

  const bind =
    (offset: number, length: number, rights: number, token: number): Act =>
    (host) => {
      host.bind(toZero, 0, 0, offset, length, rights, token)
    }
  const through =
    (token: number, at: number, key: number): Act =>
    (host, put) => {
      put(token)
      host.write(toOne, windowWord(at), 0, 8, token, withKey(signaled | inline, key))
    }
  const windows = {
    bind: bind(16, 16, Right.write, 7),
    unbind: bind(0, 0, Right.none, 8),
    inside: through(1, 1, 1),
    outside: through(2, 2, 1),
    oldKey: through(3, 0, 0),
    afterUnbind: through(4, 0, 2),
    readBack: ((host) => {
      host.read(toOne, windowWord(0), word(0), 8, 5, withKey(signaled, 1))
    }) satisfies Act,
  }
  test('a memory window is bound in the order of its queue pair, and shows a part of its region', () => {
    const bench = new Bench({ acts: windows }).act(1, 'bind')
    bench.step('arrive n1→n0')
    bench.step('complete n1→n0')
    bench.act(0, 'inside').send(way)
    bench.step(`complete ${way}`)
    expect([bench.heard(1), bench.heard(0), bench.words(1, 2)]).toEqual([['0: 7 ok'], ['1: 1 ok'], [0, 1, 0]])
  })

  test.each(['outside', 'oldKey', 'readBack'])('a memory window refuses what is not its own: %s', (act) => {
    const bench = new Bench({ acts: windows }).act(1, 'bind')
    bench.step('arrive n1→n0')
    bench.act(0, act).send(way)
    bench.step(`complete ${way}`)
    expect(bench.heard(0)[0]).toMatch(/remoteAccess$/)
  })

  test('a memory window that is not bound, or no longer, is refused', () => {
    const bench = new Bench({ acts: windows }).act(1, 'bind', 'unbind')
    bench.drain('arrive n1→n0')
    bench.act(0, 'afterUnbind').send(way)
    bench.step(`complete ${way}`)
    expect(bench.heard(0)).toEqual(['1: 4 remoteAccess'])
  })
})

describe('a SEND without a receive buffer', () => {
  const full = (receiverRetries: 'infinite' | 'finite'): Bench => {
    const acts = { a: send(1), b: send(2), c: send(3) }
    const bench = new Bench({ acts, fabric: { receiveQueueDepth: 1, receiverRetries } })
    bench.act(0, 'a', 'b', 'c').send(way)
    return bench
  }
  test('waits for ever when its retries are infinite', () => {
    const bench = full('infinite')
    expect([bench.offers(`arrive ${way}`), bench.offers(`expire ${way}`)]).toEqual([0, 0])
    bench.step(`receive ${way}`)
    bench.send(way)
    bench.step(`receive ${way}`)
    expect(bench.heard(1)).toEqual(['from 0: 1', 'from 0: 2'])
  })

  test('fails when they are used up, and what follows is flushed', () => {
    const bench = full('finite')
    bench.step(`expire ${way}`)
    bench.drain(`complete ${way}`)
    expect(bench.heard(0)).toEqual(['1: 1 ok', '1: 2 receiverNotReady', '1: 3 flushed'])
    bench.drain(`receive ${way}`)
    expect(bench.heard(1)).toEqual(['from 0: 1'])
  })
})

describe('completions:', () => {
  test('one more than the queue holds breaks it for good, and its queue pairs go to ERR', () => {
    const acts = { write: writeInline(1, [1]), last: writeInline(2, [2]) }
    const bench = new Bench({ acts, fabric: { completionQueueDepth: 1 } }).act(0, 'write')
    bench.send(way)
    expect(bench.offers('overrun n0')).toBe(0)
    bench.act(0, 'last').send(way)
    bench.step('overrun n0')
    const sites = [`complete ${way}`, 'overrun n0', `arrive ${way}`]
    expect([sites.map((name) => bench.offers(name)), bench.heard(0)]).toEqual([[0, 0, 0], []])
    expect(bench.act(0, 'last').send(way)).toBe(0)
    expect(bench.words(1)[0]).toBe(2)
  })

  test('an error completes even when it is unsignalled', () => {
    const bench = new Bench({ acts: { write: writeInline(1, [1], 0) }, fabric: { initialRights: 0 } })
    bench.act(0, 'write').send(way)
    bench.step(`complete ${way}`)
    expect(bench.heard(0)).toEqual(['1: 1 remoteInvalidRequest'])
  })
})

describe('a broken rule is replaced by what a naive simulator would do:', () => {
  const acts = { write: writeInline(1, [1, 2]), add: fetchAdd(2, toOne), read: read(3, 0, 0, 2) }
  const broken = (rule: Rule, act: string, options: Partial<BenchOptions> = {}): Bench =>
    new Bench({ acts, knobs: { broken: [rule] }, ...options }).act(0, act)
  test.each([
    ['torn-writes', 'write'],
    ['torn-reads', 'read'],
    ['nic-atomics', 'add'],
  ] as const)('%s', (rule, act) => {
    expect(broken(rule, act).send(way)).toBe(1)
  })
  test('lagging-visibility', () => {
    const bench = broken('lagging-visibility', 'write')
    bench.step(`arrive ${way}`)
    expect(bench.offers(`complete ${way}`)).toBe(0)
  })
  test('refusal-by-pair', () => {
    const bench = broken('refusal-by-pair', 'write', { fabric: { initialRights: 0 } })
    expect(bench.send(way)).toBe(0)
    bench.step(`complete ${way}`)
    expect([bench.heard(0), bench.words(1)[0]]).toEqual([['1: 1 ok'], 0])
  })
})
