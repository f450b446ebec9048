/** The gallery of mistakes. Each is a few lines of the core; each was made in, or invited by, a published system. */
import type { Bug, Knobs } from '../system.js'
import { Durability, Reads } from './layout.js'

export const bugs = {
  'acknowledged-before-stored': {
    story:
      'The follower acknowledges an entry as soon as it sees its header and trailer, before it has checked and stored its own copy.',
    fix: 'Acknowledge what is stored, never what is seen.',
    caughtBy: ['stored-before-acknowledged', 'agreement', 'linearizable'],
  },
  'completion-is-acknowledgement': {
    story:
      'The leader counts the completion of a WRITE as an acknowledgement. It says that a NIC has the bytes, not that a replica has stored them: a stopped process never will.',
    fix: 'Count acknowledgements that the followers write.',
    caughtBy: ['committed-is-stored', 'agreement', 'linearizable'],
  },
  'acknowledgement-without-viewstamp': {
    story:
      'The leader takes the index in an acknowledgement and does not look at the view and the connection (APUS v0.1 packs an acknowledgement into one byte). One from an earlier view counts for an entry that the follower has never seen.',
    fix: 'An acknowledgement carries the viewstamp, and only that of the present connection counts.',
    caughtBy: ['stored-before-acknowledged', 'committed-is-stored', 'agreement', 'linearizable'],
  },
  'fence-forgotten': {
    story:
      'A voter does not revoke the access of the old leader, and accepts what lies in its log whoever wrote it. The deposed leader goes on writing entries over those of the new one.',
    fix: 'Reset the queue pairs to all others before the vote, and accept only what the leader of the view has sealed.',
    caughtBy: ['accepted-from-own-leader', 'agreement', 'linearizable'],
  },
  'position-read-before-revocation': {
    story:
      "The voter compares its log with the candidate's when it is probed, and not again when the revocation has returned. In between it acknowledges another entry to the old leader, which commits it; the candidate wins without it.",
    fix: 'Compare when the control calls have returned: only then is the own log final.',
    caughtBy: ['leader-has-all-committed', 'agreement', 'linearizable'],
  },
  'vote-from-amnesia': {
    story:
      'A replica that has lost its memory takes part at once, as a fresh one does. It has forgotten what it acknowledged and whom it voted for.',
    fix: 'Recover from a majority, the leader among them, before voting, confirming or acknowledging.',
    caughtBy: [
      'stored-before-acknowledged',
      'committed-is-stored',
      'votes-are-remembered',
      'leader-has-all-committed',
      'agreement',
      'linearizable',
    ],
  },
  'votes-before-caught-up': {
    story:
      'A recovering replica is a member again as soon as it follows a leader, before it holds what it may have acknowledged in its former life.',
    fix: "Be a member again when the log reaches as far as the leader's did when it answered.",
    caughtBy: [
      'members-hold-enough',
      'committed-is-stored',
      'leader-has-all-committed',
      'agreement',
      'linearizable',
    ],
  },
  'recovered-from-anyone': {
    story:
      'A recovering replica follows the first leader that answers. That one may have been deposed: what the replica had acknowledged to its successor is missing there.',
    fix: 'Wait for a majority of answers, with the leader of the highest view among them.',
    caughtBy: [
      'members-hold-enough',
      'committed-is-stored',
      'votes-are-remembered',
      'leader-has-all-committed',
      'agreement',
      'linearizable',
    ],
  },
  'vote-of-a-former-life': {
    story:
      'A candidate counts the vote of a replica that has lost its memory since. In its new life the voter has helped the old leader to commit (the hole in VR Revisited that Michael and others found).',
    fix: 'A vote carries the life of its voter, and those who learn of a new life tell with their own votes.',
    caughtBy: [
      'votes-are-of-this-life',
      'votes-are-remembered',
      'leader-has-all-committed',
      'agreement',
      'linearizable',
    ],
  },
  'votes-for-anyone': {
    story: 'A voter does not compare logs: a candidate wins that lacks committed entries.',
    fix: 'Vote only for a candidate whose last viewstamp is not below the own one.',
    caughtBy: ['leader-has-all-committed', 'agreement', 'linearizable'],
  },
  'longest-log-wins': {
    story:
      'A voter compares lengths of logs and not views. A long tail of entries that were never committed beats a short one that was.',
    fix: 'Compare the view of the last entry first, then its index.',
    caughtBy: ['leader-has-all-committed', 'agreement', 'linearizable'],
  },
  'older-view-committed': {
    story:
      'A new leader counts copies of an entry of an earlier view and calls it committed. A replica with a later entry in its place can still win an election (Raft, figure 8).',
    fix: 'Commit an entry of the own view first; the earlier ones are committed with it.',
    caughtBy: ['own-view-committed-first', 'leader-has-all-committed', 'agreement', 'linearizable'],
  },
  'suffix-trusted': {
    story:
      'A follower tells the new leader that its whole log agrees. The uncommitted end of it came from a leader that was deposed.',
    fix: 'What is known to agree is what is committed; everything behind it is sent again.',
    caughtBy: ['log-prefix-agreement', 'agreement', 'linearizable', 'accepted-from-own-leader'],
  },
  'conflict-kept': {
    story: 'A follower keeps its own entry where the leader has written another one at the same index.',
    fix: 'An entry of the leader replaces another one at its index, and everything behind it.',
    caughtBy: ['log-prefix-agreement', 'agreement', 'linearizable', 'accepted-from-own-leader'],
  },
  'canary-trusted': {
    story:
      'The follower trusts the trailer of an entry and computes no checksum. Words of the entry may land after the trailer, and words of a deposed leader on top of it.',
    fix: 'A checksum over all bytes and the view of the sender.',
    caughtBy: ['entries-are-whole', 'agreement', 'linearizable', 'accepted-from-own-leader'],
  },
  'index-unchecked': {
    story:
      'A follower accepts whatever whole entry of its leader lies where the next one should be. One of the previous lap of the ring may lie there (APUS v0.1 takes the length and canary of the previous lap for a fresh entry).',
    fix: 'The header holds the index, and only the next one is accepted.',
    caughtBy: ['accepted-from-own-leader', 'committed-is-stored', 'agreement', 'linearizable'],
  },
  'constant-psn': {
    story:
      'The packet sequence numbers of a connection are always the same (DARE, Mu), and the follower trusts the queue pair to keep the old leader out: a packet of the old connection matches the new one and lands after the fence.',
    fix: 'Numbers that depend on the connection, and a view in every entry.',
    caughtBy: ['accepted-from-own-leader', 'agreement', 'linearizable'],
  },
  'failed-write-taken-back': {
    story:
      'When a WRITE of the last entry fails the leader takes the entry back and gives its index to the next one. The failed WRITE was maybe applied, and others have the entry in any case.',
    fix: 'An index stays with its entry; after an error connect anew and send it again.',
    caughtBy: ['accepted-from-own-leader', 'agreement', 'linearizable'],
  },
  'swallowed-completions-awaited': {
    story:
      'A replica goes on waiting for completions that a reset has swallowed (the artifact of Mu met it and blamed the driver). Its send queue stays full.',
    fix: 'With the connection everything posted on it is forgotten.',
    caughtBy: ['all requests are answered and all replicas agree'],
  },
  'one-end-reset': {
    story:
      'When a connection breaks the leader resets and connects its own end only. The other end counts packets of the former connection and never understands it again.',
    fix: 'Both ends begin a new connection, under a new number.',
    caughtBy: ['all requests are answered and all replicas agree', 'fetched-as-posted'],
  },
  'duplicate-applied': {
    story:
      'Nobody remembers what clients have asked. A client that hears nothing asks again, and its request takes effect twice.',
    fix: 'Remember the last request of each client and its reply in what the entries make.',
    caughtBy: ['linearizable'],
  },
  'table-not-in-snapshot': {
    story:
      'A snapshot holds the application and not the client table. Who is restored from it applies a repeated request once more.',
    fix: 'The client table is part of the snapshot.',
    caughtBy: ['agreement', 'linearizable'],
  },
  'waits-for-all': {
    story:
      'The leader commits what all followers have acknowledged (as the artifact of Mu waits for all permissions). One dead follower stops the service.',
    fix: 'A majority is enough.',
    caughtBy: ['all requests are answered and all replicas agree'],
  },
  'zero-is-no-acknowledgement': {
    story:
      'An acknowledgement holds the number of the replica, and 0 means none (APUS v0.1). Replica 0 as a follower is never counted.',
    fix: 'An acknowledgement says what is acknowledged, not by whom.',
    caughtBy: ['all requests are answered and all replicas agree'],
  },
  'idle-commit-untold': {
    story:
      'The commit index travels with the next entry only. When no client asks any more the followers never apply the last one (Mu).',
    fix: 'A NOP pushes the commit index when nothing else does.',
    caughtBy: ['all requests are answered and all replicas agree'],
  },
  'recycled-too-early': {
    story:
      'The leader lays a new entry over an old one while a NIC may still be fetching the old one. What arrives is half of each.',
    fix: 'Drop an entry only when every WRITE of it is known to be done.',
    caughtBy: ['fetched-as-posted', 'agreement', 'linearizable'],
  },
  'read-unconfirmed': {
    story: 'The leader answers reads from its own state and asks nobody. It may have been deposed long ago.',
    fix: 'A majority must confirm, after the read has come, that it has not left the view.',
    caughtBy: ['linearizable'],
  },
  'confirmation-remembered': {
    story:
      'The leader has itself confirmed once in a view and answers all later reads without asking again. The confirmation says nothing about the time after its READs.',
    fix: 'A confirmation serves the reads that had come before its READs were posted.',
    caughtBy: ['confirmed-in-this-round', 'linearizable'],
  },
  'blank-word-confirms': {
    story:
      'The leader counts that a READ of the status word succeeded and does not look at the word. A replica without memory has a blank one: what it promised to another leader it has forgotten.',
    fix: 'Only a word that names the view confirms it.',
    caughtBy: ['confirmed-by-members', 'linearizable'],
  },
  'read-before-own-view': {
    story:
      'A new leader answers reads before it has committed an entry of its own view. It does not know yet what its predecessor has committed.',
    fix: 'First commit an entry of the own view and apply everything before it.',
    caughtBy: ['linearizable'],
  },
  'flush-not-awaited': {
    story:
      'The follower acknowledges what it has appended to its disk, before the flush has returned (APUS v0.1 writes with O_DIRECT and never flushes). A loss of power takes back what made a majority.',
    fix: 'Acknowledge when the flush has returned.',
    caughtBy: [
      'stored-before-acknowledged',
      'committed-is-stored',
      'leader-has-all-committed',
      'agreement',
      'linearizable',
    ],
  },
  'own-store-unawaited': {
    story: 'The leader counts its own copy of an entry before its own flush has returned.',
    fix: 'The own copy counts as any other: when it is stored.',
    caughtBy: ['committed-is-stored', 'leader-has-all-committed', 'agreement', 'linearizable'],
  },
  'view-not-flushed': {
    story:
      'A replica votes before the view is flushed. A loss of power takes the vote back, and it helps the leader of an older view to commit.',
    fix: 'Flush views and votes before they leave.',
    caughtBy: ['votes-are-remembered', 'leader-has-all-committed', 'agreement', 'linearizable'],
  },
  'failed-flush-retried': {
    story:
      'When a flush fails the replica flushes again, and acknowledges when that succeeds. What the first one should have stored is void ("fsyncgate").',
    fix: 'Append anew what a failed flush should have stored.',
    caughtBy: [
      'stored-before-acknowledged',
      'committed-is-stored',
      'leader-has-all-committed',
      'agreement',
      'linearizable',
    ],
  },
  'rot-taken-for-torn': {
    story:
      'A replica stores one copy of each record and takes a bad one at the end of its log for torn. It was flushed and has rotted, and with it went what was acknowledged.',
    fix: 'Two copies under one flush tell torn from rotten; a replica that has lost records recovers from its peers.',
    caughtBy: [
      'stored-before-acknowledged',
      'committed-is-stored',
      'votes-are-remembered',
      'leader-has-all-committed',
      'agreement',
      'linearizable',
    ],
  },
  'torn-record-trusted': {
    story: 'A replica reads its log back without checksums and takes a torn record for what it has stored.',
    fix: 'A checksum over each record.',
    caughtBy: [
      'committed-is-stored',
      'stored-before-acknowledged',
      'entries-are-whole',
      'agreement',
      'linearizable',
      'accepted-from-own-leader',
    ],
  },
} as const satisfies Readonly<Record<string, Bug>>

export type BugName = keyof typeof bugs

/** Hardware on which a variant is hunted, instead of what is drawn. */
export const hardware: Readonly<Record<string, Partial<Knobs>>> = {
  'constant-psn': { psn: 'constant' },
}

/** Parameters without which a variant does no harm. */
const confirmedReads = { reads: Reads.confirmed, application: 0 }
const onDisk = { durability: Durability.disk }
const inMemory = { durability: Durability.memory }
export const needs: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  'vote-from-amnesia': inMemory,
  'votes-before-caught-up': inMemory,
  'recovered-from-anyone': inMemory,
  'vote-of-a-former-life': inMemory,
  'read-unconfirmed': confirmedReads,
  'confirmation-remembered': confirmedReads,
  'blank-word-confirms': { ...confirmedReads, ...inMemory },
  'read-before-own-view': confirmedReads,
  'flush-not-awaited': onDisk,
  'own-store-unawaited': onDisk,
  'view-not-flushed': onDisk,
  'failed-flush-retried': onDisk,
  'rot-taken-for-torn': onDisk,
  'torn-record-trusted': onDisk,
}
