/** Control connections of a member: to every other member, and from observers on the outside (`aviary status`, `chaos`). */
import { type Server, type Socket, connect, createServer } from 'node:net'
import { z } from 'zod'
import { Channel } from './channel.js'
import type { Cluster } from './cluster.js'
import { RunError } from './errors.js'
import type { FabricAddress } from './fabric-choice.js'

const REDIAL_MILLIS = 100
/** Connections that have not proved anything yet; one more is turned away. */
const MOST_STRANGERS = 32

export const infoSchema = z.object({
  kind: z.literal('info'),
  /** Drawn by each process when it begins. */
  boot: z.string().max(64),
  pid: z.int(),
  version: z.string().max(64),
  /** Of the configuration, and of the bytes of the core. */
  digest: z.string().max(64),
  layout: z.string().max(64),
  /** Undefined until it is decided. */
  incarnation: z.int().min(0).max(0xffff).optional(),
  /** Processes that began the cluster together, if this one was among them. */
  founders: z.array(z.string().max(64)).max(32).optional(),
  /** Newest incarnation known of each member. */
  known: z.array(z.int().min(0).max(0xffff)).max(32),
})
export type Info = z.infer<typeof infoSchema>

/** How a member's fabric is reached, for one peer. */
const addressSchema = z.object({
  kind: z.literal('address'),
  address: z.base64().max(2 ** 18),
  incarnation: z.int().min(0).max(0xffff),
  renewals: z.int().min(0),
})

export interface PeersOptions {
  readonly cluster: Cluster
  readonly self: number
  /** What this member says of itself. */
  info(): Info
  /** A member has said something of itself, or has gone (undefined). */
  heard(peer: number, info: Info | undefined): void
  /** How this member's fabric is reached by a peer; undefined: not known yet, or not needed. */
  address(peer: number): FabricAddress | undefined
  /** A member has told how its fabric is reached. */
  met(peer: number, address: FabricAddress): void
  /** An observer asks; what is returned, or a promise of it, is sent back. Throws to say what is wrong. */
  asked(question: unknown): unknown
  /** Something that the user may want to know; once for each peer and reason. */
  complain(message: string): void
}

export class Peers {
  readonly #options: PeersOptions
  readonly #server: Server
  readonly #channels: (Channel | undefined)[]
  readonly #sockets = new Set<Socket>()
  readonly #complaints = new Set<string>()
  /** Members that have said of themselves, on their present connection, what must be alike. */
  readonly #isTrusted: boolean[] = []
  #strangers = 0
  #isClosed = false

