/** Harm to members in the machines of a testbed: to the machines themselves, to their network, and to single processes. */
import type { KeeperRequest, Testbed } from '../testbed/index.js'
import type { Harm } from './harm.js'
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
  lookMillis: 400,
  clientMillis: 4000,
  // A majority of machines may have to be booted in it, beside everything else that this computer does.
  patienceMillis: 120_000,
}

/** @param killProcess ends the process of a member in its machine */
export function machineHarm(testbed: Testbed, killProcess: (member: number) => void): Harm {
  const ask = async (request: KeeperRequest): Promise<void> => {
    await testbed.ask(request)
  }
  return {
    pace: machinePace,
    async kill(victims, what) {
      if (what === 'process') for (const { member } of victims) killProcess(member)
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
