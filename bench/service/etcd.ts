/**
 * etcd as it is measured: embedded in a program, and Debian's server, put to over gRPC. Three members on loopback. The
 * programs are made by `bench/peers/build.mjs`.
 */
import { join } from 'node:path'
import { z } from 'zod'
import { freePorts } from '../../runner/free-ports.js'
import { findPeer } from '../peers/built.js'
import type { Scope } from '../scope.js'
import type { Contender, LeftOut, Setting } from './contender.js'

const READY_MILLIS = 60_000
const POLL_MILLIS = 50

const results = z.array(
  z.object({
    window: z.number(),
    commits: z.number(),
    millis: z.number(),
    p50: z.number(),
    p90: z.number(),
    p99: z.number(),
  }),
)
const status = z.object({
  header: z.object({ member_id: z.string() }),
  leader: z.string().default('0'),
})

interface MemberPlace {
  readonly name: string
  readonly folder: string
  readonly clientUrl: string
  readonly peerUrl: string
  readonly initialCluster: string
}

/** Those contenders that have been built, and why not the others. */
export function etcd(cache: string): {
  readonly contenders: readonly Contender[]
  readonly leftOut: readonly LeftOut[]
} {
  const embedding = findPeer(cache, 'etcd')
  const server = findPeer(cache, 'etcd-server')
  const contenders: Contender[] = []
  const leftOut: LeftOut[] = []
  if ('reason' in embedding) leftOut.push({ part: 'etcd, called from a program', reason: embedding.reason })
  else contenders.push(embedded(embedding.program, embedding.version))
  if ('reason' in server) leftOut.push({ part: 'etcd, through its client protocol', reason: server.reason })
  else if ('reason' in embedding)
    leftOut.push({
      part: 'etcd, through its client protocol',
      reason: `the client is part of the program that could not be had: ${embedding.reason}`,
    })
  else contenders.push(served(server.program, server.version, embedding.program))
  return { contenders, leftOut }
}

function embedded(program: string, version: string): Contender {
  return {
    system: 'etcd',
    boundary: 'program',
    version,
    manner: 'server/v3/embed, a process for each member, Put by v3client in the process of the leader',
    async measure(scope, setting) {
      const members = (await places(scope, setting)).map((place) => {
        const noFsync = setting.durability === 'memory'
        return scope.spawn([program, 'member', JSON.stringify({ ...place, noFsync, loads: setting.loads })])
      })
      // Only the leader says anything.
      return results.parse(JSON.parse(await Promise.race(members.map(({ firstLine }) => firstLine))))
    },
  }
}

function served(program: string, version: string, client: string): Contender {
  return {
    system: 'etcd',
    boundary: 'protocol',
    version,
    manner: "Debian's etcd-server, Put over gRPC to the leader, from a program in Go (client/v3)",
    async measure(scope, setting) {
      const all = await places(scope, setting)
      const members = all.map(({ name, folder, clientUrl, peerUrl, initialCluster }) =>
        scope.spawn([
          program,
          ...['--name', name],
          ...['--data-dir', folder],
          ...['--listen-client-urls', clientUrl],
          ...['--advertise-client-urls', clientUrl],
          ...['--listen-peer-urls', peerUrl],
          ...['--initial-advertise-peer-urls', peerUrl],
          ...['--initial-cluster', initialCluster],
          ...['--logger', 'zap', '--log-level', 'error'],
          ...(setting.durability === 'memory' ? ['--unsafe-no-fsync'] : []),
        ]),
      )
      const death = Promise.race(
        members.map(async ({ output }) => {
          await output
          throw new Error('a member of etcd has ended')
        }),
      )
      const endpoint = await Promise.race([leaderOf(all), death])
      const puts = scope.spawn([client, 'client', JSON.stringify({ endpoint, loads: setting.loads })])
      const line = await Promise.race([puts.output, death])
      if ((await leaderOf(all)) !== endpoint)
        throw new Error('another member of etcd has taken the lead while this one was measured')
      return results.parse(JSON.parse(line))
    },
  }
}

/** Members in a fresh folder, at ports that are free. */
async function places(scope: Scope, { folder, nodes }: Setting): Promise<readonly MemberPlace[]> {
  const own = scope.folder(folder)
  const ports = await freePorts(2 * nodes)
  const urls = ports.map((port) => `http://127.0.0.1:${String(port)}`)
  const initialCluster = Array.from({ length: nodes }, (_, k) => `m${String(k)}=${urls[nodes + k]!}`).join(
    ',',
  )
  return Array.from({ length: nodes }, (_, k) => ({
    name: `m${String(k)}`,
    folder: join(own, `member-${String(k)}`),
    clientUrl: urls[k]!,
    peerUrl: urls[nodes + k]!,
    initialCluster,
  }))
}

/** The address of the member that leads, when all agree that it does. */
async function leaderOf(members: readonly MemberPlace[]): Promise<string> {
  for (const end = performance.now() + READY_MILLIS; performance.now() < end;) {
    const known = await Promise.all(members.map(({ clientUrl }) => statusOf(clientUrl)))
    const leader = known[0]?.leader
    const isAgreed = leader !== undefined && leader !== '0' && known.every((each) => each?.leader === leader)
    const at = known.findIndex((each) => each?.header.member_id === leader)
    if (isAgreed && at >= 0) return members[at]!.clientUrl
    await new Promise((resolve) => setTimeout(resolve, POLL_MILLIS))
  }
  throw new Error(`etcd has no leader within ${String(READY_MILLIS / 1000)} s`)
}

async function statusOf(url: string): Promise<z.infer<typeof status> | undefined> {
  try {
    const response = await fetch(`${url}/v3/maintenance/status`, { method: 'POST', body: '{}' })
    return status.parse(await response.json())
  } catch {
    // It does not serve yet.
    return undefined
  }
}
