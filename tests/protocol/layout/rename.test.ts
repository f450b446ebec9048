import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  array,
  byteOffsetOf,
  decode,
  namesNodes,
  NO_NODE,
  nodeId,
  nodeSet,
  perNode,
  remoteAddress,
  remoteAddressOf,
  rename,
  struct,
  u32,
  u8,
  type AnyLayout,
  type Decoded,
} from '../../../protocol/layout/index.js'
import { filledStruct, memoryOf, NODES } from './arbitraries.js'

const permutation = fc
  .shuffledSubarray([...Array(NODES).keys()], { minLength: NODES, maxLength: NODES })
  .map((order) => Uint8Array.from(order))

/** Random layouts may hold remote addresses; the one region they point into has no per-node array. */
const regions = [{ name: 'plain', layout: array(u8, 2 ** 10) }]

function inverseOf(order: Uint8Array): Uint8Array {
  const inverse = new Uint8Array(order.length)
  order.forEach((to, from) => (inverse[to] = from))
  return inverse
}

describe('renaming nodes', () => {
  test('by a permutation and then by its inverse changes nothing', () => {
    fc.assert(
      fc.property(filledStruct, permutation, ({ layout, memory, base }, order) => {
        const before = new Uint8Array(memory.buffer.slice(0))
        rename(layout, memory, base, order, { regions })
        rename(layout, memory, base, inverseOf(order), { regions })
        expect(new Uint8Array(memory.buffer)).toEqual(before)
      }),
    )
  })

  test('by two permutations is renaming by their product', () => {
    fc.assert(
      fc.property(filledStruct, permutation, permutation, ({ layout, memory, base }, first, second) => {
        const once = new DataView(memory.buffer.slice(0))
        rename(layout, memory, base, first, { regions })
        rename(layout, memory, base, second, { regions })
        rename(
          layout,
          once,
          base,
          first.map((node) => second[node]!),
          { regions },
        )
        expect(new Uint8Array(memory.buffer)).toEqual(new Uint8Array(once.buffer))
      }),
    )
  })

  test('commutes with decoding', () => {
    fc.assert(
      fc.property(filledStruct, permutation, ({ layout, memory, base }, order) => {
        const expected = renamedTree(layout, decode(layout, memory, base), order)
        rename(layout, memory, base, order, { regions })
        expect(decode(layout, memory, base)).toEqual(expected)
      }),
    )
  })

  test('moves a remote address into a per-node array with the node', () => {
    const cells = struct({ epoch: u32, beats: perNode(struct({ count: u32, at: u32 }), 3) })
    const layout = struct({ target: remoteAddress })
    const state = layout.view(memoryOf(layout))
    state.target = remoteAddressOf(0, cells.offsetOf('beats', 0, 'at'))
    rename(layout, state.memory, 0, Uint8Array.of(2, 0, 1), { regions: [{ name: 'cells', layout: cells }] })
    expect(byteOffsetOf(state.target)).toBe(cells.offsetOf('beats', 2, 'at'))
  })

  test('is refused where bytes hide nodes', () => {
    const order = Uint8Array.of(1, 0)
    const refuse = (layout: AnyLayout, bytes: readonly number[], message: string) => {
      const memory = new DataView(Uint8Array.from(bytes).buffer)
      expect(() => rename(layout, memory, 0, order)).toThrow(message)
    }
    refuse(nodeId, [2], 'node n2 is outside a renaming of 2 nodes')
    refuse(nodeSet, [4, 0, 0, 0], 'node n2 is outside')
    refuse(perNode(u8, 3), [1, 2, 3], 'a per-node array of 3 does not fit')
    refuse(remoteAddress, [0, 0, 0, 9], 'into region 9, which is not known')
    const memory = new DataView(Uint8Array.of(NO_NODE).buffer)
    rename(nodeId, memory, 0, order)
    expect(memory.getUint8(0)).toBe(NO_NODE)
  })

  test('is needed exactly where a layout can name a node', () => {
    expect(namesNodes(struct({ a: u8, b: array(u32, 3) }))).toBe(false)
    for (const part of [nodeId, nodeSet, remoteAddress, perNode(u8, 3)]) {
      expect(namesNodes(array(struct({ part }), 2))).toBe(true)
    }
  })
})

/** The naive twin: renames in the decoded tree. */
function renamedTree(layout: AnyLayout, tree: Decoded, order: Uint8Array): Decoded {
  const nodeOf = (name: Decoded): number => Number((name as string).slice(1))
  switch (layout.kind) {
    case 'nodeId':
      return tree === 'none' ? tree : `n${order[nodeOf(tree)]}`
    case 'nodeSet':
      return (tree as Decoded[])
        .map((name) => order[nodeOf(name)]!)
        .sort((a, b) => a - b)
        .map((node) => `n${node}`)
    case 'struct': {
      const fields = tree as Record<string, Decoded>
      return Object.fromEntries(
        layout.fields.map(({ name, layout: inner }) => [name, renamedTree(inner, fields[name]!, order)]),
      )
    }
    case 'array':
    case 'ring':
      return (tree as Decoded[]).map((item) => renamedTree(layout.item, item, order))
    case 'perNode': {
      const items = tree as Decoded[]
      return items.map((_, node) => renamedTree(layout.item, items[order.indexOf(node)]!, order))
    }
    case 'u8':
    case 'u16':
    case 'u32':
    case 'u64':
    case 'boolean':
    case 'enumeration':
    case 'remoteAddress':
    case 'bytes':
    case 'bitset':
      return tree
  }
}
