/** Members in virtual machines, over RDMA verbs: what commands with `--testbed` have in common, and `aviary run --testbed`. */
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Testbed, type TestbedPlace, USUAL_MEMORY_MIB, testbedPlace } from '../runner/index.js'
import { bundleProgram } from './bundle-program.js'
import type { RunFlags } from './commands/run.js'
import { type Exit, UsageError } from './errors.js'
import type { LoadedSystem } from './load-system.js'
import { type RunOptions, localOptions } from './local-options.js'
import { type Terminal, makeTerminal } from './terminal.js'

/** A virtual machine has one processor for a member's two threads. */
const SPIN_MICROS = 0

/** What is said of it on the command line. */
export interface TestbedChoice {
  /** The name of one that is up; true: machines are booted. */
  readonly testbed: string | true
  readonly nodes?: number | undefined
  readonly set?: readonly string[] | undefined
  readonly seed?: number | undefined
  readonly spin?: number | undefined
}

/** Of a cluster in a testbed, and the place of its members. */
export interface TestbedOptions extends RunOptions {
  readonly place: TestbedPlace
}

/**
 * Boots machines, or takes those of the testbed that is named, and hands the members' place to `work`; afterwards what was
 * booted is gone. Throws {@link UsageError} before anything is booted where the system does not run so.
 */
export async function onTestbed<T>(
  loaded: LoadedSystem,
  system: string,
  { testbed: name, nodes = loaded.definition.nodes.default, set, seed, spin }: TestbedChoice,
  { progress }: Terminal,
  work: (options: TestbedOptions, testbed: Testbed) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'aviary-run-'))
  try {
    const options = localOptions(loaded, system, {
      ...{ set, seed, folder },
      local: nodes,
      flag: '--nodes',
      spin: spin ?? SPIN_MICROS,
    })
    const testbed =
      name === true
        ? await Testbed.up(
            { name: `run-${String(process.pid)}`, nodes, memoryMiB: USUAL_MEMORY_MIB, processors: 1 },
            (line) => {
              progress.update(line)
            },
          )
        : await Testbed.attach(name)
    progress.end()
    const place = testbedPlace(testbed)
    try {
      progress.update('preparing the members’ program')
      const program = await bundleProgram(join(place.folder, 'program'), loaded.modulePath !== undefined)
      return await work(
        {
          ...options,
          command: [process.execPath, program, 'run'],
          place,
          where: 'virtual machines',
          fabric: 'verbs',
        },
        testbed,
      )
    } finally {
      place.close()
      if (name === true) await testbed.down()
      else testbed.close()
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** @param home where recordings are brought in the end */
export async function runOnTestbed(
  loaded: LoadedSystem,
  system: string,
  flags: RunFlags,
  home: string | undefined,
  work: (options: RunOptions) => Promise<Exit>,
): Promise<Exit> {
  for (const name of ['folder', 'pin', 'fabric'] as const)
    if (flags[name] !== undefined)
      throw new UsageError(
        `--${name}: means nothing with --testbed`,
        'leave it out: members run over verbs, and keep what they have in the folder that their testbed shares.',
      )
  const choice = { ...flags, testbed: flags.testbed! }
  return onTestbed(loaded, system, choice, makeTerminal(flags), async (options) => {
    const recordFolder = join(options.place.folder, 'recordings')
    try {
      return await work({ ...options, recordFolder: home === undefined ? undefined : recordFolder })
    } finally {
      if (home !== undefined && existsSync(recordFolder)) cpSync(recordFolder, home, { recursive: true })
    }
  })
}
