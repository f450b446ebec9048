/** Replicas of APUS as processes of their own, and what the first of them measures when it proposes. */
import { mkdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Scope } from '../scope.js'
import type { Load, LoadResult } from './load.js'
import type { ReplicaTask } from './replica.js'

export interface ProcessOptions {
  readonly nodes: number
  readonly parameters: Readonly<Record<string, number>>
  readonly loads: readonly Load[]
  /** Where logs are; needed for durability on disk. */
  readonly folder?: string | undefined
}

/** As the command itself sets them. */
const FLAGS = ['--max-inlined-bytecode-size-cumulative=10000', '--max-inlined-bytecode-size=2000']

let clusters = 0

/** Rejects when a replica fails; the scope ends the others. */
export async function inProcesses(
  scope: Scope,
  { nodes, parameters, loads, folder }: ProcessOptions,
): Promise<readonly LoadResult[]> {
  const program = fileURLToPath(new URL('./replica.js', import.meta.url))
  // As `aviary run`: who looks in vain keeps the one from working that it waits for.
  const spinMillis = availableParallelism() >= nodes ? 1 : 0
  const cluster = `bench-${String(process.pid)}-${String(clusters++)}`
  const outputs = await Promise.all(
    Array.from({ length: nodes }, (_, self) => {
      const own = folder === undefined ? undefined : join(folder, `replica-${String(self)}`)
      if (own !== undefined) mkdirSync(own)
      const task: ReplicaTask = {
        cluster,
        self,
        nodes,
        spinMillis,
        parameters,
        logFolder: own === undefined ? undefined : join(own, 'log'),
        loads: self === 0 ? loads : [],
      }
      return scope.spawn([process.execPath, ...FLAGS, program, JSON.stringify(task)]).output
    }),
  )
  return JSON.parse(outputs[0]!) as LoadResult[]
}
