/** `aviary run --testbed`: the members in virtual machines, over RDMA verbs. */
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Testbed, USUAL_MEMORY_MIB, testbedPlace } from '../runner/index.js'
import { bundleProgram } from './bundle-program.js'
import type { RunFlags } from './commands/run.js'
import { type Exit, UsageError } from './errors.js'
import type { LoadedSystem } from './load-system.js'
import { type RunOptions, localOptions } from './local-options.js'
import { makeTerminal } from './terminal.js'

/** A virtual machine has one processor for a member's two threads. */
const SPIN_MICROS = 0

/**
 * Boots machines for this run, or takes those of the testbed that is named, and hands the members' place to `work`.
 * @param home where recordings are brought in the end
 */
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
  const { terminal, name } = { terminal: makeTerminal(flags), name: flags.testbed! }
  const nodes = flags.nodes ?? loaded.definition.nodes.default
  const folder = mkdtempSync(join(tmpdir(), 'aviary-run-'))
  try {
    // Says what is wrong with them before anything is booted.
    const options = localOptions(loaded, system, {
      ...{ set: flags.set, seed: flags.seed, folder },
      local: nodes,
      flag: '--nodes',
      spin: flags.spin ?? SPIN_MICROS,
    })
    const testbed =
      name === true
        ? await Testbed.up(
            { name: `run-${String(process.pid)}`, nodes, memoryMiB: USUAL_MEMORY_MIB, processors: 1 },
            (line) => {
              terminal.progress.update(line)
            },
          )
        : await Testbed.attach(name)
    terminal.progress.end()
    const place = testbedPlace(testbed)
    const recordFolder = join(place.folder, 'recordings')
    try {
      terminal.progress.update('preparing the members’ program')
      const program = await bundleProgram(join(place.folder, 'program'), loaded.modulePath !== undefined)
      return await work({
        ...options,
        command: [process.execPath, program, 'run'],
        place,
        where: 'virtual machines',
        fabric: 'verbs',
        recordFolder: home === undefined ? undefined : recordFolder,
      })
    } finally {
      if (home !== undefined && existsSync(recordFolder)) cpSync(recordFolder, home, { recursive: true })
      place.close()
      if (name === true) await testbed.down()
      else testbed.close()
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
