/**
 * The ladder of checks of APUS: rungs of rising reach, each with the bounds within which it is exhaustive. Run by
 * `scripts/apus-ladder.mjs`, which writes docs/check-apus.md, and by the tests.
 */
import {
  type CheckOptions,
  type CheckResult,
  Checker,
  type Reduction,
  type Scenario,
  sentencesOf,
} from '../model-check/index.js'
import { apus } from '../protocol/apus/index.js'
import type { FaultBudget, Knobs } from '../protocol/index.js'
import { type Setup, defaultSetup } from '../sim/index.js'

export interface Rung {
  readonly name: string
  /** What happens in it, and what its bounds leave out, in plain words. */
  readonly story: string
  readonly nodes: number
  readonly parameters: Readonly<Record<string, number>>
  readonly faults: FaultBudget
  readonly knobs: Partial<Knobs>
  readonly scenario: Scenario
  readonly reduce: readonly Reduction[]
  /** Draws the script of the client, where it is another than that of all rungs. */
  readonly workloadSeed?: number
}

/** Draws the scripts: a client puts one word, gets it, and puts another value. An entry has six to seven words. */
const usualWorkloadSeed = 5
/** One client, one uncommitted entry, and as few entries retained as there can be. */
export const small = { clients: 1, window: 1, retained: 1 }
export const noTimers = { 'timer.beat': 0, 'timer.retry': 0, 'timer.look': 0, 'timer.suspect': 0 }
/**
 * Replicas 1 and 2 look once whether the leader lives, which is what suspicion takes where there are no beats; view 1 is the only new one, so
 * replica 1 is its leader. `target` is 1 + the view that is being joined.
 */
export const oneLeaderChange = {
  limits: { ...noTimers, 'timer.suspect@1': 1, 'timer.suspect@2': 1, retry: 1 },
  ceilings: { view: 1, target: 2 },
}

export const normal: Rung = {
  name: 'normal case',
  story:
    'Two operations, a put and a linearizable get, and nothing goes wrong. Words of a WRITE land in any order inside a packet.',
  nodes: 3,
  parameters: { ...small, operations: 2 },
  faults: {},
  knobs: { placement: 'shuffled-in-packet' },
  scenario: { limits: { ...noTimers, retry: 0 } },
  reduce: ['takings'],
}
export const crash: Rung = {
  ...normal,
  name: 'crash',
  story:
    'The same with words in ascending order, one crash of any replica at any point, and a client that asks once more, at any time.',
  faults: { crash: 1 },
  knobs: { placement: 'in-order' },
  scenario: { limits: { ...noTimers, retry: 1 } },
}
const leaderChange: Rung = {
  ...crash,
  name: 'leader change',
  story:
    'The same and one leader change, with its pre-vote, fence, votes, merging of logs and NOP. Timers fire when nothing else but a crash can happen: a replica is suspected in vain only when all is quiet.',
  scenario: { ...oneLeaderChange, timers: 'quiescent' },
  reduce: [],
}
const promptly = { ...oneLeaderChange, timers: 'quiescent', prompt: ['complete', 'invoke'] } as const
export const deposed: Rung = {
  ...crash,
  name: 'deposed alive',
  story:
    'One operation and one leader change without a crash: the old leader goes on while it is deposed, so the fence races with its WRITEs. Timers fire while NICs and memory are at rest; requests and messages may be late. Completions and arrivals are prompt; what has arrived may land late.',
  parameters: { ...small, operations: 1 },
  faults: {},
  scenario: {
    ...oneLeaderChange,
    limits: { ...oneLeaderChange.limits, retry: 0 },
    timers: 'at-rest',
    prompt: ['complete', 'invoke', 'arrive'],
  },
}
const threeOperations: Rung = {
  ...leaderChange,
  name: 'three operations',
  story: 'As leader change, with three operations, the second of them a get; completions are prompt.',
  parameters: { ...small, operations: 3 },
  scenario: promptly,
}
export const twoCrashes: Rung = {
  ...leaderChange,
  name: 'two crashes',
  story:
    'As leader change, with two crashes and one restart, by which a replica that has lost its memory recovers from the others; completions are prompt.',
  faults: { crash: 2, restart: 1 },
  scenario: { ...promptly, limits: { ...promptly.limits, 'timer.retry': 1 } },
}
const fiveReplicas: Rung = {
  ...crash,
  name: 'five replicas',
  story: 'One operation, one crash, five replicas, no leader change; completions and arrivals are prompt.',
  nodes: 5,
  parameters: { ...small, operations: 1 },
  scenario: { limits: { ...noTimers, retry: 0 }, prompt: ['complete', 'invoke', 'arrive'] },
}
export const diskFaults: Rung = {
  ...crash,
  name: 'disk faults',
  story:
    'Two operations on disks: a crash, a restart from what the disk holds, a flush that fails and a record that rots; completions are prompt.',
  parameters: { ...small, operations: 2, durability: 1 },
  faults: { crash: 1, restart: 1, 'fail-flush': 1, rot: 1 },
  scenario: { limits: { ...noTimers, retry: 0 }, prompt: ['complete', 'invoke'] },
}

