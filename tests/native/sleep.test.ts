// A thread that sleeps is woken by whatever a turn would find, and costs those who are awake nothing. No sleep here may
// last until its time is over, which is far beyond what any wake takes, unless nothing happens.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { describe, expect, onTestFinished, test } from 'vitest'
import { CompletionKind, type NativeNode, type ShmOptions, wake } from '../../native/index.js'
import { Control, Flag, Right, Status } from '../../protocol/index.js'
import { type Completion, Peer, freshCluster, met, open, openCluster, turn, until } from './support.js'

const longMicros = 10_000_000
const both = Flag.inline | Flag.signaled
const regionBytes = 1 << 20

const shm = (cluster: string, self: number, nodes = 2, more: Partial<ShmOptions> = {}): ShmOptions => ({
  cluster,
  self,
  nodes,
  regionBytes: [64, regionBytes],
  packetBytes: 1 << 16,
  receiveQueueDepth: 4,
  messageBytes: 64,
  retryMicros: 5_000_000,
  ...more,
})

/** Until there is nothing that the node has not seen. */
function settle(node: NativeNode): void {
  do node.turn()
  while (node.wait(0))
}

/** Has turns, and sleeps in between; how often the time was over. */
function sleepUntil(node: NativeNode, condition: (completions: readonly Completion[]) => boolean): number {
  let timeouts = 0
  while (!condition(turn(node))) if (!node.wait(longMicros)) timeouts++
  return timeouts
}

describe('a sleeping process is woken by', () => {
  const word = (node: NativeNode): void => {
    node.write(1, 0, 0, 0, 0, 8, 1, both)
  }
  test.each<[string, (node: NativeNode) => void]>([
    ['a WRITE', word],
    ['a WRITE of many packets', (node) => node.write(1, 1, 0, 1, 0, regionBytes, 1, Flag.signaled)],
    ['a WRITE with immediate', (node) => node.writeImmediate(1, 0, 0, 0, 0, 8, 1, both, 7)],
    ['a compare-and-swap', (node) => node.compareSwap(1, 0, 0, 0, 0, 1, 2, 1, Flag.signaled)],
    ['a fetch-and-add', (node) => node.fetchAdd(1, 0, 0, 0, 0, 1, 1, Flag.signaled)],
    ['a message', (node) => node.send(1, 0, 8, 1, Flag.signaled)],
    ['a request that its end refuses', (node) => node.write(1, 9, 0, 0, 0, 8, 1, both)],
    ['a READ that its end refuses', (node) => node.read(1, 9, 0, 0, 0, 8, 1, Flag.signaled)],
  ])('%s', async (_, post) => {
    const cluster = freshCluster()
    const node = open({ shm: shm(cluster, 0) })
    const peer = await Peer.start({ shm: shm(cluster, 1) })
    await met([node], 2)
    // It may not have fallen asleep when it is written to; then it rises just the same, but nobody wakes it.
    while (node.wakes() === 0) {
      const sleep = peer.ask<boolean>('sleep', longMicros)
      await delay(20)
      post(node)
      node.turn()
      expect(await sleep).toBe(true)
      node.control(1, Control.connect, 1, 0)
      await until('it is ready', () => node.endState(1) === 'readyToSend', [node])
      await peer.call('control', 0, Control.connect, 1, 0)
      await until('the peer is ready', async () => (await peer.call('endState', 0)) === 'readyToSend', [node])
    }
    expect(node.wakes()).toBe(1)
  })

  test('nothing: it sleeps on while it is read, and as long as it was told', async () => {
    const cluster = freshCluster()
    const node = open({ shm: shm(cluster, 0) })
    const peer = await Peer.start({ shm: shm(cluster, 1) })
    await met([node], 2)
    expect(await peer.ask('sleep', 1_000)).toBe(false)
    for (let wakes = 0; wakes === 0; wakes = node.wakes()) {
      const sleep = peer.ask<boolean>('sleep', longMicros)
      await delay(20)
      for (let i = 0; i < 100; i++) {
        node.read(1, 1, 0, 0, 0, 64, 1, Flag.signaled)
        expect(turn(node)).toMatchObject([{ status: Status.ok }])
      }
      expect(node.wakes()).toBe(0)
      word(node)
      node.turn()
      expect(await sleep).toBe(true)
    }
  })

  test('a peer that arrives, whichever of them looks for the other, and by the end of one that is killed', async () => {
    const cluster = freshCluster()
    const peer = await Peer.start({ shm: shm(cluster, 1, 3) })
    // The higher number looks for the lower.
    const sleeps = [peer.ask<number>('sleepUntil', longMicros, 'connected', 'peerState', 2)]
    await delay(20)
    const higher = await Peer.start({ shm: shm(cluster, 2, 3) })
    expect(await Promise.all(sleeps)).toEqual([0])
    sleeps.push(peer.ask<number>('sleepUntil', longMicros, 'connected', 'peerState', 0))
    await delay(20)
    const lower = await Peer.start({ shm: shm(cluster, 0, 3) })
    expect(await Promise.all(sleeps)).toEqual([0, 0])
    for (const [self, each] of [
      [0, lower],
      [2, higher],
    ] as const) {
      const sleep = peer.ask<number>('sleepUntil', longMicros, 'absent', 'peerState', self)
      await delay(20)
      await each.kill()
      expect(await sleep).toBe(0)
    }
    const again = peer.ask<number>('sleepUntil', longMicros, 'connected', 'peerState', 2)
    await Peer.start({ shm: shm(cluster, 2, 3, { isRestarted: true }) })
    expect(await again).toBe(0)
  })
})

