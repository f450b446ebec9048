/** Harm to members in the machines of a testbed: to the machines themselves, to their network, and to single processes. */
import { RunError } from '../errors.js'
import type { KeeperRequest, Testbed } from '../testbed/index.js'
import type { Harm, Victim } from './harm.js'
import type { Pace } from './plan.js'

/**
 * Emulated machines wait for their processors: members are told to suspect nobody for a second (`suspectMicros`), and what
 * is done to them lasts for some of these.
 */
export const machinePace: Pace = {
  pauseMillis: [300, 3000],
  lastingMillis: [100, 5000],
  slownessMicros: [2_000, 20_000, 100_000, 400_000, 1_000_000],
  machineShare: 0.5,
  isolationShare: 0.5,
  lookMillis: 400,
  clientMillis: 4000,
  // A majority of machines may have to be booted in it, beside everything else that this computer does.
  patienceMillis: 240_000,
}

/** Member K runs in machine K. */
export function machineHarm(testbed: Testbed): Harm {
  const ask = async (request: KeeperRequest): Promise<void> => {
    await testbed.ask(request)
  }
  return {
    pace: machinePace,
    async kill(victims, what) {
      if (what === 'process') await Promise.all(victims.map((victim) => killInside(testbed, victim)))
      else await Promise.all(victims.map(({ member }) => ask({ op: 'kill', machine: member })))
    },
    async bringBack(members) {
      await Promise.all(members.map((machine) => ask({ op: 'start', machine })))
      await testbed.ready()
    },
    stop: ({ member }) => ask({ op: 'pause', machine: member }),
    resume: ({ member }) => ask({ op: 'resume', machine: member }),
    link: (from, to, isCut) => ask({ op: isCut ? 'cut' : 'heal', from, to }),
  }
}

/** Ends a process in a machine, if it is that of the member: nothing else is ever killed. */
async function killInside(testbed: Testbed, { member, pid }: Victim): Promise<void> {
  const isMember = `tr '\\0' ' ' < /proc/${String(pid)}/cmdline | grep -q -- ' --cluster .* --id ${String(member)} '`
  const { code, stderr, error } = await testbed.exec(member, [
    'sh',
    '-c',
    `${isMember} && kill -KILL ${String(pid)}`,
  ])
  if (code === 0) return
  const reason = error ?? stderr.trim()
  throw new RunError(
    `member ${String(member)}: process ${String(pid)} is no member of a cluster in machine ${String(member)}${reason === '' ? '' : `: ${reason}`}`,
    'name the testbed in whose machines the members run, and leave them alone meanwhile.',
  )
}
