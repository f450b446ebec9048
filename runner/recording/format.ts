/**
 * The format of a recording: what the core of one node was given in one life, and hashes of what it did. See
 * docs/recording.md for the words; this file is the truth.
 *
 * A file is a header and blocks. The header is the line `aviary recording`, a u32 with the length of its JSON, the JSON,
 * and the CRC-32 of all of that. A block is a u32 with its kind and its number (from 0, so that none is missing), a u32
 * with the length of its payload, the CRC-32 of those eight bytes, the CRC-32 of the payload, and the payload. Numbers
 * are little-endian.
 *
 * The payloads of blocks of kind `records`, one after the other, are the stream of records; a record may begin in one
 * block and end in another. The last block is `end` or `hole`. A file without it was cut: its process was killed.
 *
 * A record is a byte (its {@link Tag}, and {@link AFTER_POLLS}), the number of quiet polls before it if that bit is set,
 * the nanoseconds since the record before, and then what its tag has; whole numbers are varints (seven bits a byte, the
 * lowest first). Records of inputs end with their effects: for each its kind and its hash (u32), then {@link NO_MORE}.
 * A quiet poll is one of windows that have not changed, which asked for nothing.
 */
// As a namespace, so that of the whole package only what is used here comes into the page.
import * as z from 'zod'
import { Handler } from '../../protocol/index.js'
import { RunError } from '../errors.js'

export const MAGIC = 'aviary recording\n'
export const FORMAT_VERSION = 1
export const ENDING = 'aviaryrec'

export const BlockKind = { records: 0, hole: 1, end: 2 } as const
export const BLOCK_HEADER_BYTES = 16
/** Most bytes of a block's payload. */
export const BLOCK_BYTES = 2 ** 16

/** Tags 0 to 9 are inputs, by handler. */
export const Tag = {
  /** Nothing but the quiet polls before it. */
  polls: 10,
  /** Hash of a piece of private memory: where it begins, its length, u32. */
  state: 11,
  /**
   * What a client did or learned: kind, client, operation, nanoseconds since the beginning; a length, bytes: of what is
   * returned, and of what a caller of a service asks for. The operations of callers are their sequence numbers.
   */
  client: 12,
  /** 1 if the handler of the record before has thrown, 0 for something outside of handlers; a text. */
  failed: 13,
  /**
   * Everything, so that reading may begin here: inputs so far, nanoseconds since the beginning; private memory; the words
   * of all windows; how many messages have been sent to each node.
   */
  whole: 14,
} as const
export const AFTER_POLLS = 0x80
export const NO_MORE = 0xff

/** Whether inputs of a handler come with bytes, and a record with their number and them. */
export function hasBytes(handler: number): boolean {
  return (
    handler === Handler.start ||
    handler === Handler.observed ||
    handler === Handler.message ||
    handler === Handler.request
  )
}

export const clientEventKinds = ['call', 'return', 'abandon'] as const

const headerSchema = z.strictObject({
  version: z.literal(FORMAT_VERSION, 'must be 1: another version of Aviary has written it'),
  createdBy: z.string(),
  /** Name of the system, and the module it was loaded from, as the user wrote it. */
  system: z.string(),
  modulePath: z.string().optional(),
  codeFingerprint: z.string(),
  /** Whether it was run as a service. */
  isService: z.boolean(),
  parameters: z.record(z.string(), z.int()),
  seed: z.int().min(0),
  nodes: z.int().min(1).max(32),
  node: z.int().min(0).max(31),
  incarnation: z.int().min(0).max(0xffff),
  layoutDigest: z.string(),
  /** Nanoseconds of the machine's monotonic clock when the records begin. */
  begunNanos: z.string().regex(/^\d{1,19}$/),
  /** Names the machine, since it was booted: times of one clock can be compared. */
  clock: z.string(),
  /** What it is part of: recordings of one run have the same. */
  cluster: z.string(),
  /** Written by the flight recorder: it may begin in the middle. */
  isFlight: z.boolean(),
})
export type RecordingHeader = z.infer<typeof headerSchema>

/** Checks a header. Throws {@link RunError} that names the field. */
export function readHeader(json: unknown, path: string): RecordingHeader {
  const parsed = headerSchema.safeParse(json)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new RunError(
    `${path}: ${['header', ...issue!.path].map(String).join('.')}: ${issue!.message}`,
    'record it again, or use the version of Aviary that has written it.',
  )
}

/** `member-K-life-N.aviaryrec` */
export function recordingName(node: number, incarnation: number): string {
  return `member-${String(node)}-life-${String(incarnation)}.${ENDING}`
}
