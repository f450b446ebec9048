/** What `aviary check` is asked to look at: its flags, a file of bounds, and the setup that they mean for a system. */
import { readFileSync } from 'node:fs'
import { type Command, Option } from 'commander'
import { z } from 'zod'
import {
  type LivenessKind,
  type SearchOrder,
  livenessKinds,
  searchOrders,
  usualWalkDepth,
} from '../model-check/index.js'
import { type FaultBudget, type Knobs, type SystemDefinition, faultKinds } from '../protocol/index.js'
import { type FaultChoice, type Setup, buildModel, defaultSetup } from '../sim/index.js'
import {
  type ScenarioFlags,
  type ScenarioOrder,
  addScenarioOptions,
  scenarioBounds,
  scenarioOf,
} from './check-scenario.js'
import { UsageError, fileError, oneLine } from './errors.js'
import { addKnobOptions, collect, integer, positive, swarmOptions } from './options.js'

/** What system is looked at. */
export interface SetupFlags {
  readonly bug?: string
  readonly nodes?: number
  readonly set?: readonly string[]
  readonly ops?: number
  readonly seed?: number
  readonly faults?: string
  readonly crashes?: number
  readonly poll?: Knobs['poll']
  readonly placement?: Knobs['placement']
  readonly fetch?: Knobs['fetch']
  readonly visibility?: Knobs['visibility']
  readonly psn?: Knobs['psn']
  readonly without?: readonly string[]
  readonly states?: number
  readonly depth?: number
}

export interface CheckFlags extends SetupFlags, ScenarioFlags {
  readonly bounds?: string
  readonly seconds?: number
  readonly memory?: number
  readonly order: SearchOrder
  readonly walks?: number
  readonly deadlock?: boolean
  readonly liveness?: LivenessKind
  readonly symmetry?: boolean
  readonly workers?: number
  readonly out: string
  readonly json?: boolean
}

export interface CheckOrder {
  readonly setup: Setup
  readonly scenario: ScenarioOrder
  readonly states: number | undefined
  readonly depth: number | undefined
  readonly seconds: number
  readonly memoryMiB: number
}

const usualSeconds = 600
const usualMemoryMiB = 4096
const mostStates = 2 ** 30
const mostWorkers = 64

/** Adds the options that say what system is looked at. */
export function addSetupOptions(command: Command): Command {
  command
    .option('--bug <name>', 'a planted wrong variant instead of the right protocol')
    .option('--nodes <n>', "size of the cluster (default: the system's)", integer(1, 32))
    .option('--set <name=value>', 'sets a parameter of the system (repeatable)', collect)
    .option('--ops <n>', 'operations of each client (the parameter `operations`)', integer(0, 1000))
    .option(
      '--seed <n>',
      'draws what clients ask for, and the ways of random walks (default: 1)',
      integer(0, 2 ** 31 - 1),
    )
    .option('--faults <choice>', 'none | beyond:NAME | crash=1,drop=3 (default: none)')
    .option('--crashes <n>', 'crashes of nodes: the same as --faults crash=n', integer(0, 1000))
  return addKnobOptions(command)
}

export function addCheckOptions(command: Command): Command {
  return addScenarioOptions(addSetupOptions(command))
    .option('--bounds <file>', 'a JSON file of bounds; what a flag says goes before it')
    .addOption(
      new Option('--order <order>', 'which states are expanded first; random walks only sample')
        .choices(searchOrders)
        .default('breadth-first'),
    )
    .option('--walks <n>', 'most random walks (default: until another bound is met)', integer(1, 1e9))
    .option('--states <n>', 'most states', integer(1, mostStates))
    .option(
      '--depth <n>',
      `most steps from the initial state (of a random walk by default ${String(usualWalkDepth)})`,
      integer(0, 1e9),
    )
    .option('--seconds <s>', `most time (default: ${String(usualSeconds)})`, positive(1e7))
    .option(
      '--memory <mib>',
      `most MiB of states and steps (default: ${String(usualMemoryMiB)})`,
      positive(1e7),
    )
    .option('--deadlock', 'a state that nothing leaves must have reached the goal of the system')
    .addOption(
      new Option(
        '--liveness <kind>',
        'the goal: stays reachable, or is reached by every run that is fair',
      ).choices(livenessKinds),
    )
    .option('--symmetry', 'keeps one of all states that differ by the names of interchangeable nodes')
    .option('--workers <n>', 'threads that expand states (default: 1)', integer(1, mostWorkers))
    .option('--out <dir>', 'where a counterexample is written', 'aviary-out')
    .option('--json', 'one JSON object as the last line on standard output; words go to standard error')
}

const count = z.int().min(0)
const boundsFile = z.strictObject({
  nodes: count.optional(),
  ops: count.optional(),
  seed: count.optional(),
  set: z.record(z.string(), z.int()).optional(),
  faults: z.partialRecord(z.enum(faultKinds), count).optional(),
  crashes: count.optional(),
  states: z.int().min(1).max(mostStates).optional(),
  depth: count.optional(),
  seconds: z.number().positive().optional(),
  memory: z.number().positive().optional(),
  ...scenarioBounds,
})
type Bounds = z.output<typeof boundsFile>

