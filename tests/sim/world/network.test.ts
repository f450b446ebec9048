import { describe, expect, test } from 'vitest'
import { type MessageNetwork } from '../../../protocol/index.js'
import { Outcome } from '../../../sim/world/site.js'
import { type Act, Bench, type BenchOptions, refusesAt, word } from './bench.js'

const send =
  (value: number): Act =>
  (host, put) => {
    put(value)
    host.send(1, 0, 8)
  }
const sends = { send1: send(1), send2: send(2), send3: send(3) }
const way = 'n0→n1'

function networked(network: Partial<MessageNetwork>, options: Partial<BenchOptions> = {}): Bench {
  return new Bench({ acts: sends, network, ...options })
}

describe('messages:', () => {
  test('a bag delivers in any order and counts equal messages', () => {
    const bench = networked({ kind: 'unordered' }).act(0, 'send2', 'send1', 'send1', 'send3')
    expect(bench.offers(`deliver ${way}`)).toBe(3)
    bench.step(`deliver ${way}`, 2)
    bench.drain(`deliver ${way}`)
    expect(bench.heard(1)).toEqual(['from 0: 3', 'from 0: 1', 'from 0: 1', 'from 0: 2'])
  })

  test('the order of sending leaves no trace in a bag', () => {
    const prints = [
      ['send1', 'send2', 'send2'],
      ['send2', 'send1', 'send2'],
    ].map((acts) =>
      networked({ kind: 'unordered' })
        .act(0, ...acts)
        .world.fingerprint(),
    )
    expect(prints[0]).toBe(prints[1])
  })

  test('a queue delivers in the order of sending', () => {
    const bench = networked({ kind: 'ordered' }).act(0, 'send2', 'send1', 'send2')
    expect(bench.offers(`deliver ${way}`)).toBe(1)
    bench.drain(`deliver ${way}`)
    expect(bench.heard(1)).toEqual(['from 0: 2', 'from 0: 1', 'from 0: 2'])
  })

  test('a set keeps what it delivers and holds a message once', () => {
    const bench = networked({ kind: 'set' }).act(0, 'send2', 'send2', 'send1')
    expect(bench.offers(`deliver ${way}`)).toBe(2)
    const once = networked({ kind: 'set' }).act(0, 'send2', 'send1')
    expect(bench.world.fingerprint()).toBe(once.world.fingerprint())
    bench.step(`deliver ${way}`, 1)
    bench.step(`deliver ${way}`, 1)
    expect([bench.offers(`deliver ${way}`), bench.heard(1)]).toEqual([2, ['from 0: 2', 'from 0: 2']])
  })

  test('one too many is lost by a lossy channel, and an assertion in one that is not', () => {
    const [lossy, safe] = [true, false].map((lossy) =>
      networked({ capacity: 1, lossy }).act(0, 'send1', 'send1', 'send2'),
    )
    expect([lossy!.world.failure, lossy!.world.coverage.lostToFullChannels]).toEqual([undefined, 1])
    expect(lossy!.drain(`deliver ${way}`)).toBe(2)
    expect(safe!.world.failure?.message).toMatch(/at most 1 messages/)
  })

  test('a message that is refused is gone, or stays where the network keeps it', () => {
    const acts: Record<string, Act> = {
      ...sends,
      shut: (_host, _put, state) => {
        state.done.set(refusesAt, 1)
      },
      open: (_host, _put, state) => {
        state.done.set(refusesAt, 0)
      },
    }
    for (const kind of ['unordered', 'ordered'] as const)
      for (const keepsRefused of [false, true]) {
        const network = { kind, keepsRefused }
        const bench = new Bench({ acts, network }).act(0, 'send2', 'send1', 'send1').act(1, 'shut')
        const before = bench.world.fingerprint()
        const outcome = bench.step(`deliver ${way}`)
        expect(outcome).toBe(keepsRefused ? Outcome.refused : Outcome.moved)
        expect(bench.world.fingerprint() === before).toBe(keepsRefused)
        bench.act(1, 'open').drain(`deliver ${way}`)
        const all = kind === 'ordered' ? ['2', '1', '1'] : ['1', '1', '2']
        const left = keepsRefused ? all : all.slice(1)
        expect(bench.heard(1)).toEqual(left.map((value) => `from 0: ${value}`))
      }
  })

  test('drops and duplicates use up their budgets', () => {
    const bench = networked({}, { budget: { drop: 1, duplicate: 1 } }).act(0, 'send1', 'send1', 'send2')
    bench.step(`duplicate ${way}`, 1)
    bench.step(`drop ${way}`, 0)
    expect([bench.offers(`duplicate ${way}`), bench.offers(`drop ${way}`)]).toEqual([0, 0])
    bench.drain(`deliver ${way}`)
    expect(bench.heard(1)).toEqual(['from 0: 2', 'from 0: 1', 'from 0: 2'])
  })

  test('a cut link holds messages of its direction, a paused or crashed node those to it', () => {
    const bench = networked({}).act(0, 'send1')
    for (const [fault, repair] of [
      [`cut ${way}`, `heal ${way}`],
      ['pause n1', 'resume n1'],
      ['crash n1', 'restart n1'],
    ] as const) {
      bench.step(fault)
      expect([fault, bench.offers(`deliver ${way}`)]).toEqual([fault, 0])
      bench.step(repair)
      expect([repair, bench.offers(`deliver ${way}`)]).toEqual([repair, 1])
    }
    bench.step('cut n1→n0')
    expect(bench.offers(`deliver ${way}`)).toBe(1)
  })
})

