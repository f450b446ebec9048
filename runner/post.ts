/**
 * The message network on hardware: one queue pair to each peer, beside those that the core knows, on which SENDs carry the
 * core's messages, and what its runner has to say to the peer's (requests that are forwarded, and their replies).
 *
 * The pair is connected under a number made of both nodes' incarnations, so nothing of a former life is heard. When it
 * breaks it is connected again. What a lossy network may lose is dropped while it is down or full; on one that loses
 * nothing a bounded number of messages waits.
 */
import { Control, Flag, type NodeId, Status } from '../protocol/index.js'
import type { NativeNode } from '../native/index.js'
import type { CoreHost } from './host.js'

/** What a message is. */
export const Mail = { message: 0, request: 1, reply: 2 } as const
/** Kind, client, sequence, length: 32 bits each. */
export const MAIL_HEADER_BYTES = 16

const End = { closed: 0, connecting: 1, open: 2 } as const
/** Before a broken pair is connected again. */
const RECONNECT_MILLIS = 1
const MOST_WAITING = 4096

export interface PostOptions {
  readonly native: NativeNode
  readonly host: CoreHost
  readonly nodes: number
  /** Index of the message pair among the pairs to a peer. */
  readonly pair: number
  /** SENDs that may be outstanding to a peer. */
  readonly depth: number
  readonly lossy: boolean
  /** Of each node, as far as known; what its owner changes is taken up by {@link Post.tick}. */
  readonly incarnations: Uint32Array
}

/** The number under which two nodes connect, whoever asks. Zero before either has been restarted. */
function mailConnection(a: NodeId, b: NodeId, incarnations: Uint32Array): number {
  const [low, high] = a < b ? [a, b] : [b, a]
  return (((incarnations[low]! & 0xffff) << 16) | (incarnations[high]! & 0xffff)) >>> 0
}

export class Post {
  /** Messages that found no way. */
  dropped = 0
  readonly #options: PostOptions
  readonly #header = new Uint8Array(MAIL_HEADER_BYTES)
  readonly #words: Uint32Array
  readonly #ends: Uint8Array
  readonly #outstanding: Uint16Array
  readonly #numbers: Uint32Array
  readonly #retryAt: Float64Array
  /** Whole messages that wait, per peer; only where nothing may be lost. */
  readonly #waiting: Uint8Array[][]

  constructor(options: PostOptions) {
    const { nodes, host } = options
    this.#options = options
    this.#words = new Uint32Array(this.#header.buffer)
    this.#outstanding = new Uint16Array(nodes)
    this.#numbers = new Uint32Array(nodes)
    this.#retryAt = new Float64Array(nodes).fill(Infinity)
    this.#waiting = Array.from({ length: nodes }, () => [])
    // A first incarnation finds its queue pairs ready under 0; after a restart they are in RESET.
    this.#ends = new Uint8Array(nodes).fill(host.incarnation === 0 ? End.open : End.closed)
  }

  /** Queue pair of the native node. */
  #pairTo(peer: NodeId): number {
    return peer * (this.#options.pair + 1) + this.#options.pair
  }

  isOpen(peer: NodeId): boolean {
    return this.#ends[peer] === End.open && this.#outstanding[peer]! < this.#options.depth
  }

  /** Sends `length` bytes of `from`. Returns whether it found a way. */
  send(
    to: NodeId,
    kind: number,
    client: number,
    sequence: number,
    from: Uint8Array,
    at: number,
    length: number,
  ): boolean {
    const words = this.#words
    words[0] = kind
    words[1] = client
    words[2] = sequence
    words[3] = length
    if (this.isOpen(to) && this.#waiting[to]!.length === 0) {
      const { host } = this.#options
      const start = host.capture(this.#header, 0, MAIL_HEADER_BYTES)
      host.capture(from, at, length)
      this.#post(to, start, MAIL_HEADER_BYTES + length)
      return true
    }
    const waiting = this.#waiting[to]!
    if (this.#options.lossy || kind !== Mail.message || waiting.length === MOST_WAITING) {
      this.dropped++
      return false
    }
    const whole = new Uint8Array(MAIL_HEADER_BYTES + length)
    whole.set(this.#header)
    whole.set(from.subarray(at, at + length), MAIL_HEADER_BYTES)
    waiting.push(whole)
    return true
  }

  #post(to: NodeId, at: number, length: number): void {
    this.#outstanding[to]!++
    this.#options.native.send(this.#pairTo(to), at, length, 0, Flag.signaled)
  }

  /** A SEND to the peer, or the connecting of the pair, has ended. */
  ended(peer: NodeId, status: number, isControl: boolean): void {
    if (isControl) {
      this.#ends[peer] = status === Status.ok ? End.open : End.closed
      if (status !== Status.ok) this.#retryAt[peer] = this.#options.host.now + RECONNECT_MILLIS
      return
    }
    if (this.#outstanding[peer]! > 0) this.#outstanding[peer]!--
    if (status === Status.ok || this.#ends[peer] !== End.open) return
    this.#ends[peer] = End.closed
    this.#retryAt[peer] = this.#options.host.now + RECONNECT_MILLIS
  }

  /** Connects what must be connected, and sends what waits. Call it now and then. */
  tick(): void {
    const { host, native, nodes, incarnations } = this.#options
    for (let peer = 0; peer < nodes; peer++) {
      if (peer === host.self || this.#ends[peer] === End.connecting) continue
      const number = mailConnection(host.self, peer, incarnations)
      const isNew = number !== this.#numbers[peer]
      const isDue = this.#ends[peer] === End.closed && host.now >= this.#retryAt[peer]!
      if (isNew || isDue) {
        if (native.peerState(peer) !== 'connected') continue
        this.#numbers[peer] = number
        this.#retryAt[peer] = Infinity
        this.#ends[peer] = End.connecting
        this.#outstanding[peer] = 0
        native.control(this.#pairTo(peer), Control.connect, number, 0)
        continue
      }
      const waiting = this.#waiting[peer]!
      while (waiting.length > 0 && this.isOpen(peer)) {
        const whole = waiting.shift()!
        this.#post(peer, host.capture(whole, 0, whole.length), whole.length)
      }
    }
  }
}
