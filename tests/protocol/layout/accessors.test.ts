import fc from 'fast-check'
import { describe, expect, expectTypeOf, test } from 'vitest'
import {
  array,
  bitset,
  boolean,
  bytes,
  byteOffsetOf,
  clear,
  copy,
  enumeration,
  equals,
  isScalar,
  NO_NODE,
  nodeId,
  nodeSet,
  perNode,
  regionOf,
  remoteAddress,
  remoteAddressOf,
  ring,
  roundUp8,
  struct,
  u16,
  u32,
  u64,
  u8,
  type AnyStruct,
  type StructLayout,
  type ViewOf,
} from '../../../protocol/layout/index.js'
import {
  anyStruct,
  filledStruct,
  isLive,
  leavesOf,
  memoryOf,
  mostOf,
  readThroughView,
  writeThroughView,
} from './arbitraries.js'

const role = enumeration(['follower', 'candidate', 'leader'])
const entry = struct({ term: u32, value: u64 })
const replica = struct({
  role,
  leader: nodeId,
  seen: boolean,
  commit: u64,
  head: entry,
  votes: nodeSet,
  log: array(entry, 4),
  acknowledged: perNode(u16, 3),
  queue: ring(entry, 3),
  tokens: ring(u8, 4),
  slots: bitset(40),
  payload: bytes(6),
  remote: remoteAddress,
})
const newReplica = () => replica.view(memoryOf(replica))

describe('random layouts', () => {
  test('a written scalar reads back, and no other byte changes', () => {
    fc.assert(
      fc.property(
        filledStruct,
        fc.nat(),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (filled, pick, share) => {
          const { layout, memory, base } = filled
          const view = layout.view(memory, base)
          const live = leavesOf(layout).filter(
            ({ layout: leaf, path }) =>
              isScalar(leaf) && path.at(-1) !== 'length' && isLive(layout, memory, base, path),
          )
          if (live.length === 0) return
          const target = live[pick % live.length]!
          const leaf = target.layout
          if (!isScalar(leaf)) throw new Error('unreachable')
          const code = Math.floor(share * mostOf(leaf))
          const value = leaf.kind === 'boolean' ? code === 1 : code
          const before = new Uint8Array(memory.buffer.slice(0))
          writeThroughView(view, layout, target.path, value)
          expect(readThroughView(view, layout, target.path)).toBe(value)
          const after = new Uint8Array(memory.buffer)
          const start = base + target.offset
          for (let at = 0; at < after.length; at++) {
            if (at < start || at >= start + leaf.sizeBytes) expect(after[at]).toBe(before[at])
          }
        },
      ),
    )
  })

  test('every leaf is aligned, inside, and apart from the others', () => {
    fc.assert(
      fc.property(anyStruct, (layout) => {
        expect(layout.sizeBytes % layout.alignBytes).toBe(0)
        let end = 0
        for (const leaf of leavesOf(layout)) {
          expect(leaf.offset % leaf.layout.alignBytes).toBe(0)
          expect(layout.alignBytes % leaf.layout.alignBytes).toBe(0)
          expect(leaf.offset).toBeGreaterThanOrEqual(end)
          end = leaf.offset + leaf.layout.sizeBytes
        }
        expect(end).toBeLessThanOrEqual(layout.sizeBytes)
      }),
    )
  })

  test('a copy is equal, a cleared view is all zero, and a moved cursor reads where it stands', () => {
    fc.assert(
      fc.property(filledStruct, ({ layout, memory, base }) => {
        const twice = memoryOf(layout, layout.sizeBytes)
        const [from, to] = [layout.view(memory, base), layout.view(twice)]
        to.base = layout.sizeBytes
        copy(layout, from, to)
        expect(equals(layout, from, to)).toBe(true)
        const other = layout.view(twice)
        copy(layout, to, other)
        expect(equals(layout, from, other)).toBe(true)
        clear(layout, to)
        expect(new Uint8Array(twice.buffer, layout.sizeBytes).every((byte) => byte === 0)).toBe(true)
      }),
    )
  })
})

describe('types', () => {
  test('a view has exactly the types of its fields', () => {
    type Replica = ViewOf<typeof replica>
    expectTypeOf<Replica['role']>().toEqualTypeOf<number>()
    expectTypeOf<Replica['seen']>().toEqualTypeOf<boolean>()
    expectTypeOf<Replica['head']>().toEqualTypeOf<ViewOf<typeof entry>>()
    expectTypeOf<ReturnType<Replica['log']['at']>>().toEqualTypeOf<ViewOf<typeof entry>>()
    expectTypeOf<ReturnType<Replica['acknowledged']['get']>>().toEqualTypeOf<number>()
    expectTypeOf<ReturnType<Replica['queue']['push']>>().toEqualTypeOf<ViewOf<typeof entry>>()
    expectTypeOf<Parameters<Replica['tokens']['push']>>().toEqualTypeOf<[value: number]>()
    expectTypeOf(role.code).toEqualTypeOf<{
      readonly follower: number
      readonly candidate: number
      readonly leader: number
    }>()
    expectTypeOf<typeof replica>().toExtend<StructLayout>()
    const state = newReplica()
    const refused = () => {
      // @ts-expect-error a child struct is not assigned but written into
      state.head = state.log.at(0)
      // @ts-expect-error no such field
      state.absent = 1
      // @ts-expect-error a number field takes no boolean
      state.commit = true
      // @ts-expect-error composites are entered with at
      expect(state.log.get).toBeUndefined()
    }
    expect(refused).toBeTypeOf('function')
  })
})

