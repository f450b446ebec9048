/** A setup is all that decides which world a schedule runs in. It is stored with every trace. */
import type {
  FaultBudget,
  FaultKind,
  Knobs,
  NodeId,
  SystemDefinition,
  SystemModel,
} from '../../protocol/index.js'
import { Random, derivedSeed } from '../random.js'
import type { Limits } from '../world/limits.js'
import { defaultKnobs } from '../world/options.js'
import { World } from '../world/world.js'

export interface Setup {
  readonly system: string
  /** The wrong variant, or undefined for the right protocol. */
  readonly bug: string | undefined
  readonly nodes: number
  readonly parameters: Readonly<Record<string, number>>
  /** Draws the clients' scripts. */
  readonly workloadSeed: number
  readonly knobs: Knobs
  readonly budget: FaultBudget
  readonly spared: Readonly<Partial<Record<FaultKind, readonly NodeId[]>>>
  /** Properties that are not judged. */
  readonly without: readonly string[]
}

/** The system's defaults, no faults. */
export function defaultSetup(definition: SystemDefinition): Setup {
  const parameters = Object.fromEntries(
    Object.entries(definition.parameters).map(([name, parameter]) => [name, parameter.default]),
  )
  return {
    system: definition.name,
    bug: undefined,
    nodes: definition.nodes.default,
    parameters,
    workloadSeed: 1,
    knobs: defaultKnobs,
    budget: {},
    spared: {},
    without: [],
  }
}

export function buildModel(definition: SystemDefinition, setup: Setup): SystemModel {
  return definition.build({
    nodes: setup.nodes,
    parameters: setup.parameters,
    bug: setup.bug,
    draw: new Random(derivedSeed(setup.workloadSeed, 1)),
  })
}

export function buildWorld(
  definition: SystemDefinition,
  setup: Setup,
  selfTest = false,
  limits?: Limits,
): World {
  return new World(buildModel(definition, setup), {
    knobs: setup.knobs,
    budget: setup.budget,
    spared: setup.spared,
    selfTest,
    limits,
  })
}