test('no wake is lost: a number goes there and back 20,000 times between processes that sleep meanwhile', async () => {
  const cluster = freshCluster()
  const node = open({ shm: shm(cluster, 0) })
  const peer = await Peer.start({ shm: shm(cluster, 1) })
  await met([node], 2)
  const rounds = 20_000
  const answer = peer.ask<{ timeouts: number; wakes: number }>('pong', longMicros, 0, rounds)
  const arrived = new Uint32Array(node.memory, node.regionsAt[0], 1)
  let timeouts = 0
  for (let i = 1; i <= rounds; i++) {
    node.output.set([i & 0xff, i >>> 8])
    node.write(1, 0, 0, 0, 0, 8, 1, both)
    timeouts += sleepUntil(node, () => arrived[0] === i)
  }
  const { timeouts: itsTimeouts, wakes } = await answer
  expect([timeouts, itsTimeouts]).toEqual([0, 0])
  // Both did sleep, though not always long enough for it.
  expect(Math.min(node.wakes(), wakes)).toBeGreaterThan(rounds / 100)
})

test('who is awake costs its peers no system call', async () => {
  const [one, other] = await openCluster(2, { regionBytes: [64], receiveQueueDepth: 4, messageBytes: 64 })
  settle(other!)
  for (let i = 0; i < 10_000; i++) {
    one!.write(1, 0, 0, 0, 0, 64, 1, both)
    one!.send(1, 0, 8, 1, Flag.signaled)
    expect(one!.turn()).toBe(2)
    other!.turn()
  }
  expect(other!.wait(longMicros)).toBe(true)
  expect(one!.wakes()).toBe(0)
})

test('a sleeper is woken for what is written to memory that has moved, and for the end of the move', async () => {
  const cluster = freshCluster()
  const node = open({ shm: shm(cluster, 0, 3, { graceMicros: 2_000 }) })
  const stopped = await Peer.start({ shm: shm(cluster, 1, 3) })
  const writer = await Peer.start({ shm: shm(cluster, 2, 3) })
  await met([node], 3)
  const target = new Uint8Array(node.memory, node.regionsAt[1], regionBytes)
  const first = new Uint8Array(node.memory, node.regionsAt[0], 8)
  for (let round = 1; node.relocations() === 0; round++) {
    await stopped.ask('fill', 1, round)
    stopped
      .ask('stream', { kind: 'write', queuePair: 0, region: 1, bytes: regionBytes })
      .catch(() => undefined)
    await until('the writer is at work', () => target[0] === round, [node])
    await stopped.stop()
    node.control(1, Control.rights, Right.none, round)
    expect(sleepUntil(node, (ended) => ended.some(({ kind }) => kind === CompletionKind.control))).toBe(0)
    stopped.resume()
    await until('the writer fails', () => node.endState(1) === 'error', [node])
    node.control(1, Control.connect, round, 0)
    await until('it is ready', () => node.endState(1) === 'readyToSend', [node])
    await stopped.call('control', 0, Control.connect, round, 0)
    await until('the peer is ready', async () => (await stopped.call('endState', 0)) === 'readyToSend', [
      node,
    ])
  }
  for (let value = 1; (await writer.call('wakes')) === 0; value++) {
    await writer.ask('put', [value])
    await writer.ask('later', 20, 'write', 0, 0, 0, 0, 0, 8, 1, both)
    expect(sleepUntil(node, () => first[0] === value)).toBe(0)
  }
})