describe('fields', () => {
  test('an enumeration names its codes', () => {
    const state = newReplica()
    state.role = role.code.leader
    expect(state.role).toBe(2)
    expect(role.nameOf(state.role)).toBe('leader')
    expect(() => role.nameOf(3)).toThrow('3 is not an integer from 0 to 2')
    expect(() => enumeration(['a', 'a'])).toThrow('repeats')
  })

  test('a u64 holds every safe integer and refuses the rest, read or written', () => {
    const state = newReplica()
    fc.assert(
      fc.property(fc.maxSafeNat(), (value) => {
        state.commit = value
        expect(state.commit).toBe(value)
        expect(state.memory.getBigUint64(replica.offsetOf('commit'), true)).toBe(BigInt(value))
      }),
    )
    for (const wrong of [-1, 0.5, NaN, Infinity, 2 ** 53]) {
      expect(() => (state.commit = wrong)).toThrow(/^commit: .* is not an integer from 0 to 9007199254740991/)
    }
    state.memory.setBigUint64(replica.offsetOf('commit'), 2n ** 53n, true)
    expect(() => state.commit).toThrow('commit: holds 0x20000000000000, which is above 2^53 - 1')
    state.memory.setBigUint64(replica.offsetOf('log', 1, 'value'), 2n ** 64n - 1n, true)
    expect(() => state.log.at(1).value).toThrow('log[].value: holds 0xffffffffffffffff')
  })

  test('a value out of range is refused with the name of the field, and nothing is written', () => {
    const state = newReplica()
    const attempts: [string, () => void][] = [
      ['role: 3 is not an integer from 0 to 2', () => (state.role = 3)],
      ['leader: 256 is not', () => (state.leader = 256)],
      ['head.term: 4294967296 is not', () => (state.head.term = 2 ** 32)],
      ['log[].term: -1 is not', () => (state.log.at(2).term = -1)],
      ['acknowledged: 65536 is not', () => state.acknowledged.set(1, 65536)],
      ['tokens: 1.5 is not', () => state.tokens.push(1.5)],
      ['votes: -1 is not', () => (state.votes.bits = -1)],
      ['payload: 256 is not', () => state.payload.set(0, 256)],
      ['remote: NaN is not', () => (state.remote = NaN)],
    ]
    for (const [message, attempt] of attempts) expect(attempt).toThrow(message)
    expect(new Uint8Array(state.memory.buffer).every((byte) => byte === 0)).toBe(true)
  })

  test('an index out of range is refused with the field and the bound', () => {
    const state = newReplica()
    const attempts: [string, () => unknown][] = [
      ['log: index 4 is not below 4', () => state.log.at(4)],
      ['log: index -1 is not below 4', () => state.log.at(-1)],
      ['acknowledged: index 255 is not below 3', () => state.acknowledged.get(NO_NODE)],
      ['queue: index 0 is not below 0', () => state.queue.at(0)],
      ['tokens: index 1 is not below 0', () => state.tokens.get(1)],
      ['slots: index 40 is not below 40', () => state.slots.add(40)],
      ['votes: index 32 is not below 32', () => state.votes.has(32)],
      ['payload: index 0.5 is not below 6', () => state.payload.get(0.5)],
      [
        'payload: 4 bytes at 3 do not fit in the target',
        () => state.payload.copyFrom(state.payload, 0, 3, 4),
      ],
    ]
    for (const [message, attempt] of attempts) expect(attempt).toThrow(message)
    for (const [, attempt] of attempts) expect(attempt).toThrow(RangeError)
  })

  test('a bitset and a node set behave as sets', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 31 }))), (steps) => {
        const state = newReplica()
        const model = new Set<number>()
        for (const [add, member] of steps) {
          if (add) model.add(member)
          else model.delete(member)
          for (const set of [state.slots, state.votes]) {
            if (add) set.add(member)
            else set.delete(member)
            expect(set.size).toBe(model.size)
            expect(set.has(member)).toBe(add)
          }
        }
        expect(state.votes.bits).toBe([...model].reduce((bits, member) => bits + 2 ** member, 0))
        state.slots.clear()
        state.votes.clear()
        expect([state.slots.size, state.votes.bits]).toEqual([0, 0])
      }),
    )
  })

  test('bytes are copied within one buffer, over themselves, and between buffers', () => {
    const whole = bytes(16)
    fc.assert(
      fc.property(fc.nat(12), fc.nat(12), fc.nat(12), fc.boolean(), (from, to, wanted, sameBuffer) => {
        const length = Math.min(wanted, 16 - from, 16 - to)
        const source = whole.view(new DataView(new ArrayBuffer(24), 4))
        for (let i = 0; i < 16; i++) source.set(i, i + 1)
        const target = sameBuffer ? source : whole.view(new DataView(new ArrayBuffer(20), 2))
        const model = Array.from({ length: 16 }, (_, i) => target.get(i))
        model.splice(to, length, ...Array.from({ length }, (_, i) => from + i + 1))
        target.copyFrom(source, from, to, length)
        expect(Array.from({ length: 16 }, (_, i) => target.get(i))).toEqual(model)
      }),
    )
  })

  test('a remote address is a region and a byte offset', () => {
    const state = newReplica()
    state.remote = remoteAddressOf(255, 0xffffff)
    expect([regionOf(state.remote), byteOffsetOf(state.remote)]).toEqual([255, 0xffffff])
    expect(() => remoteAddressOf(256, 0)).toThrow('region: 256')
    expect(() => remoteAddressOf(0, 2 ** 24)).toThrow('byte offset')
  })

  test('a scalar layout on its own reads its value', () => {
    const memory = new DataView(new Uint8Array([1, 2, 3, 4, 5, 6, 0, 0]).buffer)
    expect([u8, u16, u32, u64, boolean].map((each) => each.view(memory))).toEqual([
      0x01,
      0x0201,
      0x04030201,
      0x060504030201,
      true,
    ])
  })
})

