/**
 * Where shared memory does otherwise than the simulated fabric, program by program, and why. The parity suite demands
 * that this is all, and that each of these is still seen.
 */

const noSequenceNumbers =
  'Shared memory has no packet sequence numbers: an end that was reset alone and brought up under the same connection number goes on, as the simulator has it under `psn: derived`. What DARE and Mu suffer from constant numbers does not exist here.'
const ownNic =
  'A process is the NIC of its own requests: what it has posted and not yet handed over waits while it is stopped, where a NIC would have gone on.'

/** Programs with an outcome that the simulator does not have, and that outcome. */
export const deviations: Readonly<Record<string, { readonly outcome: string; readonly reason: string }>> = {
  'one-sided-reset-atomic': { outcome: 'ok ok 1 2', reason: noSequenceNumbers },
  'one-sided-reset-gap': { outcome: 'ok ok 2', reason: noSequenceNumbers },
  'one-sided-reset-in-step-again': { outcome: 'ok ok ok 2 3', reason: noSequenceNumbers },
  'one-sided-reset-message': { outcome: 'ok ok 5 6', reason: noSequenceNumbers },
  'one-sided-reset-read': { outcome: 'ok ok ok 2', reason: noSequenceNumbers },
  'one-sided-reset-repetition': { outcome: 'ok ok 2', reason: noSequenceNumbers },
  'read-lands-while-stopped': { outcome: '- 0 n0 waits', reason: ownNic },
  'zombie-sends': { outcome: '- 0 n0 waits n1 waits', reason: ownNic },
}

const posted =
  'What a core has asked for since its last turn is in its own batch, not in the device: it waits while the process is stopped, and is gone when it is killed.'

/**
 * Where soft-RoCE (Linux 6.1) does otherwise than the rule book, program by program. An outcome that begins with `failed`
 * is what the native layer says instead of running the request. Real devices are expected to need only those marked
 * `everywhere`; none was run.
 */
export const verbsDeviations: Readonly<
  Record<
    string,
    {
      readonly outcome: string
      readonly reason: string
      readonly everywhere: boolean
      readonly always: boolean
    }
  >
> = {
  'misaligned-atomic': {
    outcome: 'failed: request 0 of the batch: the remote offset is no multiple of 8',
    reason:
      'The user library of soft-RoCE refuses a misaligned atomic at the post, where others leave it to the peer.',
    everywhere: false,
    always: true,
  },
  'drained-waits': {
    outcome: '0 ok - 0 n0 waits',
    reason:
      'After SQD soft-RoCE does not take up what was queued when the queue pair is in RTS again, but with the next request.',
    everywhere: false,
    always: true,
  },
  'immediate-without-buffer': {
    outcome: 'retryExceeded 0',
    reason:
      'While soft-RoCE waits for a receiver that is not ready, its clock for lost answers goes on: infinite repetition ends when the retry time is over.',
    everywhere: false,
    always: true,
  },
  'immediate-without-buffer-prefix': {
    outcome: 'receiverNotReady 0 0 0',
    reason:
      'The program has packets of 64 bytes; a device has at least 256, so that the WRITE is one packet.',
    everywhere: true,
    always: true,
  },
  'killed-then-restarted': {
    outcome: '- - n0 waits n1 down',
    reason: posted,
    everywhere: true,
    always: false,
  },
  'read-lands-while-stopped': {
    outcome: '- 0 n0 waits',
    reason: posted,
    everywhere: true,
    always: false,
  },
  'zombie-sends': { outcome: '- 0 n0 waits n1 waits', reason: posted, everywhere: true, always: false },
}

/** What a program may need that a fabric does not have, or that is not of the fabric. */
export const absent = {
  disk: {
    on: ['shm', 'verbs'],
    reason: 'Disks are no part of the fabric; the log has tests of its own (tests/native/log.test.ts).',
  },
  clock: { on: ['shm', 'verbs'], reason: 'Clocks are no part of the fabric.' },
  retransmission: {
    on: ['shm', 'verbs'],
    reason:
      'On shared memory no packet is lost on the way, so none is sent again. A device sends again what it likes, and cannot be asked to.',
  },
  corruption: { on: ['shm', 'verbs'], reason: 'Memory does not change by itself.' },
  'memory windows': {
    on: ['shm', 'verbs'],
    reason: 'Rights are given per queue pair and per region; memory windows are not there.',
  },
  'completion overrun': {
    on: ['shm', 'verbs'],
    reason:
      'A send queue bounds its own completions, and what is not polled stays there; over verbs the one completion queue has room for all of them.',
  },
  'link cuts': {
    on: ['verbs'],
    reason: 'A device loses no packet because it is asked to; links of whole machines are cut instead.',
  },
} as const satisfies Readonly<
  Record<string, { readonly on: readonly ('shm' | 'verbs')[]; readonly reason: string }>
>
export type Absent = keyof typeof absent
