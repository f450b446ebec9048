/**
 * Where the checker hunts the wrong variants of APUS: scenes in which a mistake is near that a rung of the ladder reaches
 * late or not at all. What they leave out makes them small, and nothing else does: their schedules are schedules of the
 * system.
 */
import { needs } from '../protocol/apus/bugs.js'
import { Durability } from '../protocol/apus/layout.js'
import {
  crash,
  deposed,
  diskFaults,
  noTimers,
  normal,
  oneLeaderChange,
  required,
  type Rung,
  small,
  twoCrashes,
} from './apus-ladder.js'

/** Draws a put, and three gets of the same key. */
const readingWorkloadSeed = 28

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
const restartOnDisk: Rung = {
  ...restart,
  name: 'restart on disks',
  story:
    'The same on disks: the replica comes back with what its disk holds. Timers fire while NICs and memory are at rest.',
  parameters: { ...small, operations: 1, durability: Durability.disk },
  scenario: {
    ...restart.scenario,
    limits: { ...oneLeaderChange.limits, retry: 0 },
    timers: 'at-rest',
    prompt: ['complete', 'arrive'],
  },
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
  'vote-from-amnesia': ofRestarts,
  'votes-before-caught-up': ofRestarts,
  'recovered-from-anyone': ofRestarts,
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
}

/** The grounds on which a wrong variant is hunted, in this order, until it is found. */
export function huntingGrounds(bug: string): readonly Rung[] {
  const isOnDisk = needs[bug]?.['durability'] === Durability.disk
  return grounds[bug] ?? (isOnDisk ? [hastily(diskFaults)] : usual)
}
