// Records what a real Redis answers to the corpus of tests/runner/gateway/golden, for tests that compare the gateway with
// it byte for byte. Needs redis-server in the path: node scripts/record-redis.mjs
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { corpora, endOfReply } from '../tests/runner/gateway/golden/corpus.mjs'

const port = Number(process.argv[2] ?? 7390)
const folder = mkdtempSync(join(tmpdir(), 'aviary-redis-'))
const options = [
  '--port',
  String(port),
  '--bind',
  '127.0.0.1',
  '--save',
  '',
  '--appendonly',
  'no',
  '--dir',
  folder,
]
const server = spawn('redis-server', options, { stdio: 'ignore' })

const delay = (millis) => new Promise((resolve) => setTimeout(resolve, millis))

/** A client that sends a request and gives back the whole reply, one character a byte. */
async function openClient() {
  for (let tries = 0; ; tries++) {
    const socket = connect(port, '127.0.0.1')
    const isOpen = await new Promise((resolve) => {
      socket.once('connect', () => resolve(true))
      socket.once('error', () => resolve(false))
    })
    if (!isOpen) {
      if (tries === 50) throw new Error('redis-server does not answer')
      await delay(100)
      continue
    }
    let text = ''
    let wake = () => undefined
    socket.on('data', (piece) => {
      text += piece.toString('latin1')
      wake()
    })
    const ask = async (words) => {
      const request = words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')
      socket.write(`*${words.length}\r\n${request}`, 'latin1')
      while (endOfReply(text) < 0) await new Promise((resolve) => (wake = resolve))
      const reply = text.slice(0, endOfReply(text))
      text = text.slice(reply.length)
      return reply
    }
    return { ask, close: () => socket.destroy() }
  }
}

try {
  for (const [name, steps] of Object.entries(corpora)) {
    const clients = [await openClient(), await openClient(), await openClient()]
    await clients[0].ask(['FLUSHALL'])
    const replies = []
    for (const { client, words } of steps()) replies.push(await clients[client].ask(words))
    for (const client of clients) client.close()
    const file = join(
      fileURLToPath(new URL('..', import.meta.url)),
      'tests/runner/gateway/golden',
      `${fileOf(name)}`,
    )
    writeFileSync(file, replies.map((reply) => `${JSON.stringify(reply)}\n`).join(''))
    console.log(`${name}: ${replies.length} replies`)
  }
} finally {
  server.kill()
  await new Promise((resolve) => server.once('exit', resolve))
  rmSync(folder, { recursive: true, force: true })
}

function fileOf(name) {
  return `${name.replaceAll(/\W+/g, '-')}.jsonl`
}
