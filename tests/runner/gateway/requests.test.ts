// What comes over a connection: in pieces of any size, too large, malformed, or noise.
import * as fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { Parsed, RequestParser } from '../../../runner/gateway/request-parser.js'
import { closeAll, openGateway, openSocket, request, storeProposer } from './support.js'

afterEach(closeAll)

/** All requests of the pieces, and what became of them. */
function parseAll(pieces: readonly Buffer[], requestBytes = 1_000): string[] {
  const parser = new RequestParser(requestBytes)
  const seen: string[] = []
  for (const piece of pieces) {
    parser.push(Buffer.from(piece))
    for (;;) {
      const parsed = parser.next()
      if (parsed === Parsed.more) break
      if (parsed === Parsed.broken) return [...seen, `broken: ${parser.problem}`]
      if (parsed === Parsed.tooLarge) seen.push('too large')
      else seen.push(JSON.stringify(Array.from({ length: parser.count }, (_, k) => parser.text(k))))
      parser.accept()
    }
  }
  return seen
}

const cut = (text: string, at: readonly number[]): Buffer[] => {
  const bytes = Buffer.from(text, 'latin1')
  const places = [...new Set(at.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b)
  return [0, ...places].map((from, k) => bytes.subarray(from, places[k] ?? bytes.length))
}

const word = fc.oneof(
  fc.string({
    unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
    maxLength: 40,
  }),
  fc.constantFrom('', '\r\n', '*1\r\n$1\r\n'),
  fc.integer({ min: 900, max: 1_500 }).map((length) => 'x'.repeat(length)),
)

describe('the parser', () => {
  test('takes the same requests from pieces of any size, and drops those that are too large', () => {
    const requests = fc.array(fc.array(word, { minLength: 1, maxLength: 5 }), { maxLength: 8 })
    fc.assert(
      fc.property(requests, fc.array(fc.nat(20_000), { maxLength: 30 }), (all, places) => {
        const text = all.map((words) => request(...words)).join('')
        const expected = all.map((words) =>
          request(...words).length <= 1_000 ? JSON.stringify(words) : 'too large',
        )
        expect(parseAll(cut(text, places))).toEqual(expected)
      }),
    )
  })

  test('takes any bytes whole or one by one alike, and holds no more than a request', () => {
    const letters = fc.constantFrom(...'*$0123-\r\n ab"\'\\x')
    fc.assert(
      fc.property(fc.string({ unit: letters, maxLength: 120 }), (text) => {
        const whole = parseAll([Buffer.from(text)], 40)
        const apart = parseAll(
          Array.from(text, (letter) => Buffer.from(letter)),
          40,
        )
        // What is broken is noticed as soon as it is there.
        expect(apart).toEqual(whole)
      }),
      { numRuns: 2_000 },
    )
  })

  test('holds only the end of a request that is too large', () => {
    const parser = new RequestParser(1_000)
    parser.push(Buffer.from('*2\r\n$3\r\nSET\r\n$100000000\r\n'))
    for (let k = 0; k < 1_000; k++) {
      expect(parser.next()).toBe(Parsed.more)
      expect(parser.waitingBytes).toBeLessThan(100)
      parser.push(Buffer.alloc(100_000))
    }
    expect(parser.next()).toBe(Parsed.more)
    parser.push(Buffer.from('\r\nPING\r\n'))
    expect(parser.next()).toBe(Parsed.tooLarge)
    parser.accept()
    expect(parser.next()).toBe(Parsed.request)
    expect(parser.text(0)).toBe('PING')
  })

  test.each([
    ['set k "a b\\x41\\n\\t\\"" \'it\\\'s\'\r\n', ['set', 'k', 'a bA\n\t"', "it's"]],
    ['  get   k  \n', ['get', 'k']],
    ['\r\n\r\nPING\r\n', ['PING']],
  ])('splits the inline command %j', (text, words) => {
    expect(parseAll([Buffer.from(text)])).toEqual([JSON.stringify(words)])
  })
})

test('a conversation is the same when it is cut at every byte', async () => {
  const text =
    request('SET', 'k', 'a\r\nb') +
    'PING\r\n' +
    request('MULTI') +
    request('INCR', 'n') +
    request('GET', 'k') +
    request('EXEC') +
    request('MGET', 'k', 'none') +
    request('NOSUCH')
  const expected =
    "+OK\r\n+PONG\r\n+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n:1\r\n$4\r\na\r\nb\r\n*2\r\n$4\r\na\r\nb\r\n$-1\r\n-ERR unknown command 'NOSUCH', with args beginning with: \r\n"
  for (let at = 0; at <= text.length; at++) {
    const { port } = await openGateway({ proposer: storeProposer() })
    const client = await openSocket(port)
    client.socket.setNoDelay(true)
    client.send(text.slice(0, at))
    // A turn of the event loop apart; whether the pieces arrive as two is up to the kernel, the parser is tested above.
    await new Promise((resolve) => setImmediate(resolve))
    client.send(text.slice(at))
    expect(await client.take(expected.length), `cut at ${String(at)}`).toBe(expected)
    await closeAll()
  }
})

const brokenRequests = [
  ['*x\r\n', 'invalid multibulk length'],
  ['*1\r\n:1\r\n', "expected '$', got ':'"],
  ['*1\r\n$-2\r\n', 'invalid bulk length'],
  ['*1\r\n$999999999999\r\n', 'invalid bulk length'],
  ['*99999999\r\n', 'invalid multibulk length'],
  ['get "a\r\n', 'unbalanced quotes in request'],
  ['x'.repeat(70_000), 'too big inline request'],
].map(([text, problem]) => ({ name: JSON.stringify(text!.slice(0, 20)), text: text!, problem: problem! }))

test.each(brokenRequests)(
  '$name is answered and ends the connection: $problem',
  async ({ text, problem }) => {
    const { port } = await openGateway({ proposer: storeProposer() })
    const client = await openSocket(port)
    const other = await openSocket(port)
    client.send(request('SET', 'k', 'v') + text + request('SET', 'k', 'w'))
    expect(await client.rest()).toBe(`+OK\r\n-ERR Protocol error: ${problem}\r\n`)
    expect(await other.ask(['GET', 'k'], '$1\r\nv\r\n')).toBe('$1\r\nv\r\n')
  },
)

test('what is too large is refused, alone and in a transaction, and the connection goes on', async () => {
  const proposer = storeProposer()
  const { port } = await openGateway({ proposer })
  const client = await openSocket(port)
  const most = String(proposer.operationBytes)
  const tooLong = `-ERR a command may have ${most} bytes at most; nothing was applied\r\n`
  expect(await client.ask(['SET', 'k', 'x'.repeat(20_000)], tooLong)).toBe(tooLong)
  const swallowed = `-ERR a request may have ${String(2 * proposer.operationBytes + 4_096)} bytes at most; nothing was applied\r\n`
  expect(await client.ask(['SET', 'k', 'x'.repeat(3_000_000)], swallowed)).toBe(swallowed)
  const longest = 'y'.repeat(proposer.replyBytes - 64)
  expect(await client.ask(['SET', 'k', longest], '+OK\r\n')).toBe('+OK\r\n')
  const whole = `$${String(longest.length)}\r\n${longest}\r\n`
  expect(await client.ask(['GET', 'k'], whole)).toBe(whole)
  const twice =
    '-ERR the reply is larger than a reply of this store may be; ask for fewer or shorter values at once\r\n'
  expect(await client.ask(['MGET', 'k', 'k'], twice)).toBe(twice)
  const tooLongAppend = '-ERR string exceeds maximum allowed size (proto-max-bulk-len)\r\n'
  expect(await client.ask(['APPEND', 'k', 'z'.repeat(100)], tooLongAppend)).toBe(tooLongAppend)

  const spoilt = `-ERR a transaction and its least reply may have ${most} bytes at most; nothing was applied\r\n`
  const half = 'h'.repeat(proposer.operationBytes / 2)
  client.send(request('MULTI') + request('SET', 'a', half) + request('SET', 'b', half) + request('EXEC'))
  const expected = `+OK\r\n+QUEUED\r\n${spoilt}-EXECABORT Transaction discarded because of previous errors.\r\n`
  expect(await client.take(expected.length)).toBe(expected)
  expect(await client.ask(['EXISTS', 'a', 'b'], ':0\r\n')).toBe(':0\r\n')
})

test('noise harms nobody else, and nothing of it is kept', async () => {
  const proposer = storeProposer()
  const gateway = await openGateway({ proposer })
  const bystander = await openSocket(gateway.port)
  const noise = fc.oneof(
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
    fc.string({
      unit: fc.constantFrom('*', '$', '1', '3', '\r\n', 'SET', 'GET', 'MULTI', 'EXEC', ' ', '"', 'k'),
      maxLength: 60,
    }),
    fc
      .array(
        fc.constantFrom('SET', 'k', 'v', 'MULTI', 'EXEC', 'WATCH', 'EX', '10', 'INFO', 'HELLO', '3', 'QUIT'),
        {
          minLength: 1,
          maxLength: 6,
        },
      )
      .map((words) => request(...words)),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(noise, { minLength: 1, maxLength: 6 }), async (pieces) => {
      const client = await openSocket(gateway.port)
      for (const piece of pieces) client.send(piece)
      client.socket.end()
      await client.rest()
      expect(await bystander.ask(['PING'], '+PONG\r\n')).toBe('+PONG\r\n')
      expect(proposer.check()).toBeUndefined()
    }),
    { numRuns: 300 },
  )
  expect(gateway.connections).toBe(1)
})

