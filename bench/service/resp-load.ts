/** A load of SETs in the Redis protocol: so many connections, each with one request under way at any time. */
import { type Socket, connect } from 'node:net'
import { type Load, percentiles } from '../commit/load.js'
import type { Measured } from './contender.js'

const MOST_SAMPLES = 2_000_000
const OK = '+OK\r\n'
/** Milliseconds without any reply after which nothing is expected any more. */
const PATIENCE_MILLIS = 10_000

/** Rejects when a request is refused, or a connection ends, or nothing is answered for long. */
export async function runRespLoad(port: number, load: Load, host = '127.0.0.1'): Promise<Measured> {
  const request = Buffer.from(
    `*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$${String(load.sizeBytes)}\r\n${'a'.repeat(load.sizeBytes)}\r\n`,
  )
  const samples = new Float64Array(MOST_SAMPLES)
  let count = 0
  const sockets = await Promise.all(Array.from({ length: load.window }, () => connected(port, host)))
  const begin = performance.now() + load.warmUpMillis
  const end = begin + load.millis
  let over = end
  try {
    await Promise.all(
      sockets.map(
        (socket) =>
          new Promise<void>((resolve, reject) => {
            let sentAt = 0
            let reply = ''
            const send = (): void => {
              sentAt = performance.now()
              socket.write(request)
            }
            socket.setTimeout(PATIENCE_MILLIS, () => {
              reject(
                new Error(`port ${String(port)} has not answered for ${String(PATIENCE_MILLIS / 1000)} s`),
              )
            })
            socket.on('error', reject)
            socket.on('close', () => {
              reject(new Error(`port ${String(port)} has closed a connection`))
            })
            socket.on('data', (bytes) => {
              const now = performance.now()
              reply += bytes.toString('latin1')
              if (reply.length < OK.length && OK.startsWith(reply)) return
              if (reply !== OK) {
                reject(new Error(`SET was answered with ${JSON.stringify(reply.slice(0, 200))}`))
                return
              }
              reply = ''
              // A cluster without a processor may take longer for the first.
              if (now >= begin && (now < end || count === 0) && count < MOST_SAMPLES) {
                samples[count++] = now - sentAt
                over = Math.max(end, now)
              }
              if (now < end) send()
              else resolve()
            })
            send()
          }),
      ),
    )
  } finally {
    for (const socket of sockets) socket.destroy()
  }
  return {
    window: load.window,
    commits: count,
    millis: over - begin,
    ...percentiles(samples.subarray(0, count)),
  }
}

async function connected(port: number, host: string): Promise<Socket> {
  const socket = connect(port, host)
  socket.setNoDelay(true)
  await new Promise((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', reject)
  })
  return socket
}
