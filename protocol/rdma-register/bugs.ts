/** The gallery of wrong variants. Each is a few lines in `writer-core.ts`, `writer-puts.ts` or `reader-core.ts`. */
import type { Bug, Knobs } from '../system.js'
import { Integrity } from './layout.js'

export const bugs = {
  'payload-before-header': {
    story:
      'The reader copies the payload before the canary. The canary is placed last, so it seems to vouch for the payload; but the payload was read before the canary arrived, and may be older or half old.',
    fix: 'Read the canary first and the payload after it.',
    caughtBy: ['integrity', 'one-sequence-per-put', 'linearizable'],
  },
  'missing-checksum': {
    story:
      'The reader accepts a slot as soon as its sequence is new. The words of one WRITE land one by one, so the rest of the slot may still be old.',
    fix: 'Accept a slot only when the checksum over its sequence and payload is right.',
    caughtBy: ['integrity', 'one-sequence-per-put', 'linearizable'],
  },
  'reuse-before-acknowledgement': {
    story:
      'The writer reuses a slot when the WRITE from it has completed, without waiting for the readers. A completion says that the bytes are in the memory of the reader, not that it has looked: the next value lands under its eyes.',
    fix: 'Reuse a slot only when every reader has acknowledged what it held.',
    caughtBy: ['slot-not-reused-early', 'integrity', 'one-sequence-per-put', 'linearizable'],
  },
  'buffer-changed-before-completion': {
    story:
      'The writer puts the next payload into the outbox slot while a WRITE from it is under way. The NIC fetches the bytes late, so it may send the new payload under the old sequence, or half of each.',
    fix: 'Leave the buffer of a WRITE that is not inline alone until its completion.',
    caughtBy: ['staged-until-fetched', 'integrity', 'one-sequence-per-put', 'linearizable'],
  },
  'completion-is-acknowledgement': {
    story:
      'The writer answers a put when its WRITEs have completed. A completion is an acknowledgement of the NIC: the reader may not have polled yet, and answers with the old value.',
    fix: 'Answer a put when every reader has acknowledged that it has accepted it.',
    caughtBy: ['answered-is-held', 'slot-not-reused-early', 'integrity', 'linearizable'],
  },
  'retry-applied-twice': {
    story:
      'The writer keeps no table of what clients have asked already. A client that hears nothing asks again, and its old value is published once more over newer ones.',
    fix: 'Remember the last request of each client, and answer a retry without applying it.',
    caughtBy: ['one-sequence-per-put', 'linearizable'],
  },
  'blank-read': {
    story:
      'A restarted reader answers with the initial value, as a fresh one does. It has forgotten what it acknowledged, and what clients have read from it.',
    fix: 'After a restart stay silent until a publication has been accepted again.',
    caughtBy: ['answered-is-held', 'slot-not-reused-early', 'linearizable'],
  },
  'error-means-not-applied': {
    story:
      'When a WRITE fails the writer takes the put back and gives its sequence to the next one. But a failed WRITE was maybe applied, and other readers have the put in any case: they take the new put for one that they know.',
    fix: 'After an error keep the sequence and the slot, renew the connection, and publish again.',
    caughtBy: ['one-sequence-per-put', 'integrity', 'staged-until-fetched', 'linearizable'],
  },
  'republish-oldest-first': {
    story:
      'After a reconnection the writer publishes all its slots again, the oldest first. A restarted reader takes the oldest for the present value and answers with it.',
    fix: 'Publish only the newest again: acknowledgements are cumulative, nobody needs the older ones.',
    caughtBy: ['answered-is-held', 'slot-not-reused-early', 'linearizable'],
  },
  'canary-without-order': {
    story:
      'The reader trusts a canary at the end of a slot on a NIC that promises no order inside a packet. The canary may be visible before the words that it vouches for.',
    fix: 'Ask for in-order placement (`ibv_query_qp_data_in_order`), or use a checksum.',
    caughtBy: ['integrity', 'one-sequence-per-put', 'linearizable'],
  },
  'unsignalled-means-done': {
    story:
      'The writer posts its WRITEs unsignalled and takes them for done. No completion ever frees their places in the send queue, so the queue is full after a few puts.',
    fix: 'Signal every WRITE, or the last of every few, and count the others as under way until then.',
    caughtBy: ['assertion'],
  },
} as const satisfies Readonly<Record<string, Bug>>

/** Hardware on which a variant is hunted, instead of what the protocol asks for. */
export const hardware: Readonly<Record<string, Partial<Knobs>>> = {
  'canary-without-order': { placement: 'shuffled-in-packet' },
}

/** Parameters without which a variant does no harm: with a checksum, for instance, the order of reading is free. */
export const needs: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  'payload-before-header': { integrity: Integrity.canary },
  'missing-checksum': { integrity: Integrity.checksum },
  // A slot is scarce only when more clients put than there are slots. A checksum would turn a torn slot down.
  'reuse-before-acknowledgement': { integrity: Integrity.canary, slots: 1, clients: 2 },
  'buffer-changed-before-completion': { integrity: Integrity.canary, slots: 1, clients: 2 },
  'canary-without-order': { integrity: Integrity.canary },
  // The sequence must go to another put than the one that it was taken from.
  'error-means-not-applied': { clients: 2 },
  // With one slot the oldest is the newest; the more there are, the longer the reader is behind.
  'republish-oldest-first': { slots: 4 },
}
