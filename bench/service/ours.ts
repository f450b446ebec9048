/** Aviary as it is measured: embedded in a program, and behind the gateway of the leader. */
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { LocalCluster, type MemberStatus } from '../../runner/index.js'
import { inProcesses } from '../commit/processes.js'
import type { Scope } from '../scope.js'
import type { Contender, Durability } from './contender.js'
import { runRespLoad } from './resp-load.js'

/** No failover is measured here: a leader must not be suspected because it had no processor for a moment. */
const PACE = { beatMicros: 20_000, suspectMicros: 1_000_000 }
const READY_MILLIS = 60_000

export function ours(version: string): readonly Contender[] {
  return [
    {
      system: 'aviary',
      boundary: 'program',
      version,
      manner: 'ServiceReplica, a process for each replica, proposed to in the thread of the core',
      measure: (scope, { nodes, durability, folder, loads }) =>
        inProcesses(scope, {
          nodes,
          loads,
          parameters: { ...PACE, sessions: 64, window: 256, durability: durability === 'disk' ? 1 : 0 },
          folder: durability === 'disk' ? scope.folder(folder) : undefined,
        }),
    },
    {
      system: 'aviary',
      boundary: 'protocol',
      version,
      manner: 'aviary run apus, SET over TCP to the gateway of the leader, from a program in JavaScript',
      async measure(scope, { nodes, durability, folder, loads }) {
        const { port } = await startCluster(scope, { nodes, durability, folder })
        const results = []
        for (const load of loads) results.push(await runRespLoad(port, load))
        return results
      },
    },
  ]
}

let clusters = 0

/** A cluster as `aviary run apus --local` starts it; the port of its leader's gateway. */
export async function startCluster(
  scope: Scope,
  { nodes, durability, folder }: { nodes: number; durability: Durability; folder: string },
): Promise<{ readonly port: number }> {
  const complaints: string[] = []
  const local = await LocalCluster.start({
    name: `bench-${String(process.pid)}-${String(clusters++)}`,
    system: 'apus',
    nodes,
    parameters: { ...PACE, durability: durability === 'disk' ? 1 : 0 },
    seed: 1,
    clientPort: 0,
    // As the command itself decides.
    spinMicros: availableParallelism() > nodes ? 200 : 0,
    folder: join(scope.folder(folder), 'cluster'),
    command: [process.execPath, fileURLToPath(new URL('../../cli/main.js', import.meta.url)), 'run'],
    restarts: false,
    died: (member, how) => {
      complaints.push(`member ${String(member)} has died (${how})`)
    },
  })
  scope.atEnd(() => local.stop())
  let last: readonly (MemberStatus | undefined)[] = []
  await local
    .until((statuses) => {
      last = statuses
      return (
        statuses.some((each) => each?.service?.leads === true) &&
        statuses.every((each) => each?.state === 'running')
      )
    }, READY_MILLIS)
    .catch((error: unknown) => {
      throw new Error([(error as Error).message, ...complaints].join('; '))
    })
  const leader = last.findIndex((each) => each?.service?.leads === true)
  return { port: local.cluster.members[leader]!.clients!.port }
}
