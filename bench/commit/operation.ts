/** A SET of one key to a value of `sizeBytes` bytes, as the store takes it. */
import {
  Code,
  Mode,
  beginOperation,
  endOperation,
  newInteger,
  putArgument,
  putCommand,
} from '../../protocol/store/index.js'

export function operationOf(sizeBytes: number): Uint8Array {
  const memory = new DataView(new ArrayBuffer(sizeBytes + 128))
  const value = new DataView(new Uint8Array(sizeBytes).fill(0x61).buffer)
  const key = new DataView(Uint8Array.of(0x6b).buffer)
  let at = beginOperation(memory, Mode.batch, Date.now())
  at = putCommand(memory, at, Code.set, 0, 2, newInteger())
  at = putArgument(memory, at, key, 0, 1)
  at = putArgument(memory, at, value, 0, sizeBytes)
  return new Uint8Array(memory.buffer).slice(0, endOperation(memory, at, 0, 1))
}
