/** How a cluster of processes on this machine is started, from what was said on the command line. */
import { mkdtempSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { SystemDefinition } from '../protocol/index.js'
import type { LocalOptions } from '../runner/index.js'
import { programPath } from './core-thread-url.js'
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
  /** What said so; default: `--local`. */
  readonly flag?: string | undefined
  readonly set?: readonly string[] | undefined
  readonly seed?: number | undefined
  readonly spin?: number | undefined
  /** A temporary one unless given. */
  readonly folder?: string | undefined
}

/** What is said of a run on the command line, for clusters with and without a service. */
export interface RunOptions extends Omit<LocalOptions, 'clientPort' | 'restarts'> {
  /** Its folder is removed in the end. */
  readonly isTemporary: boolean
  /** If not as processes on this machine: as what. */
  readonly where?: string | undefined
}

/** Throws {@link UsageError} for a number of processes or a parameter that the system does not have. */
export function localOptions(
  { definition, modulePath }: LoadedSystem,
  system: string,
  { local, flag = '--local', set = [], seed = 1, spin, folder }: LocalChoice,
): RunOptions {
  const { minimum, maximum, noun } = definition.nodes
  if (local < minimum || local > maximum)
    throw new UsageError(
      `${flag} ${String(local)}: ${definition.name} has ${String(minimum)} to ${String(maximum)} ${noun}`,
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
    command: [process.execPath, programPath, 'run'],
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
