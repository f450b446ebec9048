// What was proposed ends in one of three ways, and what a client is told never says more than is so.
import { afterEach, describe, expect, test } from 'vitest'
import { Outcome } from '../../../runner/proposer.js'
import { decodeOperation } from '../../../protocol/store/decode.js'
import { closeAll, openGateway, openSocket, request, storeProposer } from './support.js'

afterEach(closeAll)

const refusedLine =
  '-TRYAGAIN nothing was applied: the cluster could not take it now; it may be sent again\r\n'
const unknownLine =
  '-UNKNOWN outcome: it may have been applied, or may yet be; this connection is closed so that nothing overtakes it\r\n'
const unknownReadLine = '-UNKNOWN outcome: the read got no answer\r\n'

async function opened(options = {}) {
  const proposer = storeProposer()
  const gateway = await openGateway({ proposer, ...options })
  return { proposer, gateway, client: await openSocket(gateway.port) }
}
const commandsOf = (operation: DataView): readonly string[] =>
  decodeOperation(new Uint8Array(operation.buffer)).commands.map(({ name }) => name)
/** Lets what was sent arrive. */
const settled = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5))
}

describe('refused', () => {
  test('is an error of each command, and the connection goes on', async () => {
    const { proposer, client } = await opened()
    proposer.fate = () => Outcome.refused
    client.send(request('SET', 'k', 'v') + request('PING') + request('GET', 'k') + request('WATCH', 'k'))
    const expected = `${refusedLine}+PONG\r\n${refusedLine}${refusedLine}`
    expect(await client.take(expected.length)).toBe(expected)
    client.send(request('MULTI') + request('SET', 'k', 'v') + request('EXEC'))
    const transaction = `+OK\r\n+QUEUED\r\n${refusedLine}`
    expect(await client.take(transaction.length)).toBe(transaction)
    proposer.fate = undefined
    expect(await client.ask(['GET', 'k'], '$-1\r\n')).toBe('$-1\r\n')
  })

  test('does not keep INFO from answering', async () => {
    const { proposer, client } = await opened({ info: () => ({ replication: { role: 'follower' } }) })
    proposer.fate = () => Outcome.refused
    const section = '# Replication\r\nrole:follower\r\n'
    const reply = `$${String(section.length)}\r\n${section}\r\n`
    expect(await client.ask(['INFO', 'replication'], reply)).toBe(reply)
    expect(await client.ask(['INFO', 'keyspace'], '$12\r\n# Keyspace\r\n\r\n')).toBe(
      '$12\r\n# Keyspace\r\n\r\n',
    )
  })
})

describe('unknown', () => {
  test.each([true, false])(
    'of a write is an error and the end, never a value (applied: %s)',
    async (isApplied) => {
      const { proposer, gateway, client } = await opened()
      proposer.isAppliedUnknown = isApplied
      proposer.fate = (operation) => (commandsOf(operation).includes('set') ? Outcome.unknown : Outcome.done)
      client.send(request('GET', 'k') + request('SET', 'k', 'v') + request('PING'))
      // What had not been taken when the outcome came is not answered: nothing overtakes the write.
      expect(await client.rest()).toBe(`${unknownLine.repeat(2)}+PONG\r\n`)
      const other = await openSocket(gateway.port)
      const held = isApplied ? '$1\r\nv\r\n' : '$-1\r\n'
      expect(await other.ask(['GET', 'k'], held)).toBe(held)
    },
  )

  test('of a transaction is one error and the end', async () => {
    const { proposer, client } = await opened()
    proposer.fate = () => Outcome.unknown
    client.send(request('MULTI') + request('INCR', 'n') + request('EXEC') + request('PING'))
    expect(await client.rest()).toBe(`+OK\r\n+QUEUED\r\n${unknownLine}`)
  })

  test('of a read is an error only', async () => {
    const { proposer, client } = await opened()
    proposer.fate = () => Outcome.unknown
    client.send(request('GET', 'k') + request('PING') + request('MGET', 'k'))
    const expected = `${unknownReadLine}+PONG\r\n${unknownReadLine}`
    expect(await client.take(expected.length)).toBe(expected)
  })

  test('is what a proposer that throws leaves behind', async () => {
    const { proposer, client } = await opened()
    proposer.propose = () => {
      throw new Error('it broke')
    }
    client.send(request('SET', 'k', 'v'))
    expect(await client.rest()).toBe(unknownLine)
  })

  test('after which the client has gone is nobody’s', async () => {
    const { proposer, gateway, client } = await opened()
    proposer.isHeld = true
    client.send(request('SET', 'k', 'v'))
    await settled(() => proposer.waiting === 1)
    // It is gone, not only done with sending.
    client.socket.resetAndDestroy()
    await settled(() => gateway.connections === 0)
    proposer.isHeld = false
    proposer.release()
    const other = await openSocket(gateway.port)
    expect(await other.ask(['GET', 'k'], '$1\r\nv\r\n')).toBe('$1\r\nv\r\n')
  })
})

