/**
 * The store as a replicated application: keys and values of any bytes, with expiry by logged time, and transactions.
 *
 * An operation brings the time at which it was proposed. The clock of the store is the latest such time, so replicas
 * agree on what has expired; a read uses the later of the clock and its own time, and changes nothing.
 */
import type { Application } from '../apus/application.js'
import type { Draw } from '../system.js'
import { checkStore } from './check.js'
import {
  decodeOperation,
  decodeReply,
  describeInput,
  describeOutput,
  type StoreInput,
  type StoreOutput,
} from './decode.js'
import { beginOperation, endOperation, putArgument, putCommand } from './encode.js'
import { newInteger } from './integers.js'
import { storeLayout, type StoreCapacity, type StoreLayout } from './layout.js'
import { createMachine } from './machine.js'
import { storeModel } from './model.js'
import { Code, Flag, isReadOperation, Mode } from './operation.js'

/** A store of this capacity. Throws RangeError for a capacity out of bounds. */
export function store(capacity: StoreCapacity): Application<StoreLayout, StoreInput, StoreOutput> {
  const shape = storeLayout(capacity)
  const { layout, operationBytes, replyBytes } = shape
  return {
    name: 'store',
    layout,
    operationBytes,
    replyBytes,
    apply: createMachine(shape),
    isRead: (operation, at) => isReadOperation(operation, at, operationBytes),
    drawOperation: (draw, client, position) => drawOperation(draw, client, position, operationBytes),
    describeRequest: (operation) => describeInput(decodeOperation(operation)),
    describeReply: (memory, at) => describeOutput(decodeReply(memory, at)),
    decodeRequest: decodeOperation,
    decodeReply,
    model: storeModel(shape),
    check: (state) => checkStore(shape, state),
    invariant: {
      name: 'store-is-whole',
      meaning: 'every slot and every block of the store is used once or free once, and each key is found',
    },
  }
}

const drawn = {
  codes: [Code.get, Code.set, Code.incrby, Code.append, Code.del, Code.expire, Code.mget, Code.versions],
  setFlags: [0, Flag.nx, Flag.xx, Flag.get, Flag.keepTtl, Flag.number | Flag.relative],
}

/** An operation of one to three commands on a few keys; where three have no room, of fewer. */
function drawOperation(draw: Draw, client: number, position: number, most: number): Uint8Array {
  const operation = new Uint8Array(most)
  const memory = new DataView(operation.buffer)
  const number = newInteger()
  const part = new DataView(new ArrayBuffer(16))
  const mode = draw.between(0, 1) === 0 ? Mode.batch : Mode.transaction
  // Times of clients differ, and go back.
  let at = beginOperation(memory, mode, 1000 + 10 * position + draw.between(0, 20))
  const argument = (text: string): void => {
    for (let k = 0; k < text.length; k++) part.setUint8(k, text.charCodeAt(k))
    at = putArgument(memory, at, part, 0, text.length)
  }
  const count = draw.between(1, 3)
  let commands = 0
  // The longest command drawn has two arguments of up to 8 bytes, and a number.
  for (; commands < count && at + 40 <= most; commands++) {
    const code = drawn.codes[draw.between(0, drawn.codes.length - 1)]!
    const key = `k${draw.between(0, 2)}`
    number.value = draw.between(0, 15)
    const isTimed = code === Code.incrby || code === Code.expire
    const flags =
      code === Code.set
        ? drawn.setFlags[draw.between(0, drawn.setFlags.length - 1)]!
        : isTimed
          ? Flag.number | (code === Code.expire ? Flag.relative : 0)
          : 0
    const hasValue = code === Code.set || code === Code.append
    at = putCommand(memory, at, code, flags, hasValue ? 2 : 1, number)
    argument(key)
    if (hasValue) argument(String(10 * (client + 1) + position).repeat(draw.between(1, 2)))
  }
  return operation.slice(0, endOperation(memory, at, 0, commands))
}
