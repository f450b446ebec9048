// The client library `redis` against the gateway, with both versions of the protocol.
import { createClient, WatchError } from 'redis'
import { afterEach, describe, expect, test } from 'vitest'
import { closeAll, openGateway, storeProposer } from './support.js'

afterEach(closeAll)

const openClient = async (port: number, RESP: 2 | 3) => {
  const client = createClient({
    url: `redis://127.0.0.1:${String(port)}`,
    RESP,
    socket: { reconnectStrategy: false },
  })
  client.on('error', () => undefined)
  await client.connect()
  return client
}

describe.each([2, 3] as const)('the client library with RESP%i', (RESP) => {
  test('gets, sets, counts and expires', async () => {
    let now = Date.now()
    const { port } = await openGateway({ proposer: storeProposer(), clock: () => now })
    const client = await openClient(port, RESP)
    expect(await client.set('k', 'v', { condition: 'NX', expiration: { type: 'EX', value: 10 } })).toBe('OK')
    expect(await client.set('k', 'w', { condition: 'NX' })).toBeNull()
    expect(await client.get('k')).toBe('v')
    expect(await client.ttl('k')).toBe(10)
    now += 10_001
    expect(await client.get('k')).toBeNull()
    expect(await client.exists('k')).toBe(0)
    await client.mSet({ a: '1', b: 'ünïcödé' })
    expect(await client.mGet(['a', 'none', 'b'])).toEqual(['1', null, 'ünïcödé'])
    expect(await client.incrBy('a', 41)).toBe(42)
    await expect(client.incr('b')).rejects.toThrow('ERR value is not an integer or out of range')
    expect(await client.dbSize()).toBe(2)
    expect(await client.info('keyspace')).toBe('# Keyspace\r\ndb0:keys=2,expires=0,avg_ttl=0\r\n')
    expect(await client.configGet('save')).toEqual({ save: '' })
    await client.close()
  })

  test('keeps the order of a thousand requests sent at once', async () => {
    const { port } = await openGateway({ proposer: storeProposer() })
    const client = await openClient(port, RESP)
    const replies = await Promise.all(Array.from({ length: 1_000 }, () => client.incr('n')))
    expect(replies).toEqual(Array.from({ length: 1_000 }, (_, k) => k + 1))
    await client.close()
  })

  test('loses no increment made by optimistic transactions of many clients', async () => {
    const proposer = storeProposer()
    const { port } = await openGateway({ proposer })
    const clients = await Promise.all(Array.from({ length: 4 }, () => openClient(port, RESP)))
    let conflicts = 0
    const increment = async (client: (typeof clients)[number]): Promise<void> => {
      for (;;) {
        await client.watch('n')
        const before = Number((await client.get('n')) ?? 0)
        try {
          await client
            .multi()
            .set('n', String(before + 1))
            .set('last', String(before + 1))
            .exec()
          return
        } catch (error) {
          if (!(error instanceof WatchError)) throw error
          conflicts++
        }
      }
    }
    await Promise.all(
      clients.map(async (client) => {
        for (let k = 0; k < 25; k++) await increment(client)
      }),
    )
    expect(await clients[0]!.get('n')).toBe('100')
    expect(await clients[0]!.get('last')).toBe('100')
    expect(conflicts).toBeGreaterThan(0)
    expect(proposer.check()).toBeUndefined()
    await Promise.all(clients.map((client) => client.close()))
  })
})