describe('order', () => {
  test('a connection has one proposal in flight, and what came meanwhile goes together', async () => {
    const { proposer, client } = await opened()
    const seen: string[][] = []
    proposer.fate = (operation) => {
      seen.push([...commandsOf(operation)])
      return Outcome.done
    }
    proposer.isHeld = true
    client.send(request('INCR', 'n'))
    await settled(() => proposer.waiting === 1)
    client.send(request('INCR', 'n') + request('GET', 'n') + request('PING') + request('INCR', 'n'))
    client.send(request('MULTI') + request('INCR', 'n') + request('EXEC') + request('GET', 'n'))
    for (let k = 0; k < 4; k++) {
      await settled(() => proposer.waiting === 1)
      await new Promise((resolve) => setTimeout(resolve, 20))
      expect(proposer.waiting).toBe(1)
      proposer.release()
    }
    const expected = ':1\r\n:2\r\n$1\r\n2\r\n+PONG\r\n:3\r\n+OK\r\n+QUEUED\r\n*1\r\n:4\r\n$1\r\n4\r\n'
    expect(await client.take(expected.length)).toBe(expected)
    expect(seen).toEqual([['incrby'], ['incrby', 'get', 'incrby'], ['incrby'], ['get']])
    expect(proposer.mostAtOnce).toBe(1)
  })

  test('a batch whose replies have no room is answered as if each had been alone', async () => {
    const { proposer, client } = await opened()
    const value = 'v'.repeat(6_000)
    const reply = `$6000\r\n${value}\r\n`
    proposer.isHeld = true
    client.send(request('SET', 'k', value))
    await settled(() => proposer.waiting === 1)
    client.send(
      request('GET', 'k').repeat(7) + request('APPEND', 'k', 'w') + request('PING') + request('GET', 'k'),
    )
    await new Promise((resolve) => setTimeout(resolve, 50))
    proposer.isHeld = false
    const before = proposer.proposals
    proposer.release()
    const expected = `+OK\r\n${reply.repeat(7)}:6001\r\n+PONG\r\n$6001\r\n${value}w\r\n`
    expect(await client.take(expected.length)).toBe(expected)
    expect(proposer.proposals - before).toBe(4)
  })
})

