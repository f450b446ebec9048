/** Random layouts, and what tests need to walk them in a way of their own. */
import fc from 'fast-check'
import {
  array,
  bitset,
  boolean,
  bytes,
  enumeration,
  isScalar,
  nodeId,
  nodeSet,
  perNode,
  remoteAddress,
  resolve,
  ring,
  struct,
  u16,
  u32,
  u64,
  u8,
  type AnyLayout,
  type AnyScalar,
  type AnyStruct,
  type PathStep,
} from '../../../protocol/layout/index.js'

/** All per-node arrays of random layouts have this many nodes, as those of one system do. */
export const NODES = 4

const scalar: fc.Arbitrary<AnyLayout> = fc.oneof(
  fc.constantFrom<AnyLayout>(u8, u16, u32, u64, boolean, nodeId, remoteAddress),
  fc
    .integer({ min: 1, max: 5 })
    .map((n) => enumeration(['red', 'green', 'blue', 'black', 'white'].slice(0, n))),
)

const leaf: fc.Arbitrary<AnyLayout> = fc.oneof(
  { weight: 4, arbitrary: scalar },
  fc.constant<AnyLayout>(nodeSet),
  fc.integer({ min: 1, max: 70 }).map(bitset),
  fc.integer({ min: 1, max: 9 }).map(bytes),
)

const { any } = fc.letrec<{ any: AnyLayout; struct: AnyLayout; list: AnyLayout }>((tie) => ({
  any: fc.oneof({ maxDepth: 3, depthSize: 'small' }, leaf, tie('struct'), tie('list')),
  struct: fc
    .dictionary(fc.constantFrom('alpha', 'beta', 'gamma', 'delta', 'epsilon'), tie('any'), { minKeys: 1 })
    .map((fields) => struct(fields)),
  list: fc
    .tuple(tie('any'), fc.integer({ min: 1, max: 4 }), fc.constantFrom('array', 'perNode', 'ring'))
    .map(([item, length, kind]) => {
      if (kind === 'array') return array(item, length)
      return kind === 'perNode' ? perNode(item, NODES) : ring(item, length)
    }),
}))

/** A struct of up to five fields of any depth. */
export const anyStruct: fc.Arbitrary<AnyStruct> = fc
  .dictionary(fc.constantFrom('a', 'b', 'c', 'd', 'e'), any, { minKeys: 1 })
  .map((fields) => struct(fields))

export interface Leaf {
  readonly path: readonly PathStep[]
  readonly offset: number
  readonly layout: AnyLayout
}

/** Every leaf with its path and offset; the length of a ring is one. */
export function leavesOf(layout: AnyLayout, path: readonly PathStep[] = [], offset = 0): Leaf[] {
  const items = (item: AnyLayout, count: number, first: number, stride: number): Leaf[] =>
    Array.from({ length: count }, (_, i) => leavesOf(item, [...path, i], first + i * stride)).flat()
  if (layout.kind === 'struct') {
    return layout.fields.flatMap((field) =>
      leavesOf(field.layout, [...path, field.name], offset + field.offset),
    )
  }
  if (layout.kind === 'array' || layout.kind === 'perNode') {
    return items(layout.item, layout.length, offset, layout.strideBytes)
  }
  if (layout.kind === 'ring') {
    const length: Leaf = { path: [...path, 'length'], offset, layout: u32 }
    return [length, ...items(layout.item, layout.capacity, offset + layout.itemsOffset, layout.strideBytes)]
  }
  return [{ path, offset, layout }]
}

/** The largest number that a scalar takes. */
export function mostOf(layout: AnyScalar): number {
  switch (layout.kind) {
    case 'boolean':
      return 1
    case 'enumeration':
      return layout.names.length - 1
    case 'u16':
      return 0xffff
    case 'u32':
    case 'remoteAddress':
      return 0xffffffff
    case 'u64':
      return Number.MAX_SAFE_INTEGER
    case 'u8':
    case 'nodeId':
      return 255
  }
}

type Anything = Record<PropertyKey, unknown>
type Sequence = { get(i: number): unknown; set(i: number, v: unknown): void; at(i: number): unknown }

