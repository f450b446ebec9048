/**
 * What travels between the command, the keeper of a testbed and the agent in a machine: frames of 9 bytes of header
 * (length of the payload, stream, kind; little-endian) and a payload. One codec for both borders: the keeper hands most
 * frames on, under another stream number.
 */

export const Kind = {
  /** To the agent: begin a process; payload {@link SpawnOrder} as JSON. */
  spawn: 1,
  /** To the agent: connect to an address inside the machine; payload {@link DialOrder} as JSON. */
  dial: 2,
  /** To the agent: bytes for standard input, or for the connection. */
  input: 3,
  /** To the agent: no more input. */
  inputEnd: 4,
  /** To the agent: a signal for the process; payload its name. */
  signal: 5,
  /** Both ways: a message on the process's IPC channel, serialized by `v8.serialize`. */
  message: 6,
  /** From the agent: bytes of standard output, or of the connection. */
  output: 7,
  /** From the agent: bytes of standard error. */
  error: 8,
  /** From the agent: the stream has ended; payload {@link ProgramEnd} as JSON. */
  exit: 9,
  /** From the agent, stream 0: the machine is ready; payload {@link Hello} as JSON. */
  hello: 10,
  /** To the keeper: a request, and its two answers; payloads as JSON. */
  request: 20,
  reply: 21,
  refusal: 22,
} as const
export type Kind = (typeof Kind)[keyof typeof Kind]

export interface SpawnOrder {
  readonly argv: readonly string[]
  /** Of the machine; default: its root. */
  readonly cwd?: string | undefined
  readonly env?: Readonly<Record<string, string>> | undefined
  /** Opens an IPC channel as `child_process.spawn` does. */
  readonly ipc?: boolean | undefined
  /** Forgets what was read from the host's tree before, so that changed files are seen. */
  readonly fresh?: boolean | undefined
}

export interface DialOrder {
  readonly host: string
  readonly port: number
}

export interface ProgramEnd {
  readonly code: number | null
  readonly signal: string | null
  /** Why it could not begin, or that the machine has gone away under it. */
  readonly error?: string | undefined
}

export interface Hello {
  /** Seconds since the kernel of the machine began. */
  readonly uptime: number
  /** Why the machine cannot be used; undefined if it can. */
  readonly error?: string | undefined
}

const HEADER_BYTES = 9
/** Longer payloads are cut by whoever sends bytes; messages and orders must fit. */
const PAYLOAD_BYTES_MAX = 64 * 2 ** 20
/** Of bytes in one frame. */
export const CHUNK_BYTES = 16 * 1024

export type Heard = (stream: number, kind: Kind, payload: Buffer) => void

export function frame(stream: number, kind: Kind, payload: Uint8Array | string = ''): Buffer {
  const body = typeof payload === 'string' ? Buffer.from(payload) : payload
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + body.length)
  bytes.writeUInt32LE(body.length, 0)
  bytes.writeUInt32LE(stream, 4)
  bytes.writeUInt8(kind, 8)
  bytes.set(body, HEADER_BYTES)
  return bytes
}

/** Takes bytes as they come and tells whole frames. Throws `RangeError` for a length that no frame has. */
export function frameReader(heard: Heard): (bytes: Buffer) => void {
  let pieces: Buffer[] = []
  let held = 0
  let wanted = HEADER_BYTES
  return (bytes) => {
    pieces.push(bytes)
    held += bytes.length
    while (held >= wanted) {
      const all = pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)
      pieces = [all]
      const length = all.readUInt32LE(0)
      if (length > PAYLOAD_BYTES_MAX) throw new RangeError(`a frame of ${String(length)} bytes`)
      wanted = HEADER_BYTES + length
      if (held < wanted) return
      const rest = all.subarray(wanted)
      const payload = all.subarray(HEADER_BYTES, wanted)
      pieces = rest.length === 0 ? [] : [rest]
      held = rest.length
      wanted = HEADER_BYTES
      heard(all.readUInt32LE(4), all.readUInt8(8) as Kind, payload)
    }
  }
}

export const jsonOf = (payload: Buffer): unknown => JSON.parse(payload.toString('utf8'))
