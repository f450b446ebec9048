/**
 * Bounds within which the checker finds each wrong variant of the small systems, as flags of `aviary check`, and how long
 * the shortest schedule is that the minimiser made of it (tests/campaigns/shortest.results.json).
 */
import { type CheckResult, check } from '../../model-check/index.js'
import { type SystemDefinition, systems } from '../../protocol/index.js'
import { type SetupFlags, setupOf } from '../../cli/check-options.js'
import type { Setup } from '../../sim/run/setup.js'
import results from '../campaigns/shortest.results.json' with { type: 'json' }

export interface Hunt {
  readonly definition: SystemDefinition
  readonly bug: string
  readonly flags: SetupFlags
  /** Actions of the shortest minimised schedule of all that were minimised. */
  readonly minimised: number
}

const paxos = (more: SetupFlags = {}): SetupFlags => ({
  ops: 1,
  ...more,
  set: ['clients=1', 'rounds=1', ...(more.set ?? [])],
})
const register = (more: SetupFlags = {}): SetupFlags => ({
  nodes: 2,
  ops: 1,
  placement: 'in-order',
  visibility: 'prompt',
  ...more,
  set: ['words=2', 'slots=1', 'clients=1', 'attempts=1', 'integrity=0', ...(more.set ?? [])],
})
const crashAndRestart = 'crash=1,restart=1'

const bounds: Readonly<Record<string, Readonly<Record<string, SetupFlags>>>> = {
  '2pc': {
    'commit-on-half': { nodes: 2 },
    'commit-counts-messages': { nodes: 2 },
    'abort-after-commit': { nodes: 2 },
    'abort-after-prepared': { nodes: 2 },
    'commit-on-silence': { nodes: 2 },
  },
  paxos: {
    'promise-before-flush': paxos({ faults: 'halt=1,restart=1' }),
    'accept-before-flush': paxos({ faults: crashAndRestart }),
    'forget-accepted-value': paxos({ set: ['clients=2'] }),
    'lowest-ballot-value': paxos({ set: ['clients=2', 'rounds=3'] }),
    'accept-any-ballot': paxos(),
    'minority-quorum': paxos(),
    'count-duplicates': paxos({ nodes: 4 }),
    'ballot-reused-after-restart': paxos({ faults: 'halt=1,restart=1' }),
    'flush-retried-after-failure': paxos({ faults: 'fail-flush=1,crash=1,restart=1' }),
    'torn-record-trusted': paxos({ set: ['rounds=2'], faults: crashAndRestart }),
    'rot-taken-for-torn': paxos({ faults: 'rot=1,crash=1,restart=1' }),
  },
  'rdma-register': {
    'payload-before-header': register({ poll: 'loads' }),
    'missing-checksum': register(),
    'reuse-before-acknowledgement': register({ visibility: 'lagging' }),
    'buffer-changed-before-completion': register(),
    'completion-is-acknowledgement': register({ visibility: 'lagging' }),
    'retry-applied-twice': register({ set: ['slots=2', 'attempts=2'] }),
    'blank-read': register({ set: ['clients=2'], visibility: 'lagging', faults: crashAndRestart }),
    'error-means-not-applied': register({ nodes: 3, faults: 'crash=1' }),
    'republish-oldest-first': register({ set: ['clients=2'], faults: crashAndRestart }),
    // It does without in-order placement, which would save it.
    'canary-without-order': register({ placement: 'shuffled-in-packet' }),
    'unsignalled-means-done': register({ set: ['clients=2'] }),
  },
}

export const hunts: readonly Hunt[] = systems.flatMap((definition) =>
  Object.entries(bounds[definition.name] ?? {}).map(([bug, flags]) => ({
    definition,
    bug,
    flags,
    minimised: Math.min(
      ...results.rows
        .filter((row) => row.system === definition.name && row.bug === bug)
        .map(({ actionsMinimised }) => actionsMinimised),
    ),
  })),
)

/** Those that need more than the states of a quick test: see nearest.long.ts. */
export const farHunts = ['forget-accepted-value', 'lowest-ballot-value', 'republish-oldest-first']

/** The setup that the command makes of the flags. */
export const huntSetup = ({ definition, bug, flags }: Hunt): Setup => setupOf(definition, { ...flags, bug })

/** What `aviary check SYSTEM --bug BUG` finds with these flags, no deeper than the minimised schedule goes. */
export const nearest = (hunt: Hunt, states: number): CheckResult =>
  check(hunt.definition, huntSetup(hunt), { depth: hunt.minimised, states })