describe('a core looks at its region word by word:', () => {
  const acts: Record<string, Act> = {
    write(host, put) {
      put(1, 2)
      host.write(1, word(0), 0, 16, 1, 3)
    },
    publish(host, put, state) {
      put(5, 6)
      host.publish(0, 0, 0, 16)
      put(7)
      state.done.set(0, 1)
      host.send(0, 0, 8)
      host.publish(0, 16, 0, 8)
    },
    observe(host) {
      host.observe(0, 0, 16, 4)
    },
  }
  const looking = (poll: 'loads' | 'atomic'): Bench =>
    new Bench({ acts, network: {}, polls: true, knobs: { poll } })

  test('remote words that are placed between two loads are seen half old and half new', () => {
    const bench = looking('loads').act(0, 'write')
    bench.step('poll n1')
    bench.send(way)
    expect(bench.heard(1)).toEqual([])
    bench.step('poll n1')
    expect(bench.heard(1)).toEqual(['polled 0 2'])
    bench.step('poll n1')
    bench.step('poll n1')
    expect(bench.heard(1)).toEqual(['polled 0 2', 'polled 1 2'])
  })

  test('an atomic poll sees all words of one moment', () => {
    const bench = looking('atomic').act(0, 'write')
    bench.step(`arrive ${way}`)
    bench.step(`place ${way}`)
    bench.step('poll n1')
    bench.step(`place ${way}`)
    bench.step('poll n1')
    expect(bench.heard(1)).toEqual(['polled 1 0', 'polled 1 2'])
  })

  test('no other handler runs between two loads', () => {
    const bench = looking('loads')
    expect(bench.offers('input n1 write')).toBe(1)
    bench.step('poll n1')
    expect(bench.offers('input n1 write')).toBe(0)
    bench.step('poll n1')
    expect(bench.offers('input n1 write')).toBe(1)
  })

  test('an observe can be torn in the same way', () => {
    const bench = looking('loads').act(0, 'write').act(1, 'observe')
    bench.step('observe n1')
    bench.send(way)
    bench.step('observe n1')
    expect(bench.heard(1)).toEqual(['observed 4: 0 2'])
  })

  test('a publish lands word by word, what was asked after it waits, and no handler runs meanwhile', () => {
    const bench = looking('loads').act(1, 'publish')
    const seen: unknown[] = []
    while (bench.offers('store n1') > 0) {
      seen.push([...bench.words(1), bench.offers('deliver n1→n0')])
      expect([bench.offers('poll n1'), bench.offers('input n1 write')]).toEqual([0, 0])
      bench.step('store n1')
    }
    expect([...seen, [...bench.words(1), bench.offers('deliver n1→n0')]]).toEqual([
      [0, 0, 0, 0],
      [5, 0, 0, 0],
      [5, 6, 0, 1],
      [5, 6, 7, 1],
    ])
    expect(bench.offers('poll n1')).toBe(1)
  })

  test('a poll that found nothing new says settled, unless the region changed in its course', () => {
    const bench = looking('loads').act(0, 'write')
    const { world } = bench
    const site = bench.site('poll n1').index
    bench.step('poll n1')
    expect(world.settled).toBe(-1)
    bench.step('poll n1')
    expect(world.settled).toBe(site)
    bench.step('poll n1')
    bench.step(`arrive ${way}`)
    bench.step(`place ${way}`)
    bench.step('poll n1')
    expect([world.settled, bench.heard(1)]).toEqual([-1, []])
    bench.drain(`place ${way}`)
    expect(bench.step('poll n1')).toBe(Outcome.moved)
    bench.step('poll n1')
    expect([world.settled, bench.heard(1)]).toEqual([-1, ['polled 1 2']])
  })
})