describe('definitions', () => {
  test('names that could clash are refused when the struct is defined', () => {
    for (const name of ['memory', 'base', 'constructor', 'toString', '__proto__', '_place', 'a.b', '0', '']) {
      expect(() => struct(Object.fromEntries([[name, u8]]))).toThrow(/field name/)
    }
    expect(() => struct({})).toThrow('a struct needs a field')
  })

  test('a struct defined again shares its class, unless its fields differ', () => {
    const classOf = (layout: AnyStruct): unknown => layout.view(memoryOf(layout)).constructor
    const make = (length: number) => struct({ role, log: array(entry, length), term: u32 })
    expect(classOf(make(2))).toBe(classOf(make(2)))
    expect(classOf(make(2))).not.toBe(classOf(make(3)))
    expect(classOf(struct({ a: enumeration(['x']) }))).not.toBe(
      classOf(struct({ a: enumeration(['x', 'y']) })),
    )
    const [small, large] = [struct({ items: array(u8, 2) }), struct({ items: array(u8, 5) })]
    expect(classOf(small)).toBe(classOf(large))
    expect([small, large].map((each) => each.view(memoryOf(each)).items.length)).toEqual([2, 5])
  })

  test('counts are positive integers', () => {
    for (const count of [0, -1, 1.5, NaN]) {
      for (const make of [bytes, bitset, (n: number) => array(u8, n), (n: number) => ring(u8, n)]) {
        expect(() => make(count)).toThrow(RangeError)
      }
    }
  })

  test('a view must be aligned and fit its memory', () => {
    expect(() => entry.view(memoryOf(entry, 8), 4)).toThrow('base 4 is not aligned to 8 bytes')
    expect(() => entry.view(memoryOf(entry), 8, 'entry')).toThrow(
      'entry: 16 bytes at 8 do not fit in a memory of 16',
    )
    expect(() => u32.view(memoryOf(u32), -4)).toThrow('do not fit')
  })

  test('parts are rounded up to words', () => {
    expect([0, 1, 8, 9].map(roundUp8)).toEqual([0, 8, 8, 16])
  })
})

test('structs with the same fields at other places do not take each other for themselves', () => {
  const layoutOf = (items: number) =>
    struct({ head: u16, items: array(u32, items), flag: boolean, kind: u8, tail: u64, end: u32 })
  // The first closes over its places, all others look them up.
  const layouts = [3, 1, 7, 2, 3].map(layoutOf)
  const views = layouts.map((layout) => layout.view(memoryOf(layout)))
  views.forEach((view, i) => {
    view.head = 10 + i
    view.items.set(0, 100 + i)
    view.flag = i % 2 === 0
    view.kind = i
    view.tail = 2 ** 40 + i
    view.end = 1000 + i
  })
  views.forEach((view, i) => {
    const layout = layouts[i]!
    const { memory } = view
    expect(view.head).toBe(10 + i)
    expect(view.items.get(0)).toBe(100 + i)
    expect(view.flag).toBe(i % 2 === 0)
    expect(view.kind).toBe(i)
    expect(view.tail).toBe(2 ** 40 + i)
    expect(memory.getUint8(layout.offsetOf('kind'))).toBe(i)
    expect(memory.getUint32(layout.offsetOf('end'), true)).toBe(1000 + i)
    expect(() => (view.kind = 256)).toThrow('kind')
  })
})
