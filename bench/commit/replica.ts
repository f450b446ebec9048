/**
 * One replica of APUS as a user of the embedded API runs it: a process whose one thread turns the replica, and, at the
 * leader, proposes. Told what to do by a JSON argument; answers with one line of JSON.
 */
import { apus } from '../../protocol/apus/index.js'
import { ServiceReplica } from '../../runner/index.js'
import { type Load, type LoadResult, runLoad } from './load.js'

export interface ReplicaTask {
  readonly cluster: string
  readonly self: number
  readonly nodes: number
  /** Milliseconds of looking in vain before it sleeps. */
  readonly spinMillis: number
  readonly parameters: Readonly<Record<string, number>>
  /** Where its log is; needed for durability on disk. */
  readonly logFolder?: string | undefined
  /** At the leader: one after the other. */
  readonly loads: readonly Load[]
}

const task = JSON.parse(process.argv[2]!) as ReplicaTask
const { cluster, self, nodes } = task
let epochs = 0
const service = new ServiceReplica({
  model: apus.service!.build({ nodes, parameters: task.parameters }),
  self,
  nodes,
  incarnation: 0,
  incarnations: new Uint32Array(nodes),
  cluster,
  logFolder: task.logFolder,
  nextEpoch: () => epochs++,
})
const { native } = service.replica
const others = Array.from({ length: nodes }, (_, node) => node).filter((node) => node !== self)
while (!others.every((node) => native.peerState(node) === 'connected')) native.turn()
service.start(performance.now())

const MOST_SLEEP_MICROS = 1000
let lastBusy = 0
/** One round of the loop: a turn, and sleep when there has been nothing to do for a while. */
function round(): void {
  const now = performance.now()
  if (service.turn(now)) lastBusy = now
  else if (now - lastBusy > task.spinMillis) service.wait(MOST_SLEEP_MICROS)
}

const isGone = (): boolean => others.some((node) => native.peerState(node) !== 'connected')
if (task.loads.length > 0) {
  const results: LoadResult[] = []
  for (const load of task.loads) results.push(runLoad(service, load, round))
  if (service.leader !== self)
    throw new Error(
      'another replica has taken the lead while this one measured: measure again, on a machine less busy',
    )
  process.stdout.write(`${JSON.stringify(results)}\n`)
  service.close()
} else {
  // Follows until the leader has gone.
  for (let k = 0; k % 1024 !== 0 || !isGone(); k++) round()
  service.close()
}
