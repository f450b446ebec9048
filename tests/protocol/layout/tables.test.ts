import fc from 'fast-check'
import { describe as group, expect, test } from 'vitest'
import {
  array,
  boolean,
  bytes,
  decode,
  describe,
  diff,
  enumeration,
  fingerprintOf,
  isScalar,
  locate,
  nodeId,
  NO_NODE,
  nodeName,
  nodeSet,
  pathText,
  perNode,
  remoteAddress,
  remoteAddressOf,
  resolve,
  ring,
  struct,
  layoutText,
  u16,
  u32,
  u64,
  u8,
  bitset,
  type Decoded,
  type PathStep,
} from '../../../protocol/layout/index.js'
import { anyStruct, filledStruct, leavesOf, memoryOf, readThroughView } from './arbitraries.js'

const entry = struct({ term: u32, value: u64 })
const replica = struct({
  role: enumeration(['follower', 'leader']),
  leader: nodeId,
  votes: nodeSet,
  log: array(entry, 2),
  acknowledged: perNode(u16, 3),
  queue: ring(u8, 3),
  slots: bitset(33),
  payload: bytes(3),
  remote: remoteAddress,
})

group('decode', () => {
  test('shows what the accessors read, for every live scalar of every layout', () => {
    fc.assert(
      fc.property(filledStruct, ({ layout, memory, base }) => {
        const tree = decode(layout, memory, base)
        const view = layout.view(memory, base)
        for (const { path, layout: leaf } of leavesOf(layout)) {
          const shown = at(tree, path)
          if (shown === undefined || !isScalar(leaf)) continue
          const read = readThroughView(view, layout, path) as number
          if (leaf.kind === 'enumeration') expect(shown).toBe(leaf.nameOf(read))
          else if (leaf.kind === 'nodeId') expect(shown).toBe(nodeName(read))
          else if (leaf.kind === 'remoteAddress') expect(shown).toEqual({ region: 0, offset: read })
          else expect(shown).toBe(read)
        }
        expect(JSON.parse(JSON.stringify(tree))).toEqual(tree)
      }),
    )
  })

  test('names nodes, roles and remote places', () => {
    const state = replica.view(memoryOf(replica))
    state.role = 1
    state.leader = 2
    state.votes.bits = 0b101
    state.log.at(1).term = 7
    state.acknowledged.set(2, 300)
    state.queue.push(5)
    state.slots.add(32)
    state.payload.set(0, 0xab)
    state.remote = remoteAddressOf(1, entry.offsetOf('value') + 2)
    const expected = {
      role: 'leader',
      leader: 'n2',
      votes: ['n0', 'n2'],
      log: [
        { term: 0, value: 0 },
        { term: 7, value: 0 },
      ],
      acknowledged: [0, 0, 300],
      queue: [5],
      slots: [32],
      payload: 'ab0000',
      remote: { region: 1, offset: 10 },
    }
    expect(decode(replica, state.memory)).toEqual(expected)
    const regions = [
      { name: 'beats', layout: array(u32, 2) },
      { name: 'head', layout: entry },
    ]
    expect(decode(replica, state.memory, 0, { regions })).toEqual({ ...expected, remote: 'head.value+2' })
    state.remote = remoteAddressOf(0, 4)
    expect(decode(replica, state.memory, 0, { regions })).toMatchObject({ remote: 'beats[1]' })
    state.remote = remoteAddressOf(0, 8)
    expect(decode(replica, state.memory, 0, { regions })).toMatchObject({ remote: 'beats+8 (outside)' })
    state.leader = NO_NODE
    expect(decode(replica, state.memory)).toMatchObject({ leader: 'none' })
  })

  test('shows odd bytes rather than throwing', () => {
    const memory = memoryOf(replica)
    for (let i = 0; i < replica.sizeBytes; i++) memory.setUint8(i, 0xff)
    const tree = decode(replica, memory)
    expect(tree).toMatchObject({
      role: 'code 255',
      leader: 'none',
      queue: [255, 255, 255],
      payload: 'ffffff',
    })
    expect(tree).toMatchObject({ log: [{ value: '0xffffffffffffffff' }, {}] })
    expect(decode(boolean, memory)).toBe(true)
  })
})

