// What must hold between processes that are stopped and killed wherever they are.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { Control, Flag, Right, Status } from '../../protocol/index.js'
import { type ShmOptions } from '../../native/index.js'
import { Peer, completionsOf, freshCluster, met, open, until } from './support.js'

const regionBytes = 1 << 20
/** Long packets, so that a process is likely to be stopped in the middle of one. */
const shared = {
  regionBytes: [64, regionBytes],
  packetBytes: 1 << 16,
  retryMicros: 5_000_000,
} satisfies Partial<ShmOptions>

const shm = (cluster: string, self: number, nodes: number, more: Partial<ShmOptions> = {}): ShmOptions => ({
  cluster,
  self,
  nodes,
  ...shared,
  ...more,
})

test('the memory of a stopped process is written and read', async () => {
  const cluster = freshCluster()
  const node = open({ shm: shm(cluster, 0, 2) })
  const peer = await Peer.start({ shm: shm(cluster, 1, 2) })
  await met([node], 2)
  await peer.stop()
  node.output.set([1, 2, 3, 4, 5, 6, 7, 8])
  node.write(1, 0, 8, 0, 0, 8, 1, Flag.inline | Flag.signaled)
  node.read(1, 0, 8, 0, 16, 8, 2, Flag.signaled)
  node.fetchAdd(1, 0, 16, 0, 24, 5, 3, Flag.signaled)
  expect((await completionsOf(node, 3)).map(({ status }) => status)).toEqual([0, 0, 0])
  expect([...new Uint8Array(node.memory, node.regionsAt[0]! + 16, 8)]).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
  peer.resume()
  expect(await peer.ask('peek', 0, 8, 16)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 5, 0, 0, 0, 0, 0, 0, 0])
})

test('a revocation is final though the writer was stopped in the middle of a copy', async () => {
  const cluster = freshCluster()
  const node = open({ shm: shm(cluster, 0, 2) })
  const peer = await Peer.start({ shm: shm(cluster, 1, 2) })
  await met([node], 2)
  const target = new Uint8Array(node.memory, node.regionsAt[1], regionBytes)
  let wasMoved = 0
  let wasStill = 0
  for (let round = 1; round <= 60 && (wasMoved === 0 || wasStill === 0); round++) {
    await peer.ask('fill', 1, round)
    const streaming = peer.ask<{ status: number }>('stream', {
      kind: 'write',
      queuePair: 0,
      region: 1,
      bytes: regionBytes,
    })
    await until('the writer is at work', () => target[0] === round, [node])
    await peer.stop()
    const before = node.relocations()
    node.control(1, Control.rights, Right.none, round)
    expect((await completionsOf(node, 1))[0]).toMatchObject({ kind: 1, token: round, status: Status.ok })
    if (node.relocations() > before) wasMoved++
    else wasStill++
    // From here on the writer can do nothing, whenever it goes on.
    const owned = (round * 7) & 0xff
    target.fill(owned)
    peer.resume()
    let outcome: { status: number } | undefined
    void streaming.then((result) => (outcome = result))
    await until('the writer learns of it', () => outcome !== undefined, [node])
    expect(outcome!.status).toBe(Status.remoteInvalidRequest)
    expect(target.findIndex((byte) => byte !== owned)).toBe(-1)

    node.control(1, Control.connect, round, 0)
    expect((await completionsOf(node, 1))[0]).toMatchObject({ status: Status.ok })
    await peer.call('control', 0, Control.connect, round, 0)
    await until('the peer is ready again', async () => (await peer.call('endState', 0)) === 'readyToSend', [
      node,
    ])
  }
  // Both ways of finality were met: waiting for a writer between two packets, moving away from one inside.
  expect(wasMoved).toBeGreaterThan(0)
})

test('a writer that is killed in the middle of a copy keeps nobody from revoking, and the memory stays where it is', async () => {
  for (let round = 0; round < 4; round++) {
    const cluster = freshCluster()
    // A grace period that would not end in this test.
    const node = open({ shm: shm(cluster, 0, 2, { graceMicros: 60_000_000 }) })
    const peer = await Peer.start({ shm: shm(cluster, 1, 2) })
    await met([node], 2)
    const target = new Uint8Array(node.memory, node.regionsAt[1], regionBytes)
    await peer.ask('fill', 1, 9)
    peer.ask('stream', { kind: 'write', queuePair: 0, region: 1, bytes: regionBytes }).catch(() => undefined)
    await until('the writer is at work', () => target[0] === 9, [node])
    await peer.kill()
    node.control(1, Control.reset, 0, 5)
    expect((await completionsOf(node, 1))[0]).toMatchObject({ token: 5, status: Status.ok })
    expect(node.relocations()).toBe(0)
    node.close()
  }
})