function readBounds(path: string): Bounds {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw fileError('cannot read', path, error)
  }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new UsageError(
      `--bounds ${path}: is not JSON: ${oneLine(error instanceof Error ? error.message : String(error))}`,
      'for instance { "ops": 1, "crashes": 1, "seconds": 60 }',
    )
  }
  const parsed = boundsFile.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new UsageError(
    `--bounds ${path}: ${[...(issue?.path ?? []), ''].join(': ')}${issue?.message ?? 'is not understood'}`,
    `it may say ${Object.keys(boundsFile.shape).join(', ')}.`,
  )
}

export function checkOrder(definition: SystemDefinition, flags: CheckFlags): CheckOrder {
  refuseContradictions(flags)
  const bounds = flags.bounds === undefined ? {} : readBounds(flags.bounds)
  return {
    scenario: scenarioOf(flags, bounds),
    setup: setupOf(definition, flags, bounds),
    states: flags.states ?? bounds.states,
    depth: flags.depth ?? bounds.depth,
    seconds: flags.seconds ?? bounds.seconds ?? usualSeconds,
    memoryMiB: flags.memory ?? bounds.memory ?? usualMemoryMiB,
  }
}

/** The setup that flags and bounds mean for a system; what neither says is the system's default, without faults. */
export function setupOf(definition: SystemDefinition, flags: SetupFlags, bounds: Bounds = {}): Setup {
  const ops = flags.ops ?? bounds.ops
  if (ops !== undefined && !Object.hasOwn(definition.parameters, 'operations'))
    throw new UsageError(
      `--ops: ${definition.name} has no parameter operations`,
      'leave it out; `aviary list` shows the parameters.',
    )
  const settings = [
    ...Object.entries(bounds.set ?? {}).map(([name, value]) => `${name}=${String(value)}`),
    ...(ops === undefined ? [] : [`operations=${String(ops)}`]),
    ...(flags.set ?? []),
  ]
  const { bug, nodes = bounds.nodes, poll, placement, fetch, visibility, psn, without } = flags
  // The checks and their words are those of `explore`; what is not given is the default here, and not drawn.
  const fixed = swarmOptions(definition, {
    ...given({
      bug,
      nodes,
      poll,
      placement,
      fetch,
      visibility,
      psn,
      without,
      faults: flags.faults ?? 'none',
    }),
    set: settings,
  })
  const base = defaultSetup(definition)
  const bare: Setup = {
    ...base,
    bug: fixed.bug,
    nodes: fixed.nodes ?? base.nodes,
    parameters: { ...base.parameters, ...fixed.parameters },
    workloadSeed: flags.seed ?? bounds.seed ?? base.workloadSeed,
    knobs: { ...base.knobs, ...fixed.knobs },
    without: fixed.without ?? [],
  }
  return { ...bare, ...faultsOf(definition, bare, fixed.faults ?? 'none', flags, bounds) }
}

function refuseContradictions({ order, walks, workers, liveness }: CheckFlags): void {
  const isRandom = order === 'random'
  if (walks !== undefined && !isRandom)
    throw new UsageError('--walks: is for random walks', 'add --order random, or leave it out.')
  if (isRandom && liveness !== undefined)
    throw new UsageError(
      '--liveness: random walks do not show that a goal is out of reach',
      'use --order breadth-first or depth-first.',
    )
  if (order !== 'breadth-first' && workers !== undefined && workers > 1)
    throw new UsageError(
      `--workers ${String(workers)}: threads expand states breadth-first, not ${order}`,
      'leave out --workers or --order.',
    )
}

/** Without the entries that are undefined. */
const given = <T extends object>(flags: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined)) as never

function faultsOf(
  definition: SystemDefinition,
  setup: Setup,
  choice: FaultChoice,
  flags: SetupFlags,
  bounds: Bounds,
): Pick<Setup, 'budget' | 'spared'> {
  if (choice === 'promised')
    throw new UsageError(
      '--faults promised: has no bound for many a fault, so a search would not end',
      'give budgets: --faults crash=1,restart=1',
    )
  const { atlas } = buildModel(definition, setup)
  const name = choice !== 'none' && 'beyond' in choice ? choice.beyond : undefined
  const beyond = atlas.beyond.find((each) => each.name === name)
  const named = choice !== 'none' && 'budget' in choice ? choice.budget : beyond?.faults
  const crashes = flags.crashes ?? bounds.crashes
  const budget: FaultBudget = {
    ...bounds.faults,
    ...named,
    ...(crashes === undefined ? {} : { crash: crashes }),
  }
  return { budget, spared: beyond?.spared ?? atlas.spared ?? {} }
}
