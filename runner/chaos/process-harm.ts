/** Harm to members that are processes on this machine and share its memory. */
import { readFileSync } from 'node:fs'
import type { Cluster } from '../cluster.js'
import { RunError } from '../errors.js'
import { askMember } from '../peers.js'
import type { Harm } from './harm.js'
import type { Pace } from './plan.js'

export const processPace: Pace = {
  pauseMillis: [150, 900],
  lastingMillis: [20, 1200],
  // From less than a heartbeat to more than what makes a leader suspect.
  slownessMicros: [100, 500, 2_000, 10_000, 30_000],
  machineShare: 0,
  isolationShare: 0,
  lookMillis: 60,
  clientMillis: 1000,
  patienceMillis: 30_000,
}

/** @param told that a member did not take what it was asked */
export function processHarm(cluster: Cluster, told: (text: string) => void): Harm {
  /** What is lost each way, of each pair of members: what an end does is told to it as a whole. */
  const cuts = new Set<string>()
  const isCut = (from: number, to: number): boolean => cuts.has(`${String(from)}>${String(to)}`)
  const impair = async (member: number, peer: number): Promise<void> => {
    try {
      // What goes one way are requests of the one side, and answers to requests of the other.
      await askMember(cluster, member, {
        kind: 'impair',
        peer,
        requests: isCut(member, peer),
        answers: isCut(peer, member),
      })
    } catch (error) {
      // A member that has just begun anew has nothing to take back.
      if (!(error instanceof RunError)) throw error
      told(`member ${String(member)} did not take it: ${error.message}`)
    }
  }
  return {
    pace: processPace,
    async kill(victims) {
      for (const { member, pid } of victims) signalMember(member, pid, 'SIGKILL')
    },
    bringBack: () => Promise.resolve(),
    async stop({ member, pid }) {
      signalMember(member, pid, 'SIGSTOP')
    },
    async resume({ member, pid }) {
      signalMember(member, pid, 'SIGCONT')
    },
    async link(from, to, isLost) {
      if (isLost) cuts.add(`${String(from)}>${String(to)}`)
      else cuts.delete(`${String(from)}>${String(to)}`)
      await Promise.all([impair(from, to), impair(to, from)])
    },
  }
}

/**
 * Sends a signal to the process of a member. Throws {@link RunError} where the number belongs to no member of a cluster
 * on this machine: nothing else is ever killed.
 */
export function signalMember(member: number, pid: number, signal: NodeJS.Signals): void {
  let words: readonly string[] = []
  try {
    words = readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8').split('\0')
  } catch {
    // It has ended by itself.
  }
  const at = words.indexOf('--id')
  if (at < 0 || words[at + 1] !== String(member) || !words.includes('--cluster'))
    throw new RunError(
      `member ${String(member)}: process ${String(pid)} is no member of a cluster on this machine`,
      'run chaos on the machine where the members run, and leave them alone meanwhile.',
    )
  process.kill(pid, signal)
}
