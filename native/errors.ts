/** Typed errors of the addon. */
import { misuses } from './batch-layout.js'

/**
 * Something native failed, or was used after its end. `code` is one of
 * - `ERR_OPTIONS`, `ERR_ARGUMENT`: the message names the option or the argument, and what it must be;
 * - `ERR_ADDRESS_IN_USE`: a process of this node is alive already;
 * - `ERR_LOG_IN_USE`: the log's folder is open elsewhere;
 * - `ERR_LOG_DAMAGED`: what a flush had made durable cannot be read back; the message names record, file and byte;
 * - `ERR_LOG`, `ERR_SOCKET`, `ERR_MEMORY`: a system call failed; the message names it and its object;
 * - `ERR_NO_VERBS`: RDMA is asked for, and libibverbs, or its headers at the time of the build, are absent;
 * - `ERR_VERBS`: a verb failed, or no device is as asked for; the message names verb, object and errno, and the mend;
 * - `ERR_CLOSED`: the node has been closed;
 * - `ERR_NOT_BUILT`: the addon is missing or cannot be loaded; the message says how to build it.
 */
export class NativeError extends Error {
  override readonly name = 'NativeError'
  readonly code: string

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** A request that cannot be taken, by its place in the batch. The requests before it have been taken. */
export class MisuseError extends Error {
  override readonly name = 'MisuseError'
  /** Such as `queueFull`, `notReady` or `local`. */
  readonly code: string
  /** Its place among the requests since the last `turn`, from 0. */
  readonly index: number

  constructor(misuse: number, index: number) {
    const [code, words] = misuses[misuse] ?? ['unknown', 'it was refused']
    super(`request ${String(index)} of the batch: ${words}`)
    this.code = code
    this.index = index
  }
}

/** The addon throws plain errors with a code. */
export function typed(error: unknown): unknown {
  if (
    error instanceof Error &&
    !(error instanceof NativeError) &&
    'code' in error &&
    typeof error.code === 'string'
  )
    return new NativeError(error.code, error.message, { cause: error })
  return error
}
