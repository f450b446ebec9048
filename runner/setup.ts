import type { SystemDefinition } from '../protocol/index.js'
import { type Setup, defaultSetup } from '../sim/index.js'

/** How a system with clients of its own is built to be run: the right protocol, no faults but those that happen. */
export function scriptSetup(
  definition: SystemDefinition,
  choice: {
    readonly nodes: number
    readonly parameters: Readonly<Record<string, number>>
    readonly seed: number
  },
): Setup {
  const setup = defaultSetup(definition)
  return {
    ...setup,
    nodes: choice.nodes,
    parameters: { ...setup.parameters, ...choice.parameters },
    workloadSeed: choice.seed,
  }
}
