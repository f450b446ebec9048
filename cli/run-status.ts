/** The state of a cluster as a table. */
import type { MemberStatus } from '../runner/index.js'
import { type Terminal, table } from './terminal.js'

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
    ...(hasService ? ['role', 'view', 'commit', 'applied', 'lag', 'under way', 'clients'] : []),
    'peers',
    'turns',
    'asleep',
  ]
  const newest = Math.max(0, ...statuses.map((each) => each?.service?.commit ?? 0))
  const rows = statuses.map((status, member) => {
    if (status === undefined) return [String(member), '', colours.red('no answer')]
    const { service, loop, peers } = status
    const there = peers.filter(({ control, fabric }) => control && fabric).length
    return [
      String(member),
      String(status.pid),
      status.state,
      String(status.incarnation ?? ''),
      ...(service === undefined
        ? hasService
          ? ['', '', '', '', '', '', '']
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
            service.clients ?? '',
          ]),
      `${String(there)}/${String(peers.length)}`,
      String(loop.turns),
      String(loop.sleeps),
    ]
  })
  return table([head.map((each) => colours.dim(each)), ...rows])
}

export function sayStatus(terminal: Terminal, statuses: readonly (MemberStatus | undefined)[]): void {
  terminal.say(statusTable(statuses, terminal))
}
