/**
 * A server that speaks the Redis protocol (RESP2 and RESP3) and has the store of a cluster execute what clients ask for.
 *
 * A reply says what is so: what was applied is answered by the store; what was refused is an error that says that
 * nothing was applied; and after a write of unknown outcome comes an error, and the end of the connection.
 */
import { createServer, type Server, type Socket } from 'node:net'
import type { Proposer } from '../proposer.js'
import { Connection, type Hub } from './connection.js'
import { ReplyWriter } from './reply-writer.js'
import type { InfoSection } from './session.js'

export interface GatewayOptions {
  readonly proposer: Proposer
  /** The address to listen at; the loopback unless told. */
  readonly host?: string
  /** 0 takes one that is free. */
  readonly port: number
  /** Sections of INFO, and lines in them, that whoever runs the gateway adds: such as `replication`. */
  readonly info?: () => Readonly<Record<string, InfoSection>>
  /** Milliseconds since 1970, which become the logged time of operations; those of this machine unless told. */
  readonly clock?: () => number
  /** Where given, clients must say it (AUTH, or HELLO with AUTH). */
  readonly password?: string
  /** Most connections at a time. */
  readonly mostClients?: number
  /** Most bytes of a request; unless told, what an operation may have and its overhead. */
  readonly requestBytes?: number
  /** A connection is closed when a request stays incomplete, or replies stay unread, for so long. */
  readonly stuckMillis?: number
  /** A connection is closed when nothing comes for so long; 0 is never. */
  readonly idleMillis?: number
  /** How long `close` waits for proposals that have not ended. */
  readonly drainMillis?: number
}

export interface Gateway {
  readonly port: number
  /** How many clients are connected. */
  readonly connections: number
  /** Takes no more connections and requests, answers what was proposed, and ends. */
  close(): Promise<void>
}

/** Smallest operations and replies that a gateway can work with. */
const LEAST_BYTES = 128

/** Starts to listen. Rejects with the reason when it cannot, such as a port that is taken. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { proposer, host = '127.0.0.1', password, mostClients = 10_000, info, clock = Date.now } = options
  const { stuckMillis = 60_000, idleMillis = 0, drainMillis = 5_000 } = options
  const { requestBytes = 2 * proposer.operationBytes + 4_096 } = options
  if (proposer.operationBytes < LEAST_BYTES || proposer.replyBytes < LEAST_BYTES)
    throw new RangeError(`operationBytes and replyBytes must be at least ${LEAST_BYTES} for a gateway`)
  const connections = new Set<Connection>()
  let whenEmpty: (() => void) | undefined
  let port = options.port
  const hub: Hub = {
    proposer,
    requestBytes,
    clock,
    writer: new ReplyWriter(),
    now: Date.now(),
    counters: {
      startedAt: Date.now(),
      connections: 0,
      connectionsEver: 0,
      connectionsRefused: 0,
      commands: 0,
      proposals: 0,
      refused: 0,
      unknown: 0,
    },
    mostClients,
    password,
    port: () => port,
    info,
    closed(connection) {
      connections.delete(connection)
      hub.counters.connections = connections.size
      if (connections.size === 0) whenEmpty?.()
    },
  }
  const accept = (socket: Socket): void => {
    if (connections.size >= mostClients) {
      hub.counters.connectionsRefused++
      socket.on('error', () => undefined)
      socket.end('-ERR max number of clients reached\r\n', () => {
        socket.destroy()
      })
      return
    }
    const id = ++hub.counters.connectionsEver
    const address = `${socket.remoteAddress ?? ''}:${socket.remotePort ?? 0}`
    const isAuthenticated = password === undefined
    connections.add(new Connection(hub, socket, { id, address, name: '', version: 2, isAuthenticated }))
    hub.counters.connections = connections.size
  }
  // A client that sends and then closes its side still gets its answers.
  const server = createServer({ allowHalfOpen: true }, accept)
  port = await listen(server, host, options.port)
  const shortest = Math.min(stuckMillis, idleMillis === 0 ? stuckMillis : idleMillis)
  const sweeper = setInterval(
    () => {
      hub.now = Date.now()
      for (const connection of connections) connection.sweep(stuckMillis, idleMillis)
    },
    Math.max(10, Math.min(1_000, shortest / 4)),
  )
  sweeper.unref()

  const close = async (): Promise<void> => {
    const isClosed = new Promise<void>((resolve) => {
      server.close(() => {
        resolve()
      })
    })
    const isEmpty = new Promise<void>((resolve) => {
      whenEmpty = resolve
    })
    for (const connection of connections) connection.finish()
    const deadline = setTimeout(() => {
      for (const connection of connections) connection.destroy()
    }, drainMillis)
    if (connections.size > 0) await isEmpty
    await isClosed
    clearTimeout(deadline)
    clearInterval(sweeper)
  }
  let closing: Promise<void> | undefined
  return {
    port,
    get connections() {
      return connections.size
    },
    close: () => (closing ??= close()),
  }
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : port)
    })
  })
}
