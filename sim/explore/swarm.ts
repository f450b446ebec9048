/**
 * Swarm configuration (Groce et al., Swarm Testing, ISSTA 2012): one seed draws everything about a batch of runs - the
 * size of the cluster, the workload, the knobs, which faults there are and how often, the latencies and the scheduler.
 * The right protocol and each wrong variant are drawn from the same urn, without hints.
 */
import { type FaultBudget, type FaultKind, type Knobs, type SystemDefinition } from '../../protocol/index.js'
import { Random, derivedSeed } from '../random.js'
import { type Setup, buildModel, defaultSetup } from '../run/setup.js'
import type { FaultPace } from '../schedulers/fault-dice.js'
import type { LatencyProfile } from '../schedulers/latency.js'
import type { FaultClock } from '../schedulers/timed.js'
import { defaultKnobs } from '../world/options.js'

export const schedulerNames = ['timed', 'random', 'pct', 'uniform-walk', 'circles'] as const
export type SchedulerName = (typeof schedulerNames)[number]

/** What a user may fix; the rest is drawn. */
export interface SwarmOptions {
  readonly bug?: string | undefined
  readonly nodes?: number | undefined
  readonly parameters?: Readonly<Record<string, number>> | undefined
  readonly knobs?: Partial<Knobs> | undefined
  /**
   * `promised`: within the atlas. `none`. The name of a setting beyond the promise. Or budgets of one's own, and who is
   * spared if not those that the atlas names.
   */
  readonly faults?: FaultChoice | undefined
  readonly scheduler?: SchedulerName | undefined
  readonly without?: readonly string[] | undefined
}
export type FaultChoice =
  | 'promised'
  | 'none'
  | { readonly beyond: string }
  | { readonly budget: FaultBudget; readonly spared?: Setup['spared'] }

/** All that a seed decides. */
export interface Plan {
  readonly seed: number
  readonly setup: Setup
  readonly scheduler: SchedulerName
  /** Depth of PCT. */
  readonly depth: number
  /** Most actions of the safety phase. */
  readonly actions: number
  readonly pace: FaultPace
  readonly clock: FaultClock
  readonly latency: LatencyProfile
}

/** A whole number from a range, small ones more often: most mistakes show in small clusters with few faults. */
function small(random: Random, minimum: number, maximum: number): number {
  const share = random.fraction() * random.fraction()
  return minimum + Math.floor(share * (maximum - minimum + 1))
}

/** Most of a fault kind in one run where the protocol survives any number. */
const enough: Readonly<Record<FaultKind, number>> = {
  crash: 4,
  restart: 4,
  wipe: 1,
  pause: 4,
  resume: 4,
  cut: 6,
  heal: 6,
  drop: 24,
  duplicate: 24,
  kill: 2,
  halt: 2,
  sever: 4,
  mend: 4,
  retransmit: 8,
  corrupt: 1,
  'fail-flush': 3,
  rot: 3,
  misdirect: 2,
}
/** Most actions of a safety phase: long ones are rare, for few of them take most of the time. */
const actionLimits: readonly number[] = [
  60, 60, 60, 100, 100, 100, 100, 200, 200, 200, 200, 400, 400, 400, 1_000, 3_000,
]
/** How often each scheduler is drawn. */
const frequencies: readonly SchedulerName[] = [
  'timed',
  'random',
  'pct',
  'pct',
  'uniform-walk',
  'circles',
  'circles',
  'circles',
  'circles',
  'circles',
  'circles',
  'circles',
]

/** Faults that are drawn together: one that strikes and those that undo it. */
const families: readonly (readonly FaultKind[])[] = [
  ['crash', 'restart', 'wipe'],
  ['crash', 'restart', 'wipe'],
  ['crash', 'restart', 'wipe'],
  ['crash', 'restart', 'wipe'],
  ['crash', 'restart', 'wipe'], // often, for it is the fault that most promises are about
  ['pause', 'resume'],
  ['cut', 'heal'],
  ['kill', 'restart'],
  ['halt', 'restart'],
  ['sever', 'mend'],
  ['retransmit'],
  ['corrupt'],
  ['fail-flush', 'crash', 'restart'],
  ['rot', 'crash', 'restart'],
  ['misdirect', 'crash', 'restart'],
  ['drop'],
  ['duplicate'],
]