  constructor(options: PeersOptions) {
    this.#options = options
    this.#channels = options.cluster.members.map(() => undefined)
    this.#server = createServer((socket) => {
      this.#track(socket)
      if (this.#strangers >= MOST_STRANGERS) {
        socket.destroy()
        return
      }
      this.#strangers++
      let isStranger = true
      const known = (): void => {
        if (isStranger) this.#strangers--
        isStranger = false
      }
      this.#open(socket, false, undefined, known)
    })
  }

  /** Listens, and calls the members before this one. Throws {@link RunError} when the address cannot be had. */
  async open(): Promise<void> {
    const { cluster, self } = this.#options
    const { host, port } = cluster.members[self]!.control
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (error: NodeJS.ErrnoException) => {
        const address = `${host}:${String(port)}`
        reject(
          new RunError(
            error.code === 'EADDRINUSE'
              ? `member[${String(self)}].control: another process listens on ${address}`
              : `member[${String(self)}].control: ${address} cannot be listened on: ${error.message}`,
            'choose another port, or end the process that has it.',
          ),
        )
      })
      this.#server.listen(port, host, resolve)
    })
    this.#server.on('error', () => undefined)
    for (let peer = 0; peer < self; peer++) this.#dial(peer)
  }

  /** Tells every member what has changed. */
  announce(): void {
    const info = this.#options.info()
    for (const channel of this.#channels) channel?.send(info)
  }

  /** Tells every member how this one's fabric is reached. */
  tellAddresses(): void {
    this.#channels.forEach((_, peer) => {
      this.#tellAddress(peer)
    })
  }

  #tellAddress(peer: number): void {
    const address = this.#options.address(peer)
    if (address === undefined) return
    const { fabric, ...others } = address
    const encoded = Buffer.from(fabric).toString('base64')
    this.#channels[peer]?.send({ kind: 'address', address: encoded, ...others })
  }

  close(): void {
    this.#isClosed = true
    this.#server.close()
    for (const channel of this.#channels) channel?.close()
    for (const socket of this.#sockets) socket.destroySoon()
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
  }

  #dial(peer: number): void {
    if (this.#isClosed) return
    const socket = connect(this.#options.cluster.members[peer]!.control)
    this.#track(socket)
    this.#open(socket, true, peer, () => undefined)
  }

  #open(socket: Socket, isCaller: boolean, expected: number | undefined, known: () => void): void {
    const { cluster, self } = this.#options
    let peer: number | undefined
    const channel = new Channel(socket, isCaller, {
      cluster: cluster.name,
      secret: cluster.secret,
      self,
      opened: (from) => {
        known()
        peer = from
        if (from < 0) return
        if (from >= cluster.members.length || from === self || (expected !== undefined && from !== expected))
          throw new Error(`member ${String(from)} is not expected on this connection`)
        const former = this.#channels[from]
        this.#channels[from] = channel
        this.#isTrusted[from] = false
        former?.close()
        channel.send(this.#options.info())
        this.#tellAddress(from)
      },
      received: (message) => {
        if (peer === undefined || peer < 0) void this.#answer(channel, message)
        else this.#take(peer, channel, message)
      },
      closed: (reason) => {
        known()
        const isCurrent = peer !== undefined && peer >= 0 && this.#channels[peer] === channel
        if (isCurrent) {
          this.#channels[peer!] = undefined
          this.#isTrusted[peer!] = false
          this.#options.heard(peer!, undefined)
        }
        // A member that is not there yet refuses connections; that is no complaint.
        const who = expected ?? peer
        if (reason !== undefined && !/ECONNREFUSED|ECONNRESET|EPIPE/.test(reason))
          this.#complain(
            who === undefined || who < 0
              ? `a connection was refused: ${reason}`
              : `member ${String(who)}: ${reason}`,
          )
        if (expected !== undefined && !this.#isClosed)
          setTimeout(() => {
            if (this.#channels[expected] === undefined) this.#dial(expected)
          }, REDIAL_MILLIS)
      },
    })
  }

  #take(peer: number, channel: Channel, message: unknown): void {
    const told = addressSchema.safeParse(message)
    // Only of a member whose version and configuration are known to be the same.
    if (told.success && this.#isTrusted[peer] === true) {
      const { address, incarnation, renewals } = told.data
      this.#options.met(peer, { fabric: Buffer.from(address, 'base64'), incarnation, renewals })
      return
    }
    const parsed = infoSchema.safeParse(message)
    if (!parsed.success) {
      this.#complain(`member ${String(peer)} says what cannot be understood: it may be of another version`)
      channel.close()
      return
    }
    const own = this.#options.info()
    const theirs = parsed.data
    const differs =
      theirs.version !== own.version
        ? `runs version ${theirs.version}, this member ${own.version}: run the same one everywhere`
        : theirs.digest !== own.digest
          ? 'has another configuration: name, system, parameters, seed and number of members must be alike'
          : theirs.layout !== own.layout
            ? 'has cores with other bytes: run the same code everywhere'
            : undefined
    if (differs !== undefined) {
      this.#complain(`member ${String(peer)} ${differs}`)
      channel.close()
      return
    }
    this.#isTrusted[peer] = true
    this.#options.heard(peer, theirs)
  }

  async #answer(channel: Channel, question: unknown): Promise<void> {
    try {
      channel.send({ kind: 'answer', answer: await this.#options.asked(question) })
    } catch (error) {
      channel.send({ kind: 'error', message: error instanceof Error ? error.message : String(error) })
    }
  }

  #complain(message: string): void {
    if (this.#complaints.has(message)) return
    this.#complaints.add(message)
    this.#options.complain(message)
  }
}

/** Asks a member from outside. Throws {@link RunError} when it does not answer. */
export async function askMember(cluster: Cluster, member: number, question: unknown): Promise<unknown> {
  const { control } = cluster.members[member]!
  return new Promise((resolve, reject) => {
    const socket = connect(control)
    const fail = (reason: string): void => {
      socket.destroy()
      reject(
        new RunError(
          `member ${String(member)}: ${reason}`,
          'see whether it runs, and with this configuration.',
        ),
      )
    }
    const timer = setTimeout(() => {
      fail('no answer within 3 s')
    }, 3000)
    const channel = new Channel(socket, true, {
      cluster: cluster.name,
      secret: cluster.secret,
      self: -1,
      opened: () => {
        channel.send(question)
      },
      received: (message) => {
        clearTimeout(timer)
        const answer = message as { kind?: string; answer?: unknown; message?: string }
        if (answer.kind === 'answer') resolve(answer.answer)
        else fail(answer.message ?? 'what it says cannot be understood')
        channel.close()
      },
      closed: (reason) => {
        clearTimeout(timer)
        fail(reason ?? 'it has ended the connection')
      },
    })
  })
}
