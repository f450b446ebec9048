/** Wrong variants of two-phase commit: each is a line or two of the cores, and each breaks `consistency`. */
import type { Bug } from '../system.js'

export const bugs = {
  'commit-on-half': {
    story:
      'The transaction manager commits as soon as half of the resource managers have prepared, as if a quorum were enough. One that has not prepared may still choose to abort.',
    fix: 'Commit needs the vote of every resource manager.',
    caughtBy: ['commit-needs-every-vote', 'consistency'],
  },
  'commit-counts-messages': {
    story:
      'The transaction manager counts Prepared messages instead of remembering who sent them. One message that is delivered again stands for a resource manager that never voted.',
    fix: 'Keep the set of resource managers that prepared, so that hearing a vote twice changes nothing.',
    caughtBy: ['vote-binds', 'commit-needs-every-vote', 'consistency'],
  },
  'abort-after-commit': {
    story:
      'The transaction manager can still be told to abort after it has committed, and then tells everybody. Who hears the abort first aborts a committed transaction.',
    fix: 'A decision is final: TMAbort is guarded by "not decided yet".',
    caughtBy: ['commit-needs-every-vote', 'vote-binds', 'consistency'],
  },
  'abort-after-prepared': {
    story:
      'A resource manager that has prepared changes its mind and aborts by itself, although its vote may already be counted.',
    fix: 'From prepared on, only the transaction manager decides.',
    caughtBy: ['vote-binds', 'commit-needs-every-vote', 'consistency'],
  },
  'commit-on-silence': {
    story:
      'A resource manager that has prepared and waits for long takes silence for consent and commits by itself, while the transaction manager may still abort.',
    fix: 'A prepared resource manager stays blocked until it hears the decision; that is the price of two-phase commit.',
    caughtBy: ['commit-is-the-managers', 'consistency'],
  },
} as const satisfies Record<string, Bug>
