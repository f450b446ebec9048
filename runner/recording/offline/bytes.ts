import { sameBytes } from '../../../protocol/layout/bytewise.js'

/** Node compares memory by `memcmp`, some fifty times as fast as a loop; a browser has nothing like it. */
const native = (globalThis as { Buffer?: { compare(a: Uint8Array, b: Uint8Array): number } }).Buffer

const viewOf = ({ buffer, byteOffset, byteLength }: Uint8Array): DataView =>
  new DataView(buffer, byteOffset, byteLength)

/** Whether two pieces of memory are as long, and alike. */
export const areAlike = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length &&
  (native === undefined ? sameBytes(viewOf(a), 0, viewOf(b), 0, a.length) : native.compare(a, b) === 0)
