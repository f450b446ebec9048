/**
 * The campaign behind a claim: of every wrong variant the minimised schedule is at most twice as long as the shortest one
 * that ends in the same violation. Exhaustive searches prove it in the minimised setup: for the first finding of each
 * variant they go on, as far as the states allow, to the very length; for the others they stop where twice is proven.
 *
 * Beyond the claim each is also searched in the setup in which it was found, where the cluster is larger and more faults
 * may strike, as far as the states allow. The results are written beside this file, to be committed.
 */
import { writeFileSync } from 'node:fs'
import { afterAll, describe, expect, it } from 'vitest'
import type { SystemDefinition } from '../../protocol/index.js'
import { type SwarmFinding, buildWorld, exploreSeed, namesOf, shrink } from '../../sim/index.js'
import { type Shortest, findShortest } from '../../sim/shrink/shortest.js'
import { smallVariants } from '../systems/hunt.js'

const firstSeeds = [1, 1_001, 2_001] as const
/** Most states that a search keeps: in the minimised setup of the first findings, of others, and in the setup as found. */
const mostStates = { first: 20_000_000, others: 4_000_000, asFound: 1_000_000 }

interface Bound {
  /** Actions of a shortest schedule, where one was found or none is shorter than the minimised. */
  readonly shortest: number | null
  /** No schedule of so many actions, or of fewer, ends in the violation. */
  readonly noneUpTo: number
  readonly states: number
}
interface Row {
  readonly system: string
  readonly bug: string
  readonly seed: number
  readonly violation: string
  readonly actionsFound: number
  readonly actionsMinimised: number
  readonly nodes: number
  readonly minimisedSetup: Bound
  /** The minimised length over the shortest that is possible. */
  readonly ratioAtMost: number
  readonly setupAsFound: Bound
  /** Whether twice is proven there too. */
  readonly isTwiceAsFound: boolean
}
const rows: Row[] = []

afterAll(() => {
  const results = { firstSeeds, mostStates, rows }
  writeFileSync(new URL('shortest.results.json', import.meta.url), `${JSON.stringify(results, null, 2)}\n`)
})

/** The first finding of a safety violation from a seed on, and its seed. */
function hunt(definition: SystemDefinition, bug: string, first: number): SwarmFinding {
  for (let seed = first; seed < first + 1_000; seed++) {
    const { findings } = exploreSeed(definition, seed, { bug })
    const finding = findings.find(({ violation }) => violation.kind !== 'liveness')
    if (finding !== undefined) return finding
  }
  throw new Error(`nothing found of ${bug} from seed ${String(first)} on`)
}

function boundOf({ length, noneUpTo, states }: Shortest, minimised: number): Bound {
  return { shortest: length ?? (noneUpTo === minimised - 1 ? minimised : null), noneUpTo, states }
}

const leastOf = ({ shortest, noneUpTo }: Bound): number => shortest ?? noneUpTo + 1

for (const first of firstSeeds)
  describe(`at most twice as long as the shortest, from seed ${String(first)} on`, () => {
    for (const { definition, bug } of smallVariants)
      it(`${definition.name} ${bug}`, () => {
        const { plan, actions, violation } = hunt(definition, bug, first)
        const names = namesOf(buildWorld(definition, plan.setup), actions)
        const small = shrink(definition, plan.setup, names, violation)
        const minimised = small.actions.length
        const half = Math.ceil(minimised / 2) - 1
        const isFirst = first === firstSeeds[0]
        const inMinimised = findShortest(definition, small.setup, violation, {
          depth: isFirst ? minimised - 1 : half,
          states: isFirst ? mostStates.first : mostStates.others,
        })
        const asFound = findShortest(definition, plan.setup, violation, {
          depth: half,
          states: mostStates.asFound,
        })
        const minimisedSetup = boundOf(inMinimised, minimised)
        const setupAsFound = boundOf(asFound, minimised)
        const row: Row = {
          system: definition.name,
          bug,
          seed: plan.seed,
          violation: violation.name,
          actionsFound: actions.length,
          actionsMinimised: minimised,
          nodes: small.setup.nodes,
          minimisedSetup,
          ratioAtMost: Math.round((100 * minimised) / leastOf(minimisedSetup)) / 100,
          setupAsFound,
          isTwiceAsFound: minimised <= 2 * leastOf(setupAsFound),
        }
        rows.push(row)
        expect(minimised, 'more than twice').toBeLessThanOrEqual(2 * leastOf(minimisedSetup))
        expect(asFound.length, 'shorter than half in the setup as found').toBeUndefined()
      })
  })
