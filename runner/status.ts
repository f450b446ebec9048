/** What a member says of itself to whoever asks: plain data. */
import { endStates } from '../native/index.js'
import { type ServiceModel, Standing, type SystemDefinition } from '../protocol/index.js'
import type { Cluster } from './cluster.js'
import { Gauge } from './order.js'

export interface MemberStatus {
  readonly cluster: string
  readonly system: string
  readonly member: number
  readonly pid: number
  readonly state: string
  readonly reason: string | undefined
  readonly incarnation: number | undefined
  /** Absent for systems without a service. */
  readonly service:
    | {
        readonly leads: boolean
        readonly leader: number
        readonly isMember: boolean
        readonly view: number
        readonly commit: number
        readonly applied: number
        readonly end: number
        readonly durability: string
        readonly clients: string | undefined
        readonly ended: number
        readonly underWay: number
        /** Microseconds from proposal to end in the thread of the core, of the last thousand operations of this member. */
        readonly latency: { readonly p50: number; readonly p99: number; readonly most: number }
      }
    | undefined
  readonly loop: {
    readonly turns: number
    readonly busy: number
    readonly sleeps: number
    readonly inputs: number
  }
  readonly dropped: number
  readonly relocations: number
  /** Of each other member: whether its control connection and its fabric are there. */
  readonly peers: readonly {
    readonly member: number
    readonly control: boolean
    readonly fabric: boolean
    /** States of the own ends of the queue pairs to it, the core's first, the runner's own last. */
    readonly queuePairs: readonly string[]
  }[]
}

export function statusOf(of: {
  readonly cluster: Cluster
  readonly self: number
  readonly definition: SystemDefinition
  readonly service: ServiceModel | undefined
  readonly state: string
  readonly reason: string | undefined
  readonly incarnation: number | undefined
  readonly gauges: Float64Array
  readonly met: readonly boolean[]
  readonly pairsPerPeer: number
}): MemberStatus {
  const { cluster, self, gauges, service } = of
  const standing = (index: number): number => gauges[Gauge.standing + index]!
  const clients = cluster.members[self]!.clients
  return {
    cluster: cluster.name,
    system: of.definition.name,
    member: self,
    pid: process.pid,
    state: of.state,
    reason: of.reason,
    incarnation: of.incarnation,
    service:
      service === undefined
        ? undefined
        : {
            leads: standing(Standing.leads) === 1,
            leader: standing(Standing.leader),
            isMember: standing(Standing.isMember) === 1,
            view: standing(Standing.view),
            commit: standing(Standing.commit),
            applied: standing(Standing.applied),
            end: standing(Standing.end),
            durability: service.durability,
            clients: clients === undefined ? undefined : `${clients.host}:${String(clients.port)}`,
            ended: gauges[Gauge.ended]!,
            underWay: gauges[Gauge.underWay]!,
            latency: {
              p50: gauges[Gauge.latencyP50]!,
              p99: gauges[Gauge.latencyP99]!,
              most: gauges[Gauge.latencyMost]!,
            },
          },
    loop: {
      turns: gauges[Gauge.turns]!,
      busy: gauges[Gauge.busyTurns]!,
      sleeps: gauges[Gauge.sleeps]!,
      inputs: gauges[Gauge.inputs]!,
    },
    dropped: gauges[Gauge.dropped]!,
    relocations: gauges[Gauge.relocations]!,
    peers: cluster.members
      .map((_, member) => ({
        member,
        control: of.met[member]!,
        fabric: gauges[Gauge.peers + member] === 1,
        queuePairs: Array.from(
          { length: of.pairsPerPeer },
          (_, pair) => endStates[Math.floor(gauges[Gauge.pairs + member]! / 8 ** pair) % 8]!,
        ),
      }))
      .filter(({ member }) => member !== self),
  }
}
