/** Scalar layouts: values that a struct shows as plain properties. Sizes and alignments are equal: 1, 2, 4 or 8 bytes. */
import { checkCount, checkPlace, refuseValue } from './errors.js'
import { u64Of } from './place.js'
import type {
  AnyLayout,
  AnyLeaf,
  AnyScalar,
  EnumerationLayout,
  PathStep,
  ScalarKind,
  ScalarLayout,
} from './types.js'

/** The node id that stands for no node. */
export const NO_NODE = 255

/** An unsigned byte. A write outside 0 to 255 throws RangeError. */
export const u8 = numeric('u8', 1)
/** An unsigned 16-bit number, aligned to 2. A write outside its range throws RangeError. */
export const u16 = numeric('u16', 2)
/** An unsigned 32-bit number, aligned to 4. A write outside its range throws RangeError. */
export const u32 = numeric('u32', 4)
/**
 * An unsigned 64-bit number kept to safe integers, aligned to 8. A write of anything but an integer from 0 to 2^53 - 1
 * throws RangeError, and so does a read of more than that. Read and written as two halves, so a u64 that a peer touches
 * must be brought into private memory as one word first (see word.ts).
 */
export const u64 = numeric('u64', 8)
/** The id of a node, one byte; `NO_NODE` is none. Renamed by symmetry. */
export const nodeId = numeric('nodeId', 1)
/** A symbolic remote address, 4 bytes: region in the high 8 bits, byte offset in the low 24 (see remote-address.ts). */
export const remoteAddress = numeric('remoteAddress', 4)
/** A truth value, one byte: 0 is false and 1 is true; any other byte reads as true. */
export const boolean: ScalarLayout<'boolean', boolean> = {
  ...scalarShape('boolean', 1),
  view: (memory, base = 0, label = '') => {
    checkPlace(memory, base, 1, 1, label)
    return memory.getUint8(base) !== 0
  },
}

/**
 * One of the given names, one byte. The accessor holds the code, which is the position of the name in the list. A write
 * of a code without a name throws RangeError.
 */
export function enumeration<const N extends string>(names: readonly N[]): EnumerationLayout<N> {
  checkCount('names of an enumeration', names.length, 256)
  if (new Set(names).size !== names.length)
    throw new Error(`an enumeration repeats a name: ${names.join(', ')}`)
  const code = Object.freeze(Object.fromEntries(names.map((name, index) => [name, index]))) as {
    [Name in N]: number
  }
  return {
    ...numeric('enumeration', 1),
    names: [...names],
    code,
    nameOf: (wanted) =>
      names[wanted] ?? refuseValue(`code of ${names.join(' | ')}`, wanted, 0, names.length - 1),
  }
}

function numeric<K extends Exclude<ScalarKind, 'boolean'>>(
  kind: K,
  sizeBytes: number,
): ScalarLayout<K, number> {
  return {
    ...scalarShape(kind, sizeBytes),
    view: (memory, base = 0, label = '') => {
      checkPlace(memory, base, sizeBytes, sizeBytes, label)
      return readNumber(sizeBytes, memory, base, label)
    },
  }
}

function readNumber(sizeBytes: number, memory: DataView, base: number, label: string): number {
  if (sizeBytes === 1) return memory.getUint8(base)
  if (sizeBytes === 2) return memory.getUint16(base, true)
  const low = memory.getUint32(base, true)
  return sizeBytes === 4 ? low : u64Of(low, memory.getUint32(base + 4, true), label)
}

function scalarShape<K extends ScalarKind>(kind: K, sizeBytes: number) {
  return {
    kind,
    sizeBytes,
    alignBytes: sizeBytes,
    offsetOf: (...path: readonly PathStep[]): number => {
      if (path.length === 0) return 0
      throw new RangeError(`${kind} has no part ${JSON.stringify(path[0])}`)
    },
    strideOf: (): never => {
      throw new RangeError(`${kind} has no stride`)
    },
  }
}

/** The largest code of a one-byte scalar. */
export function octetMost(layout: AnyScalar): number {
  return layout.kind === 'enumeration' ? layout.names.length - 1 : 255
}

export function isScalar(layout: AnyLayout): layout is AnyScalar {
  switch (layout.kind) {
    case 'u8':
    case 'u16':
    case 'u32':
    case 'u64':
    case 'boolean':
    case 'enumeration':
    case 'nodeId':
    case 'remoteAddress':
      return true
    case 'bytes':
    case 'bitset':
    case 'nodeSet':
    case 'struct':
    case 'array':
    case 'perNode':
    case 'ring':
      return false
  }
}

/** True for what has no named or numbered parts: scalars, sets and byte arrays. */
export function isLeaf(layout: AnyLayout): layout is AnyLeaf {
  return isScalar(layout) || layout.kind === 'bytes' || layout.kind === 'bitset' || layout.kind === 'nodeSet'
}
