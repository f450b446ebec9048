/** A put of `sizeBytes` bytes, as the store of APUS's service takes it. */
export function operationOf(sizeBytes: number): Uint8Array {
  const words = Math.ceil(sizeBytes / 8)
  const operation = new Uint8Array(8 + 8 * words)
  operation[0] = 1
  operation[1] = 1
  operation[2] = words
  return operation
}
