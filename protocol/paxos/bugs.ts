/** Wrong variants of Paxos: each is a line or two of a core, and each lets two servers decide different values. */
import type { Bug } from '../system.js'

export const bugs = {
  'promise-before-flush': {
    story:
      'An acceptor sends its promise before the promise is on disk. A crash in between makes it forget, and it then accepts a lower ballot that it had promised to refuse.',
    fix: 'Answer a prepare request only when the flush that covers the promise has returned.',
    caughtBy: [
      'promise-is-kept',
      'ballot-is-fresh',
      'one-value-per-ballot',
      'accepted-is-safe',
      'agreement',
      'linearizable',
    ],
  },
  'accept-before-flush': {
    story:
      'An acceptor says "accepted" before the proposal is on disk. After a crash the chosen value is known to fewer than a quorum, and the next proposer may not hear of it.',
    fix: 'Answer an accept request only when the flush that covers the acceptance has returned.',
    caughtBy: ['acceptance-is-kept', 'accepted-is-safe', 'agreement', 'linearizable'],
  },
  'forget-accepted-value': {
    story:
      'A proposer ignores the accepted proposals that acceptors report with their promises, and proposes the value of its own client.',
    fix: 'Phase 2 (a): propose the value of the highest-numbered proposal among the responses, if there is one.',
    caughtBy: ['accepted-is-safe', 'agreement', 'linearizable'],
  },
  'lowest-ballot-value': {
    story:
      'Of several accepted proposals reported by acceptors, the proposer takes up the one with the lowest ballot. A later one may have been chosen already.',
    fix: 'Take up the value of the proposal with the highest ballot.',
    caughtBy: ['accepted-is-safe', 'agreement', 'linearizable'],
  },
  'accept-any-ballot': {
    story:
      'An acceptor accepts whatever it is asked to, without a look at what it has promised. A slow proposer overwrites what a quorum has agreed on since.',
    fix: 'Phase 2 (b): accept only if no prepare request of a higher ballot has been answered.',
    caughtBy: [
      'promise-never-falls',
      'promise-is-kept',
      'ballot-is-fresh',
      'acceptance-is-kept',
      'accepted-is-safe',
      'agreement',
      'linearizable',
    ],
  },
  'minority-quorum': {
    story:
      'Half of the servers, rounded down, count as a quorum. Two such quorums need not have a server in common.',
    fix: 'A quorum is more than half of all servers.',
    caughtBy: ['quorum-is-a-majority', 'accepted-is-safe', 'agreement', 'linearizable'],
  },
  'count-duplicates': {
    story:
      'A proposer counts responses instead of responders. A response that arrives twice stands for a server that never answered.',
    fix: 'Keep the set of servers that responded, so that hearing one twice changes nothing.',
    caughtBy: ['promise-is-kept', 'acceptance-is-kept', 'accepted-is-safe', 'agreement', 'linearizable'],
  },
  'ballot-reused-after-restart': {
    story:
      'A server that restarts takes the ballot on its disk for the next one to use, though it has used it before the crash. So it may propose another value under a ballot that is in use.',
    fix: 'After a restart, choose ballots above the promise that was read back from the disk.',
    caughtBy: ['ballot-is-fresh', 'one-value-per-ballot', 'accepted-is-safe', 'agreement', 'linearizable'],
  },
  'flush-retried-after-failure': {
    story:
      'When a flush fails, the acceptor just flushes again. That one succeeds, for the operating system has given up the pages that it could not write. The answer goes out, and a crash makes the acceptor forget.',
    fix: 'After a failed flush append everything anew, and flush that.',
    caughtBy: [
      'promise-is-kept',
      'acceptance-is-kept',
      'ballot-is-fresh',
      'one-value-per-ballot',
      'accepted-is-safe',
      'agreement',
      'linearizable',
    ],
  },
  'torn-record-trusted': {
    story:
      'After a restart the acceptor believes whatever the last record says, without a look at its checksum. A torn one has the new promise and nothing of what was accepted before.',
    fix: 'Drop a record whose checksum is wrong, and go by the last good one.',
    caughtBy: [
      'acceptance-is-kept',
      'promise-is-kept',
      'ballot-is-fresh',
      'one-value-per-ballot',
      'accepted-is-safe',
      'validity',
      'agreement',
      'linearizable',
    ],
  },
  'rot-taken-for-torn': {
    story:
      'Each store is one record, and a bad record at the end of the log is dropped as torn. If it had been stored and answered for, and has rotted since, a promise is forgotten.',
    fix: 'A checksum tells that a record is bad, not why: store two copies, and retire when both are bad.',
    caughtBy: [
      'promise-is-kept',
      'acceptance-is-kept',
      'ballot-is-fresh',
      'one-value-per-ballot',
      'accepted-is-safe',
      'agreement',
      'linearizable',
    ],
  },
} as const satisfies Record<string, Bug>
