/** The layout algebra: bytes described once, read by cores through cursors and by tools through field tables. */
export { array, perNode } from './array.js'
export { bytes } from './bytes.js'
export { clear, copy, equals } from './bytewise.js'
export { decode, nodeName, type Decoded, type DecodeOptions, type Region } from './decode.js'
export { describe, fingerprintOf, layoutText, type Row } from './describe.js'
export { diff, type Difference } from './diff.js'
export { locate, pathText, resolve, roundUp8 } from './path.js'
export { byteOffsetOf, regionOf, remoteAddressOf } from './remote-address.js'
export { namesNodes, rename, type RenameOptions } from './rename.js'
export { ring } from './ring.js'
export {
  boolean,
  enumeration,
  isLeaf,
  isScalar,
  NO_NODE,
  nodeId,
  remoteAddress,
  u16,
  u32,
  u64,
  u8,
} from './scalars.js'
export { bitset, MOST_NODES, nodeSet } from './sets.js'
export { struct } from './struct.js'
export { moveWord } from './word.js'
export type * from './types.js'