group('paths', () => {
  test('locate finds the path whose offset it is given, and the byte inside the leaf', () => {
    fc.assert(
      fc.property(anyStruct, (layout) => {
        const named = new Set<number>()
        for (const { path, offset, layout: leaf } of leavesOf(layout)) {
          expect(layout.offsetOf(...path)).toBe(offset)
          expect(resolve(layout, path).layout).toBe(leaf)
          for (let k = 0; k < leaf.sizeBytes; k++) {
            named.add(offset + k)
            expect(locate(layout, offset + k)).toBe(pathText(path) + (k === 0 ? '' : `+${k}`))
          }
        }
        for (let at = 0; at < layout.sizeBytes; at++) {
          if (!named.has(at)) expect(locate(layout, at)).toMatch(/\+\d+ \(padding\)$/)
        }
      }),
    )
  })

  test('a path that is not there is refused with the step that fails', () => {
    expect(() => replica.offsetOf('log', 2, 'term')).toThrow('log[2].term: log (array) has no 2')
    expect(() => replica.offsetOf('lag')).toThrow('lag: the layout (struct) has no "lag"')
    expect(() => replica.offsetOf('role', 'x')).toThrow('role.x: role (enumeration) has no "x"')
    expect(() => u8.offsetOf('x')).toThrow('u8 has no part "x"')
    expect(() => locate(replica, replica.sizeBytes)).toThrow('outside a layout')
  })

  test('strides belong to arrays and rings', () => {
    expect([replica.strideOf('log'), replica.strideOf('acknowledged'), replica.strideOf('queue')]).toEqual([
      16, 2, 1,
    ])
    expect(() => replica.strideOf('role')).toThrow('enumeration has no stride')
    expect(() => u8.strideOf()).toThrow('no stride')
  })
})

group('diff', () => {
  test('names exactly the leaf whose byte changed', () => {
    fc.assert(
      fc.property(
        filledStruct,
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        ({ layout, memory, base }, pick, flip) => {
          const changed = new DataView(memory.buffer.slice(0))
          expect(diff(layout, memory, base, changed, base)).toEqual([])
          const leaves = leavesOf(layout)
          const leaf = leaves[pick % leaves.length]!
          const byte = base + leaf.offset + (pick % leaf.layout.sizeBytes)
          changed.setUint8(byte, changed.getUint8(byte) ^ flip)
          const found = diff(layout, memory, base, changed, base)
          expect(found.map(({ path }) => path)).toEqual([pathText(leaf.path)])
        },
      ),
    )
  })

  test('shows the values before and after', () => {
    const [before, after] = [memoryOf(replica), memoryOf(replica)]
    replica.view(after).log.at(1).term = 3
    replica.view(after).leader = 1
    expect(diff(replica, before, 0, after, 0)).toEqual([
      { path: 'leader', before: 'n0', after: 'n1' },
      { path: 'log[1].term', before: 0, after: 3 },
    ])
  })
})

group('describe', () => {
  test('is a table in the order of offsets', () => {
    const layout = struct({ flag: boolean, log: array(entry, 2), queue: ring(nodeId, 3) })
    expect(layoutText(layout)).toBe(
      [
        'path          offset  size  align  kind',
        '(all)              0    48      8  struct',
        'flag               0     1      1  boolean',
        'log                8    32      8  array of 2',
        'log[]              8    16      8  struct',
        'log[].term         8     4      4  u32',
        'log[].value       16     8      8  u64',
        'queue             40     8      4  ring of 3',
        'queue.length      40     4      4  u32',
        'queue[]           44     1      1  nodeId',
      ].join('\n'),
    )
    expect(describe(layout)).toHaveLength(9)
  })

  test('fingerprints tell shapes apart and do not change from release to release', () => {
    expect(fingerprintOf(entry)).toBe(fingerprintOf(struct({ term: u32, value: u64 })))
    const others = [
      struct({ term: u32, valve: u64 }),
      struct({ value: u64, term: u32 }),
      struct({ term: u16, value: u64 }),
      struct({ term: remoteAddress, value: u64 }),
      array(entry, 1),
      array(entry, 2),
      enumeration(['a', 'b']),
      enumeration(['b', 'a']),
    ]
    expect(new Set([entry, ...others].map(fingerprintOf)).size).toBe(others.length + 1)
    expect(fingerprintOf(entry)).toBe(0x8dc21019)
  })
})

function at(tree: Decoded | undefined, path: readonly PathStep[]): Decoded | undefined {
  return path.reduce<Decoded | undefined>((here, step) => {
    if (Array.isArray(here) && step === 'length') return undefined
    return (here as Record<PathStep, Decoded> | undefined)?.[step]
  }, tree)
}