/** Most budgets hold few faults of one family, so that a rare coincidence is not buried under other faults. */
function drawBudget(random: Random, most: FaultBudget): FaultBudget {
  const possible = families.filter((family) => (most[family[0]!] ?? 0) > 0)
  const chosen =
    possible.length > 0 && random.chance(0.65)
      ? [random.pick(possible)]
      : possible.filter(() => random.chance(0.5))
  const budget: Partial<Record<FaultKind, number>> = {}
  for (const kind of chosen.flat()) {
    const limit = Math.min(most[kind] ?? 0, enough[kind])
    if (limit > 0) budget[kind] = small(random, 1, limit)
  }
  return budget
}

/** In a quarter of the runs one node or one link is slow. */
function drawSlow(random: Random, nodes: number): LatencyProfile['slow'] {
  if (!random.chance(0.25)) return undefined
  const node = random.below(nodes)
  const factor = random.pick([3, 10, 100])
  return random.chance(0.5) ? { node, factor } : { node, from: random.below(nodes), factor }
}

/** Draws the plan of a seed. */
export function drawPlan(definition: SystemDefinition, seed: number, options: SwarmOptions = {}): Plan {
  const random = new Random(derivedSeed(seed, 2))
  const { nodes } = definition
  const parameters: Record<string, number> = {}
  const drawnNodes = small(random, nodes.minimum, nodes.maximum)
  for (const [name, parameter] of Object.entries(definition.parameters)) {
    const drawn = random.between(parameter.minimum, parameter.maximum)
    parameters[name] = options.parameters?.[name] ?? (parameter.drawn === false ? parameter.default : drawn)
  }
  const knobs: Knobs = {
    poll: random.chance(0.7) ? 'loads' : 'atomic',
    placement: random.pick(['in-order', 'shuffled-in-packet', 'shuffled'] as const),
    fetch: random.pick(['at-departure', 'early', 'by-word'] as const),
    visibility: random.pick(['lagging', 'prompt'] as const),
    psn: random.pick(['derived', 'derived', 'constant'] as const),
    broken: [],
    ...options.knobs,
  }
  const bare: Setup = {
    ...defaultSetup(definition),
    bug: options.bug,
    nodes: options.nodes ?? drawnNodes,
    parameters,
    workloadSeed: seed,
    knobs,
    without: options.without ?? [],
  }
  const { atlas, requires } = buildModel(definition, bare)
  const choice = options.faults ?? 'promised'
  const quiet = random.chance(0.1)
  const promised = drawBudget(random, atlas.safety)
  let budget: FaultBudget = choice === 'none' || quiet ? {} : promised
  let spared = atlas.spared ?? {}
  if (typeof choice === 'object' && 'budget' in choice) {
    budget = choice.budget
    spared = choice.spared ?? spared
  }
  if (typeof choice === 'object' && 'beyond' in choice) {
    const beyond = atlas.beyond.find((b) => b.name === choice.beyond)
    if (beyond === undefined)
      throw new RangeError(`${definition.name} has no setting ${choice.beyond} beyond its promise`)
    budget = { ...promised, ...beyond.faults }
    spared = beyond.spared ?? spared
  }
  const scheduler = random.pick(frequencies)
  const actions = random.pick(actionLimits)
  return {
    seed,
    setup: { ...bare, knobs: { ...defaultKnobs, ...knobs, ...requires }, budget, spared },
    scheduler: options.scheduler ?? scheduler,
    depth: random.between(1, 5),
    actions,
    pace: { meanActions: random.pick([5, 10, 30, 100]), stableActions: random.pick([0, 0, 0, 20]) },
    clock: {
      meanNanos: random.pick([5_000, 20_000, 100_000, 500_000]),
      stableNanos: random.pick([0, 0, 10_000, 200_000]),
    },
    latency: {
      jitter: random.pick([0, 1, 1, 3, 20]),
      slowChance: random.pick([0, 0.001, 0.01, 0.1]),
      slowFactor: random.pick([10, 50, 500]),
      slow: drawSlow(random, bare.nodes),
    },
  }
}
