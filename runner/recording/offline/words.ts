/** Inputs and effects of a core in words. */
import {
  Handler,
  handlerNames,
  type CoreDefinition,
  type Hardware,
  type MessageNetwork,
  Control,
  byteOffsetOf,
  noQueuePair,
  regionOf,
  statusNames,
} from '../../../protocol/index.js'
import { EffectKind } from '../../../sim/world/effects.js'
import { RunError } from '../../errors.js'
import { REFUSE, effectNames } from '../../tapped-host.js'
import type { Recording } from './parse.js'

/** What must be known to speak of a core's inputs and effects. */
export interface Vocabulary {
  readonly definition: CoreDefinition
  /** Of all nodes: a peer's memory has names of its own. */
  readonly cores: readonly CoreDefinition[]
  readonly network: MessageNetwork | undefined
  readonly pairsPerPeer: number
}

export interface Effect {
  readonly kind: number
  readonly hash: number
  /** Seven numbers; see `tapped-host.ts`. */
  readonly numbers: readonly number[]
  readonly bytes: Uint8Array
}

export interface Input {
  readonly handler: number
  readonly a: number
  readonly b: number
  readonly c: number
  readonly bytes: Uint8Array
}

/** What is said of the inputs and effects of one node. Throws {@link RunError} where the system has no such node. */
export function vocabularyOf(hardware: Hardware, { header, path }: Recording): Vocabulary {
  const definition = hardware.cores[header.node]
  if (definition === undefined)
    throw new RunError(
      `${path}: the system has no node ${String(header.node)}`,
      'replay it with the code of then.',
    )
  return {
    definition,
    cores: hardware.cores,
    network: hardware.network,
    pairsPerPeer: hardware.fabric?.pairsPerPeer ?? 0,
  }
}

const controlNames = Object.keys(Control)
const name = (names: readonly string[], index: number): string => names[index] ?? `#${String(index)}`

function message({ network }: Vocabulary, bytes: Uint8Array): string {
  const copy = new Uint8Array(bytes)
  try {
    return network?.describe(new DataView(copy.buffer), 0, copy.length) ?? `${String(bytes.length)} bytes`
  } catch {
    return `${String(bytes.length)} bytes`
  }
}

const pairWords = ({ pairsPerPeer }: Vocabulary, queuePair: number): string =>
  queuePair === noQueuePair
    ? 'no queue pair'
    : `n${String(Math.floor(queuePair / Math.max(1, pairsPerPeer)))} pair ${String(queuePair % Math.max(1, pairsPerPeer))}`

function place(definition: CoreDefinition | undefined, remote: number): string {
  const regions = definition?.regions.map((region) => region.name) ?? []
  return `${name(regions, regionOf(remote))}+${String(byteOffsetOf(remote))}`
}

export function inputWords(words: Vocabulary, { handler, a, b, c, bytes }: Input): string {
  const { definition } = words
  const what = handlerNames[handler] ?? `handler ${String(handler)}`
  switch (handler) {
    case Handler.start:
      return `start${a !== 0 ? ' again' : ''}${bytes.length > 0 ? `, ${String(bytes.length)} bytes recovered` : ''}`
    case Handler.observed:
      return `observed token ${String(a)}, ${String(bytes.length)} bytes`
    case Handler.timer:
      return `timer ${name(definition.timers, a)}`
    case Handler.message:
      return `message of n${String(a)}: ${message(words, bytes)}`
    case Handler.completion:
      return `completion of ${pairWords(words, a)}, token ${String(b)}: ${name(statusNames, c)}`
    case Handler.request:
      return `request ${String(b)} of client ${String(a)}, ${String(bytes.length)} bytes`
    case Handler.stored:
      return `stored token ${String(a)}: ${name(statusNames, b)}`
    case Handler.input:
      return `input ${name(definition.inputs, a)}`
    case Handler.notified:
      return `notice of n${String(a)}: ${String(b)}`
    default:
      return what
  }
}

export function effectWords(words: Vocabulary, { kind, numbers, bytes }: Effect): string {
  const { definition, cores, pairsPerPeer } = words
  const [a = 0, b = 0, c = 0, d = 0, e = 0] = numbers
  const regions = definition.regions.map((region) => region.name)
  const peer = cores[Math.floor(a / Math.max(1, pairsPerPeer))]
  switch (kind) {
    case REFUSE:
      return 'refuse'
    case EffectKind.note:
      return `note ${name(definition.notes, a)} ${String(b)}`
    case EffectKind.deliver:
      return `deliver entry ${String(a)}, ${String(bytes.length)} bytes`
    case EffectKind.send:
      return `send to n${String(a)}: ${message(words, bytes)}`
    case EffectKind.watch:
      return `watch ${name(regions, b)}+${String(c)} as ${name(
        definition.windows.map((window) => window.name),
        a,
      )}`
    case EffectKind.observe:
      return `observe ${name(regions, a)}+${String(b)}, ${String(c)} bytes, token ${String(d)}`
    case EffectKind.publish:
      return `publish ${name(regions, a)}+${String(b)}: ${hex(bytes)}`
    case EffectKind.write:
    case EffectKind.writeImmediate: {
      const from = bytes.length > 0 ? hex(bytes) : `${String(d)} bytes of ${place(definition, c)}`
      return `write to ${pairWords(words, a)}, ${place(peer, b)}, token ${String(e)}: ${from}`
    }
    case EffectKind.read:
      return `read from ${pairWords(words, a)}, ${place(peer, b)}, ${String(d)} bytes, token ${String(e)}`
    case EffectKind.compareSwap:
      return `compare and swap at ${pairWords(words, a)}, ${place(peer, b)}: ${String(d)} to ${String(e)}`
    case EffectKind.fetchAdd:
      return `fetch and add at ${pairWords(words, a)}, ${place(peer, b)}: ${String(d)}`
    case EffectKind.post:
      return `post to ${pairWords(words, a)}, token ${String(e)}: ${hex(bytes)}`
    case EffectKind.control:
      return `control of ${pairWords(words, a)}: ${name(controlNames, b)} ${String(c)}, token ${String(d)}`
    case EffectKind.protect:
      return `protect ${name(regions, a)}: rights ${String(b)}, token ${String(c)}`
    case EffectKind.setTimer:
      return `set timer ${name(definition.timers, a)} to ${String(b)} µs`
    case EffectKind.cancelTimer:
      return `cancel timer ${name(definition.timers, a)}`
    case EffectKind.append:
      return `append ${hex(bytes)}`
    case EffectKind.flush:
      return `flush, token ${String(a)}`
    case EffectKind.truncate:
      return `truncate ${String(a)} records`
    case EffectKind.reply:
      return `reply ${String(b)} to client ${String(a)}: ${hex(bytes)}`
    default:
      return effectNames[kind] ?? `effect ${String(kind)}`
  }
}

const HEX_SHOWN = 24
function hex(bytes: Uint8Array): string {
  const shown = Array.from(bytes.subarray(0, HEX_SHOWN), (byte) => byte.toString(16).padStart(2, '0')).join(
    '',
  )
  return bytes.length > HEX_SHOWN ? `${shown}… (${String(bytes.length)} bytes)` : shown
}
