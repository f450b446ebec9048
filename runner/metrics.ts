/** What a member says of itself, for Prometheus: text over HTTP, at an address of its own. */
import { type Server, createServer } from 'node:http'
import { Gauge, Registry } from 'prom-client'
import type { Address } from './cluster.js'
import type { MemberStatus } from './status.js'

type Reading = (status: MemberStatus) => number | undefined

const readings: Readonly<Record<string, readonly [help: string, read: Reading]>> = {
  aviary_running: ['1 while the core runs', ({ state }) => (state === 'running' ? 1 : 0)],
  aviary_incarnation: ['how often the core has been started before', ({ incarnation }) => incarnation],
  aviary_leader: ['1 while this member leads', ({ service }) => service && (service.leads ? 1 : 0)],
  aviary_member: ['1 while this member may vote', ({ service }) => service && (service.isMember ? 1 : 0)],
  aviary_view: ['the view', ({ service }) => service?.view],
  aviary_commit_index: ['last entry known to be committed', ({ service }) => service?.commit],
  aviary_applied_index: ['last entry applied', ({ service }) => service?.applied],
  aviary_operations_ended: [
    'operations of callers of this member that have ended',
    ({ service }) => service?.ended,
  ],
  aviary_operations_under_way: [
    'operations of callers of this member under way',
    ({ service }) => service?.underWay,
  ],
  aviary_latency_p50_seconds: [
    'of the last thousand operations, in the thread of the core',
    ({ service }) => service && service.latency.p50 / 1e6,
  ],
  aviary_latency_p99_seconds: [
    'of the last thousand operations, in the thread of the core',
    ({ service }) => service && service.latency.p99 / 1e6,
  ],
  aviary_turns: ['rounds of the loop', ({ loop }) => loop.turns],
  aviary_sleeps: ['times that the loop has slept', ({ loop }) => loop.sleeps],
  aviary_mail_dropped: ['messages between members that found no way', ({ dropped }) => dropped],
  aviary_memory_moves: [
    'times that memory has moved away from a stopped writer',
    ({ relocations }) => relocations,
  ],
}

/** Serves `/metrics`. Rejects with the reason when the address cannot be had. */
export async function serveMetrics({ host, port }: Address, status: () => MemberStatus): Promise<Server> {
  const registry = new Registry()
  const gauges = Object.entries(readings).map(
    ([name, [help, read]]) => [new Gauge({ name, help, registers: [registry] }), read] as const,
  )
  const server = createServer((request, response) => {
    if (request.method !== 'GET' || request.url !== '/metrics') {
      response.writeHead(404).end('GET /metrics\n')
      return
    }
    const now = status()
    registry.setDefaultLabels({ cluster: now.cluster, member: String(now.member) })
    for (const [gauge, read] of gauges) {
      const value = read(now)
      if (value !== undefined) gauge.set(value)
    }
    void registry.metrics().then((text) => {
      response.writeHead(200, { 'content-type': registry.contentType }).end(text)
    })
  })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      resolve(server)
    })
  })
}