const gone = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 20))
}

test('a request that stays incomplete and a reply that stays unread do not keep a connection', async () => {
  const gateway = await openGateway({ proposer: storeProposer(), stuckMillis: 150 })
  const slow = await openSocket(gateway.port)
  const silent = await openSocket(gateway.port)
  slow.send('*2\r\n$3\r\nGET\r\n$1000\r\n')
  // It goes on byte by byte, which does not help.
  const drip = setInterval(() => slow.socket.write('x'), 20)
  expect(await slow.rest()).toBe('')
  clearInterval(drip)
  const deaf = await openSocket(gateway.port)
  expect(await deaf.ask(['SET', 'k', 'x'.repeat(16_000)], '+OK\r\n')).toBe('+OK\r\n')
  deaf.socket.pause()
  deaf.send(request('GET', 'k').repeat(2_000))
  await gone(() => gateway.connections === 1)
  // One that has nothing under way may be silent.
  expect(await silent.ask(['PING'], '+PONG\r\n')).toBe('+PONG\r\n')
})

test('a silent client is let go only where that is asked for', async () => {
  const gateway = await openGateway({ proposer: storeProposer(), idleMillis: 100 })
  const silent = await openSocket(gateway.port)
  expect(await silent.ask(['PING'], '+PONG\r\n')).toBe('+PONG\r\n')
  expect(await silent.rest()).toBe('')
  await gone(() => gateway.connections === 0)
})
