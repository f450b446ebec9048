// Measures what the heap grows by over many turns with writes, reads, atomics, messages and observations. Run with
// --expose-gc; prints JSON. Loops that only measure tell what the measuring costs.
import { openNode } from '../../dist/native/index.js'

const options = {
  nodes: 2,
  regionBytes: [4096],
  receiveQueueDepth: 8,
  messageBytes: 64,
  cluster: `heap-${process.pid}`,
}
const one = openNode({ shm: { ...options, self: 0 }, batch: { windowBytes: [64] } })
const other = openNode({ shm: { ...options, self: 1 } })
while (one.peerState(1) !== 'connected' || other.peerState(0) !== 'connected') {
  one.turn()
  other.turn()
}
one.watch(0, 0, 0)

let sum = 0
const work = (turns) => {
  for (let i = 0; i < turns; i++) {
    one.write(1, 0, 0, 0, 0, 64, i & 0xff, 3)
    one.read(1, 0, 64, 0, 128, 64, i & 0xff, 1)
    one.fetchAdd(1, 0, 256, 0, 264, 1, i & 0xff, 1)
    one.send(1, 0, 32, i & 0xff, 0)
    one.observe(0, 128, 64, 7)
    one.publish(0, 512, 0, 64)
    const ended = one.turn()
    for (let k = 0; k < ended; k++) sum += one.completion(k, 'status')
    sum += other.turn()
    if (i % 16 === 0) sum += one.wait(0) ? 1 : 0
  }
}
const idle = (turns) => {
  for (let i = 0; i < turns; i++) sum += i & 1
}

const grown = (what, turns) => {
  globalThis.gc()
  const before = process.memoryUsage().heapUsed
  what(turns)
  return process.memoryUsage().heapUsed - before
}

const turns = 200_000
for (let i = 0; i < 5; i++) {
  work(20_000)
  grown(idle, 1_000)
}
// The compiler may still replace code during the first measurement; the least of several is what a turn costs.
const least = (what) => Math.min(...[1, 2, 3, 4].map(() => grown(what, turns)))
const idleBytes = least(idle)
const grownBytes = least(work)
one.close()
other.close()
console.log(JSON.stringify({ turns, grownBytes, idleBytes, sum }))
