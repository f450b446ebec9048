/**
 * The gateway beside an unreplicated Redis, in the same run: redis-benchmark against both, in turns. Behind the gateway
 * stands a store in the same process that applies at once, so this measures what the protocol and the store cost, and
 * no replication.
 *
 *     npx tsc -b bench && node dist/bench/gateway.js [requests] [rounds]
 *
 * Needs redis-server and redis-benchmark in the path. Prints the median of the rounds, in requests a second.
 */
import { fileURLToPath } from 'node:url'
import { startGateway } from '../runner/gateway/gateway.js'
import { Outcome, type Proposer } from '../runner/proposer.js'
import { store } from '../protocol/store/index.js'
import { scoped } from './scope.js'
import { median } from './median.js'
import { redisBenchmark, startRedis } from './service/redis-benchmark.js'

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

async function compare(requests: number, rounds: number): Promise<void> {
  await scoped(async (scope) => {
    const redis = await startRedis(scope)
    const gateway = scope.spawn([process.execPath, fileURLToPath(import.meta.url), 'serve'])
    const own = Number(await gateway.firstLine)
    console.log('server | test | -P | requests a second, median | least | most')
    for (const pipeline of [1, 16]) {
      const rates = new Map<string, number[]>()
      for (let round = 0; round < rounds; round++) {
        for (const [server, port] of [
          ['redis', redis],
          ['gateway', own],
        ] as const) {
          const figures = await redisBenchmark(scope, { port, pipeline, requests, keys: 100_000 })
          for (const [test, { perSecond }] of figures) {
            const key = `${server} | ${test}`
            rates.set(key, [...(rates.get(key) ?? []), perSecond])
          }
        }
      }
      for (const [key, all] of rates)
        console.log(
          [key, pipeline, ...[median(all), Math.min(...all), Math.max(...all)].map(Math.round)].join(' | '),
        )
    }
  })
}

if (process.argv[2] === 'serve') {
  const { port } = await startGateway({ proposer: directProposer(), port: 0 })
  console.log(port)
} else await compare(Number(process.argv[2] ?? 200_000), Number(process.argv[3] ?? 3))
