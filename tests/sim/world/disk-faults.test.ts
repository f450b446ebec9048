/**
 * Litmus tests of disks: what a core may read back after a crash, for each way in which disks misbehave. A record here
 * is three words: its length (8 bytes), a value and the value's negation, so that a torn one shows.
 */
import { describe, expect, test } from 'vitest'
import {
  type FaultBudget,
  type Knobs,
  type Rule,
  type SystemModel,
  array,
  defineCore,
  forEachRecord,
  statusNames,
  struct,
  u32,
} from '../../../protocol/index.js'
import { Random } from '../../../sim/random.js'
import { Tail } from '../../../sim/world/disk-crash.js'
import { WorldObserver } from '../../../sim/world/observer.js'
import { World } from '../../../sim/world/world.js'

const linesMost = 32
const state = struct({
  lines: u32,
  log: array(u32, linesMost * 4),
  appended: u32,
})
const Line = { record: 1, stored: 2 } as const
const inputs = ['append', 'append one word', 'append none', 'flush', 'truncate'] as const

const core = defineCore({
  state,
  inputs,
  scratchBytes: 256,
  create({ host, state, input, output }) {
    const write = (...line: readonly number[]): void => {
      line.forEach((value, i) => {
        state.log.set(state.lines * 4 + i, value)
      })
      state.lines = state.lines + 1
    }
    return {
      start(_recovered, length) {
        forEachRecord(input, length, (at, bytes, isWhole) => {
          const first = bytes < 4 ? 0 : input.getUint32(at, true)
          const second = bytes < 8 ? 0 : input.getUint32(at + 4, true)
          write(Line.record, isWhole ? bytes : bytes + 1000, first, second)
        })
      },
      stored(token, status) {
        write(Line.stored, token, status)
      },
      input(kind) {
        const what = inputs[kind]!
        if (what === 'flush') return host.flush(7)
        if (what === 'truncate') return host.truncate(1)
        state.appended = state.appended + 1
        output.setUint32(0, state.appended, true)
        output.setUint32(4, ~state.appended >>> 0, true)
        host.append(0, what === 'append none' ? 0 : what === 'append' ? 8 : 4)
      },
    }
  },
})

interface Options {
  readonly capacityBytes?: number
  readonly broken?: readonly Rule[]
  readonly budget?: FaultBudget
}

const anyFaults: FaultBudget = {
  crash: Infinity,
  restart: Infinity,
  kill: Infinity,
  halt: Infinity,
  'fail-flush': Infinity,
  rot: Infinity,
  misdirect: Infinity,
}

class DiskBench {
  readonly world: World
  readonly #observer: WorldObserver

  constructor({ capacityBytes = 120, broken = [], budget = anyFaults }: Options = {}) {
    const model: SystemModel = {
      cores: [core],
      disk: { capacityBytes, flushes: 2 },
      atlas: { safety: {}, unavailable: 0, beyond: [] },
      spec: {
        invariants: [],
        stepInvariants: [],
        history: undefined,
        goal: { name: 'none', meaning: 'none', reached: () => true },
      },
      bounds: {},
    }
    const knobs: Partial<Knobs> = { broken }
    this.world = new World(model, { knobs, budget, selfTest: true })
    this.#observer = new WorldObserver(this.world)
  }

  /** Subjects that a site offers. */
  subjects(name: string): number[] {
    const site = this.world.siteNamed(name)!
    return Array.from({ length: this.world.armed[site.index]! }, (_, choice) => site.subject(choice))
  }
  step(name: string, subject = this.subjects(name)[0] ?? 0): this {
    const site = this.world.siteNamed(name)!
    const choice = site.find(subject)
    if (choice < 0) throw new RangeError(`'${name}' does not offer ${String(subject)}`)
    this.world.step(site.index, choice)
    if (this.world.failure !== undefined) throw this.world.failure.error
    return this
  }
  /** `append`, `flush` (asked for) and so on are the core's acts; `flushed` lets the flush at the front return. */
  do(...acts: readonly string[]): this {
    for (const act of acts) this.step(act === 'flushed' ? 'flush n0' : `input n0 ${act}`)
    return this
  }
  /** What the core finds on its disk: each record's first word; `~` before it where the second does not belong to it. */
  restarted(): string[] {
    this.step('restart n0')
    return this.heard()
  }
  heard(): string[] {
    const { lines, log } = this.#observer.state(0, state)
    return Array.from({ length: lines }, (_, i) => {
      const [kind, a, b, c] = [0, 1, 2, 3].map((k) => log.get(i * 4 + k)) as [number, number, number, number]
      if (kind === Line.stored) return statusNames[b]!
      if (a >= 1000) return `cut off after ${String(a - 1000)} bytes`
      if (a === 0) return 'nothing'
      return a === 8 && c !== ~b >>> 0 ? `bad ${String(b)}` : String(b)
    })
  }
  crash(outcome: number): string[] {
    return this.step('crash n0', outcome).restarted()
  }
  /** The outcome of each crash that is offered now. */
  crashes(): Record<number, string[]> {
    const here = this.world.snapshot()
    const all: Record<number, string[]> = {}
    for (const outcome of this.subjects('crash n0')) {
      all[outcome] = this.crash(outcome)
      this.world.restore(here)
    }
    return all
  }
}
const bench = (options?: Options): DiskBench => new DiskBench(options)
const zeros = (records: number): string[] => Array.from({ length: 3 * records }, () => 'nothing')