/** Reads through the accessors that a core would use. */
export function readThroughView(view: unknown, layout: AnyLayout, path: readonly PathStep[]): unknown {
  const [step, ...rest] = path
  if (step === undefined) return view
  const inner = childOf(layout, step)
  if (typeof step === 'string') return readThroughView((view as Anything)[step], inner, rest)
  const list = view as Sequence
  return readThroughView(isScalar(inner) ? list.get(step) : list.at(step), inner, rest)
}

/** Writes a scalar through the accessors that a core would use. */
export function writeThroughView(
  view: unknown,
  layout: AnyLayout,
  path: readonly PathStep[],
  value: unknown,
): void {
  const last = path.at(-1)!
  const before = path.slice(0, -1)
  const parent = readThroughView(view, layout, before)
  if (typeof last === 'string') (parent as Anything)[last] = value
  else (parent as Sequence).set(last, value)
}

function childOf(layout: AnyLayout, step: PathStep): AnyLayout {
  if (layout.kind === 'struct') return layout.fields.find((field) => field.name === step)!.layout
  if (step === 'length') return u32
  if ('item' in layout) return layout.item
  throw new Error('a leaf has no child')
}

/** Whether every ring on the way to the path holds the item, by the bytes of its length. */
export function isLive(
  layout: AnyLayout,
  memory: DataView,
  base: number,
  path: readonly PathStep[],
): boolean {
  return path.every((step, depth) => {
    const { layout: parent, offset } = resolve(layout, path.slice(0, depth))
    return parent.kind !== 'ring' || step === 'length' || Number(step) < memory.getUint32(base + offset, true)
  })
}

export function memoryOf(layout: AnyLayout, spareBytes = 0): DataView {
  return new DataView(new ArrayBuffer(layout.sizeBytes + spareBytes))
}

/** Fills every leaf with legal random contents; rings get a legal length and zeroes behind it. */
function fill(layout: AnyLayout, memory: DataView, offset: number, next: (below: number) => number): void {
  if (layout.kind === 'struct') {
    for (const field of layout.fields) fill(field.layout, memory, offset + field.offset, next)
  } else if (layout.kind === 'array' || layout.kind === 'perNode') {
    for (let i = 0; i < layout.length; i++) fill(layout.item, memory, offset + i * layout.strideBytes, next)
  } else if (layout.kind === 'ring') {
    const length = next(layout.capacity + 1)
    memory.setUint32(offset, length, true)
    const first = offset + layout.itemsOffset
    for (let i = 0; i < length; i++) fill(layout.item, memory, first + i * layout.strideBytes, next)
  } else if (layout.kind === 'nodeId') {
    const node = next(NODES + 1)
    memory.setUint8(offset, node === NODES ? 255 : node)
  } else if (layout.kind === 'nodeSet') {
    memory.setUint32(offset, next(1 << NODES), true)
  } else if (layout.kind === 'enumeration' || layout.kind === 'boolean') {
    memory.setUint8(offset, next(mostOf(layout) + 1))
  } else if (layout.kind === 'remoteAddress') {
    memory.setUint32(offset, next(2 ** 10), true)
  } else if (layout.kind === 'u64') {
    memory.setBigUint64(offset, BigInt(next(2 ** 30)) * BigInt(next(2 ** 23)), true)
  } else if (layout.kind === 'bitset') {
    for (let i = 0; i < layout.capacity; i++) {
      const at = offset + (i >>> 3)
      memory.setUint8(at, memory.getUint8(at) | (next(2) << (i & 7)))
    }
  } else {
    for (let i = 0; i < layout.sizeBytes; i++) memory.setUint8(offset + i, next(256))
  }
}

/** A layout with legal random contents at a random aligned base. */
export const filledStruct = fc
  .tuple(
    anyStruct,
    fc.integer({ min: 0, max: 3 }),
    fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })),
  )
  .map(([layout, skip, stream]) => {
    const base = skip * layout.alignBytes
    const memory = memoryOf(layout, base)
    fill(layout, memory, base, (below) => Math.floor((stream.next().value as number) * below))
    return { layout, memory, base }
  })
