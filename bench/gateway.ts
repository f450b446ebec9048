/**
 * The gateway beside an unreplicated Redis, in the same run: redis-benchmark against both, in turns. Behind the gateway
 * stands a store in the same process that applies at once, so this measures what the protocol and the store cost, and
 * no replication.
 *
 *     npx tsc -b bench && node dist/bench/gateway.js [requests] [rounds]
 *
 * Needs redis-server and redis-benchmark in the path. Prints the median of the rounds, in requests a second.
 */
import { execFileSync, fork, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startGateway } from '../runner/gateway/gateway.js'
import { Outcome, type Proposer } from '../runner/proposer.js'
import { store } from '../protocol/store/index.js'

const REDIS_PORT = 7391

/** A proposer that applies to a store in this process, at once. */
function directProposer(): Proposer {
  const application = store({
    slots: 131_072,
    arenaBytes: 64 * 1024 * 1024,
    operationBytes: 65_536,
    replyBytes: 65_536,
  })
  const state = application.layout.view(new DataView(new ArrayBuffer(application.layout.sizeBytes)))
  const reply = new Uint8Array(application.replyBytes)
  const replyView = new DataView(reply.buffer)
  const operation = new Uint8Array(application.operationBytes)
  const operationView = new DataView(operation.buffer)
  return {
    operationBytes: application.operationBytes,
    replyBytes: application.replyBytes,
    propose(bytes, length, ended) {
      operation.set(bytes.length === length ? bytes : bytes.subarray(0, length))
      const replied = application.apply(state, operationView, 0, length, replyView, 0)
      ended(Outcome.done, reply, replied)
    },
  }
}

/** Requests a second that redis-benchmark counts, by test. */
function measure(port: number, depth: number, requests: number): Readonly<Record<string, number>> {
  const args = [
    '-p',
    port,
    '-t',
    'set,get',
    '-c',
    50,
    '-P',
    depth,
    '-n',
    requests,
    '-r',
    100_000,
    '--csv',
  ].map(String)
  const output = execFileSync('redis-benchmark', args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const rates = [...output.matchAll(/^"(SET|GET)","([\d.]+)"/gm)].map(([, name, rate]) => [
    name!,
    Number(rate),
  ])
  return Object.fromEntries(rates) as Record<string, number>
}

async function listening(port: number): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    const socket = connect(port, '127.0.0.1')
    const isOpen = await new Promise((resolve) => {
      socket.once('connect', () => {
        resolve(true)
      })
      socket.once('error', () => {
        resolve(false)
      })
    })
    socket.destroy()
    if (isOpen === true) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`nothing listens at port ${String(port)}`)
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!

async function compare(requests: number, rounds: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'aviary-redis-'))
  const options = ['--port', String(REDIS_PORT), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
  const redis = spawn('redis-server', [...options, '--dir', folder], { stdio: 'ignore' })
  const gateway = fork(fileURLToPath(import.meta.url), ['serve'])
  try {
    const port = await new Promise<number>((resolve) => {
      gateway.once('message', (message) => {
        resolve(Number(message))
      })
    })
    await listening(REDIS_PORT)
    console.log('server | test | -P | requests a second, median | least | most')
    for (const depth of [1, 16]) {
      const rates = new Map<string, number[]>()
      for (let round = 0; round < rounds; round++) {
        for (const [server, at] of [
          ['redis', REDIS_PORT],
          ['gateway', port],
        ] as const) {
          for (const [test, rate] of Object.entries(measure(at, depth, requests))) {
            const key = `${server} | ${test}`
            rates.set(key, [...(rates.get(key) ?? []), rate])
          }
        }
      }
      for (const [key, all] of rates)
        console.log(
          [key, depth, ...[median(all), Math.min(...all), Math.max(...all)].map(Math.round)].join(' | '),
        )
    }
  } finally {
    gateway.kill()
    redis.kill()
    await new Promise((resolve) => redis.once('exit', resolve))
    rmSync(folder, { recursive: true, force: true })
  }
}

if (process.argv[2] === 'serve') {
  const { port } = await startGateway({ proposer: directProposer(), port: 0 })
  process.send?.(port)
} else await compare(Number(process.argv[2] ?? 200_000), Number(process.argv[3] ?? 3))
