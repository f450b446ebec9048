/** The text of INFO. */
import { REDIS_VERSION, type InfoSection, type Shared, type StoreTotals } from './session.js'

/** The sections asked for, of the gateway and of whoever runs it; `keyspace` only where the store could be asked. */
export function infoText(shared: Shared, asked: readonly string[], totals: StoreTotals | undefined): string {
  const { counters } = shared
  const upSeconds = Math.floor((Date.now() - counters.startedAt) / 1000)
  const given = shared.info?.() ?? {}
  const own: Record<string, InfoSection> = {
    server: {
      redis_version: REDIS_VERSION,
      redis_mode: 'standalone',
      server_name: 'aviary',
      process_id: process.pid,
      tcp_port: shared.port(),
      uptime_in_seconds: upSeconds,
      uptime_in_days: Math.floor(upSeconds / 86_400),
    },
    clients: { connected_clients: counters.connections, maxclients: shared.mostClients },
    memory: {
      used_memory: process.memoryUsage.rss(),
      ...(totals === undefined ? {} : { used_memory_dataset: totals[2], maxmemory: totals[3] }),
      maxmemory_policy: 'noeviction',
    },
    stats: {
      total_connections_received: counters.connectionsEver,
      total_commands_processed: counters.commands,
      rejected_connections: counters.connectionsRefused,
      proposals: counters.proposals,
      proposals_refused: counters.refused,
      proposals_unknown: counters.unknown,
    },
    replication: {},
    keyspace:
      totals === undefined || totals[0] === 0
        ? {}
        : { db0: `keys=${totals[0]},expires=${totals[1]},avg_ttl=0` },
  }
  const names = [...new Set([...Object.keys(own), ...Object.keys(given)])]
  const isWanted = (name: string): boolean =>
    asked.length === 0 || asked.some((each) => [name, 'all', 'default', 'everything'].includes(each))
  return names
    .filter(isWanted)
    .map((name) => {
      const lines = Object.entries({ ...own[name], ...given[name] }).map(
        ([key, value]) => `${key}:${value}\r\n`,
      )
      return `# ${name.slice(0, 1).toUpperCase()}${name.slice(1)}\r\n${lines.join('')}`
    })
    .join('\r\n')
}
