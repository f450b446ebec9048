/** How a cluster of processes on this machine is started, from what was said on the command line. */
import { mkdtempSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { SystemDefinition } from '../protocol/index.js'
import type { LocalOptions } from '../runner/index.js'
import { UsageError } from './errors.js'
import type { LoadedSystem } from './load-system.js'
import { parametersOf } from './options.js'

/**
 * Microseconds of looking in vain before a core's thread sleeps. Where replicas share processors, who looks in vain keeps
 * the one from working that it waits for, and the scheduler makes it pay for that later.
 */
const USUAL_SPIN_MICROS = 200
export const CROWDED_SPIN_MICROS = 0

export interface LocalChoice {
  readonly local: number
  readonly set?: readonly string[] | undefined
  readonly seed?: number | undefined
  readonly spin?: number | undefined
  /** A temporary one unless given. */
  readonly folder?: string | undefined
}

/** Throws {@link UsageError} for a number of processes or a parameter that the system does not have. */
export function localOptions(
  { definition, modulePath }: LoadedSystem,
  system: string,
  { local, set = [], seed = 1, spin, folder }: LocalChoice,
): Omit<LocalOptions, 'clientPort' | 'restarts'> & { readonly isTemporary: boolean } {
  const { minimum, maximum, noun } = definition.nodes
  if (local < minimum || local > maximum)
    throw new UsageError(
      `--local ${String(local)}: ${definition.name} has ${String(minimum)} to ${String(maximum)} ${noun}`,
      'choose a number in that range.',
    )
  return {
    name: `${definition.name}-${String(process.pid)}`,
    system: modulePath === undefined ? definition.name : resolve(system),
    nodes: local,
    parameters: parametersOf(runnable(definition), set),
    seed,
    spinMicros: spin ?? (availableParallelism() > local ? USUAL_SPIN_MICROS : CROWDED_SPIN_MICROS),
    folder: folder ?? mkdtempSync(join(tmpdir(), 'aviary-run-')),
    // Not the launcher: packages and build are up to date by now, and a member that has died is to be back soon.
    command: [process.execPath, fileURLToPath(new URL('main.js', import.meta.url)), 'run'],
    isTemporary: folder === undefined,
  }
}

/** What `--set` sets: parameters of the service, where there is one. */
export const runnable = ({
  name,
  parameters,
  service,
}: SystemDefinition): Pick<SystemDefinition, 'name' | 'parameters'> => ({
  name,
  parameters: service?.parameters ?? parameters,
})
