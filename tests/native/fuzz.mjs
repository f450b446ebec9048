// Uses the addon as wrongly as it can, from a seed: garbage in the ring, in the arguments and in the options, calls on
// what is closed, buffers that are detached. Errors are fine; the process must live. Prints how much was done.
import { createRequire } from 'node:module'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const addon = createRequire(import.meta.url)('../../dist/native/aviary.node')
const [seed, rounds] = process.argv.slice(2).map(Number)
let state = seed >>> 0
let life = 0
const draw = (end) => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0
  return Math.floor((state / 2 ** 32) * end)
}
const pick = (list) => list[draw(list.length)]

const folder = mkdtempSync(join(tmpdir(), 'aviary-fuzz-'))
// Garbage may name a folder for the log.
process.chdir(folder)
const garbage = () =>
  pick([
    undefined,
    null,
    NaN,
    -1,
    2 ** 32,
    2 ** 53,
    0.5,
    'x',
    {},
    [],
    [1n],
    true,
    () => 1,
    Symbol('s'),
    2n ** 80n,
    Infinity,
  ])
const word = () =>
  pick([
    0, 1, 2, 3, 7, 8, 12, 16, 17, 63, 64, 65, 4088, 4096, 4097, 0x7fffffff, 0x80000000, 0xfffffff8,
    0xffffffff,
  ])

const options = (self) => ({
  shm: {
    cluster: `fuzz-${process.pid}-${life}`,
    self,
    nodes: 2,
    loopback: true,
    pairsPerPeer: 2,
    regionBytes: [64, 4096],
    sendQueueDepth: 8,
    receiveQueueDepth: 2,
    messageBytes: 64,
    inlineBytes: 64,
    packetBytes: 64,
    retryMicros: 200,
    graceMicros: 50,
  },
  log: { folder: join(folder, `log-${self}-${life}`), segmentBytes: 8192, bufferBytes: 4096 },
  batch: { requests: 16, completions: 8, outputBytes: 256, inputBytes: 256, windowBytes: [8, 64] },
})
const spoil = (value) => {
  const keys = Object.keys(value)
  const key = pick(keys)
  const inner = value[key]
  const isDeeper = typeof inner === 'object' && inner !== null && !Array.isArray(inner) && draw(4) > 0
  return { ...value, [key]: isDeeper ? spoil(inner) : garbage() }
}

const methods = ['turn', 'peerState', 'endState', 'impair', 'relocations', 'wait', 'waker', 'wakes']
const nodes = [undefined, undefined]
const counts = { turns: 0, taken: 0, thrown: 0, opened: 0 }
const attempt = (what) => {
  try {
    return what()
  } catch (error) {
    counts.thrown++
    if (!(error instanceof Error)) throw error
    return undefined
  }
}

const fillRing = (node) => {
  if (node.batch.byteLength === 0) return
  const requests = new Uint32Array(node.batch, node.requestsAt, 16 * 16)
  for (let i = 0; i < 16; i++) {
    requests.fill(0, 16 * i, 16 * i + 16)
    // Mostly plausible, so that garbage gets far.
    requests[16 * i] = draw(8) === 0 ? word() : draw(25)
    requests[16 * i + 1] = draw(8) === 0 ? word() : draw(4)
    for (let k = 2; k < 16; k++) requests[16 * i + k] = draw(5) === 0 ? word() : pick([0, 0, 8, 16, 1, 64])
  }
}

for (let round = 0; round < rounds; round++) {
  const self = draw(2)
  const node = nodes[self]
  const isClosed = node === undefined || (node.batch.byteLength === 0 && draw(20) === 0)
  if (isClosed || draw(200) === 0) {
    if (draw(3) === 0) attempt(() => addon.open(spoil(options(self))).close())
    if (draw(20) === 0) attempt(() => addon.open(garbage()))
    // Now and then all are forgotten without being closed; the next ones then have other names.
    if (draw(20) === 0) {
      life++
      nodes.fill(undefined)
    } else if (node !== undefined) attempt(() => node.close())
    nodes[self] = attempt(() => addon.open(options(self)))
    if (nodes[self] !== undefined) counts.opened++
    continue
  }
  switch (draw(12)) {
    case 0:
      attempt(() =>
        node[pick([...methods, 'close'].slice(draw(methods.length + 1)))](garbage(), garbage(), garbage()),
      )
      break
    case 1:
      attempt(() => node.turn.call(garbage(), garbage()))
      break
    case 2:
      attempt(() => new node.turn(draw(3)))
      break
    case 3:
      attempt(() => node.impair(draw(5), draw(2) === 0, draw(2) === 0))
      break
    case 4:
      attempt(() => node.wait(draw(100)))
      attempt(() => addon.wake(draw(2) === 0 ? garbage() : draw(4) === 0 ? word() : node.waker()))
      break
    case 5:
      if (draw(50) === 0) attempt(() => globalThis.structuredClone(node.memory, { transfer: [node.memory] }))
      else if (node.memory.byteLength > 0) new Uint32Array(node.memory)[draw(1000)] = word()
      break
    default: {
      attempt(() => fillRing(node))
      const isOpen = node.batch.byteLength > 0
      if (isOpen) new Uint32Array(node.batch)[0] = draw(40) === 0 ? word() : draw(17)
      attempt(() => node.turn())
      const ended = isOpen ? new Uint32Array(node.batch)[3] : 0
      counts.turns++
      if (ended > 0) counts.taken += ended
    }
  }
}
for (const node of nodes) attempt(() => node?.close())
rmSync(folder, { recursive: true, force: true })
console.log(JSON.stringify(counts))
