/**
 * A control connection between two processes that know the same secret.
 *
 * Contract. Each side proves that it knows the secret by a keyed hash over both sides' fresh nonces and names; the secret
 * itself never travels. Afterwards every frame carries a keyed hash over its number, its direction and its bytes, so
 * nothing can be changed, repeated, left out or put in between. What travels can be read by others: no secret is in it.
 *
 * A frame is a 32-bit length, JSON of that length, and after the handshake 32 bytes of hash. Bad bytes end the connection
 * with a reason, and nothing else.
 *
 * A machine that is gone says nothing, not even that it is gone, and the network may take minutes to find out. So each
 * side sends a frame without bytes every second, and a connection on which nothing comes for a while is ended.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Socket } from 'node:net'
import { z } from 'zod'

const CHANNEL_VERSION = 2
const MAC_BYTES = 32
const HANDSHAKE_BYTES = 1024
const MOST_BYTES = 2 ** 20
const HANDSHAKE_MILLIS = 3000
const BEAT_MILLIS = 1000
/** Beats of the own side without a frame of the other one: so a side that was stopped itself is not hasty. */
const MOST_SILENT_BEATS = 6

export interface ChannelEnds {
  readonly cluster: string
  readonly secret: string
  /** Who this side is: a node, or -1 for an observer. */
  readonly self: number
  /** Bytes of JSON that the other side has sent, checked to be its. */
  received(message: unknown): void
  /** The other side is known: `peer` is its node, or -1. Throws to refuse it. */
  opened(peer: number): void
  /** The connection has ended; `reason` says why in words, undefined if the other side simply went. */
  closed(reason: string | undefined): void
}

const helloSchema = z.object({
  aviary: z.int(),
  cluster: z.string().max(64),
  from: z.int().min(-1).max(31),
  nonce: z.string().regex(/^[0-9a-f]{32}$/),
})
const proofSchema = z.object({ proof: z.string().regex(/^[0-9a-f]{64}$/) })
const refusalSchema = z.object({ refused: z.string().max(300) })

export class Channel {
  readonly #socket: Socket
  readonly #ends: ChannelEnds
  readonly #isCaller: boolean
  readonly #nonce = randomBytes(16).toString('hex')
  #stage: 'hello' | 'proof' | 'open' | 'closed' = 'hello'
  #theirs: z.infer<typeof helloSchema> | undefined
  #key: Buffer = Buffer.alloc(0)
  #sent = 0n
  #got = 0n
  #buffer: Buffer = Buffer.alloc(0)
  readonly #timer: NodeJS.Timeout
  #beat: NodeJS.Timeout | undefined
  #silentBeats = 0

