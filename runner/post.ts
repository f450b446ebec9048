/**
 * The message network on hardware: one queue pair to each peer, beside those that the core knows, on which SENDs carry the
 * core's messages, and what its runner has to say to the peer's (requests that are forwarded, and their replies).
 *
 * The pair is connected under a number made of both nodes' incarnations, so nothing of a former life is heard. When it
 * breaks it is connected again. Queue pairs of a device count packets, so that both ends must begin anew: an end that was
 * reset alone would be taken for one that repeats itself, and its messages would be acknowledged and dropped. Each node
 * therefore counts how often it has renewed the pair to a peer; the runner tells the peer, and the sum of both counts is
 * part of the number. What a lossy network may lose is dropped while the pair is down or full; on one that loses nothing
 * a bounded number of messages waits, and what was not acknowledged before the pair broke is sent again: its receiver
 * tells by the numbers of the messages what has come before.
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
  /** Whether the runner tells peers how often a pair was renewed; without packet numbers (shared memory) it need not. */
  readonly countsRenewals: boolean
}

/**
 * The number under which two nodes connect, whoever asks. Zero before either has been restarted. It returns after 4096
 * lives, or 256 renewals within them: nothing is under way for so long.
 */
function mailConnection(a: NodeId, b: NodeId, incarnations: Uint32Array, renewals: number): number {
  const [low, high] = a < b ? [a, b] : [b, a]
  const lives = ((incarnations[low]! & 0xfff) << 20) | ((incarnations[high]! & 0xfff) << 8)
  return (lives | (renewals & 0xff)) >>> 0
}

export class Post {
  /** Messages that found no way. */
  dropped = 0
  /** Grows with each renewal by this node: peers must be told again. */
  revision = 0
  readonly #options: PostOptions
  readonly #header = new Uint8Array(MAIL_HEADER_BYTES)
  readonly #words: Uint32Array
  readonly #ends: Uint8Array
  readonly #outstanding: Uint16Array
  readonly #numbers: Uint32Array
  readonly #retryAt: Float64Array
  /** How often this node, and each peer, has renewed the pair between them. */
  readonly #own: Uint32Array
  readonly #theirs: Uint32Array
  /** Life of each peer that has told how it is reached; -1: none has. */
  readonly #metLives: Int32Array
  /** Whole messages that wait, per peer; only where nothing may be lost. */
  readonly #waiting: Uint8Array[][]
  /** What was posted and has not completed, in order; undefined: nothing that would be sent again. Only there, too. */
  readonly #posted: (Uint8Array | undefined)[][]
  /** Of each peer: the life and the number of the last message that has come. */
  readonly #heardLives: Uint32Array
  readonly #heard: Uint32Array

  constructor(options: PostOptions) {
    const { nodes, host } = options
    this.#options = options
    this.#words = new Uint32Array(this.#header.buffer)
    this.#outstanding = new Uint16Array(nodes)
    this.#numbers = new Uint32Array(nodes)
    this.#retryAt = new Float64Array(nodes).fill(Infinity)
    this.#own = new Uint32Array(nodes)
    this.#theirs = new Uint32Array(nodes)
    this.#metLives = new Int32Array(nodes).fill(-1)
    this.#waiting = Array.from({ length: nodes }, () => [])
    this.#posted = Array.from({ length: nodes }, () => [])
    this.#heardLives = new Uint32Array(nodes)
    this.#heard = new Uint32Array(nodes)
    // A first incarnation finds its queue pairs ready under 0; after a restart they are in RESET.
    this.#ends = new Uint8Array(nodes).fill(host.incarnation === 0 ? End.open : End.closed)
  }

  /** Queue pair of the native node. */
  #pairTo(peer: NodeId): number {
    return peer * (this.#options.pair + 1) + this.#options.pair
  }

  /** How often this node has renewed the pair to a peer, which must be told. */
  renewals(peer: NodeId): number {
    return this.#own[peer]!
  }

  /** A peer has told how it is reached, and how often it has renewed the pair, in this life of its. */
  met(peer: NodeId, incarnation: number, renewals: number): void {
    this.#metLives[peer] = incarnation
    this.#theirs[peer] = renewals
  }

  /** It would be connected to a former life of the peer otherwise: of its new one is heard before its address is. */
  #isMet(peer: NodeId): boolean {
    const { countsRenewals, incarnations } = this.#options
    return !countsRenewals || this.#metLives[peer] === incarnations[peer]
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
    const { host, lossy } = this.#options
    const waiting = this.#waiting[to]!
    const isKept = !lossy && kind === Mail.message
    if (this.isOpen(to) && waiting.length === 0) {
      const start = host.capture(this.#header, 0, MAIL_HEADER_BYTES)
      host.capture(from, at, length)
      this.#post(to, start, MAIL_HEADER_BYTES + length, isKept ? this.#whole(from, at, length) : undefined)
      return true
    }
    if (!isKept || waiting.length === MOST_WAITING) {
      this.dropped++
      return false
    }
    waiting.push(this.#whole(from, at, length))
    return true
  }

  #whole(from: Uint8Array, at: number, length: number): Uint8Array {
    const whole = new Uint8Array(MAIL_HEADER_BYTES + length)
    whole.set(this.#header)
    whole.set(from.subarray(at, at + length), MAIL_HEADER_BYTES)
    return whole
  }

  /** Whether a message has come before. Asked once for each that comes, where none may be lost. */
  isRepeated(from: NodeId, incarnation: number, number: number): boolean {
    if (incarnation === this.#heardLives[from] && number <= this.#heard[from]!) return true
    this.#heardLives[from] = incarnation
    this.#heard[from] = number
    return false
  }

  #post(to: NodeId, at: number, length: number, whole: Uint8Array | undefined): void {
    this.#outstanding[to]!++
    if (!this.#options.lossy) this.#posted[to]!.push(whole)
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
    if (status === Status.ok) this.#posted[peer]!.shift()
    if (status === Status.ok || this.#ends[peer] !== End.open) return
    this.#ends[peer] = End.closed
    this.#retryAt[peer] = this.#options.host.now + RECONNECT_MILLIS
    if (!this.#options.countsRenewals) return
    this.#own[peer]!++
    this.revision++
  }

  /** Connects what must be connected, and sends what waits. Call it now and then. */
  tick(): void {
    const { host, native, nodes, incarnations } = this.#options
    for (let peer = 0; peer < nodes; peer++) {
      if (peer === host.self || this.#ends[peer] === End.connecting) continue
      const renewals = this.#own[peer]! + this.#theirs[peer]!
      const number = mailConnection(host.self, peer, incarnations, renewals)
      const isNew = number !== this.#numbers[peer]
      const isDue = this.#ends[peer] === End.closed && host.now >= this.#retryAt[peer]!
      if (isNew || isDue) {
        if (native.peerState(peer) !== 'connected' || !this.#isMet(peer)) continue
        this.#numbers[peer] = number
        this.#retryAt[peer] = Infinity
        this.#ends[peer] = End.connecting
        this.#outstanding[peer] = 0
        this.#waiting[peer]!.unshift(...this.#posted[peer]!.splice(0).filter((whole) => whole !== undefined))
        native.control(this.#pairTo(peer), Control.connect, number, 0)
        continue
      }
      const waiting = this.#waiting[peer]!
      while (waiting.length > 0 && this.isOpen(peer)) {
        const whole = waiting.shift()!
        this.#post(peer, host.capture(whole, 0, whole.length), whole.length, whole)
      }
    }
  }
}
