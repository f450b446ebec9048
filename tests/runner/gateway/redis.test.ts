// What the gateway answers is what Redis answered, byte for byte, but for the deviations listed here. The replies of Redis
// are recorded by scripts/record-redis.mjs.
import { readFileSync } from 'node:fs'
import { afterEach, expect, test } from 'vitest'
import { closeAll, openGateway, openSocket, request, storeProposer } from './support.js'
import { corpora, endOfReply } from './golden/corpus.mjs'

afterEach(closeAll)

/** Requests that may be answered otherwise, and why. */
const deviations: readonly { readonly why: string; readonly is: (words: readonly string[]) => boolean }[] = [
  {
    why: 'CLIENT SETINFO came with Redis 7.2; libraries send it when they connect',
    is: ([name, subcommand]) => name === 'CLIENT' && subcommand === 'SETINFO',
  },
]

/** The reply of HELLO says the number of the connection, which depends on how many there have been. */
const withoutId = (reply: string): string => reply.replace(/(\r\nid\r\n):\d+/, '$1:')

test.each(Object.keys(corpora))('as recorded: %s', async (name) => {
  const file = new URL(`golden/${name.replaceAll(/\W+/g, '-')}.jsonl`, import.meta.url)
  const recorded = readFileSync(file, 'utf8').trimEnd().split('\n')
  const steps = corpora[name]!()
  expect(recorded).toHaveLength(steps.length)
  const proposer = storeProposer()
  // It stands, so that a time to live is what it was set to, however slow this machine is.
  const now = Date.now()
  const { port } = await openGateway({ proposer, clock: () => now })
  const sockets = [await openSocket(port), await openSocket(port), await openSocket(port)]
  const received: string[] = ['', '', '']
  const differing: unknown[] = []
  for (const [k, { client, words }] of steps.entries()) {
    sockets[client]!.send(request(...words))
    while (endOfReply(received[client]!) < 0) {
      const more = await sockets[client]!.take(1)
      if (more === '') throw new Error(`closed after ${words.join(' ')}`)
      received[client]! += more
    }
    const reply = received[client]!
    received[client] = ''
    const expected = JSON.parse(recorded[k]!) as string
    if (withoutId(reply) !== withoutId(expected) && !deviations.some(({ is }) => is(words)))
      differing.push({ k, words, expected, reply })
  }
  expect(differing).toEqual([])
  expect(proposer.check()).toBeUndefined()
})