test('while the memory moves away from one writer, another one loses nothing and does nothing twice', async () => {
  const cluster = freshCluster()
  // Long enough that who is merely kept waiting by the scheduler is through: an atomic could not say whether it was done.
  const node = open({ shm: shm(cluster, 0, 3, { graceMicros: 200_000 }) })
  const writer = await Peer.start({ shm: shm(cluster, 1, 3) })
  const counter = await Peer.start({ shm: shm(cluster, 2, 3, { retryMicros: 500_000 }) })
  await met([node], 3)
  const target = new Uint8Array(node.memory, node.regionsAt[1], regionBytes)
  const word = new Uint32Array(node.memory, node.regionsAt[0], 2)
  const counted = counter.ask<{ count: number; status: number }>('stream', {
    kind: 'add',
    queuePair: 0,
    region: 0,
  })
  let outcome: { count: number; status: number } | undefined
  void counted.then((result) => (outcome = result))
  for (let round = 1; node.relocations() === 0; round++) {
    await writer.ask('fill', 1, round)
    writer
      .ask('stream', { kind: 'write', queuePair: 0, region: 1, bytes: regionBytes })
      .catch(() => undefined)
    await until('the writer is at work', () => target[0] === round, [node])
    await writer.stop()
    node.control(1, Control.rights, Right.none, 0)
    await completionsOf(node, 1)
    writer.resume()
    await until('the writer fails', () => node.endState(1) === 'error', [node])
    node.control(1, Control.connect, round, 0)
    await completionsOf(node, 1)
    await writer.call('control', 0, Control.connect, round, 0)
    await until(
      'the writer is ready again',
      async () => (await writer.call('endState', 0)) === 'readyToSend',
      [node],
    )
  }
  const soFar = word[0]!
  await until('the other one goes on', () => outcome !== undefined || word[0]! > soFar + 100, [node])
  expect(outcome).toBeUndefined()
  node.control(2, Control.error, 0, 0)
  await completionsOf(node, 1)
  // Nobody serves it any more; it gives up after its retry time.
  await until('the other one ends', () => outcome !== undefined, [node])
  expect(outcome).toEqual({ count: word[0], status: Status.retryExceeded })
})

test('a killed node leaves nothing behind, its peers hear silence, and it comes back as a new incarnation', async () => {
  const cluster = freshCluster()
  const node = open({ shm: shm(cluster, 0, 2, { retryMicros: 50_000 }) })
  const peer = await Peer.start({ shm: shm(cluster, 1, 2) })
  await met([node], 2)
  await peer.kill()
  // Until the kernel has told, its memory is written still, as that of a killed process is before its teardown.
  await until('its end is known', () => node.peerState(1) === 'absent', [node])
  node.write(1, 0, 0, 0, 0, 8, 1, Flag.signaled)
  node.write(1, 0, 0, 0, 0, 8, 2, 0)
  const ended = await completionsOf(node, 2)
  expect(ended.map(({ status }) => status)).toEqual([Status.retryExceeded, Status.flushed])
  const sockets = readFileSync('/proc/net/unix', 'utf8')
    .split('\n')
    .filter((line) => line.includes(`/${cluster}/`))
  expect(sockets.map((line) => line.slice(line.indexOf('@')))).toEqual([
    `@aviary/${String(process.getuid!())}/${cluster}/0`,
  ])

  const again = await Peer.start({ shm: shm(cluster, 1, 2, { isRestarted: true }) })
  await met([node], 2)
  expect(await again.call('endState', 0)).toBe('reset')
  node.control(1, Control.connect, 7, 3)
  await completionsOf(node, 1)
  await again.call('control', 0, Control.connect, 7, 4)
  await until('the new one is ready', async () => (await again.call('endState', 0)) === 'readyToSend', [node])
  node.write(1, 0, 0, 0, 0, 8, 5, Flag.signaled)
  expect((await completionsOf(node, 1))[0]).toMatchObject({ token: 5, status: Status.ok })
})

test('a second process of a node that is alive is refused', async () => {
  const cluster = freshCluster()
  await Peer.start({ shm: shm(cluster, 0, 2) })
  expect(() => open({ shm: shm(cluster, 0, 2) })).toThrow(
    expect.objectContaining({ code: 'ERR_ADDRESS_IN_USE' }),
  )
})

test('nodes that disagree on the shape of the cluster do not begin with each other', async () => {
  const cluster = freshCluster()
  const [one, other] = [
    open({ shm: shm(cluster, 0, 2) }),
    open({ shm: shm(cluster, 1, 2, { pairsPerPeer: 3 }) }),
  ]
  await until('they notice', () => [one.peerState(1), other.peerState(0)].includes('incompatible'), [
    one,
    other,
  ])
  expect([one.peerState(1), other.peerState(0)]).not.toContain('connected')
})
