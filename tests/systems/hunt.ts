/** Hunts through consecutive seeds, as the command line does on one worker. */
import { type SystemDefinition, systems } from '../../protocol/index.js'
import {
  type SwarmFinding,
  type SwarmOptions,
  defaultSetup,
  buildModel,
  exploreSeed,
} from '../../sim/index.js'

export interface Hunt {
  readonly finding: SwarmFinding | undefined
  readonly seeds: number
  readonly runs: number
  readonly cpuSeconds: number
}

/** Explores seeds from `first` on until something is found, or the seeds or the processor seconds are used up. */
export function hunt(
  definition: SystemDefinition,
  options: SwarmOptions,
  first: number,
  limits: { readonly seeds?: number; readonly cpuSeconds?: number },
): Hunt {
  const begun = process.cpuUsage()
  const used = (): number => {
    const { user, system } = process.cpuUsage(begun)
    return (user + system) / 1e6
  }
  const mostSeconds = limits.cpuSeconds ?? Infinity
  const mostSeeds = limits.seeds ?? Infinity
  let runs = 0
  let seeds = 0
  while (seeds < mostSeeds && used() < mostSeconds) {
    const result = exploreSeed(definition, first + seeds, options, () => used() >= mostSeconds)
    seeds++
    runs += result.runs
    const [finding] = result.findings
    if (finding !== undefined) return { finding, seeds, runs, cpuSeconds: used() }
  }
  return { finding: undefined, seeds, runs, cpuSeconds: used() }
}

export interface Variant {
  readonly definition: SystemDefinition
  readonly bug: string
}

export const variants: readonly Variant[] = systems.flatMap((definition) =>
  Object.keys(definition.bugs).map((bug) => ({ definition, bug })),
)

/** The variants of the three small systems, whose schedules can be enumerated and whose hunts take seconds. */
export const smallVariants = variants.filter(({ definition }) => definition.name !== 'apus')

/** What a system promises to those who use it; everything else in its spec is made for the protocol. */
const promises: Readonly<Record<string, readonly string[]>> = {
  '2pc': ['consistency'],
  paxos: ['agreement', 'linearizable'],
  'rdma-register': ['linearizable'],
  apus: ['agreement', 'linearizable'],
}

/** The properties that speak of the protocol's inside; without them a variant must be found by its consequence. */
export function insideProperties(definition: SystemDefinition): readonly string[] {
  const { spec } = buildModel(definition, defaultSetup(definition))
  return [...spec.invariants, ...spec.stepInvariants]
    .map((property) => property.name)
    .filter((name) => promises[definition.name]?.includes(name) !== true)
}
