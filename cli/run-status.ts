/** The state of a cluster as a table. */
import type { MemberStatus } from '../runner/index.js'
import { type Terminal, table } from './terminal.js'

const serviceHead = ['role', 'view', 'commit', 'applied', 'lag', 'under way', 'p50/p99 µs', 'clients']

/** As short as in the manual page of `ibv_modify_qp`. */
const endWords: Readonly<Record<string, string>> = {
  reset: 'RESET',
  init: 'INIT',
  readyToReceive: 'RTR',
  readyToSend: 'RTS',
  drained: 'SQD',
  error: 'ERR',
}

/** `1:RTS,RTS`: the states of the queue pairs to member 1, the core's first, the runner's own last. */
function pairsOf({ member, control, fabric, queuePairs }: MemberStatus['peers'][number]): string {
  const states = queuePairs.map((state) => endWords[state] ?? state)
  return `${String(member)}:${fabric ? states.join() : 'gone'}${control ? '' : '!'}`
}

const micros = (value: number): string => (value < 10 ? value.toFixed(1) : String(Math.round(value)))

export function statusTable(
  statuses: readonly (MemberStatus | undefined)[],
  { colours }: Pick<Terminal, 'colours'>,
): string {
  const hasService = statuses.some((each) => each?.service !== undefined)
  const head = [
    'member',
    'pid',
    'state',
    'life',
    ...(hasService ? serviceHead : []),
    'queue pairs',
    'turns',
    'asleep',
  ]
  const newest = Math.max(0, ...statuses.map((each) => each?.service?.commit ?? 0))
  const rows = statuses.map((status, member) => {
    if (status === undefined) return [String(member), '', colours.red('no answer')]
    const { service, loop, peers } = status
    return [
      String(member),
      String(status.pid),
      status.state,
      String(status.incarnation ?? ''),
      ...(service === undefined
        ? hasService
          ? serviceHead.map(() => '')
          : []
        : [
            service.leads
              ? colours.green('leader')
              : service.isMember
                ? 'follower'
                : colours.yellow('recovering'),
            String(service.view),
            String(service.commit),
            String(service.applied),
            String(newest - service.applied),
            String(service.underWay),
            `${micros(service.latency.p50)}/${micros(service.latency.p99)}`,
            service.clients ?? '',
          ]),
      peers.map(pairsOf).join('  '),
      String(loop.turns),
      String(loop.sleeps),
    ]
  })
  return table([head.map((each) => colours.dim(each)), ...rows])
}

export function sayStatus(terminal: Terminal, statuses: readonly (MemberStatus | undefined)[]): void {
  terminal.say(statusTable(statuses, terminal))
}
