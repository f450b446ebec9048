/**
 * Hunts each wrong variant of APUS, shrinks the first finding of a safety violation, and keeps its trace in
 * tests/apus/traces, which the tests replay. With names as arguments, only those. Run it after a change of the core that
 * the traces do not survive.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { systems } from '../dist/protocol/index.js'
import {
  Random,
  Run,
  demandGoal,
  encodeTrace,
  exploreSeed,
  namesOf,
  recordTrace,
  shrink,
} from '../dist/sim/index.js'

const apus = systems.find(({ name }) => name === 'apus')
const folder = fileURLToPath(new URL('../tests/apus/traces/', import.meta.url))
const mostSeeds = 1_000
/**
 * Variants whose only harm is that progress ends. A run of that is as long as patience, so only its beginning is kept:
 * the fewest actions after which the goal, demanded with some of these seeds, is not reached.
 */
const stops = [
  'waits-for-all',
  'zero-is-no-acknowledgement',
  'idle-commit-untold',
  'swallowed-completions-awaited',
]
/** Which replicas stay down while the goal is demanded is drawn. The same seeds as in the test. */
const goalSeeds = [1, 2, 3, 4]
/**
 * The guided tour shows this one. What shrinking leaves is a read, of which nobody sees why its loss would be harm; the
 * same actions carry a transfer of the bank, which the second client asks for.
 */
const transfers = ['completion-is-acknowledgement']
/** Where much can happen, what shrinking leaves of these is twice as long: they are hunted where little can, from these seeds on. */
const closely = { 'index-unchecked': 2, 'one-end-reset': 10 }
const little = { clients: 1, window: 1, retained: 1 }
/** As long as the minimiser may work at one trace, where it does not end by itself. */
const mostShrinkMillis = 90_000

function hunt(bug) {
  const parameters = bug in closely ? little : {}
  for (let seed = closely[bug] ?? 1; seed <= mostSeeds; seed++) {
    const { findings } = exploreSeed(apus, seed, { bug, parameters })
    const finding = findings.find(({ violation }) => violation.kind !== 'liveness')
    if (finding !== undefined) return finding
  }
  return undefined
}

/** Plays the first `count` actions of a finding. */
function play({ plan, actions }, count) {
  const run = new Run(apus, plan.setup)
  for (let k = 0; k < count; k++)
    run.take(actions.site(k), run.world.sites[actions.site(k)].find(actions.subject(k)))
  return run
}

/** The same actions, asked for by the second client of a bank. */
function asTransfer({ setup, actions }) {
  const parameters = { ...setup.parameters, application: 1, clients: 2 }
  return {
    setup: { ...setup, parameters },
    actions: actions.map(({ site, subject }) => ({ site: site.replace('c0', 'c1'), subject })),
  }
}

function stalls(finding, count) {
  return goalSeeds.some((seed) => {
    const run = play(finding, count)
    if (run.violation !== undefined) return false
    demandGoal(run, new Random(seed))
    return run.violation?.kind === 'liveness'
  })
}

function keepStall(bug) {
  for (let seed = 1; seed <= mostSeeds; seed++) {
    const finding = exploreSeed(apus, seed, { bug }).findings.find(
      ({ violation }) => violation.kind === 'liveness',
    )
    if (finding === undefined) continue
    for (let count = 0; count <= Math.min(400, finding.actions.length); count++) {
      if (!stalls(finding, count)) continue
      const run = play(finding, count)
      run.finish()
      writeFileSync(`${folder}${bug}.aviary`, encodeTrace(recordTrace(run, { provenance: { seed } })))
      console.log(`${bug.padEnd(36)} ${String(count).padStart(4)} actions  no progress`)
      return
    }
  }
  console.log(`${bug.padEnd(36)} no stall from ${mostSeeds} seeds`)
}

mkdirSync(folder, { recursive: true })
const named = process.argv.slice(2)
for (const bug of Object.keys(apus.bugs)) {
  if (named.length > 0 && !named.includes(bug)) continue
  if (stops.includes(bug)) {
    keepStall(bug)
    continue
  }
  const finding = hunt(bug)
  if (finding === undefined) {
    console.log(`${bug.padEnd(36)} no safety violation from ${mostSeeds} seeds`)
    continue
  }
  const { plan, violation, actions } = finding
  const found = new Run(apus, plan.setup)
  const end = performance.now() + mostShrinkMillis
  const small = shrink(apus, plan.setup, namesOf(found.world, actions), violation, {
    shouldStop: () => performance.now() > end,
  })
  const { setup, actions: names } = transfers.includes(bug) ? asTransfer(small) : small
  const run = new Run(apus, setup)
  for (const { site, subject } of names) {
    const its = run.world.siteNamed(site)
    run.take(its.index, its.find(subject))
  }
  run.finish()
  if (run.violation?.name !== violation.name)
    throw new Error(`${bug}: ${run.violation?.name ?? 'nothing'} is violated, not ${violation.name}`)
  writeFileSync(`${folder}${bug}.aviary`, encodeTrace(recordTrace(run, { provenance: { seed: plan.seed } })))
  console.log(`${bug.padEnd(36)} ${String(small.actions.length).padStart(4)} actions  ${run.violation?.name}`)
}