/** The rung that must be completed, between those that lead to it and those that stretch it. */
export const required = leaderChange
export const rungs: readonly Rung[] = [
  normal,
  crash,
  diskFaults,
  leaderChange,
  threeOperations,
  fiveReplicas,
  twoCrashes,
  deposed,
]

/** What a rung leaves out by its scenario, in sentences. */
export const sentencesOfRung = ({ scenario }: Rung): string[] => sentencesOf(scenario)

export function setupOf(rung: Rung, bug?: string): Setup {
  const base = defaultSetup(apus)
  const { atlas } = apus.build({
    nodes: rung.nodes,
    parameters: rung.parameters,
    bug,
    draw: { between: (least) => least },
  })
  return {
    ...base,
    bug,
    nodes: rung.nodes,
    parameters: { ...base.parameters, ...rung.parameters },
    workloadSeed: rung.workloadSeed ?? usualWorkloadSeed,
    knobs: { ...base.knobs, ...rung.knobs },
    budget: rung.faults,
    spared: atlas.spared ?? {},
  }
}

export interface Climbed {
  readonly result: CheckResult
  readonly seconds: number
  /** Names of what cores noted anywhere: that a rung has a leader change shows in `elected`. */
  readonly notes: readonly string[]
  /** What it was cut off by, if it was. */
  readonly cutOffBy: 'time' | 'memory' | undefined
}

/** Kinds of notes of a node in the coverage of a world. */
const noteKinds = 64
const notesOf = ({ coverage, nodes }: Checker['world']): string[] => {
  const names = nodes[0]!.definition.notes
  return names.filter((_, kind) => nodes.some(({ index }) => coverage.notes[index * noteKinds + kind]! > 0))
}

/** States between two looks at the clock. */
const slice = 1 << 12

/** Climbs a rung with the right protocol or a wrong variant, as far as so much time and memory reach. */
export const climb = (rung: Rung, most: Reach, bug?: string, tell?: Tell): Climbed =>
  searched(setupOf(rung, bug), { ...rung.scenario, reduce: rung.reduce }, most, tell)

export interface Reach {
  readonly seconds: number
  readonly mebibytes: number
}
type Tell = (seconds: number, checker: Checker) => void

/** Searches breadth first, as far as so much time and memory reach. */
export function searched(setup: Setup, options: CheckOptions, most: Reach, tell?: Tell): Climbed {
  const checker = new Checker(apus, setup, options)
  const begin = performance.now()
  let cutOffBy: Climbed['cutOffBy']
  while (checker.advance(slice)) {
    const seconds = (performance.now() - begin) / 1000
    tell?.(seconds, checker)
    if (seconds > most.seconds) cutOffBy = 'time'
    else if (checker.counts().bytes > most.mebibytes * 2 ** 20) cutOffBy = 'memory'
    if (cutOffBy !== undefined) break
  }
  return {
    result: checker.result(),
    seconds: (performance.now() - begin) / 1000,
    notes: notesOf(checker.world),
    cutOffBy,
  }
}