describe('what a loss of power leaves of the unflushed tail', () => {
  test('of several records: nothing, all, half of the first, all but the first', () => {
    expect(bench().do('append', 'flush', 'flushed', 'append', 'append', 'append').crashes()).toEqual({
      [Tail.lost]: ['1'],
      [Tail.kept]: ['1', '2', '3', '4'],
      [Tail.torn]: ['1', 'bad 0'],
      [Tail.reordered]: ['1', ...zeros(1), '3', '4'],
    })
  })

  test('of one record: nothing, all, half', () => {
    expect(bench().do('append').crashes()).toEqual({
      [Tail.lost]: [],
      [Tail.kept]: ['1'],
      [Tail.torn]: ['bad 0'],
    })
  })

  test('without a tail there is one way to crash', () => {
    expect(bench().crashes()).toEqual({ [Tail.lost]: [] })
    expect(bench().do('append', 'flush', 'flushed').crashes()).toEqual({ [Tail.lost]: ['1'] })
  })

  test('a record without bytes cannot be torn, nor be told from zeros', () => {
    expect(Object.keys(bench().do('append none').crashes()).map(Number)).toEqual([Tail.lost, Tail.kept])
    expect(Object.keys(bench().do('append none', 'append').crashes()).map(Number)).toEqual([
      Tail.lost,
      Tail.kept,
    ])
  })

  test('what a crash left is durable, and the next crash leaves it as it is', () => {
    const one = bench().do('append', 'append')
    expect(one.crash(Tail.torn)).toEqual(['bad 0'])
    expect(one.crashes()).toEqual({ [Tail.lost]: ['bad 0'] })
  })

  test('a core can truncate what it has counted, zeros and all', () => {
    const one = bench().do('append', 'append')
    expect(one.crash(Tail.reordered)).toEqual([...zeros(1), '2'])
    one.do('truncate', 'truncate', 'flush', 'flushed')
    expect(one.crash(Tail.lost)).toEqual(['nothing', '2'])
    one.do('truncate', 'flush', 'flushed')
    expect(one.crash(Tail.lost)).toEqual(['2'])
  })

  test('while the rule is broken a crash keeps all or nothing', () => {
    const one = bench({ broken: ['unflushed-torn'] }).do('append', 'append')
    expect(one.crashes()).toEqual({ [Tail.lost]: [], [Tail.kept]: ['1', '2'] })
  })
})

describe('a process that dies while the power stays on', () => {
  test('finds what it has appended, which is no more durable than before', () => {
    const one = bench().do('append', 'flush', 'flushed', 'append', 'append', 'flush')
    one.step('kill n0').step('teardown n0')
    expect(one.restarted()).toEqual(['1', '2', '3'])
    expect(one.subjects('flush n0')).toEqual([])
    expect(one.crashes()[Tail.lost]).toEqual(['1'])
  })

  test('is not helped by it when a flush had failed', () => {
    const one = bench().do('append', 'flush').step('fail-flush n0').do('append', 'flush', 'flushed')
    one.step('kill n0').step('teardown n0')
    expect(one.restarted()).toEqual(['1', '2'])
    expect(one.crashes()[Tail.lost]).toEqual([...zeros(1), '2'])
  })

  test('loses its tail when it was the machine that halted and is started anew', () => {
    const one = bench().do('append').step('halt n0')
    expect(one.subjects('restart n0')).toEqual([Tail.lost, Tail.kept, Tail.torn])
    expect(one.step('restart n0', Tail.torn).heard()).toEqual(['bad 0'])
  })
})

