/**
 * Runs litmus programs over verbs where it is started: in a machine with an RDMA device. A line of JSON for each program.
 *
 *     node in-machine.mjs FOLDER SEEDS [NAME ...]
 */
import { missingFor, outcomesOf, readPrograms } from './suite.js'

const [folder, seeds, ...names] = process.argv.slice(2)
for (const program of readPrograms(folder!)) {
  const { name } = program
  if (missingFor(program, 'verbs') !== undefined || (names.length > 0 && !names.includes(name))) continue
  const begun = performance.now()
  let seen: readonly string[]
  try {
    seen = outcomesOf(program, 'verbs', Number(seeds))
  } catch (error) {
    seen = [`failed: ${error instanceof Error ? error.message : String(error)}`]
  }
  console.log(JSON.stringify({ name, seen, millis: Math.round(performance.now() - begun) }))
}
