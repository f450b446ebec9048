/**
 * Where the checker hunts the wrong variants of APUS: scenes in which a mistake is near that a rung of the ladder reaches
 * late or not at all. What they leave out makes them small, and nothing else does: their schedules are schedules of the
 * system.
 */
import { neighbourhoodOf } from '../model-check/index.js'
import { apus } from '../protocol/apus/index.js'
import { needs } from '../protocol/apus/bugs.js'
import { Durability, Reads } from '../protocol/apus/layout.js'
import type { Trace } from '../sim/trace/index.js'
import {
  type Climbed,
  type Reach,
  crash,
  deposed,
  diskFaults,
  noTimers,
  normal,
  oneLeaderChange,
  required,
  type Rung,
  searched,
  small,
  twoCrashes,
} from './apus-ladder.js'

/** Draws a put, and three gets of the same key. */
const readingWorkloadSeed = 28
/** Draws gets. */
const getsWorkloadSeed = 17

/** The same rung with more that is prompt. */
const hastily = (rung: Rung): Rung => ({
  ...rung,
  scenario: { ...rung.scenario, prompt: ['complete', 'invoke'] },
})
const usual = [crash, hastily(required)]

const twoGets: Rung = {
  ...normal,
  name: 'two gets',
  story: 'A put and two gets, and nothing goes wrong; completions are prompt.',
  parameters: { ...small, operations: 3 },
  knobs: { placement: 'in-order' },
  scenario: { ...normal.scenario, prompt: ['complete', 'invoke'] },
  workloadSeed: readingWorkloadSeed,
}
const staleRead: Rung = {
  ...deposed,
  name: 'deposed alive, two operations',
  story: 'A put and a get, and the old leader goes on while it is deposed; completions are prompt.',
  parameters: { ...small, operations: 2 },
  scenario: {
    ...deposed.scenario,
    limits: { ...oneLeaderChange.limits, retry: 1 },
    prompt: ['complete', 'invoke'],
  },
}
const restart: Rung = {
  ...required,
  name: 'restart',
  story:
    'One operation, one leader change, and a replica that crashes and comes back without its memory; completions and arrivals are prompt.',
  parameters: { ...small, operations: 1 },
  faults: { crash: 1, restart: 1 },
  scenario: {
    ...oneLeaderChange,
    limits: { ...oneLeaderChange.limits, 'timer.retry': 1, retry: 0 },
    timers: 'quiescent',
    prompt: ['complete', 'invoke', 'arrive'],
  },
}
/** What needs no quiet is nearer here, and everything else farther. */
const earlyRestart: Rung = {
  ...restart,
  name: 'restart, early',
  story: 'The same, with timers that fire while NICs and memory are at rest; only completions are prompt.',
  scenario: { ...restart.scenario, timers: 'at-rest', prompt: ['complete'] },
}
const restartOnDisk: Rung = {
  ...earlyRestart,
  name: 'restart on disks',
  story: 'The same on disks: the replica comes back with what its disk holds; arrivals are prompt too.',
  parameters: { ...small, operations: 1, durability: Durability.disk },
  scenario: {
    ...earlyRestart.scenario,
    limits: { ...oneLeaderChange.limits, retry: 0 },
    prompt: ['complete', 'arrive'],
  },
}
const failingFlush: Rung = {
  ...diskFaults,
  name: 'failing flush',
  story: 'A get through the log, whose entry is shortest; a flush that fails, a crash and a restart.',
  parameters: { ...small, operations: 1, reads: Reads.throughLog, durability: Durability.disk },
  faults: { 'fail-flush': 1, crash: 1, restart: 1 },
  knobs: { placement: 'in-order', visibility: 'prompt' },
  scenario: { limits: { ...noTimers, retry: 0 } },
  workloadSeed: getsWorkloadSeed,
}
const newViews: Rung = {
  ...required,
  name: 'new views',
  story:
    'One operation and up to two leader changes in a row, all replicas alive; timers fire while NICs and memory are at rest, completions and arrivals are prompt.',
  parameters: { ...small, operations: 1 },
  faults: {},
  scenario: {
    limits: { ...noTimers, 'timer.suspect': 4, retry: 0 },
    ceilings: { view: 2, target: 3 },
    timers: 'at-rest',
    prompt: ['complete', 'invoke', 'arrive'],
  },
}
/** A third leader change is as far again, so all that may be prompt is. */
const newViewsPromptly: Rung = {
  ...newViews,
  name: 'new views, promptly',
  story: 'The same; control calls, answers and looks at memory are prompt too.',
  scenario: {
    ...newViews.scenario,
    prompt: ['complete', 'invoke', 'arrive', 'control', 'answer', 'observe'],
  },
}

const ofDeposed = [...usual, staleRead]
const ofRestarts = [restart, hastily(twoCrashes)]
const grounds: Readonly<Record<string, readonly Rung[]>> = {
  'fence-forgotten': ofDeposed,
  'position-read-before-revocation': ofDeposed,
  'canary-trusted': ofDeposed,
  'read-unconfirmed': ofDeposed,
  'acknowledgement-without-viewstamp': ofDeposed,
  'confirmation-remembered': [twoGets],
  'vote-from-amnesia': [earlyRestart],
  'votes-before-caught-up': [earlyRestart],
  'recovered-from-anyone': [earlyRestart],
  'vote-of-a-former-life': ofRestarts,
  'blank-word-confirms': ofRestarts,
  'table-not-in-snapshot': ofRestarts,
  'suffix-trusted': [newViews],
  'constant-psn': [newViews],
  'failed-write-taken-back': [newViews],
  'conflict-kept': [newViews],
  'longest-log-wins': [newViewsPromptly],
  'older-view-committed': [newViewsPromptly],
  'view-not-flushed': [restartOnDisk],
  'failed-flush-retried': [failingFlush],
}

/** The grounds on which a wrong variant is hunted, in this order, until it is found. */
export function huntingGrounds(bug: string): readonly Rung[] {
  const isOnDisk = needs[bug]?.['durability'] === Durability.disk
  return grounds[bug] ?? (isOnDisk ? [hastily(diskFaults)] : usual)
}

/**
 * Hunts a wrong variant in the neighbourhood of a schedule that violates something: first with any number of repetitions,
 * then, where that is too much to look at, with none more than in the schedule. No deeper than the schedule goes.
 */
export function huntAlong({ header, actions }: Trace, most: Reach): Climbed {
  const schedule = Array.from({ length: actions.length }, (_, i) => header.sites[actions.site(i)]!)
  const along = (repetition: 'any' | 'counted'): Climbed => {
    const { setup, scenario, depth } = neighbourhoodOf(apus, header.setup, schedule, repetition)
    return searched(setup, { ...scenario, depth }, most)
  }
  const any = along('any')
  return any.result.finding === undefined ? along('counted') : any
}
