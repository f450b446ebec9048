// A node in a process of its own, for tests that stop and kill it. Options come as JSON; commands as messages
// `{ id, name, args }`, answers go back as `{ id, result }` or `{ id, error }`. It has turns all the time.
import { setImmediate } from 'node:timers'
import { completionField, completionWords, openNode } from '../../dist/native/index.js'

const node = openNode(JSON.parse(process.argv[2]))
const completions = []
let stream

const collect = (count) => {
  for (let i = 0; i < count; i++) {
    const at = i * completionWords
    const completion = {}
    for (const [name, place] of Object.entries(completionField))
      completion[name] = node.completions[at + place]
    completions.push(completion)
  }
}

/** WRITEs of a whole region, or fetch-and-adds, one after the other until one fails. */
const goOn = () => {
  const { kind, queuePair, region, bytes } = stream
  for (let i = 0; i < 32 && stream.status === 0; i++) {
    if (kind === 'write') node.write(queuePair, region, 0, 1, 0, bytes, 1, 1)
    else node.fetchAdd(queuePair, region, 0, 0, 0, 1, 1, 1)
    let ended = 0
    while (ended === 0) ended = node.turn()
    stream.status = node.completion(0, 'status')
    if (stream.status === 0) stream.count++
  }
  if (stream.status !== 0) {
    const { id, count, status } = stream
    stream = undefined
    process.send({ id, result: { count, status } })
  }
}

const commands = {
  call: (method, ...args) => node[method](...args),
  /** Completions since the last time. */
  take: () => completions.splice(0),
  peek: (region, offset, length) => [...new Uint8Array(node.memory, node.regionsAt[region] + offset, length)],
  fill: (region, value) => {
    const end = node.regionsAt[region + 1] ?? node.memory.byteLength
    new Uint8Array(node.memory, node.regionsAt[region], end - node.regionsAt[region]).fill(value)
  },
  put: (bytes) => node.output.set(bytes),
  /** Sleeps once, when there is nothing that it has not seen; whether it was woken. */
  sleep: (micros) => {
    do collect(node.turn())
    while (node.wait(0))
    return node.wait(micros)
  },
  /** Sleeps until a method returns something; how often the time was over. */
  sleepUntil: (micros, result, method, ...args) => {
    let timeouts = 0
    for (collect(node.turn()); node[method](...args) !== result; collect(node.turn()))
      if (!node.wait(micros)) timeouts++
    return timeouts
  },
  /** Calls a method after some time. */
  later: (milliseconds, method, ...args) => void setTimeout(() => node[method](...args), milliseconds),
  /** Sends back whatever number is written to the first word of region 0, and sleeps in between. */
  pong: (micros, queuePair, rounds) => {
    const word = new Uint32Array(node.memory, node.regionsAt[0], 1)
    const out = new Uint32Array(node.output.buffer, node.output.byteOffset, 1)
    let timeouts = 0
    for (let i = 1; i <= rounds; i++) {
      for (node.turn(); word[0] !== i; node.turn()) if (!node.wait(micros)) timeouts++
      out[0] = i
      node.write(queuePair, 0, 0, 0, 0, 8, 1, 3)
      node.turn()
    }
    return { timeouts, wakes: node.wakes() }
  },
}

process.on('message', ({ id, name, args }) => {
  if (name === 'stream') {
    stream = { id, count: 0, status: 0, ...args[0] }
    return
  }
  try {
    process.send({ id, result: commands[name](...args) })
  } catch (error) {
    process.send({ id, error: `${error.code}: ${error.message}` })
  }
})
process.on('disconnect', () => process.exit())

const turn = () => {
  if (stream === undefined) collect(node.turn())
  else goOn()
  setImmediate(turn)
}
turn()
process.send({ id: 0 })
