/** Finds and loads the addon, which `npm start` and `npm test` build. */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { NativeError } from './errors.js'
import type { NodeOptions, PortChoice } from './options.js'
import type { PortReport } from './verbs.js'

/** What the addon gives for a node; `native/addon/node_handle.cc` makes it. Byte offsets are those in `batch`. */
export interface NodeHandle {
  readonly batch: ArrayBuffer
  readonly requestsAt: number
  readonly completionsAt: number
  readonly outputAt: number
  readonly inputAt: number
  readonly windowsAt: readonly number[]
  /** Registered memory, and where its regions begin; absent without a fabric. */
  readonly memory?: ArrayBuffer
  readonly regionsAt?: readonly number[]
  readonly placesInOrder?: boolean
  /** What the log held; absent without one. */
  readonly recovered?: ArrayBuffer
  /** Takes as many requests as the header says; the header then tells of a mistake, and how many completions there are. */
  turn(): void
  close(): void
  peerState(node: number): number
  endState(queuePair: number): number
  impair(queuePair: number, losesRequests: boolean, losesAnswers: boolean): void
  addressFor(peer: number): Uint8Array
  addressRevision(): number
  meet(peer: number, address: Uint8Array): boolean
  relocations(): number
  wait(micros: number): boolean
  yield(): void
  waker(): number
  wakes(): number
}

interface Addon {
  open(options: NodeOptions): NodeHandle
  wake(waker: number): void
  verbsDevices(): string[]
  probePort(choice: PortChoice & { readonly roundTrips: number }): PortReport
}

// Compiled, this file stands beside the addon; as a source, beside `dist`.
const places = ['./aviary.node', '../dist/native/aviary.node'].map((place) =>
  fileURLToPath(new URL(place, import.meta.url)),
)

let addon: Addon | undefined

/** Throws {@link NativeError} `ERR_NOT_BUILT`, which names what is missing and the mend. */
export function loadAddon(): Addon {
  if (addon !== undefined) return addon
  const mend =
    'It needs Linux and a C++ compiler: install g++ (apt-get install g++), then run `npm start` in a checkout of Aviary.'
  const path = places.find((place) => existsSync(place))
  if (path === undefined)
    throw new NativeError('ERR_NOT_BUILT', `the native addon (aviary.node) is not built. ${mend}`)
  try {
    addon = createRequire(import.meta.url)(path) as Addon
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new NativeError('ERR_NOT_BUILT', `the native addon cannot be loaded: ${reason}. ${mend}`, {
      cause: error,
    })
  }
  return addon
}