describe('bounds', () => {
  test('a client that does not read its replies is not read either', async () => {
    const { proposer, gateway, client } = await opened()
    const value = 'x'.repeat(16_000)
    expect(await client.ask(['SET', 'k', value], '+OK\r\n')).toBe('+OK\r\n')
    client.socket.pause()
    const count = 4_000
    for (let k = 0; k < count; k++) client.send(request('GET', 'k'))
    let last = -1
    while (proposer.proposals !== last) {
      last = proposer.proposals
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    expect(proposer.proposals).toBeLessThan(count / 2)
    const other = await openSocket(gateway.port)
    expect(await other.ask(['PING'], '+PONG\r\n')).toBe('+PONG\r\n')
    client.socket.resume()
    const reply = `$16000\r\n${value}\r\n`
    for (let k = 0; k < count; k++)
      if ((await client.take(reply.length)) !== reply) expect.fail(`reply ${String(k)}`)
  })

  test('requests that wait for an earlier one are not all taken in', async () => {
    const { proposer, client } = await opened()
    proposer.isHeld = true
    client.send(request('INCR', 'n'))
    await settled(() => proposer.waiting === 1)
    const more = 400_000
    client.send(request('INCR', 'n').repeat(more))
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(client.socket.bytesWritten - client.socket.writableLength).toBeLessThan(
      request('INCR', 'n').length * more,
    )
    proposer.isHeld = false
    proposer.release()
    const expected = Array.from({ length: more + 1 }, (_, k) => `:${String(k + 1)}\r\n`).join('')
    expect((await client.take(expected.length)) === expected).toBe(true)
    // As many as fit in an operation at a time.
    expect(proposer.proposals).toBeLessThan(more / 100)
  })

  test('one client too many is told so', async () => {
    const { gateway, client } = await opened({ mostClients: 1 })
    expect(await client.ask(['PING'], '+PONG\r\n')).toBe('+PONG\r\n')
    const other = await openSocket(gateway.port)
    expect(await other.rest()).toBe('-ERR max number of clients reached\r\n')
    expect(gateway.connections).toBe(1)
  })

  test('a full store is an error that changes nothing, and room comes back', async () => {
    const proposer = storeProposer({ slots: 8, arenaBytes: 960, operationBytes: 512, replyBytes: 512 })
    const { port } = await openGateway({ proposer })
    const client = await openSocket(port)
    const full = "-OOM command not allowed when used memory > 'maxmemory'.\r\n"
    expect(await client.ask(['SET', 'a', 'x'.repeat(400)], '+OK\r\n')).toBe('+OK\r\n')
    expect(await client.ask(['SET', 'b', 'x'.repeat(400)], '+OK\r\n')).toBe('+OK\r\n')
    expect(await client.ask(['SET', 'c', 'x'.repeat(400)], full)).toBe(full)
    expect(await client.ask(['APPEND', 'b', 'x'.repeat(90)], full)).toBe(full)
    expect(await client.ask(['STRLEN', 'b'], ':400\r\n')).toBe(':400\r\n')
    expect(await client.ask(['DEL', 'a'], ':1\r\n')).toBe(':1\r\n')
    expect(await client.ask(['SET', 'c', 'x'.repeat(400)], '+OK\r\n')).toBe('+OK\r\n')
    expect(proposer.check()).toBeUndefined()
  })

  test('a transaction has room for a result of each command, or is refused when it is queued', async () => {
    const proposer = storeProposer({ slots: 8, arenaBytes: 1_024, operationBytes: 512, replyBytes: 128 })
    const { port } = await openGateway({ proposer })
    const client = await openSocket(port)
    // INFO has no room for what the store would tell it beside nine sure results, and does without.
    client.send(
      request('MULTI') + request('INFO', 'keyspace') + request('INCR', 'n').repeat(9) + request('EXEC'),
    )
    const counts = Array.from({ length: 9 }, (_, k) => `:${String(k + 1)}\r\n`).join('')
    const expected = `+OK\r\n${'+QUEUED\r\n'.repeat(10)}*10\r\n$12\r\n# Keyspace\r\n\r\n${counts}`
    expect(await client.take(expected.length)).toBe(expected)
    client.send(request('MULTI') + request('INCR', 'n').repeat(11) + request('EXEC') + request('GET', 'n'))
    const spoilt =
      '-ERR a transaction and its least reply may have 512 bytes at most; nothing was applied\r\n' +
      '-EXECABORT Transaction discarded because of previous errors.\r\n$1\r\n9\r\n'
    const refused = `+OK\r\n${'+QUEUED\r\n'.repeat(10)}${spoilt}`
    expect(await client.take(refused.length)).toBe(refused)
  })

  test('close answers what was proposed, takes no more, and does not wait for ever', async () => {
    const { proposer, gateway, client } = await opened()
    const idle = await openSocket(gateway.port)
    proposer.isHeld = true
    client.send(request('SET', 'k', 'v'))
    await settled(() => proposer.waiting === 1)
    const closed = gateway.close()
    client.send(request('SET', 'k', 'w'))
    expect(await idle.rest()).toBe('')
    proposer.release()
    expect(await client.rest()).toBe('+OK\r\n')
    await closed
    expect(gateway.connections).toBe(0)
    const stuck = await opened()
    stuck.proposer.isHeld = true
    stuck.client.send(request('SET', 'k', 'v'))
    await settled(() => stuck.proposer.waiting === 1)
    await stuck.gateway.close()
    expect(await stuck.client.rest()).toBe('')
  })

  test('a client that closes its side after a request still gets the answer', async () => {
    const { proposer, client } = await opened()
    proposer.isHeld = true
    client.send(request('INCR', 'n') + request('INCR', 'n'))
    client.socket.end()
    await settled(() => proposer.waiting === 1)
    proposer.isHeld = false
    proposer.release()
    expect(await client.rest()).toBe(':1\r\n:2\r\n')
  })
})

test('with a password nothing is done for a client that does not say it', async () => {
  const { client } = await opened({ password: 'secret' })
  const wrong = '-WRONGPASS invalid username-password pair or user is disabled.\r\n'
  const first = '-NOAUTH Authentication required.\r\n'
  for (const words of [['GET', 'k'], ['MULTI'], ['PING'], ['INFO']])
    expect(await client.ask(words, first)).toBe(first)
  expect(await client.ask(['AUTH', 'wrong'], wrong)).toBe(wrong)
  expect(await client.ask(['HELLO', '3', 'AUTH', 'default', 'wrong'], wrong)).toBe(wrong)
  expect(await client.ask(['AUTH', 'other', 'secret'], wrong)).toBe(wrong)
  expect(await client.ask(['AUTH', 'secret'], '+OK\r\n')).toBe('+OK\r\n')
  expect(await client.ask(['PING'], '+PONG\r\n')).toBe('+PONG\r\n')
  expect(await client.ask(['RESET'], '+RESET\r\n')).toBe('+RESET\r\n')
  expect(await client.ask(['PING'], first)).toBe(first)
})
