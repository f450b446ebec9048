/**
 * Litmus programs over real queue pairs, inside machines of a testbed: the very cores that the simulator runs, in orders
 * drawn from seeds, may have no outcome that the simulator does not have, but for deviations that are listed by name.
 */
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { expect } from 'vitest'
import { z } from 'zod'
import type { LitmusProgram } from '../../model-check/litmus/program.js'
import type { Testbed } from '../../runner/testbed/index.js'
import { verbsDeviations } from '../native/parity/deviations.js'
import { missingFor, readPrograms } from '../native/parity/suite.js'

const root = fileURLToPath(new URL('../../', import.meta.url))
const programsFolder = join(root, 'model-check/litmus/programs')

export const runnable: readonly LitmusProgram[] = readPrograms(programsFolder).filter(
  (program) => missingFor(program, 'verbs') === undefined,
)

const lineSchema = z.object({ name: z.string(), seen: z.array(z.string()), millis: z.number() })
export type Seen = z.output<typeof lineSchema>

/** The suite in one file: an emulated machine takes long to find and link many. Returns its path. */
async function bundle(testbed: Testbed): Promise<string> {
  const outfile = join(testbed.share, 'parity.mjs')
  await build({
    entryPoints: [join(root, 'tests/native/parity/in-machine.ts')],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    // The addon is found beside the source that looks for it.
    define: { 'import.meta.url': JSON.stringify(pathToFileURL(join(root, 'native/addon.ts')).href) },
    logLevel: 'silent',
  })
  return outfile
}

/** Runs programs with so many seeds each, shared out among machines. */
export async function seenInMachines(
  testbed: Testbed,
  machines: readonly number[],
  names: readonly string[],
  seeds: number,
): Promise<Seen[]> {
  const path = await bundle(testbed)
  const runs = machines.map(async (machine, k) => {
    const its = names.filter((_, i) => i % machines.length === k)
    const argv = [process.execPath, path, programsFolder, String(seeds), ...its]
    const { code, stdout, stderr, error } = await testbed.exec(machine, argv)
    expect(code, `${error ?? ''} ${stderr}`).toBe(0)
    const seen = stdout
      .trimEnd()
      .split('\n')
      .map((line) => lineSchema.parse(JSON.parse(line)))
    expect(seen.map(({ name }) => name).sort()).toEqual([...its].sort())
    return seen
  })
  return (await Promise.all(runs)).flat()
}

/** What was seen and should not have been, or was not seen and should have been, in words; empty where all is well. */
export function complaintsAbout({ name, seen }: Seen): string[] {
  const deviation = verbsDeviations[name]
  const known =
    deviation === undefined
      ? undefined
      : deviation.outcome.startsWith('failed')
        ? deviation.outcome
        : `not allowed: ${deviation.outcome}`
  const wrong = seen.filter((key) => !key.startsWith('allowed: ') && key !== known)
  const complaints = wrong.map((key) => `${name}: ${key}`)
  if (deviation?.always === true && !seen.includes(known!))
    complaints.push(`${name}: ${deviation.outcome} was not seen, but ${seen.join('; ')}`)
  return complaints
}
