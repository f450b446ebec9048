/**
 * Hunts each wrong variant of APUS, shrinks the first finding of a safety violation, and keeps its trace in
 * tests/apus/traces, which the tests replay. With names as arguments, only those. Run it after a change of the core that
 * the traces do not survive.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { systems } from '../dist/protocol/index.js'
import { Run, encodeTrace, exploreSeed, namesOf, recordTrace, shrink } from '../dist/sim/index.js'

const apus = systems.find(({ name }) => name === 'apus')
const folder = fileURLToPath(new URL('../tests/apus/traces/', import.meta.url))
const mostSeeds = 1_000
/** Variants whose only harm is that progress ends; traces of that are as long as patience. */
const stops = [
  'waits-for-all',
  'zero-is-no-acknowledgement',
  'idle-commit-untold',
  'swallowed-completions-awaited',
]
const limits = { plays: 2_000, states: 2_000, exhaustiveStates: 1_000, huntActions: 20_000 }

function hunt(bug) {
  for (let seed = 1; seed <= mostSeeds; seed++) {
    const { findings } = exploreSeed(apus, seed, { bug })
    const finding = findings.find(({ violation }) => violation.kind !== 'liveness')
    if (finding !== undefined) return finding
  }
  return undefined
}

mkdirSync(folder, { recursive: true })
const named = process.argv.slice(2)
for (const bug of Object.keys(apus.bugs)) {
  if (named.length > 0 ? !named.includes(bug) : stops.includes(bug)) continue
  const finding = hunt(bug)
  if (finding === undefined) {
    console.log(`${bug.padEnd(36)} no safety violation from ${mostSeeds} seeds`)
    continue
  }
  const { plan, violation, actions } = finding
  const found = new Run(apus, plan.setup)
  // A kept trace need not be the shortest.
  const small = shrink(apus, plan.setup, namesOf(found.world, actions), violation, limits)
  const run = new Run(apus, small.setup)
  for (const { site, subject } of small.actions) {
    const its = run.world.siteNamed(site)
    run.take(its.index, its.find(subject))
  }
  run.finish()
  writeFileSync(`${folder}${bug}.aviary`, encodeTrace(recordTrace(run, { provenance: { seed: plan.seed } })))
  console.log(`${bug.padEnd(36)} ${String(small.actions.length).padStart(4)} actions  ${run.violation?.name}`)
}
