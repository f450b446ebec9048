/** A service as a user starts it, for as long as a test needs it. */
import { type RedisClientType, createClient } from 'redis'
import { expect } from 'vitest'
import { said, start } from '../cli/support.js'

/** Starts a service in the folder `run`, has something done by a client of its first member, and stops it. */
export async function served<T>(
  cwd: string,
  system: string,
  args: readonly string[],
  work: (client: RedisClientType) => Promise<T>,
): Promise<T> {
  const cluster = start(cwd, ['run', system, '--local', '3', '--port', '0', '--folder', 'run', ...args])
  try {
    const words = await said(cluster, 'Stop:', 'stdout')
    const port = Number(/redis-cli -p (\d+)/.exec(words)![1])
    const client: RedisClientType = createClient({ url: `redis://127.0.0.1:${String(port)}` })
    client.on('error', () => undefined)
    await client.connect()
    const result = await work(client)
    client.destroy()
    return result
  } finally {
    cluster.child.kill('SIGTERM')
    expect((await cluster.ended).code).toBe(0)
  }
}
