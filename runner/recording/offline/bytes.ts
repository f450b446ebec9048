import { sameBytes } from '../../../protocol/layout/bytewise.js'

const viewOf = ({ buffer, byteOffset, byteLength }: Uint8Array): DataView =>
  new DataView(buffer, byteOffset, byteLength)

/** Whether two pieces of memory are as long, and alike. */
export const areAlike = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && sameBytes(viewOf(a), 0, viewOf(b), 0, a.length)