test('the end of a flush wakes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'aviary-sleep-'))
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true })
  })
  const node = open({ log: { folder: join(folder, 'log') } })
  for (let i = 0; i < 200; i++) {
    node.append(0, 64)
    node.flush(i)
    let status = -1
    expect(sleepUntil(node, (ended) => ended.some((each) => (status = each.status) >= 0))).toBe(0)
    expect(status).toBe(Status.ok)
  }
  settle(node)
  expect(node.wait(1_000)).toBe(false)
})

describe('another thread', () => {
  const native = JSON.stringify(new URL('../../dist/native/index.js', import.meta.url).href)
  const start = (end: string): Worker => {
    const code = `
      import { parentPort } from 'node:worker_threads'
      const { openNode } = await import(${native})
      const node = openNode({ shm: { cluster: '${freshCluster()}', self: 0, nodes: 1, regionBytes: [64] } })
      parentPort.postMessage(node.waker())
      ${end}`
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`))
    onTestFinished(async () => void (await worker.terminate()))
    return worker
  }
  const message = <T>(worker: Worker): Promise<T> => new Promise((resolve) => worker.once('message', resolve))

  test('wakes a node by its number', async () => {
    const worker = start(
      `for (let i = 0; i < 100; i++) parentPort.postMessage(node.wait(${String(longMicros)}))`,
    )
    const waker = await message<number>(worker)
    let heard = 0
    worker.on('message', (woken) => {
      expect(woken).toBe(true)
      heard++
    })
    for (let i = 0; i < 100; i++) {
      wake(waker)
      await until('it has risen', () => heard > i, [])
    }
  })

  test('that sleeps and is told to end does so when it is woken', async () => {
    const worker = start(`for (;;) node.wait(60_000_000)`)
    const waker = await message<number>(worker)
    const ended = worker.terminate()
    wake(waker)
    expect(await ended).toBe(1)
    // Of a node that is gone.
    wake(waker)
  })
})

test('a wake that comes before the sleep ends it at once, and it alone', () => {
  const node = open({ shm: { cluster: freshCluster(), self: 0, nodes: 1, regionBytes: [64] } })
  settle(node)
  const waker = node.waker()
  expect(node.waker()).toBe(waker)
  wake(waker)
  wake(waker)
  expect([node.wait(longMicros), node.wait(0), node.wait(1_000)]).toEqual([true, false, false])
  node.close()
  wake(waker)
  const next = open({ shm: { cluster: freshCluster(), self: 0, nodes: 1, regionBytes: [64] } })
  expect(next.waker()).not.toBe(waker)
  settle(next)
  wake(waker)
  expect(next.wait(0)).toBe(false)
})

test('a sleep that would keep something from going on ends at once or soon', async () => {
  const [one, other] = await openCluster(2, { regionBytes: [64], retryMicros: 2_000 })
  settle(one!)
  // Not handed over.
  one!.write(1, 0, 0, 0, 0, 8, 1, both)
  expect(one!.wait(longMicros)).toBe(true)
  expect(turn(one!)).toMatchObject([{ status: Status.ok }])
  // Under way until nobody has answered for the retry time.
  one!.impair(1, true, false)
  one!.write(1, 0, 0, 0, 0, 8, 2, both)
  expect(sleepUntil(one!, (ended) => ended.some(({ token }) => token === 2))).toBe(0)
  expect(one!.endState(1)).toBe('error')
  other!.control(0, Control.reset, 0, 3)
  expect(sleepUntil(other!, (ended) => ended.some(({ token }) => token === 3))).toBe(0)
})

test('what is no time to sleep is refused', () => {
  const node = open({ shm: { cluster: freshCluster(), self: 0, nodes: 1, regionBytes: [64] } })
  for (const wrong of [-1, 0.5, NaN, Infinity, 60_000_001, '1', undefined])
    expect(() => node.wait(wrong as number)).toThrow(
      expect.objectContaining({ name: 'NativeError', code: 'ERR_ARGUMENT' }),
    )
  for (const wrong of [0, -1, 0.5, NaN, 2 ** 60, '1', undefined])
    expect(() => {
      wake(wrong as number)
    }).toThrow(expect.objectContaining({ name: 'NativeError', code: 'ERR_ARGUMENT' }))
})
