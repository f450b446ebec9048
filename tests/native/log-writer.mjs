// Appends numbered records and flushes, for ever, and says after each good flush how many are durable; for tests that kill
// it. Arguments: the folder, the bytes of a record, whether to go on after a failed flush.
import { writeSync } from 'node:fs'
import { CompletionKind, openNode } from '../../dist/native/index.js'

const [folder, length, ioUring] = process.argv.slice(2)
const log = { folder, segmentBytes: 65536, ioUring: ioUring === 'true' }
const node = openNode({ log, batch: { outputBytes: Number(length) } })
const numbers = new Uint32Array(node.output.buffer, node.output.byteOffset, 1)

/** Records that the last good flush covers, and all that have been appended. */
let durable = 0
let appended = 0
process.on('message', () => process.exit())
for (;;) {
  for (let k = 0; k < 3; k++) {
    numbers[0] = appended++
    node.append(0, Number(length))
    node.turn()
  }
  node.flush(7)
  let ended = node.turn()
  while (ended === 0) ended = node.turn()
  if (node.completion(0, 'kind') !== CompletionKind.stored) throw new Error('something else has ended')
  const status = node.completion(0, 'status')
  // What a failed flush was to cover is void, and numbered anew.
  if (status === 0) durable = appended
  else appended = durable
  writeSync(1, `${status} ${durable}\n`)
  if (status !== 0) await new Promise((resolve) => setTimeout(resolve, 5))
}
