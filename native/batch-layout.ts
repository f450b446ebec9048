/**
 * The numbers of the batch: what stands where in a request and in a completion. The same as in `batch/batch.h` and
 * `fabric/fabric.h`, in 32-bit words; what the contract has too has the contract's numbers.
 */

export const Operation = {
  write: 1,
  writeImmediate: 2,
  read: 3,
  compareSwap: 4,
  fetchAdd: 5,
  send: 6,
  control: 16,
  protect: 17,
  observe: 18,
  publish: 19,
  watch: 20,
  append: 21,
  flush: 22,
  truncate: 23,
} as const

export const requestWords = 16
export const requestField = {
  operation: 0,
  queuePair: 1,
  remoteRegion: 2,
  remoteOffset: 3,
  localRegion: 4,
  localOffset: 5,
  length: 6,
  token: 7,
  flags: 8,
  argument: 9,
  operandLow: 10,
  operandHigh: 11,
  desiredLow: 12,
  desiredHigh: 13,
} as const

/** What a completion tells of. */
export const CompletionKind = {
  /** A work request has ended. */
  request: 0,
  /** A control call or a `protect` has ended. */
  control: 1,
  /** A message has arrived: `length` bytes at `offset` of the input arena. */
  message: 2,
  /** A WRITE with immediate has arrived. */
  notice: 3,
  /** A flush has ended. */
  stored: 4,
  /** What `observe` asked for: `length` bytes at `offset` of the input arena. */
  observed: 5,
} as const
export type CompletionKind = (typeof CompletionKind)[keyof typeof CompletionKind]

export const completionWords = 8
export const completionField = {
  kind: 0,
  queuePair: 1,
  token: 2,
  status: 3,
  offset: 4,
  length: 5,
  immediate: 6,
} as const

/** Words of the header at the beginning of a batch. */
export const headerField = {
  requests: 0,
  misuse: 1,
  misuseIndex: 2,
  completions: 3,
  windowsChanged: 4,
} as const

/** Why a request was refused as a mistake, by its number; the words are for messages. */
export const misuses: readonly (readonly [code: string, words: string])[] = [
  ['none', 'nothing is wrong'],
  ['operation', 'no such operation, or nothing is open that could do it'],
  ['queuePair', 'there is no such queue pair'],
  ['length', 'the length is zero, beyond its limit, or no multiple of 8'],
  ['alignment', 'the remote offset is no multiple of 8'],
  ['local', 'the local bytes are not all inside an own region, or inside the output arena'],
  ['queueFull', 'the queue is full; see to completions first'],
  ['notReady', 'the queue pair is not ready to send'],
  ['inlineTooLong', 'there are more inline bytes than inlineBytes'],
  ['control', 'there is no such control call, or its argument is out of range'],
  ['controlBusy', 'a control call is under way already'],
  ['region', 'there is no such own region, or the bytes are not all inside it'],
  ['window', 'there is no such window'],
  ['storage', 'no log is open'],
  ['storageFull', 'more waits for the log than its buffer holds; wait for flushes to end'],
]