describe('a flush that fails', () => {
  test('says so, and promises nothing', () => {
    const one = bench().do('append', 'flush').step('fail-flush n0')
    expect(one.heard()).toEqual(['diskFailed'])
    expect(one.crashes()).toEqual({ [Tail.lost]: [], [Tail.kept]: ['1'], [Tail.torn]: ['bad 0'] })
  })

  test('is not made up for by a later one: that covers only what is appended anew', () => {
    const one = bench().do('append', 'flush').step('fail-flush n0').do('flush', 'flushed')
    expect(one.heard()).toEqual(['diskFailed', 'ok'])
    expect(one.crashes()[Tail.lost]).toEqual([])
    one.do('append', 'flush', 'flushed')
    expect(one.crashes()).toEqual({
      [Tail.lost]: [...zeros(1), '2'],
      [Tail.kept]: ['1', '2'],
      [Tail.torn]: ['bad 0', '2'],
    })
  })

  test('takes with it what was appended before it returned, and flushes in flight do not help', () => {
    const one = bench().do('append', 'flush', 'append', 'flush').step('fail-flush n0')
    one.do('flushed')
    expect(one.heard()).toEqual(['diskFailed', 'ok'])
    expect(one.crashes()[Tail.lost]).toEqual([])
  })

  test('leaves what an earlier one has covered, and a truncation waits for the next good one', () => {
    const one = bench().do('append', 'append', 'flush', 'flushed', 'truncate', 'append', 'flush')
    one.step('fail-flush n0')
    expect(one.crashes()[Tail.lost]).toEqual(['1', '2'])
    one.do('flush', 'flushed')
    expect(one.crashes()[Tail.lost]).toEqual(['2'])
  })

  test('a void record that is truncated is forgotten', () => {
    const one = bench().do('append', 'flush').step('fail-flush n0')
    one.do('append', 'truncate', 'flush', 'flushed')
    expect(one.crashes()).toEqual({ [Tail.lost]: ['2'] })
  })

  test('while the rule is broken a later flush makes up for it', () => {
    const one = bench({ broken: ['failed-flush-voids'] }).do('append', 'flush')
    one.step('fail-flush n0').do('flush', 'flushed')
    expect(one.heard()).toEqual(['diskFailed', 'ok'])
    expect(one.crashes()).toEqual({ [Tail.lost]: ['1'] })
  })
})

describe('rot', () => {
  test('changes a durable record while the node is down, and nothing says so', () => {
    const one = bench().do('append', 'append none', 'append', 'flush', 'flushed', 'append')
    expect(one.subjects('rot n0')).toEqual([])
    one.step('crash n0', Tail.lost)
    expect(one.subjects('rot n0')).toEqual([0, 2])
    one.step('rot n0', 2)
    expect(one.restarted()).toEqual(['1', 'nothing', 'bad 2'])
  })

  test('names records by their number since the start of the run', () => {
    const one = bench().do('append', 'append', 'truncate', 'flush', 'flushed')
    expect(one.step('crash n0', Tail.lost).subjects('rot n0')).toEqual([1])
  })
})

describe('a misdirected write', () => {
  test('lands on an older record and is missing where it belongs, though the flush is good', () => {
    const one = bench().do('append', 'append', 'flush', 'flushed', 'append', 'flush')
    expect(one.subjects('misdirect n0')).toEqual([0, 1])
    one.step('misdirect n0', 1).do('flushed')
    expect(one.heard()).toEqual(['ok', 'ok'])
    expect(one.crash(Tail.lost)).toEqual(['1', '3', ...zeros(1)])
  })

  test('reaches as far as the older record does, whose framing may be lost with it', () => {
    const one = bench().do('append one word', 'append one word', 'flush', 'flushed', 'append')
    one.step('misdirect n0', 0)
    // Two words of three have landed: the length, and the value. What follows is read as the rest of the record.
    expect(one.crash(Tail.lost)[0]).toBe('bad 3')
    const other = bench().do('append', 'flush', 'flushed', 'append one word').step('misdirect n0', 0)
    // The third word of record 1 is now read as a length, which reaches far beyond the end.
    expect(other.crash(Tail.lost)).toEqual(['2', 'cut off after 0 bytes'])
  })

  test('needs an append on its way and an older durable record', () => {
    expect(bench().do('append').subjects('misdirect n0')).toEqual([])
    const one = bench().do('append', 'flush', 'flushed')
    expect(one.subjects('misdirect n0')).toEqual([])
    one.do('append').step('misdirect n0')
    expect(one.subjects('misdirect n0')).toEqual([])
    one.do('append', 'flush').step('fail-flush n0')
    expect(one.subjects('misdirect n0')).toEqual([])
  })
})

test('worlds without a budget for these faults have no sites for them', () => {
  const { world } = bench({ budget: { crash: 1 } })
  expect(['fail-flush n0', 'rot n0', 'misdirect n0'].map((name) => world.siteNamed(name))).toEqual([
    undefined,
    undefined,
    undefined,
  ])
})

test('the walk over any bytes ends, visits each byte once at most and none beyond the end', () => {
  const random = new Random(1)
  for (let round = 0; round < 2000; round++) {
    const length = 4 * random.below(12)
    const memory = new DataView(new ArrayBuffer(length))
    // Small numbers, so that lengths are often plausible, and now and then any.
    for (let at = 0; at < length; at += 4)
      memory.setUint32(at, random.chance(0.1) ? random.bits() : random.below(24), true)
    let end = 0
    let whole = true
    forEachRecord(memory, length, (at, bytes, isWhole) => {
      expect(whole).toBe(true)
      expect(at).toBe(end + 4)
      end = at + ((bytes + 3) & ~3)
      expect(at + bytes).toBeLessThanOrEqual(length)
      whole = isWhole
    })
    expect(end).toBe(length)
  }
})
