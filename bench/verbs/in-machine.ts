/**
 * The program that measures inside of a machine of the testbed. Told what by a JSON argument; it tells its result, and how
 * it is reached, on its IPC channel.
 */
import { openNode, probePort } from '../../native/index.js'
import { apus } from '../../protocol/apus/index.js'
import { Flag } from '../../protocol/index.js'
import type { FabricAddress } from '../../runner/fabric-choice.js'
import { ServiceReplica } from '../../runner/service-replica.js'
import { type LoadResult, percentiles, runLoad } from '../commit/load.js'
import { runRespLoad } from '../service/resp-load.js'
import type { Address, Meet, RawWrite, ReplicaTask, Said, Task } from './task.js'

const WRITE_BYTES = 64
const PEERS_MILLIS = 120_000
/** Milliseconds between two looks at what peers have told. */
const LISTEN_MILLIS = 200
const SETTLE_MILLIS = 1000
/** A machine that is emulated may have no processor for a while; that is no reason to give up. */
const PATIENCE = { askAgainMillis: 1000, patienceMillis: 60_000 }

const say = (said: Said): Promise<void> =>
  new Promise((resolve) => process.send!(said, undefined, undefined, () => resolve()))
const pause = (millis: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, millis))

async function until(isThere: () => boolean, what: string): Promise<void> {
  for (const end = performance.now() + PEERS_MILLIS; !isThere(); await pause(2))
    if (performance.now() > end) throw new Error(`${what}: not within ${String(PEERS_MILLIS / 1000)} s`)
}

function onMeet(meet: (peer: number, address: Address) => void): void {
  process.on('message', ({ peer, address }: Meet) => {
    meet(peer, address)
  })
}

function probed(trips: number): RawWrite {
  const { writeMicros, gidIndex } = probePort({}, trips)
  return { p50: writeMicros[0], p99: writeMicros[1], gidIndex }
}

/** Through the native node, as a core posts; node 1 does nothing, for nothing is asked of its processor but the device's. */
async function written(self: 0 | 1, trips: number): Promise<RawWrite | undefined> {
  const peer = 1 - self
  const node = openNode({ verbs: { self, nodes: 2, regionBytes: [WRITE_BYTES] } })
  onMeet((from, address) => {
    node.meet(from, address as Uint8Array)
  })
  const addresses = [0, 1].map((to) => (to === self ? undefined : node.addressFor(to)))
  await say({ kind: 'addresses', addresses })
  if (self === 1) return undefined
  await until(() => node.peerState(peer) === 'connected', 'the other node has told its address')
  const samples = new Float64Array(trips)
  // The first half as many warm it up.
  for (let trip = -(trips >> 1); trip < trips; trip++) {
    const begun = performance.now()
    node.write(peer, 0, 0, 0, 0, WRITE_BYTES, 1, Flag.inline | Flag.signaled)
    let ended = node.turn()
    while (ended === 0) ended = node.turn()
    if (node.completion(0, 'status') !== 0) throw new Error('a WRITE to the other machine has failed')
    if (trip >= 0) samples[trip] = performance.now() - begun
  }
  node.close()
  const { p50, p99 } = percentiles(samples)
  return { p50, p99 }
}

async function replicated(task: ReplicaTask): Promise<readonly LoadResult[]> {
  const { self, nodes, cluster, fabric, parameters, loads } = task
  let epochs = 0
  const service = new ServiceReplica({
    model: apus.service!.build({ nodes, parameters }),
    ...{ self, nodes, cluster, fabric: { kind: fabric }, ...PATIENCE },
    incarnation: 0,
    incarnations: new Uint32Array(nodes),
    nextEpoch: () => epochs++,
  })
  const { replica } = service
  const { native } = replica
  let told = -1
  const tell = async (): Promise<void> => {
    if (fabric === 'shm' || replica.addressRevision === told) return
    told = replica.addressRevision
    await say({
      kind: 'addresses',
      addresses: Array.from({ length: nodes }, (_, to) => (to === self ? undefined : replica.addressFor(to))),
    })
  }
  onMeet((from, address) => {
    replica.meet(from, address as FabricAddress)
  })
  await tell()
  const isMet = (): boolean => {
    native.turn()
    return Array.from({ length: nodes }, (_, node) => node).every(
      (node) => node === self || native.peerState(node) === 'connected',
    )
  }
  await until(isMet, 'all replicas have met')
  service.start(performance.now())
  /** A turn, and sleep when there was nothing to do: replicas share processors, and so do machines. */
  const round = (): void => {
    const now = performance.now()
    if (service.turn(now)) return
    const restMicros = 1000 * (service.nextDue - now)
    if (restMicros >= 1) native.wait(Math.min(50_000, Math.floor(restMicros)))
  }
  const roundsFor = async (millis: number): Promise<void> => {
    for (const end = performance.now() + millis; performance.now() < end;) round()
    await tell()
    await pause(0)
  }
  for (const end = performance.now() + SETTLE_MILLIS; performance.now() < end;) await roundsFor(20)
  if (loads.length === 0) for (;;) await roundsFor(LISTEN_MILLIS)
  const results: LoadResult[] = []
  for (const load of loads) {
    results.push(runLoad(service, load, round))
    await roundsFor(0)
  }
  if (service.leader !== self)
    throw new Error('another replica has taken the lead meanwhile: measure again, on a machine less busy')
  return results
}

async function done(task: Task): Promise<unknown> {
  switch (task.kind) {
    case 'probe':
      return probed(task.trips)
    case 'write':
      return written(task.self, task.trips)
    case 'replica':
      return replicated(task)
    case 'set': {
      const results = []
      for (const load of task.loads) results.push(await runRespLoad(task.port, load, task.host))
      return results
    }
  }
}

const task = JSON.parse(process.argv[2]!) as Task
const value = await done(task)
// The target of WRITEs stays until it is ended.
if (!(task.kind === 'write' && task.self === 1)) {
  await say({ kind: 'result', value })
  process.exit(0)
}