  /** @param isCaller whether this side has called the other */
  constructor(socket: Socket, isCaller: boolean, ends: ChannelEnds) {
    this.#socket = socket
    this.#ends = ends
    this.#isCaller = isCaller
    socket.setNoDelay(true)
    this.#timer = setTimeout(() => {
      this.#end('the other side did not prove within 3 s that it knows the secret')
    }, HANDSHAKE_MILLIS)
    socket.on('data', (bytes: Buffer) => {
      this.#take(bytes)
    })
    socket.on('error', (error) => {
      this.#end(error.message)
    })
    socket.on('close', () => {
      this.#end(undefined)
    })
    if (isCaller) this.#hello()
  }

  send(message: unknown): void {
    if (this.#stage !== 'open') return
    this.#sendFrame(Buffer.from(JSON.stringify(message)))
  }

  #sendFrame(body: Buffer): void {
    this.#write(body, this.#mac(this.#isCaller, this.#sent++, body))
  }

  #beats(): void {
    if (++this.#silentBeats > MOST_SILENT_BEATS)
      return this.#end(`nothing came for ${String((MOST_SILENT_BEATS * BEAT_MILLIS) / 1000)} s`)
    this.#sendFrame(Buffer.alloc(0))
  }

  close(): void {
    this.#end(undefined)
  }

  #hello(): void {
    const { cluster, self } = this.#ends
    this.#write(
      Buffer.from(JSON.stringify({ aviary: CHANNEL_VERSION, cluster, from: self, nonce: this.#nonce })),
    )
  }

  #write(body: Buffer, mac?: Buffer): void {
    const head = Buffer.alloc(4)
    head.writeUInt32BE(body.length)
    this.#socket.write(mac === undefined ? Buffer.concat([head, body]) : Buffer.concat([head, body, mac]))
  }

  #take(bytes: Buffer): void {
    if (this.#stage === 'closed') return
    this.#buffer = this.#buffer.length === 0 ? bytes : Buffer.concat([this.#buffer, bytes])
    while (this.#buffer.length >= 4) {
      const length = this.#buffer.readUInt32BE(0)
      const isOpen = this.#stage === 'open'
      if (length > (isOpen ? MOST_BYTES : HANDSHAKE_BYTES))
        return this.#refuse('these are not the bytes of a control connection of Aviary')
      const whole = 4 + length + (isOpen ? MAC_BYTES : 0)
      if (this.#buffer.length < whole) return
      const body = this.#buffer.subarray(4, 4 + length)
      const mac = this.#buffer.subarray(4 + length, whole)
      this.#buffer = this.#buffer.subarray(whole)
      if (isOpen && !isEqual(mac, this.#mac(!this.#isCaller, this.#got++, body)))
        return this.#end('a frame was changed on its way')
      this.#silentBeats = 0
      if (isOpen && length === 0) continue
      let message: unknown
      try {
        message = JSON.parse(body.toString('utf8'))
      } catch {
        return this.#refuse('these are not the bytes of a control connection of Aviary')
      }
      if (isOpen) this.#ends.received(message)
      else this.#shake(message)
      if (this.#isClosed()) return
    }
  }

  #isClosed(): boolean {
    return this.#stage === 'closed'
  }

  #shake(message: unknown): void {
    const refusal = refusalSchema.safeParse(message)
    if (refusal.success) return this.#end(refusal.data.refused)
    if (this.#stage === 'hello') {
      const hello = helloSchema.safeParse(message)
      if (!hello.success) return this.#refuse('these are not the bytes of a control connection of Aviary')
      const { aviary, cluster } = hello.data
      if (aviary !== CHANNEL_VERSION)
        return this.#refuse(
          `the control protocol has version ${String(CHANNEL_VERSION)} here, not ${String(aviary)}`,
        )
      if (cluster !== this.#ends.cluster)
        return this.#refuse(`this is the cluster ${this.#ends.cluster}, not ${cluster}`)
      this.#theirs = hello.data
      this.#stage = 'proof'
      if (!this.#isCaller) this.#hello()
      const [caller, called] = this.#isCaller
        ? [this.#nonce, hello.data.nonce]
        : [hello.data.nonce, this.#nonce]
      this.#key = this.#hash(`key ${caller} ${called}`)
      this.#write(Buffer.from(JSON.stringify({ proof: this.#proof(this.#isCaller).toString('hex') })))
      return
    }
    const proof = proofSchema.safeParse(message)
    if (!proof.success || !isEqual(Buffer.from(proof.data.proof, 'hex'), this.#proof(!this.#isCaller)))
      return this.#refuse('the secrets differ')
    clearTimeout(this.#timer)
    this.#stage = 'open'
    this.#beat = setInterval(() => {
      this.#beats()
    }, BEAT_MILLIS)
    this.#beat.unref()
    try {
      this.#ends.opened(this.#theirs!.from)
    } catch (error) {
      this.#end(error instanceof Error ? error.message : String(error))
    }
  }

  /** What the caller, or the called, proves itself by. */
  #proof(ofCaller: boolean): Buffer {
    const isOwn = ofCaller === this.#isCaller
    const theirs = this.#theirs!
    const from = isOwn ? this.#ends.self : theirs.from
    const [mine, other] = isOwn ? [this.#nonce, theirs.nonce] : [theirs.nonce, this.#nonce]
    return this.#hash(`${ofCaller ? 'caller' : 'called'} ${String(from)} ${mine} ${other}`)
  }
  #hash(text: string): Buffer {
    return createHmac('sha256', this.#ends.secret).update(`aviary ${this.#ends.cluster} ${text}`).digest()
  }
  #mac(ofCaller: boolean, number: bigint, body: Buffer): Buffer {
    const head = Buffer.alloc(9)
    head[0] = ofCaller ? 1 : 0
    head.writeBigUInt64BE(number, 1)
    return createHmac('sha256', this.#key).update(head).update(body).digest()
  }

  /** Says why, and ends. */
  #refuse(reason: string): void {
    if (this.#stage !== 'open') this.#write(Buffer.from(JSON.stringify({ refused: reason })))
    this.#end(reason)
  }
  #end(reason: string | undefined): void {
    if (this.#stage === 'closed') return
    this.#stage = 'closed'
    clearTimeout(this.#timer)
    clearInterval(this.#beat)
    // Whoever does not even answer the call is not waited for.
    if (this.#socket.connecting) this.#socket.destroy()
    else this.#socket.destroySoon()
    this.#ends.closed(reason)
  }
}

function isEqual(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}
